"""API v1: warehouses, and what lies in them: levels, moves, batches."""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.ids import StoreId
from dougong.base.money import Money
from dougong.catalog.queries import store_of
from dougong.flows.change_stock import adjust_stock, change_stock
from dougong.reads.merchant_warehouses import warehouses_of
from dougong.reads.stock_lists import NO_ID, Chosen, batch_rows, level_rows, move_rows
from dougong.supply.stock_rules import MoveKind
from dougong.supply.warehouse_commands import (
    WarehouseFields,
    add_warehouse,
    change_warehouse,
    close_warehouse,
    default_warehouse,
    make_default,
)
from dougong.web.api.common import (
    STORE,
    After,
    Key,
    Limit,
    MaybeKey,
    Since,
    instant_of,
    money_or_none,
)
from dougong.web.api.deeds import Deed
from dougong.web.api.stock_types import (
    Adjusted,
    AdjustedLevel,
    Adjustment,
    SetLevels,
    StockBatch,
    StockBatchPage,
    StockLevel,
    StockLevelPage,
    StockMove,
    StockMovePage,
    Warehouse,
    WarehouseChange,
    WarehouseInput,
    Warehouses,
    by_sku,
    shaped,
)
from dougong.web.deps import Conn, Now
from dougong.web.paging import cursor_of, cursor_values, cut

ROUTE: dict[str, Any] = {"permission": Permission.STOCK_MANAGE, "tags": ["merchant stock"]}
WAREHOUSE = STORE + "/warehouses/{warehouse_id:uuid}"
OfSku = Annotated[UUID | None, QueryParameter(description="Only this SKU.")]
OfWarehouse = Annotated[UUID | None, QueryParameter(description="Only this warehouse.")]
FIRST = datetime(2000, 1, 1, tzinfo=UTC)


async def _warehouse(conn: AsyncConnection, store_id: StoreId, warehouse_id: UUID) -> Warehouse:
    """Raises NotFound."""
    for row in await warehouses_of(conn, store_id=store_id):
        if row.id == warehouse_id:
            return _shown(row, (await store_of(conn, store_id=store_id)).currency)
    raise NotFound


def _shown(row: Any, currency: str) -> Warehouse:
    sums = {name: int(getattr(row, name)) for name in ("on_hand", "allocated", "damaged")}
    cost = Money(row.unit_cost_minor, currency)
    return shaped(row, Warehouse, unit_cost=cost, transit=int(row.transit), **sums)


@get(STORE + "/warehouses", summary="Warehouses of a store", **ROUTE)
async def list_warehouses(store_id: FromPath[UUID], conn: Conn, now: Now) -> Warehouses:
    """Closed ones too. Every store has one: the default."""
    ours = StoreId(store_id)
    await default_warehouse(conn, store_id=ours, at=now)
    currency = (await store_of(conn, store_id=ours)).currency
    return Warehouses([_shown(row, currency) for row in await warehouses_of(conn, store_id=ours)])


@get(WAREHOUSE, summary="One warehouse", **ROUTE)
async def read_warehouse(
    store_id: FromPath[UUID], warehouse_id: FromPath[UUID], conn: Conn
) -> Warehouse:
    return await _warehouse(conn, StoreId(store_id), warehouse_id)


@post(STORE + "/warehouses", status_code=201, summary="Add a warehouse", **ROUTE)
async def new_warehouse(data: JSONBody[WarehouseInput], key: Key, deed: Deed) -> Warehouse:
    """409 `warehouse_code_taken` when another one has this code."""

    async def make() -> Warehouse:
        fields = WarehouseFields(**msgspec.structs.asdict(data))
        made = await add_warehouse(deed.conn, fields=fields, **deed.named())
        await deed.note("supply.warehouse_added", data.code)
        return await _warehouse(deed.conn, deed.store_id, made)

    return await deed.once("POST warehouses", key, data, Warehouse, make)


@patch(WAREHOUSE, summary="Change a warehouse", **ROUTE)
async def edit_warehouse(
    warehouse_id: FromPath[UUID], data: JSONBody[WarehouseChange], deed: Deed
) -> Warehouse:
    """409 `warehouse_code_taken` when another one has this code."""
    now = await _warehouse(deed.conn, deed.store_id, warehouse_id)
    kept = {name: getattr(now, name) for name in WarehouseFields.__struct_fields__[:-1]}
    kept["unit_cost_minor"] = now.unit_cost.minor
    said = {name: value for name, value in msgspec.structs.asdict(data).items()
            if value is not UNSET}  # fmt: skip
    fields = WarehouseFields(**kept | said)
    await change_warehouse(deed.conn, warehouse_id=warehouse_id, fields=fields, **deed.named())
    await deed.note("supply.warehouse_changed", fields.code)
    return await _warehouse(deed.conn, deed.store_id, warehouse_id)


@post(WAREHOUSE + "/default", status_code=200, summary="Make it the default", **ROUTE)
async def set_default(warehouse_id: FromPath[UUID], deed: Deed, key: MaybeKey = None) -> Warehouse:
    """What names no warehouse goes here from now on. 404 for a closed one."""

    async def make() -> Warehouse:
        await make_default(deed.conn, store_id=deed.store_id, warehouse_id=warehouse_id)
        await deed.note("supply.warehouse_default", warehouse_id)
        return await _warehouse(deed.conn, deed.store_id, warehouse_id)

    return await deed.once("warehouse.default", key, warehouse_id, Warehouse, make)


