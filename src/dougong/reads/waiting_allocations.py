"""Paid orders of which units lie promised, and no warehouse has set them aside."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId

# A SKU of which more is promised than set aside is asked for first: mostly there is none.
WAITING = text("""
    WITH short AS (
      SELECT s.sku_id FROM stock s
      LEFT JOIN (SELECT sku_id, sum(allocated) AS units FROM stock_levels
        WHERE store_id = :store_id GROUP BY sku_id) l ON l.sku_id = s.sku_id
      WHERE s.store_id = :store_id AND s.reserved > COALESCE(l.units, 0)
    )
    SELECT o.id FROM orders o
    JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
    LEFT JOIN (
      SELECT order_id, line_no, sum(quantity - shipped - released) AS units FROM stock_allocations
      WHERE store_id = :store_id AND state IN ('open', 'picked') GROUP BY order_id, line_no
    ) a ON a.order_id = l.order_id AND a.line_no = l.line_no
    WHERE o.store_id = :store_id AND o.state IN ('paid', 'part_shipped')
      AND l.sku_id IN (SELECT sku_id FROM short)
      AND l.quantity - l.shipped_quantity - l.returned_quantity > COALESCE(a.units, 0)
    GROUP BY o.id, o.paid_at ORDER BY o.paid_at, o.id LIMIT :most
""")


async def waiting_orders(conn: AsyncConnection, *, store_id: StoreId, most: int) -> list[UUID]:
    """The oldest first."""
    found = await conn.execute(WAITING, {"store_id": store_id, "most": most})
    return list(found.scalars())
