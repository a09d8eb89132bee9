"""Paid orders of which units lie promised, and no warehouse has set them aside."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import SkuId, StoreId

EARLIEST = datetime.fromisoformat("0001-01-02T00:00:00+00:00")
NO_ID = UUID(int=0)

PROMISED = text("""
    SELECT EXISTS (
      SELECT FROM stock s WHERE s.store_id = :store_id AND s.sku_id = ANY(CAST(:skus AS uuid[]))
        AND s.reserved > (SELECT COALESCE(sum(l.allocated), 0) FROM stock_levels l
          WHERE l.store_id = s.store_id AND l.sku_id = s.sku_id))
""")

# SKUs of which more is promised than is set aside, waits for its payment, or is at a supplier are
# asked for first: mostly there is none, and then no order is looked at.
LINES = text("""
    WITH unpaid AS (
      SELECT l.sku_id, sum(l.quantity) AS units FROM orders o
      JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
      WHERE o.store_id = :store_id AND o.state = 'placed' GROUP BY l.sku_id
    ), away AS (
      SELECT sku_id, sum(quantity) AS units FROM dropship_lines
      WHERE store_id = :store_id AND state IN ('waiting', 'sent') GROUP BY sku_id
    ), lying AS (
      SELECT l.sku_id, sum(l.allocated) AS allocated, sum(l.transit) AS transit,
        sum(l.inspecting) AS inspecting, sum(l.on_hand - l.allocated) FILTER (WHERE w.ships
          AND w.closed_at IS NULL) AS ready, sum(l.on_hand - l.allocated) AS free
      FROM stock_levels l JOIN warehouses w ON w.store_id = l.store_id AND w.id = l.warehouse_id
      WHERE l.store_id = :store_id GROUP BY l.sku_id
    ), short AS (
      SELECT s.sku_id, COALESCE(l.ready, 0) AS ready, COALESCE(l.free - l.ready, l.free, 0)
        AS elsewhere, COALESCE(l.transit, 0) AS transit, COALESCE(l.inspecting, 0) AS inspecting
      FROM stock s LEFT JOIN lying l ON l.sku_id = s.sku_id
      LEFT JOIN unpaid u ON u.sku_id = s.sku_id LEFT JOIN away a ON a.sku_id = s.sku_id
      WHERE s.store_id = :store_id AND s.reserved > COALESCE(l.allocated, 0)
        + COALESCE(u.units, 0) + COALESCE(a.units, 0)
        AND (NOT :only_ready OR l.ready > 0)
    )
    SELECT o.id AS order_id, o.number, o.paid_at, l.line_no, l.sku_id, l.title_zh, l.title_en,
      l.options, k.code,
      l.quantity - l.shipped_quantity - l.returned_quantity - COALESCE(a.units, 0) AS units,
      s.ready, s.elsewhere, s.transit, s.inspecting, b.units AS on_order,
      b.expected_on, b.order_id AS purchase_id, b.number AS purchase_number
    FROM orders o
    JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
    JOIN short s ON s.sku_id = l.sku_id
    JOIN skus k ON k.store_id = l.store_id AND k.id = l.sku_id
    LEFT JOIN LATERAL (
      SELECT sum(quantity - shipped - released) AS units FROM stock_allocations
      WHERE store_id = :store_id AND order_id = l.order_id AND line_no = l.line_no
        AND state IN ('open', 'picked')
    ) a ON true
    LEFT JOIN LATERAL (
      SELECT sum(p.quantity - p.received) OVER () AS units, q.expected_on, q.id AS order_id,
        q.number
      FROM purchase_lines p
      JOIN purchase_orders q ON q.store_id = p.store_id AND q.id = p.order_id
      WHERE p.store_id = :store_id AND p.sku_id = l.sku_id AND p.quantity > p.received
        AND q.state IN ('approved', 'sent', 'part_received')
      ORDER BY q.expected_on, q.id LIMIT 1
    ) b ON true
    WHERE o.store_id = :store_id AND o.state IN ('paid', 'part_shipped')
      AND EXISTS (SELECT FROM short)
      AND (o.paid_at, o.id, l.line_no) > (:from_at, CAST(:from_id AS uuid), :from_line)
      AND l.quantity - l.shipped_quantity - l.returned_quantity > COALESCE(a.units, 0)
      AND NOT EXISTS (SELECT FROM dropship_lines d WHERE d.store_id = l.store_id
        AND d.order_id = l.order_id AND d.line_no = l.line_no
        AND d.state IN ('waiting', 'sent', 'shipped'))
    ORDER BY o.paid_at, o.id, l.line_no LIMIT :most
""")


async def is_promised(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: Collection[SkuId]
) -> bool:
    """Whether units of one of these are promised that no warehouse has set aside."""
    found = await conn.scalar(PROMISED, {"store_id": store_id, "skus": list(sku_ids)})
    return bool(found)


async def waiting_lines(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    only_ready: bool = False,
    after: tuple[datetime, UUID, int] | None = None,
    most: int,
) -> Sequence[Any]:
    """Lines of paid orders that wait for units, the first paid first. `only_ready`: of SKUs of
    which a warehouse that ships has some free. `after`: the line before: its order's payment and
    id, its number."""
    from_at, from_id, from_line = after or (EARLIEST, NO_ID, 0)
    asked: dict[str, Any] = {"store_id": store_id, "only_ready": only_ready, "most": most}
    asked |= {"from_at": from_at, "from_id": from_id, "from_line": from_line}
    found = await conn.execute(LINES, asked)
    return found.all()
