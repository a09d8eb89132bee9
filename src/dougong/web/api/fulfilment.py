"""API v1, a store's fulfilment: what waits to be shipped and by when, and waves that are picked."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput
from dougong.base.ids import OrderId, SkuId, StoreId, new_id
from dougong.base.time import day_window, local_day
from dougong.infra.idempotency import once
from dougong.infra.settings import settings
from dougong.reads.fulfilment import board_counts, due_rows, promise_of
from dougong.reads.merchant_orders import order_to_work_on
from dougong.reads.merchant_shipping import slips
from dougong.reads.wave_board import waiting_at
from dougong.reads.waves import orders_to_pack, pick_list, sku_scanned, wave_row, wave_rows
from dougong.supply.fulfilment_rules import WaveChoice
from dougong.supply.wave_commands import begin_wave, close_wave, pick_unit
from dougong.web.account.common import AnyRequest, request_id
from dougong.web.api.common import STORE, After, Key, Limit, filled
from dougong.web.api.fulfilment_types import (
    BoardCounts,
    OrdersToPack,
    OrdersToShip,
    OrderToPack,
    OrderToShip,
    Picked,
    PickInput,
    Promise,
    ToPick,
    ToPickAt,
    WarehouseWaiting,
    WaveDetail,
    WaveInput,
    Waves,
    WaveShown,
    lines_to_ship,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_values, cut

WAVE = STORE + "/waves/{wave_id:uuid}"
WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "tags": ["fulfilment"]}
MOST = 200
CHOSEN = WaveChoice.__struct_fields__


async def note(
    conn: AsyncConnection,
    request: AnyRequest,
    who: Access,
    at: datetime,
    store_id: UUID,
    action: str,
    subject: object,
) -> None:
    """A line of the store's audit log."""
    await audit(
        conn, at=at, person_id=who.person_id, action=action, owner_id=store_id,
        subject=str(subject), request_id=request_id(request),
    )  # fmt: skip


@get(STORE + "/fulfilment", summary="How much waits where", **WORK)
async def read_board(store_id: FromPath[UUID], conn: Conn, now: Now) -> BoardCounts:
    """The lists behind the numbers: `orders-to-ship`, `packages` and `stray-events`."""
    found = await board_counts(conn, store_id=StoreId(store_id), now=now)
    return BoardCounts(**{name: found[name] for name in BoardCounts.__struct_fields__})


@get(STORE + "/orders-to-ship", summary="Orders to ship, the nearest promise first", **WORK)
async def list_due(
    store_id: FromPath[UUID], conn: Conn, after: After = "", limit: Limit = 50
) -> OrdersToShip:
    """With their lines of which units are left."""
    ours, start = StoreId(store_id), cursor_values(after, tuple[datetime, UUID])
    found = await due_rows(conn, store_id=ours, after=start, most=limit + 1)
    rows, following = cut(found, lambda row: (row.promised_by, row.id), limit)
    ids = [row.id for row in rows]
    lines = {s.id: s.lines for s in await slips(conn, store_id=ours, order_ids=ids, most=limit)}
    items = [OrderToShip.of(row, lines.get(row.id) or ()) for row in rows]
    return OrdersToShip(items, following or None)


@get(STORE + "/orders-to-pick", summary="How many orders wait in each warehouse", **WORK)
async def list_to_pick(store_id: FromPath[UUID], conn: Conn, now: Now) -> ToPickAt:
    """Of those that the store ships from: what a wave could be begun of."""
    zone = ZoneInfo(settings().timezone)
    _, tomorrow = day_window(local_day(now, zone), zone)
    rows = await waiting_at(conn, store_id=StoreId(store_id), now=now, tomorrow=tomorrow)
    return ToPickAt([WarehouseWaiting.of(row) for row in rows])


@get(STORE + "/orders-to-pack", summary="Orders of which something is picked", **WORK)
async def list_to_pack(store_id: FromPath[UUID], conn: Conn) -> OrdersToPack:
    """Of open waves, those that are whole first; 200 at most."""
    rows = await orders_to_pack(conn, store_id=StoreId(store_id), most=MOST)
    return OrdersToPack(
        [
            filled(
                OrderToPack,
                row,
                order_id=row.id,
                picked=int(row.picked),
                quantity=int(row.quantity),
                lines=lines_to_ship(row.lines or ()),
            )
            for row in rows
        ]
    )