@post(WAREHOUSE + "/close", status_code=200, summary="Close a warehouse", **ROUTE)
async def close(warehouse_id: FromPath[UUID], deed: Deed, key: MaybeKey = None) -> Warehouse:
    """409 `warehouse_in_use` for the default one, and while anything lies in it or is on its way to
    it; `warehouse_closed` when it is closed already."""

    async def make() -> Warehouse:
        await close_warehouse(deed.conn, warehouse_id=warehouse_id, **deed.named())
        await deed.note("supply.warehouse_closed", warehouse_id)
        return await _warehouse(deed.conn, deed.store_id, warehouse_id)

    return await deed.once("warehouse.close", key, warehouse_id, Warehouse, make)


@get(STORE + "/stock-levels", summary="What lies where", **ROUTE)
async def list_levels(
    store_id: FromPath[UUID],
    conn: Conn,
    sku_id: OfSku = None,
    warehouse_id: OfWarehouse = None,
    after: After = "",
    limit: Limit = 50,
) -> StockLevelPage:
    """SKU × warehouse, where there has ever been any; `GET …/stock` adds a SKU up over them."""
    found = await level_rows(
        conn,
        store_id=StoreId(store_id),
        chosen=Chosen(sku_id, warehouse_id),
        after=cursor_values(after, tuple[UUID, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.sku_id, row.warehouse_id), limit)
    return StockLevelPage([shaped(row, StockLevel) for row in rows], following or None)


def _on_hand(lines: dict[Any, int]) -> dict[str, Any]:
    """SKU to units, as the audit log shows it."""
    return {str(sku_id): units for sku_id, units in lines.items()}


@put(WAREHOUSE + "/stock", status_code=204, summary="Set units on hand", **ROUTE)
async def set_levels(warehouse_id: FromPath[UUID], data: JSONBody[SetLevels], deed: Deed) -> None:
    """In one warehouse, all or nothing. 409 `stock_below_reserved` when orders of the store wait
    for more than would be left in it, `not_enough_there` when the warehouse has set aside more."""
    levels = by_sku(data.lines, "on_hand")
    await change_stock(
        deed.conn, levels=levels, warehouse_id=warehouse_id, **deed.named(by_id=deed.by_id)
    )
    await deed.note("supply.stock_set", warehouse_id, **_on_hand(levels))


@post(WAREHOUSE + "/adjustments", status_code=201, summary="Add or take away units", **ROUTE)
async def adjust(
    warehouse_id: FromPath[UUID], data: JSONBody[Adjustment], key: Key, deed: Deed
) -> Adjusted:
    """To what lies there now, all or nothing. 409 `not_enough_there` for more than is free there,
    `stock_below_reserved` when orders of the store wait for more than would be left in it."""

    async def make() -> Adjusted:
        wanted = by_sku(data.lines, "change")
        now = await adjust_stock(
            deed.conn, warehouse_id=warehouse_id, differences=wanted, **deed.named(by_id=deed.by_id)
        )
        facts = _on_hand(now) | {"reason": data.reason.strip()}
        await deed.note("supply.stock_set", warehouse_id, **facts)
        items = [AdjustedLevel(sku_id, wanted[sku_id], units) for sku_id, units in now.items()]
        return Adjusted(warehouse_id, items)

    return await deed.once("warehouse.adjust", key, (warehouse_id, data), Adjusted, make)


@get(STORE + "/stock-moves", summary="How stock came to be so", **ROUTE)
async def list_moves(
    store_id: FromPath[UUID],
    conn: Conn,
    since: Since = None,
    sku_id: OfSku = None,
    warehouse_id: OfWarehouse = None,
    kind: FromQuery[MoveKind | None] = None,
    after: After = "",
    limit: Limit = 50,
) -> StockMovePage:
    """The oldest first: nothing is ever changed or taken away. A move is there once its transaction
    has committed, a moment after its time: whoever follows the list asks again from `since` a
    minute before, and drops the ids that are known. `after` counts before `since`."""
    ours = StoreId(store_id)
    start = cursor_values(after, tuple[datetime, UUID]) or (instant_of(since) or FIRST, NO_ID)
    rows = await move_rows(
        conn,
        store_id=ours,
        chosen=Chosen(sku_id, warehouse_id),
        kind=kind or "",
        after=start,
        most=limit + 1,
    )
    shown = rows[:limit]
    end = (shown[-1].at, shown[-1].id) if shown else start
    currency = (await store_of(conn, store_id=ours)).currency
    items = [_move(row, currency) for row in shown]
    return StockMovePage(items, cursor_of(*end), len(rows) > limit)


def _move(row: Any, currency: str) -> StockMove:
    cost = money_or_none(row.unit_cost_minor, currency)
    value = money_or_none(row.value_minor, currency)
    return shaped(row, StockMove, unit_cost=cost, value=value)


@get(STORE + "/stock-batches", summary="Batches by expiry", **ROUTE)
async def list_batches(
    store_id: FromPath[UUID],
    conn: Conn,
    sku_id: OfSku = None,
    warehouse_id: OfWarehouse = None,
    expires_until: FromQuery[date | None] = None,
    after: After = "",
    limit: Limit = 50,
) -> StockBatchPage:
    """Those of which something is left, what expires first before the others: so goods go out.
    `expires_until`: only what expires on that day or before."""
    found = await batch_rows(
        conn,
        store_id=StoreId(store_id),
        chosen=Chosen(sku_id, warehouse_id),
        expires_until=expires_until,
        after=cursor_values(after, tuple[date | None, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.expires_on, row.id), limit)
    return StockBatchPage([shaped(row, StockBatch) for row in rows], following or None)


HANDLERS: list[HTTPRouteHandler] = [
    list_warehouses,
    read_warehouse,
    new_warehouse,
    edit_warehouse,
    set_default,
    close,
    list_levels,
    set_levels,
    adjust,
    list_moves,
    list_batches,
]
