"""All orders of the platform, searched and paged."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class OrderRow(msgspec.Struct, frozen=True):
    store_id: UUID
    id: UUID
    number: str
    state: str
    currency: str
    total_minor: int
    placed_at: datetime
    origin: str
    buyer: str | None
    store_zh: str
    store_en: str


ORDERS = text("""
    SELECT o.store_id, o.id, o.number, o.state, o.currency::text, o.total_minor, o.placed_at,
      o.origin, p.name AS buyer, s.name_zh AS store_zh, s.name_en AS store_en
    FROM orders o JOIN stores s ON s.id = o.store_id
    LEFT JOIN people p ON p.id = o.buyer_id
    WHERE (:state = '' OR o.state = :state)
      AND (:words = '' OR o.number = :words OR p.name = :words)
      AND (:code = '' OR s.code = :code)
      AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (o.placed_at, o.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY o.placed_at DESC, o.id DESC LIMIT :most
""")


async def order_rows(
    conn: AsyncConnection,
    *,
    state: str,
    words: str,
    store_code: str,
    since: datetime | None,
    until: datetime | None,
    before: tuple[datetime, UUID] | None,
    most: int,
) -> list[OrderRow]:
    """The newest first, from before (instant, id) on; empty filters match all. words: an order's
    number or its buyer's name; half-open `since` to `until` is when they were placed."""
    at, order_id = before or (None, None)
    where = {"state": state, "words": words, "code": store_code, "since": since, "until": until}
    page = {"before_at": at, "before_id": order_id, "most": most}
    return [OrderRow(**row) for row in (await conn.execute(ORDERS, where | page)).mappings()]


async def store_names(conn: AsyncConnection) -> Sequence[Any]:
    """Every store with `code`, `name_zh`, `name_en`, by code."""
    found = await conn.execute(text("SELECT code, name_zh, name_en FROM stores ORDER BY code"))
    return found.all()
