"""Refunds that did not arrive, and refunds that somebody made at a gateway by hand."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class FailedRefund(msgspec.Struct, frozen=True):
    """A refund whose last attempt has failed at its gateway, and why in the gateway's words."""

    id: UUID
    store_id: UUID
    store_zh: str
    store_en: str
    order_id: UUID
    order_number: str
    gateway: str
    payment_ref: str | None
    currency: str
    amount_minor: int
    reason: str
    attempt: int
    failure: str
    asked_at: datetime
    failed_at: datetime


FAILED = text("""
    SELECT r.id, r.store_id, COALESCE(s.name_zh, '') AS store_zh,
      COALESCE(s.name_en, '') AS store_en, r.order_id, COALESCE(o.number, '') AS order_number,
      p.gateway, p.gateway_ref AS payment_ref, r.currency::text,
      r.amount_minor, r.reason, r.attempt, COALESCE(r.failure, '') AS failure, r.asked_at,
      r.failed_at
    FROM refunds r
    LEFT JOIN orders o ON o.store_id = r.store_id AND o.id = r.order_id
    LEFT JOIN stores s ON s.id = r.store_id
    JOIN payments p ON p.id = r.payment_id
    WHERE r.state = 'failed' AND (CAST(:before_at AS timestamptz) IS NULL
      OR (r.failed_at, r.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY r.failed_at DESC, r.id DESC LIMIT :most
""")


async def failed_refund_rows(
    conn: AsyncConnection, *, before: tuple[datetime, UUID] | None, most: int
) -> list[FailedRefund]:
    """What failed last first."""
    before_at, before_id = before or (None, None)
    where = {"before_at": before_at, "before_id": before_id, "most": most}
    return [FailedRefund(**row) for row in (await conn.execute(FAILED, where)).mappings()]


class OrderOfPayment(msgspec.Struct, frozen=True):
    """An order that a payment paid, and how much of its money has not been refunded."""

    store_id: UUID
    order_id: UUID
    number: str
    left_minor: int


class ForeignRefund(msgspec.Struct, frozen=True):
    """A refund that a gateway told of and nobody asked for here, and what was decided about it.

    `refunded_order`: the number of the order that it was booked to, where it was.
    """

    id: UUID
    told_at: datetime
    gateway: str
    payment_ref: str | None
    refund_ref: str
    currency: str
    amount_minor: int
    failed_at: datetime | None
    settled_at: datetime | None
    settled_by: str | None
    note: str
    refunded_store: UUID | None
    refunded_id: UUID | None
    refunded_order: str | None
    orders: list[OrderOfPayment]


FOREIGN = text("""
    SELECT f.id, f.told_at, p.gateway, p.gateway_ref AS payment_ref, f.gateway_ref AS refund_ref,
      f.currency::text, f.amount_minor, f.failed_at, f.settled_at, who.name AS settled_by, f.note,
      r.store_id AS refunded_store, r.order_id AS refunded_id, ro.number AS refunded_order,
      COALESCE((
        SELECT jsonb_agg(jsonb_build_object('store_id', o.store_id, 'order_id', o.id,
          'number', o.number, 'left_minor', l.left_minor) ORDER BY o.number)
        FROM payment_parts x JOIN orders o ON o.store_id = x.store_id AND o.id = x.order_id
        CROSS JOIN LATERAL (
          SELECT SUM(paid_minor - refunded_minor)::bigint AS left_minor FROM order_lines
          WHERE store_id = o.store_id AND order_id = o.id
        ) l
        WHERE x.payment_id = p.id AND x.outcome = 'allocated'
      ), '[]') AS orders
    FROM foreign_refunds f JOIN payments p ON p.id = f.payment_id
    LEFT JOIN people who ON who.id = f.settled_by
    LEFT JOIN refunds r ON r.store_id = f.store_id AND r.id = f.refund_id
    LEFT JOIN orders ro ON ro.store_id = r.store_id AND ro.id = r.order_id
    WHERE (f.settled_at IS NULL AND f.failed_at IS NULL) = :is_open
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (f.told_at, f.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY f.told_at DESC, f.id DESC LIMIT :most
""")


async def foreign_refund_rows(
    conn: AsyncConnection, *, is_open: bool, before: tuple[datetime, UUID] | None, most: int
) -> list[ForeignRefund]:
    """Those to decide about, or those that were decided about or have failed; the newest first."""
    before_at, before_id = before or (None, None)
    where = {"is_open": is_open, "before_at": before_at, "before_id": before_id, "most": most}
    found = await conn.execute(FOREIGN, where)
    return [msgspec.convert(dict(row), ForeignRefund) for row in found.mappings()]


async def count_foreign_open(conn: AsyncConnection) -> int:
    """How many wait for a decision."""
    found = text("""
        SELECT count(*) FROM foreign_refunds WHERE settled_at IS NULL AND failed_at IS NULL
    """)
    return int(await conn.scalar(found) or 0)
