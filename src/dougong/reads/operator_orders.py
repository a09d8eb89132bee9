"""All orders of the platform, searched and paged.

A page is read from each store's own index and merged, so that it costs what it shows and not what
the platform has sold.
"""

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


# Each store's newest, then the newest of those.
NEWEST = text("""
    WITH page AS (
      SELECT s.id AS store_id, n.id, n.placed_at
      FROM stores s CROSS JOIN LATERAL (
        SELECT o.id, o.placed_at FROM orders o
        WHERE o.store_id = s.id
          AND (:state = '' OR o.state = :state)
          AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
          AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
          AND (CAST(:before_at AS timestamptz) IS NULL
            OR (o.placed_at, o.id) < (:before_at, CAST(:before_id AS uuid)))
        ORDER BY o.placed_at DESC, o.id DESC LIMIT :most) n
      WHERE (:code = '' OR s.code = :code)
      ORDER BY n.placed_at DESC, n.id DESC LIMIT :most
    )
    SELECT o.store_id, o.id, o.number, o.state, o.currency::text, o.total_minor, o.placed_at,
      o.origin, p.name AS buyer, s.name_zh AS store_zh, s.name_en AS store_en
    FROM page JOIN orders o ON o.store_id = page.store_id AND o.id = page.id
    JOIN stores s ON s.id = o.store_id
    LEFT JOIN people p ON p.id = o.buyer_id
    ORDER BY page.placed_at DESC, page.id DESC
""")

# By an order's number or its buyer's name.
FOUND = text("""
    WITH found AS (
      SELECT o.store_id, o.id FROM stores s
      JOIN orders o ON o.store_id = s.id AND o.number = :words
      UNION
      SELECT o.store_id, o.id FROM people p JOIN orders o ON o.buyer_id = p.id
      WHERE p.name = :words
    )
    SELECT o.store_id, o.id, o.number, o.state, o.currency::text, o.total_minor, o.placed_at,
      o.origin, p.name AS buyer, s.name_zh AS store_zh, s.name_en AS store_en
    FROM found JOIN orders o ON o.store_id = found.store_id AND o.id = found.id
    JOIN stores s ON s.id = o.store_id
    LEFT JOIN people p ON p.id = o.buyer_id
    WHERE (:state = '' OR o.state = :state)
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
    where = {"state": state, "code": store_code, "since": since, "until": until}
    page = {"before_at": at, "before_id": order_id, "most": most}
    if words:
        rows = await conn.execute(FOUND, where | page | {"words": words})
    else:
        rows = await conn.execute(NEWEST, where | page)
    return [OrderRow(**row) for row in rows.mappings()]


async def store_names(conn: AsyncConnection) -> Sequence[Any]:
    """Every store with `code`, `name_zh`, `name_en`, by code."""
    found = await conn.execute(text("SELECT code, name_zh, name_en FROM stores ORDER BY code"))
    return found.all()
