"""What codes in a file of stock name: SKUs and warehouses of one store."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import SkuId, StoreId

SKUS = text("""
    SELECT k.code, k.id FROM unnest(CAST(:codes AS text[])) AS w (code)
    JOIN skus k ON k.store_id = :store_id AND k.code = w.code
""")

WAREHOUSES = text("""
    SELECT code, id, closed_at IS NULL AS is_open FROM warehouses WHERE store_id = :store_id
""")


async def sku_ids_of(
    conn: AsyncConnection, *, store_id: StoreId, codes: Collection[str]
) -> dict[str, SkuId]:
    """SKU code to SKU; a code that this store does not have is left out."""
    found = await conn.execute(SKUS, {"store_id": store_id, "codes": sorted(set(codes))})
    return {code: SkuId(sku_id) for code, sku_id in found}


async def warehouses_of_codes(conn: AsyncConnection, *, store_id: StoreId) -> dict[str, Any]:
    """Code to `id` and `is_open`, of all the store's warehouses."""
    found = await conn.execute(WAREHOUSES, {"store_id": store_id})
    return {row.code: row for row in found}
