"""A merchant counts: new levels of some SKUs, told to whoever listens."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import PersonId, SkuId, StoreId
from dougong.catalog.rules import MAX_QUANTITY
from dougong.flows.serve_waiting import units_came
from dougong.infra import events
from dougong.supply.ledger_commands import hold_levels, hold_stock, make_rows
from dougong.supply.stock_commands import set_on_hand
from dougong.supply.stock_rules import NotEnoughThere
from dougong.supply.warehouse_commands import open_warehouse


async def change_stock(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    levels: Mapping[SkuId, int],
    at: datetime,
    by_id: PersonId | None = None,
    warehouse_id: UUID | None = None,
) -> None:
    """Set units on hand: of the store, or of one of its warehouses. Raises BadInput,
    StockBelowReserved (409), NotEnoughThere (409), NotFound for another's SKU."""
    for level in levels.values():
        if not 0 <= level <= MAX_QUANTITY:
            raise BadInput(field="quantity", reason="out_of_range")
    await set_on_hand(
        conn, store_id=store_id, levels=levels, at=at, by_id=by_id, warehouse_id=warehouse_id
    )
    if levels:
        await units_came(conn, store_id=store_id, sku_ids=levels.keys())
        await events.record(
            conn,
            "supply.stock_set",
            subject_id=store_id,
            store_id=store_id,
            at=at,
            facts={"levels": {str(sku_id): level for sku_id, level in levels.items()}}
            | ({"warehouse_id": str(warehouse_id)} if warehouse_id else {}),
        )


async def adjust_stock(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    warehouse_id: UUID,
    differences: Mapping[SkuId, int],
    at: datetime,
    by_id: PersonId,
) -> dict[SkuId, int]:
    """So many units more (or fewer: below 0) than lie in a warehouse now; answers what does then.

    Raises what `change_stock` raises, NotEnoughThere (409) for less than nothing.
    """
    await open_warehouse(conn, store_id=store_id, warehouse_id=warehouse_id)
    skus = sorted(differences)
    await make_rows(conn, store_id=store_id, pairs=[(one, warehouse_id) for one in skus])
    await hold_stock(conn, store_id=store_id, sku_ids=skus)
    there = await hold_levels(conn, store_id=store_id, sku_ids=skus)
    levels = {one: there[one, warehouse_id].on_hand + differences[one] for one in skus}
    if min(levels.values()) < 0:
        raise NotEnoughThere(field="change")
    await change_stock(
        conn, store_id=store_id, levels=levels, at=at, by_id=by_id, warehouse_id=warehouse_id
    )
    return levels
