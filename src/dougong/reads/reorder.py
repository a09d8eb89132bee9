"""What was asked for by day, what is there and on its way: the figures behind suggestions."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.reads.merchant_stock import like

# Units of paid orders by SKU and local day; what was refunded before it left was not asked for.
DEMAND = text("""
    SELECT l.sku_id, CAST(o.paid_at AT TIME ZONE :zone AS date) AS day,
      sum(l.quantity - l.returned_quantity)::int AS units
    FROM orders o JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
    WHERE o.store_id = :store_id AND o.paid_at >= :since AND o.paid_at < :until
      AND l.sku_id IS NOT NULL AND (CAST(:sku_id AS uuid) IS NULL OR l.sku_id = :sku_id)
    GROUP BY 1, 2
""")

# Every SKU on sale that an open supplier sells, from the one that delivers soonest.
SKUS = text("""
    SELECT DISTINCT ON (i.sku_id) i.sku_id, i.supplier_id, i.pack_size, i.min_quantity,
      coalesce(i.lead_days, s.lead_days) AS lead_days,
      coalesce(t.on_hand - t.reserved, 0) AS free,
      coalesce((SELECT sum(greatest(0, p.quantity - p.received)) FROM purchase_lines p
        JOIN purchase_orders o ON o.store_id = p.store_id AND o.id = p.order_id
        WHERE p.store_id = i.store_id AND p.sku_id = i.sku_id
          AND o.state IN ('approved', 'sent', 'part_received')), 0)::int AS on_order
    FROM supplier_items i
    JOIN suppliers s ON s.store_id = i.store_id AND s.id = i.supplier_id AND s.closed_at IS NULL
    JOIN skus k ON k.store_id = i.store_id AND k.id = i.sku_id AND k.state = 'active'
    LEFT JOIN stock t ON t.store_id = i.store_id AND t.sku_id = i.sku_id
    WHERE i.store_id = :store_id AND NOT i.is_dropship
    ORDER BY i.sku_id, coalesce(i.lead_days, s.lead_days), s.code
""")

ROWS = text("""
    SELECT r.*, k.code, k.options, p.title_zh, p.title_en, s.name AS supplier_name,
      (SELECT g.file FROM product_images g WHERE g.store_id = p.store_id AND g.product_id = p.id
        ORDER BY g.position LIMIT 1) AS image_file
    FROM reorder_suggestions r
    JOIN skus k ON k.store_id = r.store_id AND k.id = r.sku_id
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    LEFT JOIN suppliers s ON s.store_id = r.store_id AND s.id = r.supplier_id
    WHERE r.store_id = :store_id AND (:everything OR r.quantity > 0)
      AND (CAST(:words AS text) = '' OR k.code ILIKE :pattern OR p.title_zh ILIKE :pattern
        OR p.title_en ILIKE :pattern OR s.name ILIKE :pattern)
      AND (CAST(:last_id AS uuid) IS NULL OR r.quantity < :last
        OR (r.quantity = :last AND r.sku_id > :last_id))
    ORDER BY r.quantity DESC, r.sku_id LIMIT :most
""")


async def demand_by_day(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    zone: str,
    since: datetime,
    until: datetime,
    sku_id: UUID | None = None,
) -> dict[UUID, dict[date, int]]:
    """SKU to day to units that paid orders asked for, within [since, until)."""
    asked = {"store_id": store_id, "zone": zone, "since": since, "until": until, "sku_id": sku_id}
    found: dict[UUID, dict[date, int]] = {}
    for row in await conn.execute(DEMAND, asked):
        found.setdefault(row.sku_id, {})[row.day] = row.units
    return found


async def skus_to_order(conn: AsyncConnection, *, store_id: StoreId) -> Sequence[Any]:
    """Every SKU that can be ordered, from whom, and what there is of it."""
    return (await conn.execute(SKUS, {"store_id": store_id})).all()


async def suggestion_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    words: str = "",
    everything: bool = False,
    after: tuple[int, UUID] | None = None,
    most: int = 200,
) -> Sequence[Any]:
    """As they were last reckoned, the most units first."""
    last, last_id = after or (0, None)
    asked = {"store_id": store_id, "words": words, "pattern": like(words), "last": last,
             "last_id": last_id, "everything": everything, "most": most}  # fmt: skip
    return (await conn.execute(ROWS, asked)).all()


async def stores_that_buy(conn: AsyncConnection) -> list[StoreId]:
    """Stores with an open supplier."""
    found = await conn.scalars(
        text("SELECT DISTINCT store_id FROM suppliers WHERE closed_at IS NULL ORDER BY 1")
    )
    return [StoreId(store_id) for store_id in found]
