"""Refunds that did not arrive, and refunds that somebody made at a gateway by hand."""

from datetime import datetime
from typing import Any
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


class ForeignRefund(msgspec.Struct, frozen=True):
    """A refund that a gateway told of and nobody asked for here: our books do not have it."""

    id: int
    at: datetime
    payment_id: UUID
    gateway: str
    payment_ref: str | None
    currency: str
    amount_minor: int
    state: str
    orders: list[dict[str, Any]]  # what the payment paid: store_id, order_id, number


FOREIGN = text("""
    SELECT e.id, e.at, p.id AS payment_id, p.gateway, p.gateway_ref AS payment_ref,
      e.facts ->> 'currency' AS currency, (e.facts ->> 'amount_minor')::bigint AS amount_minor,
      e.facts ->> 'state' AS state,
      COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
          'store_id', o.store_id, 'order_id', o.id, 'number', o.number) ORDER BY o.number)
        FROM payment_parts x JOIN orders o ON o.store_id = x.store_id AND o.id = x.order_id
        WHERE x.payment_id = p.id
      ), '[]') AS orders
    FROM events e JOIN payments p ON p.id = e.subject_id
    WHERE e.kind = 'payment.foreign_refund' AND (CAST(:before AS bigint) IS NULL OR e.id < :before)
    ORDER BY e.id DESC LIMIT :most
""")


async def foreign_refund_rows(
    conn: AsyncConnection, *, before: int | None, most: int
) -> list[ForeignRefund]:
    """The newest first."""
    found = await conn.execute(FOREIGN, {"before": before, "most": most})
    return [ForeignRefund(**row) for row in found.mappings()]
