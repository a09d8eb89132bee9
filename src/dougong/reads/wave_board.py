"""How many orders wait to be picked in each warehouse, and how many of them are promised for today
or were promised before now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId

# The same orders that supply/wave_commands.py takes. Those that wait for stock are looked for only
# where more of a SKU is promised than is set aside, waits for its payment, or is at a supplier.
WAITING = text("""
    WITH unpaid AS (
      SELECT l.sku_id, sum(l.quantity) AS units FROM orders o
      JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
      WHERE o.store_id = :s AND o.state = 'placed' GROUP BY l.sku_id
    ), away AS (
      SELECT sku_id, sum(quantity) AS units FROM dropship_lines
      WHERE store_id = :s AND state IN ('waiting', 'sent') GROUP BY sku_id
    ), short AS (
      SELECT t.sku_id FROM stock t
      LEFT JOIN (SELECT sku_id, sum(allocated) AS units FROM stock_levels
        WHERE store_id = :s GROUP BY sku_id) l ON l.sku_id = t.sku_id
      LEFT JOIN unpaid u ON u.sku_id = t.sku_id LEFT JOIN away y ON y.sku_id = t.sku_id
      WHERE t.store_id = :s
        AND t.reserved > COALESCE(l.units, 0) + COALESCE(u.units, 0) + COALESCE(y.units, 0)
    ), lacking AS (
      SELECT DISTINCT o.id FROM orders o
      JOIN order_lines d ON d.store_id = o.store_id AND d.order_id = o.id
      JOIN short ON short.sku_id = d.sku_id
      WHERE o.store_id = :s AND o.state IN ('paid', 'part_shipped') AND EXISTS (SELECT FROM short)
        AND d.quantity - d.shipped_quantity - d.returned_quantity > (
          SELECT COALESCE(sum(a.quantity - a.shipped - a.released), 0) FROM stock_allocations a
          WHERE a.store_id = :s AND a.order_id = d.order_id AND a.line_no = d.line_no
            AND a.state IN ('open', 'picked'))
        AND NOT EXISTS (SELECT FROM dropship_lines x WHERE x.store_id = :s
          AND x.order_id = d.order_id AND x.line_no = d.line_no
          AND x.state IN ('waiting', 'sent', 'shipped'))
    ), busy AS (
      SELECT w.order_id, w.warehouse_id FROM waves v
      JOIN wave_lines w ON w.store_id = v.store_id AND w.wave_id = v.id
      WHERE v.store_id = :s AND v.state <> 'closed' AND w.is_open
      UNION ALL
      SELECT l.order_id, k.warehouse_id FROM packages k
      JOIN package_lines l ON l.store_id = k.store_id AND l.package_id = k.id
      WHERE k.store_id = :s AND k.state = 'packed'
    ), nowhere AS (
      SELECT id FROM lacking UNION ALL SELECT order_id FROM busy WHERE warehouse_id IS NULL
    )
    SELECT h.id, h.code, h.name_zh, h.name_en, h.province, h.city, n.waiting, n.due, n.late,
      n.lines > :most AS is_more
    FROM warehouses h CROSS JOIN LATERAL (
      SELECT count(*) AS waiting, COALESCE(sum(a.lines), 0) AS lines,
        count(*) FILTER (WHERE p.promised_by > :now AND p.promised_by < :tomorrow) AS due,
        count(*) FILTER (WHERE p.promised_by <= :now) AS late
      FROM (SELECT order_id, count(*) AS lines FROM (
          SELECT order_id FROM stock_allocations
          WHERE store_id = :s AND warehouse_id = h.id AND state IN ('open', 'picked')
            AND order_id NOT IN (SELECT id FROM nowhere)
            AND (order_id, warehouse_id) NOT IN (
              SELECT order_id, warehouse_id FROM busy WHERE warehouse_id IS NOT NULL)
          ORDER BY at, order_id LIMIT :most + 1) x
        GROUP BY order_id) a
      JOIN ship_promises p ON p.store_id = :s AND p.order_id = a.order_id AND p.kept_at IS NULL
    ) n
    WHERE h.store_id = :s AND (h.ships AND h.closed_at IS NULL OR n.waiting > 0)
    ORDER BY h.is_default DESC, h.code
""")
MOST_LINES = 2_000


async def waiting_at(
    conn: AsyncConnection, *, store_id: StoreId, now: datetime, tomorrow: datetime
) -> Sequence[Any]:
    """The warehouses that a store ships from, and any other where orders wait. `due`: promised
    before `tomorrow`, the end of the day; `late`: before now. `is_more`: of a warehouse the lines
    that were set aside first are counted, so many at most."""
    asked = {"s": store_id, "now": now, "tomorrow": tomorrow, "most": MOST_LINES}
    return (await conn.execute(WAITING, asked)).all()
