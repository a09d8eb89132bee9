"""Whose an account is, and the money that nobody waits for."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PLATFORM_BOOK


class Named(msgspec.Struct, frozen=True):
    """The name of an owner or a book, in both languages; empty for the platform itself."""

    name_zh: str
    name_en: str


NAMES = text("""
    SELECT id, name_zh, name_en FROM stores WHERE id = ANY(CAST(:ids AS uuid[]))
    UNION ALL
    SELECT id, name, name_en FROM organisations WHERE id = ANY(CAST(:ids AS uuid[]))
""")


async def names_of(conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Named]:
    """Stores and organisations by id; the platform has no name of its own here."""
    found = await conn.execute(NAMES, {"ids": list(set(ids) - {PLATFORM_BOOK})})
    return {row.id: Named(row.name_zh, row.name_en) for row in found}


class Unallocated(msgspec.Struct, frozen=True):
    """Money that came in and that no order waits for. `reason` says why."""

    id: UUID
    gateway: str
    gateway_ref: str
    order_id: UUID | None
    order_number: str | None
    store_id: UUID | None
    currency: str
    amount_minor: int
    reason: str
    arrived_at: datetime
    resolved_at: datetime | None
    resolution: str | None
    resolver: str | None
    note: str

    def is_over(self) -> bool:
        """Nothing can be decided about it any more."""
        return self.resolution in ("sent_back", "matched")


UNALLOCATED = text("""
    SELECT u.id, u.gateway, u.gateway_ref, u.order_id, o.number AS order_number, o.store_id,
      u.currency::text, u.amount_minor, u.reason, u.arrived_at, u.resolved_at, u.resolution,
      p.name AS resolver, u.note
    FROM unallocated_money u
    LEFT JOIN payment_parts x ON x.payment_id = u.payment_id AND x.order_id = u.order_id
    LEFT JOIN orders o ON o.store_id = x.store_id AND o.id = x.order_id
    LEFT JOIN people p ON p.id = u.resolved_by
    WHERE (u.resolved_at IS NULL) = :is_open
      AND (CAST(:before AS timestamptz) IS NULL OR u.arrived_at < :before)
    ORDER BY u.arrived_at DESC, u.id LIMIT :most
""")


async def unallocated_money(
    conn: AsyncConnection, *, is_open: bool, before: datetime | None, most: int
) -> list[Unallocated]:
    """The newest first."""
    where = {"is_open": is_open, "before": before, "most": most}
    return [Unallocated(**row) for row in (await conn.execute(UNALLOCATED, where)).mappings()]


async def stray_money(conn: AsyncConnection, *, unallocated_id: UUID) -> Any:
    """Money that nobody waited for, with who paid it where that is known. Raises NotFound."""
    found = await conn.execute(
        text("""
            SELECT u.id, u.currency::text, u.amount_minor, u.payment_id, u.resolved_at,
              u.resolution, p.payer_id, p.state AS payment_state
            FROM unallocated_money u LEFT JOIN payments p ON p.id = u.payment_id
            WHERE u.id = :id
        """),
        {"id": unallocated_id},
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row


class Payable(msgspec.Struct, frozen=True):
    """An order that this money could pay: its payer's, of its amount, waiting."""

    unallocated_id: UUID
    store_id: UUID
    order_id: UUID
    number: str
    store_zh: str
    store_en: str
    pay_by: datetime


async def payable_orders(
    conn: AsyncConnection, ids: Iterable[UUID], *, at: datetime
) -> dict[UUID, list[Payable]]:
    """The waiting orders that each of this money could pay, the first to close first."""
    found = await conn.execute(
        text("""
            SELECT u.id AS unallocated_id, o.store_id, o.id AS order_id, o.number,
              s.name_zh AS store_zh, s.name_en AS store_en, o.pay_by
            FROM unallocated_money u
            JOIN payments p ON p.id = u.payment_id AND p.state = 'captured'
            JOIN orders o ON o.buyer_id = p.payer_id AND o.state = 'placed'
              AND o.currency = u.currency AND o.total_minor = u.amount_minor AND o.pay_by > :at
            JOIN stores s ON s.id = o.store_id
            WHERE u.id = ANY(CAST(:ids AS uuid[])) ORDER BY o.pay_by, o.id
        """),
        {"ids": list(ids), "at": at},
    )
    orders: dict[UUID, list[Payable]] = {}
    for row in found.mappings():
        orders.setdefault(row["unallocated_id"], []).append(Payable(**row))
    return orders


async def unallocated_to_send(conn: AsyncConnection, *, unallocated_id: UUID) -> Any | None:
    """Money that an operator has decided to send back, with its name at the gateway."""
    found = await conn.execute(
        text("""
            SELECT id, gateway, gateway_ref, amount_minor, currency::text FROM unallocated_money
            WHERE id = :id AND resolution = 'sent_back'
        """),
        {"id": unallocated_id},
    )
    return found.one_or_none()
