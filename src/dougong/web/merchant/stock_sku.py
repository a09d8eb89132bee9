"""One SKU: what lies in each warehouse, its batches, what it cost, and every move of it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import SkuId, StoreId
from dougong.flows.change_stock import change_stock
from dougong.reads.merchant_stock import LOW_UNITS, stock_row
from dougong.reads.merchant_warehouses import (
    a_month_before,
    sku_batches,
    sku_levels,
    sku_moves,
    sku_stock,
)
from dougong.reads.stock_quotas import quotas_of_sku, rooms_for_sku
from dougong.reads.stock_values import corrections_of, value_changes
from dougong.supply.bin_commands import set_bins
from dougong.supply.stock_rules import MoveKind, bin_name
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, mark
from dougong.web.merchant.common import (
    STORE,
    merchant_page,
    problem_words,
    see,
    store_url,
    whole,
)
from dougong.web.paging import MOST_CSV_ROWS, csv_answer
from dougong.web.render import Page

MANAGE: dict[str, Any] = {"permission": Permission.STOCK_MANAGE, "include_in_schema": False}
ONE = STORE + "/stock/{sku_id:uuid}"
MOST_MOVES = 200
MOST_CHANGES = 50
MOST_LOOKED_AT = 5_000  # for the chart of a month

KIND_WORDS: dict[str, str] = {
    "received": mark("Received"),
    "reserved": mark("Promised to orders"),
    "released": mark("Promise given back"),
    "allocated": mark("Set aside for orders"),
    "unallocated": mark("Set aside no more"),
    "picked": mark("Picked"),
    "shipped": mark("Shipped"),
    "returned": mark("Came back"),
    "damaged": mark("Damaged"),
    "repaired": mark("Made whole again"),
    "scrapped": mark("Thrown away"),
    "counted": mark("Counted"),
    "transferred": mark("Moved to another warehouse"),
    "set": mark("Set by hand"),
}
PLACE_WORDS: dict[str, str] = {
    "supplier": mark("supplier"),
    "buyer": mark("buyer"),
    "lost_found": mark("found or lost"),
    "scrap": mark("thrown away"),
    "promised": mark("promised"),
    "pool": mark("for sale"),
    "free": mark("free"),
    "allocated": mark("set aside"),
    "damaged": mark("damaged"),
    "inspecting": mark("in inspection"),
    "transit": mark("on the way"),
}

CHANNEL_WORDS: dict[str, str] = {
    "live": mark("Live rooms"),
    "video": mark("Videos"),
    "shop": mark("The shop itself"),
    "api": mark("Orders by API"),
}


class LevelForm(Form, kw_only=True):
    warehouse_id: UUID
    on_hand: str


class BinForm(Form, kw_only=True):
    warehouse_id: UUID
    bin: str


@get(ONE, **MANAGE)
async def sku_page(
    store_id: FromPath[UUID],
    sku_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    kind: FromQuery[str] = "",
) -> Page:
    return await show_sku(request, conn, store_id, sku_id, now, kind)


async def show_sku(
    request: Request[Any, Any, Any],
    conn: Conn,
    store_id: UUID,
    sku_id: UUID,
    now: Now,
    kind: str = "",
    error: Refusal | None = None,
) -> Page:
    """All that is known of a SKU; with what was refused, if anything was."""
    of: dict[str, Any] = {"store_id": StoreId(store_id), "sku_id": SkuId(sku_id)}
    sku = await sku_stock(conn, **of)
    if sku is None:
        raise NotFound
    since = a_month_before(now)
    chosen = kind if kind in set(MoveKind) else ""
    moves = await sku_moves(conn, **of, kind="", since=since, most=MOST_LOOKED_AT)
    shown = moves
    if chosen:
        shown = await sku_moves(conn, **of, kind=chosen, since=since, most=MOST_MOVES)
    return await merchant_page(
        request,
        conn,
        "merchant/stock_sku.html",
        store_id=store_id,
        status=error.status if error else 200,
        sku=sku,
        levels=await sku_levels(conn, **of),
        batches=await sku_batches(conn, **of),
        quotas=await quotas_of_sku(conn, **of),
        rooms=await rooms_for_sku(conn, **of),
        changes=await value_changes(conn, **of, most=MOST_CHANGES),
        waiting=await corrections_of(conn, **of, state="proposed", most=1),
        channel_words=CHANNEL_WORDS,
        moves=shown[:MOST_MOVES],
        is_cut=len(shown) > MOST_MOVES,
        chart=_chart(moves, sku.on_hand, now),
        kind=chosen,
        kind_words=KIND_WORDS,
        place_words=PLACE_WORDS,
        average_minor=sku.cost_minor // sku.costed if sku.costed else None,
        today=now.date(),
        bad_words=problem_words(error) if error else "",
    )


def _chart(moves: Sequence[Any], on_hand: int, now: Now) -> dict[str, Any]:
    """What was on hand after each move of the last month, as steps."""
    steps = [[move.at.isoformat(), move.balance] for move in reversed(moves) if move.change]
    if moves and steps:
        first = next(move for move in reversed(moves) if move.change)
        steps.insert(0, [first.at.isoformat(), first.balance - first.change])
    else:
        steps.append([a_month_before(now).isoformat(), on_hand])
    steps.append([now.isoformat(), on_hand])
    return {
        "xAxis": {"type": "time"},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {"type": "line", "step": "end", "name": gettext("On hand"), "data": steps,
             "showSymbol": False, "areaStyle": {}},
        ],
    }  # fmt: skip


@post(ONE + "/bins", **MANAGE)
async def set_bin(
    store_id: FromPath[UUID],
    sku_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[BinForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Where it lies in one warehouse; pick lists go from bin to bin."""
    ours, sku = StoreId(store_id), SkuId(sku_id)
    known = await sku_stock(conn, store_id=ours, sku_id=sku)
    if known is None:
        raise NotFound
    try:
        name = bin_name(data.bin)
    except BadInput as refusal:
        return await show_sku(request, conn, store_id, sku_id, now, error=refusal)
    await set_bins(conn, store_id=ours, bins={(sku, data.warehouse_id): name})
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="supply.bin_set",
        owner_id=store_id,
        subject=known.code,
        facts={"warehouse_id": str(data.warehouse_id), "bin": name},
    )
    return see(store_url(store_id, f"stock/{sku_id}"))


