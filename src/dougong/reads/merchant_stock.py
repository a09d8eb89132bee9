"""What a merchant sees of stock: SKUs with their units, and what open orders hold."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import SkuId, StoreId
from dougong.infra.db import like_literal

LOW_UNITS = 10


class Units(NamedTuple):
    on_hand: int
    reserved: int


async def units_by_code(
    conn: AsyncConnection, *, store_id: StoreId, codes: Sequence[str]
) -> dict[str, Units]:
    """SKU code to its units; a SKU without a stock row is left out."""
    found = await conn.execute(
        text("""
            SELECT k.code, s.on_hand, s.reserved
            FROM unnest(CAST(:codes AS text[])) AS w (code)
            JOIN skus k ON k.store_id = :store_id AND k.code = w.code
            JOIN stock s ON s.store_id = k.store_id AND s.sku_id = k.id
        """),
        {"store_id": store_id, "codes": list(codes)},
    )
    return {row.code: Units(row.on_hand, row.reserved) for row in found}


# With a warehouse: its SKUs only; `free` is what of its free units no open order is waiting for.
STOCK_ROWS = text("""
    SELECT k.id, k.code, k.options, k.price_minor, k.gtin, p.id AS product_id, p.title_zh,
      p.title_en, p.state, COALESCE(l.on_hand, s.on_hand, 0) AS on_hand,
      COALESCE(s.reserved, 0) AS reserved, f.free, COALESCE(l.allocated, 0) AS allocated,
      COALESCE(l.damaged, 0) AS damaged, COALESCE(l.inspecting, 0) AS inspecting,
      COALESCE(b.bin, '') AS bin,
      (SELECT i.file FROM product_images i WHERE i.store_id = p.store_id AND i.product_id = p.id
        ORDER BY i.position LIMIT 1) AS image_file
    FROM skus k
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    LEFT JOIN stock s ON s.store_id = k.store_id AND s.sku_id = k.id
    LEFT JOIN stock_levels l ON l.store_id = k.store_id AND l.sku_id = k.id
      AND l.warehouse_id = CAST(:warehouse_id AS uuid)
    LEFT JOIN pick_bins b ON b.store_id = l.store_id AND b.sku_id = l.sku_id
      AND b.warehouse_id = l.warehouse_id
    CROSS JOIN LATERAL (SELECT CASE WHEN l.sku_id IS NULL THEN COALESCE(s.on_hand - s.reserved, 0)
      ELSE greatest(0, least(l.on_hand - l.allocated, s.on_hand - s.reserved)) END AS free) f
    WHERE k.store_id = :store_id AND k.state = 'active' AND p.state <> 'archived'
      AND (:words = '' OR k.code ILIKE :pattern OR p.title_zh ILIKE :pattern
        OR p.title_en ILIKE :pattern OR p.code ILIKE :pattern OR k.gtin = :words)
      AND (CAST(:warehouse_id AS uuid) IS NULL OR l.sku_id IS NOT NULL)
      AND (NOT :is_low OR f.free <= :low)
      AND (CAST(:sku_id AS uuid) IS NULL OR k.id = CAST(:sku_id AS uuid))
      AND (k.code, k.id) > (:after_code, CAST(:after_id AS uuid))
    ORDER BY k.code, k.id LIMIT :most
""")

NO_ID = UUID(int=0)


async def stock_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    words: str = "",
    is_low: bool = False,
    after: tuple[str, UUID] | None = None,
    sku_id: SkuId | None = None,
    warehouse_id: UUID | None = None,
    most: int,
) -> Sequence[Any]:
    """SKUs by code; `is_low`: only those with at most LOW_UNITS free. `after`: code and id.

    `warehouse_id`: only what has ever lain there, with its figures of that warehouse.
    """
    after_code, after_id = after or ("", NO_ID)
    found = await conn.execute(
        STOCK_ROWS,
        {
            "store_id": store_id,
            "words": words,
            "pattern": like(words),
            "is_low": is_low,
            "low": LOW_UNITS,
            "sku_id": sku_id,
            "warehouse_id": warehouse_id,
            "after_code": after_code,
            "after_id": after_id,
            "most": most,
        },
    )
    return found.all()


def like(words: str) -> str:
    """A pattern that finds the words as they are, anywhere."""
    return f"%{like_literal(words)}%"


async def stock_row(
    conn: AsyncConnection, *, store_id: StoreId, sku_id: SkuId, warehouse_id: UUID | None = None
) -> Any | None:
    """One SKU as in `stock_rows`; None when it is not this store's."""
    rows = await stock_rows(
        conn, store_id=store_id, sku_id=sku_id, warehouse_id=warehouse_id, most=1
    )
    return rows[0] if rows else None
