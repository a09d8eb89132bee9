"""Writes bins: where a SKU lies in a warehouse. Pick lists go from bin to bin."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import SkuId, StoreId
from dougong.infra.db import fetch

TAKE_AWAY = """
    DELETE FROM pick_bins b USING unnest(%(skus)s::uuid[], %(warehouses)s::uuid[])
      AS n (sku_id, warehouse_id)
    WHERE b.store_id = %(store_id)s AND b.sku_id = n.sku_id AND b.warehouse_id = n.warehouse_id
"""

PUT = """
    WITH wanted AS (
      SELECT k.store_id, n.sku_id, n.warehouse_id, n.bin
      FROM unnest(%(skus)s::uuid[], %(warehouses)s::uuid[], %(bins)s::text[])
        AS n (sku_id, warehouse_id, bin)
      JOIN skus k ON k.store_id = %(store_id)s AND k.id = n.sku_id
      JOIN warehouses w ON w.store_id = %(store_id)s AND w.id = n.warehouse_id
    ), put AS (
      INSERT INTO pick_bins (store_id, sku_id, warehouse_id, bin) SELECT * FROM wanted
      ON CONFLICT (store_id, sku_id, warehouse_id) DO UPDATE SET bin = excluded.bin
    )
    SELECT count(*) FROM wanted
"""


async def set_bins(
    conn: AsyncConnection, *, store_id: StoreId, bins: Mapping[tuple[SkuId, UUID], str]
) -> None:
    """The bins of SKUs in warehouses, as `stock_rules.bin_name` made them; "": in none any more.

    Raises NotFound for a SKU or warehouse of another store.
    """
    for statement, chosen in ((TAKE_AWAY, _none(bins)), (PUT, _named(bins))):
        if not chosen:
            continue
        found = await fetch(
            conn,
            statement,
            {
                "store_id": store_id,
                "skus": [sku_id for (sku_id, _), _ in chosen],
                "warehouses": [place for (_, place), _ in chosen],
                "bins": [name for _, name in chosen],
            },
        )
        if found and found[0][0] != len(chosen):
            raise NotFound


Bins = list[tuple[tuple[SkuId, UUID], str]]


def _none(bins: Mapping[tuple[SkuId, UUID], str]) -> Bins:
    return sorted((place, name) for place, name in bins.items() if not name)


def _named(bins: Mapping[tuple[SkuId, UUID], str]) -> Bins:
    return sorted((place, name) for place, name in bins.items() if name)
