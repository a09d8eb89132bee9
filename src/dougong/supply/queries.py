"""Reads stock."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import SkuId, StoreId
from dougong.infra.db import fetch

FREE = """
    SELECT sku_id, on_hand - reserved FROM stock
    WHERE store_id = %(store_id)s AND sku_id = ANY(%(skus)s::uuid[])
"""


async def free_units(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: Collection[SkuId]
) -> dict[SkuId, int]:
    """SKU to units that can be sold now; a SKU without a stock row has none."""
    found = await fetch(conn, FREE, {"store_id": store_id, "skus": list(sku_ids)})
    return {SkuId(sku_id): free for sku_id, free in found}
