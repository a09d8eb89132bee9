"""What is to do in a store's warehouses, as numbers for whoever works there."""

from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId

OPEN_WORK = text("""
    WITH waved AS (
      SELECT w.order_id, w.wave_id, v.state, w.quantity, w.picked, w.packed
      FROM waves v JOIN wave_lines w ON w.store_id = v.store_id AND w.wave_id = v.id
      WHERE v.store_id = :s AND v.state <> 'closed' AND w.is_open
    ), picked AS (
      SELECT w.order_id, bool_and(w.picked >= w.quantity) AS is_whole FROM waved w
      JOIN orders o ON o.store_id = :s AND o.id = w.order_id
      WHERE o.state IN ('paid', 'part_shipped') GROUP BY w.order_id HAVING sum(w.picked) > 0
    ), due AS (
      SELECT expected_on FROM purchase_orders
      WHERE store_id = :s AND state IN ('sent', 'part_received')
    ), counting AS (
      SELECT c.id, (SELECT count(*) FROM stock_count_lines l WHERE l.store_id = c.store_id
        AND l.count_id = c.id AND l.counted IS NULL) AS uncounted
      FROM stock_counts c WHERE c.store_id = :s AND c.state = 'open'
    )
    SELECT
      (SELECT COALESCE(sum(quantity - picked), 0) FROM waved WHERE state = 'picking')
        AS units_to_pick,
      (SELECT count(DISTINCT wave_id) FROM waved WHERE state = 'picking') AS waves,
      (SELECT count(*) FROM picked) AS orders_to_pack,
      (SELECT count(*) FROM picked WHERE is_whole) AS orders_whole,
      (SELECT count(*) FROM due) AS deliveries,
      (SELECT count(*) FROM due WHERE expected_on <= :today) AS deliveries_due,
      (SELECT count(*) FROM counting) AS counts,
      (SELECT COALESCE(sum(uncounted), 0) FROM counting) AS to_count
""")


async def work_to_do(conn: AsyncConnection, *, store_id: StoreId, today: date) -> Any:
    """Units to pick, orders to pack, deliveries that are expected, SKUs to count."""
    return (await conn.execute(OPEN_WORK, {"s": store_id, "today": today})).one()
