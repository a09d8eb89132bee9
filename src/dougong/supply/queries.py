"""Reads stock and packages."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, SkuId, StoreId
from dougong.infra.db import fetch
from dougong.supply.fulfilment_tables import package_lines, packages

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


async def packages_of(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId
) -> Sequence[Any]:
    found = await conn.execute(
        select(packages)
        .where(packages.c.store_id == store_id, packages.c.shipped_at.is_not(None))
        .where(
            select(package_lines.c.line_no)
            .where(package_lines.c.store_id == store_id, package_lines.c.order_id == order_id)
            .where(package_lines.c.package_id == packages.c.id)
            .exists()
        )
        .order_by(packages.c.shipped_at)
    )
    return found.all()
