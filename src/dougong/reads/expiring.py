"""Batches by how long they may still be sold, and what a delivery must name of its lots."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId

SOON_DAYS = 30
EARLIEST, FIRST = date(1, 1, 1), UUID(int=0)

# `sold_until`: the last day of sale, without terms of its category the day it expires; `free`: what
# could leave now, because no order was promised it and no warehouse has set it aside.
EXPIRING = text("""
    SELECT * FROM (
      SELECT b.id, b.sku_id, k.code, k.options, p.title_zh, p.title_en, w.code AS warehouse,
        w.name_zh, w.name_en, b.lot, b.expires_on, b.on_hand,
        b.expires_on - coalesce(t.days, 0) AS sold_until,
        greatest(0, least(b.on_hand, l.on_hand - l.allocated, s.on_hand - s.reserved)) AS free
      FROM stock_batches b
      JOIN warehouses w ON w.store_id = b.store_id AND w.id = b.warehouse_id
      JOIN skus k ON k.store_id = b.store_id AND k.id = b.sku_id
      JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
      JOIN stock s ON s.store_id = b.store_id AND s.sku_id = b.sku_id
      JOIN stock_levels l ON l.store_id = b.store_id AND l.sku_id = b.sku_id
        AND l.warehouse_id = b.warehouse_id
      CROSS JOIN LATERAL (SELECT sell_until_days(p.category, :at) AS days) t
      WHERE b.store_id = :store_id AND b.on_hand > 0 AND b.expires_on IS NOT NULL
    ) AS b
    WHERE sold_until <= CAST(:until AS date)
      AND (sold_until, id) > (CAST(:after_day AS date), CAST(:after_id AS uuid))
    ORDER BY sold_until, id LIMIT :most
""")

NEEDED = text("""
    SELECT l.line_no, sell_until_days(p.category, :at) AS days
    FROM purchase_lines l
    JOIN skus k ON k.store_id = l.store_id AND k.id = l.sku_id
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    WHERE l.store_id = :store_id AND l.order_id = :order_id
""")


async def expiring_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    until: date,
    at: datetime,
    after: tuple[date, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """Batches of which something is left, by their last day of sale, up to `until`."""
    day, last = after or (EARLIEST, FIRST)
    asked = {"store_id": store_id, "until": until, "at": at, "after_day": day, "after_id": last,
             "most": most}  # fmt: skip
    return (await conn.execute(EXPIRING, asked)).all()


async def days_needed(
    conn: AsyncConnection, *, store_id: StoreId, order_id: UUID, at: datetime
) -> Mapping[int, int]:
    """Lines of a purchase order whose lots must be named, to the days that must be left."""
    asked = {"store_id": store_id, "order_id": order_id, "at": at}
    rows = await conn.execute(NEEDED, asked)
    return {row.line_no: row.days for row in rows if row.days is not None}
