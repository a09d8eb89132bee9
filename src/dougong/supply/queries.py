"""Reads stock and packages."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, SkuId, StoreId
from dougong.supply.tables import packages, stock


async def free_units(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: Collection[SkuId]
) -> dict[SkuId, int]:
    """SKU to units that can be sold now; a SKU without a stock row has none."""
    found = await conn.execute(
        select(stock.c.sku_id, stock.c.on_hand - stock.c.reserved)
        .where(stock.c.store_id == store_id)
        .where(stock.c.sku_id.in_(sku_ids))
    )
    return {SkuId(sku_id): free for sku_id, free in found}


async def packages_of(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId
) -> Sequence[Any]:
    found = await conn.execute(
        select(packages)
        .where(packages.c.store_id == store_id, packages.c.order_id == order_id)
        .order_by(packages.c.shipped_at)
    )
    return found.all()
