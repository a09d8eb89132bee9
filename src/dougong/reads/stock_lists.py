"""Long lists of stock, read page by page: levels, moves, batches, sheets of counts."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId

NO_ID = UUID(int=0)

# `available`: what of the free units here no open order of the store is waiting for.
LEVELS = text("""
    SELECT l.sku_id, k.code AS sku, l.warehouse_id, w.code AS warehouse, l.on_hand, l.allocated,
      l.damaged, l.inspecting, l.transit, l.on_hand - l.allocated AS free,
      greatest(0, least(l.on_hand - l.allocated, s.on_hand - s.reserved)) AS available
    FROM stock_levels l
    JOIN skus k ON k.store_id = l.store_id AND k.id = l.sku_id
    JOIN warehouses w ON w.store_id = l.store_id AND w.id = l.warehouse_id
    JOIN stock s ON s.store_id = l.store_id AND s.sku_id = l.sku_id
    WHERE l.store_id = :store_id
      AND (CAST(:sku_id AS uuid) IS NULL OR l.sku_id = :sku_id)
      AND (CAST(:warehouse_id AS uuid) IS NULL OR l.warehouse_id = :warehouse_id)
      AND (l.sku_id, l.warehouse_id) > (CAST(:after_sku AS uuid), CAST(:after_warehouse AS uuid))
    ORDER BY l.sku_id, l.warehouse_id LIMIT :most
""")

MOVES = text("""
    SELECT m.id, m.at, m.kind, m.quantity, m.sku_id, k.code AS sku, m.src, m.src_warehouse, m.dst,
      m.dst_warehouse, b.lot, b.expires_on, m.unit_cost_minor, m.value_minor, m.about_kind,
      m.about_id, p.name AS by_name
    FROM stock_moves m
    JOIN skus k ON k.store_id = m.store_id AND k.id = m.sku_id
    LEFT JOIN stock_batches b ON b.store_id = m.store_id AND b.id = m.batch_id
    LEFT JOIN people p ON p.id = m.by_id
    WHERE m.store_id = :store_id AND (m.at, m.id) > (:after_at, CAST(:after_id AS uuid))
      AND (CAST(:sku_id AS uuid) IS NULL OR m.sku_id = :sku_id)
      AND (CAST(:warehouse_id AS uuid) IS NULL OR m.src_warehouse = :warehouse_id
        OR m.dst_warehouse = :warehouse_id)
      AND (CAST(:kind AS text) = '' OR m.kind = :kind)
    ORDER BY m.at, m.id LIMIT :most
""")

BATCHES = text("""
    SELECT b.id, b.sku_id, k.code AS sku, b.warehouse_id, w.code AS warehouse, b.lot, b.expires_on,
      b.received_at, b.on_hand
    FROM stock_batches b
    JOIN skus k ON k.store_id = b.store_id AND k.id = b.sku_id
    JOIN warehouses w ON w.store_id = b.store_id AND w.id = b.warehouse_id
    WHERE b.store_id = :store_id AND b.on_hand > 0
      AND (CAST(:sku_id AS uuid) IS NULL OR b.sku_id = :sku_id)
      AND (CAST(:warehouse_id AS uuid) IS NULL OR b.warehouse_id = :warehouse_id)
      AND (CAST(:expires_until AS date) IS NULL OR b.expires_on <= :expires_until)
      AND (CAST(:after_id AS uuid) IS NULL OR (coalesce(b.expires_on, 'infinity'), b.id)
        > (coalesce(CAST(:after_day AS date), 'infinity'), :after_id))
    ORDER BY coalesce(b.expires_on, 'infinity'), b.id LIMIT :most
""")

SHEET = text("""
    SELECT l.sku_id, k.code AS sku, l.expected, l.counted, l.difference, l.reason,
      p.name AS counted_by, l.counted_at
    FROM stock_count_lines l
    JOIN skus k ON k.store_id = l.store_id AND k.id = l.sku_id
    LEFT JOIN people p ON p.id = l.counted_by
    WHERE l.store_id = :store_id AND l.count_id = :count_id
      AND (NOT :only_left OR l.counted IS NULL) AND l.sku_id > CAST(:after_sku AS uuid)
    ORDER BY l.sku_id LIMIT :most
""")


class Chosen(msgspec.Struct, frozen=True):
    """Of one SKU, of one warehouse; None: of all."""

    sku_id: UUID | None = None
    warehouse_id: UUID | None = None

    def values(self, store_id: StoreId) -> dict[str, Any]:
        return {"store_id": store_id, "sku_id": self.sku_id, "warehouse_id": self.warehouse_id}


async def level_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    chosen: Chosen,
    after: tuple[UUID, UUID] | None,
    most: int,
) -> Sequence[Any]:
    """What lies of each SKU in each warehouse that has ever had any of it."""
    sku_id, warehouse_id = after or (NO_ID, NO_ID)
    asked = {"after_sku": sku_id, "after_warehouse": warehouse_id, "most": most}
    return (await conn.execute(LEVELS, chosen.values(store_id) | asked)).all()


async def move_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    chosen: Chosen,
    kind: str,
    after: tuple[datetime, UUID],
    most: int,
) -> Sequence[Any]:
    """The oldest first, from an instant and id on."""
    asked = {"kind": kind, "after_at": after[0], "after_id": after[1], "most": most}
    return (await conn.execute(MOVES, chosen.values(store_id) | asked)).all()


async def batch_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    chosen: Chosen,
    expires_until: date | None,
    after: tuple[date | None, UUID] | None,
    most: int,
) -> Sequence[Any]:
    """Those of which something is left; what expires first comes first, what never does last."""
    day, last = after or (None, None)
    asked = {"expires_until": expires_until, "after_day": day, "after_id": last, "most": most}
    return (await conn.execute(BATCHES, chosen.values(store_id) | asked)).all()


async def sheet_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    count_id: UUID,
    only_left: bool,
    after: UUID | None,
    most: int,
) -> Sequence[Any]:
    """The lines of a count; `expected` is empty until somebody has counted."""
    asked = {"count_id": count_id, "only_left": only_left, "after_sku": after or NO_ID}
    return (await conn.execute(SHEET, {"store_id": store_id, **asked, "most": most})).all()
