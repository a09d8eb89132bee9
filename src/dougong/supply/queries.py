"""Reads stock."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import SkuId, StoreId
from dougong.infra.db import fetch
from dougong.supply.quota_rules import Channel

FREE = """
    SELECT sku_id, on_hand - reserved FROM stock
    WHERE store_id = %(store_id)s AND sku_id = ANY(%(skus)s::uuid[])
"""

FREE_BY_WAY = """
    SELECT CASE WHEN quotas > 0 THEN units_for_way(store_id, sku_id, on_hand - reserved, %(way)s,
      %(host_id)s, %(at)s) ELSE on_hand - reserved END
    FROM stock WHERE store_id = %(store_id)s AND sku_id = %(sku_id)s
"""


async def free_units(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: Collection[SkuId]
) -> dict[SkuId, int]:
    """SKU to units that can be sold now, whatever is set aside; one without a row has none."""
    found = await fetch(conn, FREE, {"store_id": store_id, "skus": list(sku_ids)})
    return {SkuId(sku_id): free for sku_id, free in found}


async def units_by_way(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    sku_id: SkuId,
    channel: Channel,
    host_id: UUID | None,
    at: datetime,
) -> int:
    """Units of a SKU that this channel can sell now, or (live) this host's rooms."""
    asked = {"store_id": store_id, "sku_id": sku_id, "way": channel, "host_id": host_id, "at": at}
    found = await fetch(conn, FREE_BY_WAY, asked)
    return int(found[0][0]) if found else 0
