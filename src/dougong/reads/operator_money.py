"""Whose an account is, and the money that nobody waits for."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

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