@post(ONE + "/levels", **MANAGE)
async def set_in_warehouse(
    store_id: FromPath[UUID],
    sku_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[LevelForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Units on hand in one warehouse, set by hand; htmx gets the row of the list again."""
    ours, sku = StoreId(store_id), SkuId(sku_id)
    before = await sku_stock(conn, store_id=ours, sku_id=sku)
    if before is None:
        raise NotFound
    try:
        level = whole(data.on_hand, field="on_hand")
        if level is None:
            raise BadInput(field="on_hand", reason="missing")
        await change_stock(
            conn,
            store_id=ours,
            levels={sku: level},
            at=now,
            by_id=who.person_id,
            warehouse_id=data.warehouse_id,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        if request.headers.get("HX-Request"):
            raise
        return await show_sku(request, conn, store_id, sku_id, now, error=refusal)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="supply.stock_set",
        owner_id=store_id,
        subject=before.code,
        facts={"warehouse_id": str(data.warehouse_id), "after": level},
    )
    if request.headers.get("HX-Request"):
        return await _row_again(request, conn, ours, sku, data.warehouse_id)
    return see(store_url(store_id, f"stock/{sku_id}"))


async def _row_again(
    request: Request[Any, Any, Any], conn: Conn, ours: StoreId, sku: SkuId, warehouse_id: UUID
) -> Page:
    of: dict[str, Any] = {"sku_id": sku, "warehouse_id": warehouse_id}
    row = await stock_row(conn, store_id=ours, **of)
    shown: dict[str, Any] = {"row": row, "warehouse": warehouse_id, "low_units": LOW_UNITS}
    name = "merchant/stock_row.html"
    return await merchant_page(request, conn, name, store_id=ours, is_saved=True, **shown)


@get(ONE + "/moves.csv", **MANAGE)
async def moves_file(
    store_id: FromPath[UUID],
    sku_id: FromPath[UUID],
    conn: Conn,
    now: Now,
    kind: FromQuery[str] = "",
) -> Response[bytes]:
    """The last month's moves, the newest first: of one kind, as the page shows them, or all."""
    of: dict[str, Any] = {"store_id": StoreId(store_id), "sku_id": SkuId(sku_id)}
    if await sku_stock(conn, **of) is None:
        raise NotFound
    chosen = kind if kind in set(MoveKind) else ""
    since = a_month_before(now)
    rows = await sku_moves(conn, **of, kind=chosen, since=since, most=MOST_CSV_ROWS)
    columns = ("at", "kind", "quantity", "src", "src_code", "dst", "dst_code", "change", "balance",
               "unit_cost_minor", "value_minor", "about_kind", "about_id", "by_name")  # fmt: skip
    return csv_answer("moves.csv", columns, ([getattr(row, c) for c in columns] for row in rows))


HANDLERS: list[HTTPRouteHandler] = [sku_page, set_bin, set_in_warehouse, moves_file]
