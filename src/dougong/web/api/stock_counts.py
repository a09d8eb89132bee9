"""API v1: stock is counted, and goes from one warehouse to another."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.ids import SkuId, StoreId, new_id
from dougong.flows.take_stock import approve, arrive, send
from dougong.reads.merchant_warehouses import counts_of, transfers_of
from dougong.reads.stock_lists import sheet_rows
from dougong.supply.count_commands import drop_count, finish_count, note_count, start_count
from dougong.web.api.common import STORE, After, Key, Limit, MaybeKey
from dougong.web.api.deeds import Deed
from dougong.web.api.stock import OfWarehouse
from dougong.web.api.stock_types import (
    ArrivedLines,
    CountedLines,
    CountInput,
    CountState,
    SheetLine,
    SheetPage,
    StockCount,
    StockCountPage,
    Transfer,
    TransferInput,
    TransferPage,
    TransferState,
    by_sku,
    shaped,
)
from dougong.web.deps import Conn
from dougong.web.paging import cursor_values, cut

TAGS = ["merchant stock"]
ROUTE: dict[str, Any] = {"permission": Permission.STOCK_MANAGE, "tags": TAGS}
WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "tags": TAGS}
InCountState = Annotated[CountState | None, QueryParameter(name="state")]
InTransferState = Annotated[TransferState | None, QueryParameter(name="state")]
COUNT = STORE + "/stock-counts/{count_id:uuid}"
TRANSFER = STORE + "/stock-transfers/{transfer_id:uuid}"
APPROVING = """The differences become moves, and the count is over. 403 `another_must_approve` when
they are more than its `limit_units` and the caller has counted or started it; 409
`not_enough_there` or `stock_below_reserved` when what is missing is promised to orders."""
# What is done with a count: its summary, what it says, and what does it.
STEPS: dict[str, tuple[str, str, Any]] = {
    "finish": ("All is counted", "409 `count_closed` while nothing is counted.", finish_count),
    "approve": ("Book what a count found", APPROVING, approve),
    "drop": ("Drop a count", "Nothing of it is booked.", drop_count),
}


async def _count(conn: AsyncConnection, store_id: StoreId, count_id: UUID) -> StockCount:
    """Raises NotFound."""
    for row in await counts_of(conn, store_id=store_id, count_id=count_id):
        return StockCount.of(row)
    raise NotFound


@get(STORE + "/stock-counts", summary="Counts of a store", **ROUTE)
async def list_counts(
    store_id: FromPath[UUID],
    conn: Conn,
    in_state: InCountState = None,
    warehouse_id: OfWarehouse = None,
    after: After = "",
    limit: Limit = 50,
) -> StockCountPage:
    """The newest first."""
    found = await counts_of(
        conn,
        store_id=StoreId(store_id),
        state=in_state or "",
        warehouse_id=warehouse_id,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.started_at, row.id), limit)
    return StockCountPage([StockCount.of(row) for row in rows], following or None)


@post(STORE + "/stock-counts", status_code=201, summary="Start a count", **ROUTE)
async def new_count(data: JSONBody[CountInput], key: Key, deed: Deed) -> StockCount:
    """Of one warehouse, while goods are sold and sent: each line is compared with the books of the
    moment at which it is counted."""

    async def make() -> StockCount:
        wanted = None if data.sku_ids is None else [SkuId(one) for one in set(data.sku_ids)]
        made = await start_count(
            deed.conn,
            warehouse_id=data.warehouse_id,
            scope=data.scope.strip(),
            sku_ids=wanted,
            limit_units=data.limit_units,
            **deed.named(by_id=deed.by_id),
        )
        return await _count(deed.conn, deed.store_id, made)

    return await deed.once("POST stock-counts", key, data, StockCount, make)


@get(COUNT, summary="One count", **ROUTE)
async def read_count(store_id: FromPath[UUID], count_id: FromPath[UUID], conn: Conn) -> StockCount:
    return await _count(conn, StoreId(store_id), count_id)


@get(COUNT + "/lines", summary="The sheet of a count", **ROUTE)
async def read_sheet(
    store_id: FromPath[UUID],
    count_id: FromPath[UUID],
    conn: Conn,
    only_left: FromQuery[bool] = False,
    after: After = "",
    limit: Limit = 50,
) -> SheetPage:
    """`only_left`: what nobody has counted yet."""
    ours = StoreId(store_id)
    await _count(conn, ours, count_id)
    start = cursor_values(after, tuple[UUID])
    found = await sheet_rows(
        conn,
        store_id=ours,
        count_id=count_id,
        only_left=only_left,
        after=start[0] if start else None,
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.sku_id,), limit)
    return SheetPage([shaped(row, SheetLine) for row in rows], following or None)


@put(COUNT + "/lines", summary="Say what lies there", **WORK)
async def put_counted(
    count_id: FromPath[UUID], data: JSONBody[CountedLines], deed: Deed
) -> StockCount:
    """All lines or none. A SKU that is not on the sheet comes onto it. 409 `count_closed` when the
    count is over."""
    by_sku(data.lines, "counted")
    for line in sorted(data.lines, key=lambda line: line.sku_id):
        await note_count(
            deed.conn,
            count_id=count_id,
            sku_id=SkuId(line.sku_id),
            counted=line.counted,
            reason=line.reason.strip(),
            key=new_id().hex,
            **deed.named(by_id=deed.by_id),
        )
    return await _count(deed.conn, deed.store_id, count_id)


def step_route(step: str) -> HTTPRouteHandler:
    """One of STEPS."""
    summary, words, do = STEPS[step]

    async def move(count_id: FromPath[UUID], deed: Deed, key: MaybeKey = None) -> StockCount:
        async def make() -> StockCount:
            await do(deed.conn, count_id=count_id, **deed.named(by_id=deed.by_id))
            await deed.note(f"supply.count_{step}", count_id)
            return await _count(deed.conn, deed.store_id, count_id)

        return await deed.once(f"count.{step}", key, count_id, StockCount, make)

    move.__name__, move.__doc__ = f"{step}_count", words
    return post(f"{COUNT}/{step}", status_code=200, summary=summary, **ROUTE)(move)


async def _transfer(conn: AsyncConnection, store_id: StoreId, transfer_id: UUID) -> Transfer:
    """Raises NotFound."""
    for row in await transfers_of(conn, store_id=store_id, transfer_id=transfer_id, most=1):
        return Transfer.of(row)
    raise NotFound


@get(STORE + "/stock-transfers", summary="Transfers between warehouses", **ROUTE)
async def list_transfers(
    store_id: FromPath[UUID],
    conn: Conn,
    in_state: InTransferState = None,
    warehouse_id: OfWarehouse = None,
    after: After = "",
    limit: Limit = 50,
) -> TransferPage:
    """The newest first. `warehouse_id`: from it or to it."""
    found = await transfers_of(
        conn,
        store_id=StoreId(store_id),
        state=in_state or "",
        warehouse_id=warehouse_id,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.sent_at, row.id), limit)
    return TransferPage([Transfer.of(row) for row in rows], following or None)


@post(STORE + "/stock-transfers", status_code=201, summary="Send goods on their way", **ROUTE)
async def send_transfer(data: JSONBody[TransferInput], key: Key, deed: Deed) -> Transfer:
    """Free units leave one warehouse for another; on the way nobody can be promised them. 409
    `not_enough_there` for more than is free, `stock_below_reserved` when orders wait for them,
    `warehouse_closed`."""

    async def make() -> Transfer:
        made = await send(
            deed.conn,
            src=data.src_warehouse_id,
            dst=data.dst_warehouse_id,
            units=by_sku(data.lines, "quantity"),
            note=data.note.strip(),
            key=f"api:{key}",
            **deed.named(by_id=deed.by_id),
        )
        await deed.note("supply.transfer_sent", made)
        return await _transfer(deed.conn, deed.store_id, made)

    return await deed.once("POST stock-transfers", key, data, Transfer, make)


@get(TRANSFER, summary="One transfer", **ROUTE)
async def read_transfer(
    store_id: FromPath[UUID], transfer_id: FromPath[UUID], conn: Conn
) -> Transfer:
    return await _transfer(conn, StoreId(store_id), transfer_id)


@post(TRANSFER + "/receive", status_code=200, summary="Say what of it came", **ROUTE)
async def receive_transfer(
    transfer_id: FromPath[UUID], data: JSONBody[ArrivedLines], deed: Deed, key: MaybeKey = None
) -> Transfer:
    """Whole units can be sold there from now on. 409 `transfer_closed` when that was said before;
    400 for a SKU that was not sent, or for more than was."""

    async def make() -> Transfer:
        whole, damaged = by_sku(data.lines, "arrived"), by_sku(data.lines, "damaged")
        await arrive(
            deed.conn,
            transfer_id=transfer_id,
            arrived={sku_id: (whole[sku_id], damaged[sku_id]) for sku_id in whole},
            **deed.named(by_id=deed.by_id),
        )
        await deed.note("supply.transfer_received", transfer_id)
        return await _transfer(deed.conn, deed.store_id, transfer_id)

    return await deed.once("transfer.receive", key, (transfer_id, data), Transfer, make)


HANDLERS: list[HTTPRouteHandler] = [
    list_counts,
    new_count,
    read_count,
    read_sheet,
    put_counted,
    *(step_route(step) for step in STEPS),
    list_transfers,
    send_transfer,
    read_transfer,
    receive_transfer,
]