@get(
    STORE + "/orders/{order_id:uuid}/ship-promise",
    summary="By when an order was promised to be shipped",
    **WORK,
)
async def read_promise(store_id: FromPath[UUID], order_id: FromPath[UUID], conn: Conn) -> Promise:
    """Frozen when it was paid, by the dated terms of its categories; all null before that."""
    ours = StoreId(store_id)
    row = await promise_of(conn, store_id=ours, order_id=order_id)
    if row is None:
        await order_to_work_on(conn, store_id=ours, order_id=OrderId(order_id))
        return Promise()
    return filled(Promise, row)


@get(STORE + "/waves", summary="Open waves, the oldest first", **WORK)
async def list_waves(store_id: FromPath[UUID], conn: Conn) -> Waves:
    """200 at most."""
    rows = await wave_rows(conn, store_id=StoreId(store_id), most=MOST)
    return Waves([WaveShown.of(row) for row in rows])


async def _wave(conn: AsyncConnection, store_id: UUID, wave_id: UUID) -> WaveDetail:
    ours = StoreId(store_id)
    wave = WaveShown.of(await wave_row(conn, store_id=ours, wave_id=wave_id))
    rows = await pick_list(conn, store_id=ours, wave_id=wave_id)
    return WaveDetail(wave, [filled(ToPick, row) for row in rows])


@post(STORE + "/waves", status_code=201, summary="Begin a wave", **WORK)
async def make_wave(
    store_id: FromPath[UUID],
    data: JSONBody[WaveInput],
    key: Key,
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> WaveDetail:
    """Of what lies set aside in one warehouse, for orders in no open wave of it and in no package.
    An order that ships from two is in a wave of each; one that waits for stock is in none. 409
    `nothing_to_pick`."""

    async def make() -> WaveDetail:
        wave_id = await begin_wave(
            conn,
            store_id=StoreId(store_id),
            choice=WaveChoice(**{name: getattr(data, name) for name in CHOSEN}),
            by_id=who.person_id,
            at=now,
        )
        await note(conn, request, who, now, store_id, "supply.wave_begun", wave_id)
        return await _wave(conn, store_id, wave_id)

    return await once(
        conn, owner_id=store_id, route="POST waves", key=key, request=data, answer=WaveDetail,
        at=now, make=make,
    )  # fmt: skip


@get(WAVE, summary="A wave with its pick list", **WORK)
async def read_wave(store_id: FromPath[UUID], wave_id: FromPath[UUID], conn: Conn) -> WaveDetail:
    """Open or closed."""
    return await _wave(conn, store_id, wave_id)


@post(WAVE + "/picks", status_code=201, summary="Pick one unit", **WORK)
async def pick(
    store_id: FromPath[UUID],
    wave_id: FromPath[UUID],
    data: JSONBody[PickInput],
    key: Key,
    who: Who,
    conn: Conn,
    now: Now,
) -> Picked:
    """The same key is the same unit. 409 `picked_already` when the wave needs no more of it."""
    ours = StoreId(store_id)

    async def make() -> Picked:
        sku_id = await sku_scanned(conn, store_id=ours, code=data.code.strip())
        if sku_id is None:
            raise BadInput(field="code", reason="unknown_value")
        order_id, line_no = await pick_unit(
            conn,
            store_id=ours,
            wave_id=wave_id,
            sku_id=SkuId(sku_id),
            key=f"api:{new_id().hex}",
            by_id=who.person_id,
            at=now,
        )
        return Picked(sku_id, order_id, line_no)

    return await once(
        conn, owner_id=store_id, route="POST picks", key=key, request=(wave_id, data),
        answer=Picked, at=now, make=make,
    )  # fmt: skip


@post(WAVE + "/close", status_code=200, summary="Close a wave", **WORK)
async def end_wave(
    store_id: FromPath[UUID],
    wave_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> WaveDetail:
    """A wave closes by itself when all of it is packed; closed before, what is left goes into
    another one. 409 `wave_closed`."""
    await close_wave(conn, store_id=StoreId(store_id), wave_id=wave_id, at=now)
    await note(conn, request, who, now, store_id, "supply.wave_closed", wave_id)
    return await _wave(conn, store_id, wave_id)


HANDLERS: list[HTTPRouteHandler] = [
    read_board, list_due, list_to_pick, list_to_pack, read_promise, list_waves, make_wave,
    read_wave, pick, end_wave,
]  # fmt: skip
