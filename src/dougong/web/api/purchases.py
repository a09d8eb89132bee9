"""API v1: purchase orders: drafted, changed, approved, sent, ended; as PDF and CSV."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.reads.purchasing import OrderFilter, purchase_of, purchase_rows
from dougong.supply.purchase_commands import (
    approve_order,
    change_order,
    draft_order,
    end_order,
    send_order,
)
from dougong.supply.purchase_rules import PurchaseState
from dougong.web.api.common import (
    STORE,
    After,
    Key,
    Limit,
    MaybeKey,
    Search,
    Since,
    instant_of,
    plain,
)
from dougong.web.api.deeds import Deed, StoreDeed
from dougong.web.api.purchase_types import (
    InState,
    OrderChange,
    OrderInput,
    PurchaseOrder,
    PurchaseOrderPage,
    PurchaseOrderRow,
    ReasonInput,
    likely,
    wanted,
)
from dougong.web.api.stock import OfSku
from dougong.web.deps import Conn, Now
from dougong.web.merchant.purchase_files import lines_csv, order_pdf
from dougong.web.merchant.purchasing import local_day
from dougong.web.paging import cursor_values, cut

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "tags": ["purchasing"]}
FILE = {200: ResponseSpec(bytes, generate_examples=False, description="The file.")}
ORDERS = STORE + "/purchase-orders"
ORDER = ORDERS + "/{purchase_id:uuid}"


async def _order(conn: AsyncConnection, store_id: StoreId, purchase_id: UUID) -> PurchaseOrder:
    """Raises NotFound."""
    found = await purchase_of(conn, store_id=store_id, order_id=purchase_id)
    return PurchaseOrder.of(found)


@get(ORDERS, summary="Purchase orders of a store", **ROUTE)
async def list_orders(
    store_id: FromPath[UUID],
    conn: Conn,
    now: Now,
    show: FromQuery[InState] = "all",
    q: Search = "",
    supplier_id: FromQuery[UUID | None] = None,
    sku_id: OfSku = None,
    since: Since = None,
    after: After = "",
    limit: Limit = 50,
) -> PurchaseOrderPage:
    """The newest first. `show`: a state, or `open`: not at its end. `q`: number, supplier or SKU
    code; `since`: made from then on."""
    state = "" if show == "all" else show
    found = await purchase_rows(
        conn,
        store_id=StoreId(store_id),
        chosen=OrderFilter(state, plain(q), supplier_id, sku_id, instant_of(since)),
        today=local_day(now),
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.made_at, row.id), limit)
    return PurchaseOrderPage([PurchaseOrderRow.of(row) for row in rows], following or None)


@get(ORDER, summary="One purchase order", **ROUTE)
async def read_order(
    store_id: FromPath[UUID], purchase_id: FromPath[UUID], conn: Conn
) -> PurchaseOrder:
    """With what was received, returned and billed of each line."""
    return await _order(conn, StoreId(store_id), purchase_id)


@post(ORDERS, status_code=201, summary="Draft a purchase order", **ROUTE)
async def new_order(data: JSONBody[OrderInput], key: Key, deed: Deed) -> PurchaseOrder:
    """409 `supplier_closed`. 400 `no_price` for a line without a price when none is in force."""

    async def make() -> PurchaseOrder:
        made = await draft_order(
            deed.conn,
            supplier_id=data.supplier_id,
            warehouse_id=data.warehouse_id,
            lines=wanted(data.lines),
            expected_on=likely(data.expected_on, field="expected_on"),
            note=data.note,
            **deed.named(by_id=deed.by_id),
        )
        await deed.note("supply.purchase_order_drafted", made)
        return await _order(deed.conn, deed.store_id, made)

    return await deed.once("POST purchase-orders", key, data, PurchaseOrder, make)


@put(ORDER, summary="Change a draft", **ROUTE)
async def edit_order(
    purchase_id: FromPath[UUID], data: JSONBody[OrderChange], deed: Deed
) -> PurchaseOrder:
    """Its lines are written anew. 409 `wrong_purchase_state` for what is no draft any more."""
    now = await _order(deed.conn, deed.store_id, purchase_id)
    await change_order(
        deed.conn,
        order_id=purchase_id,
        warehouse_id=data.warehouse_id,
        lines=wanted(data.lines),
        expected_on=likely(data.expected_on, field="expected_on") or now.expected_on,
        note=data.note,
        **deed.named(),
    )
    await deed.note("supply.purchase_order_changed", purchase_id)
    return await _order(deed.conn, deed.store_id, purchase_id)


async def _moved(
    deed: StoreDeed, key: str | None, state: PurchaseState, purchase_id: UUID, reason: str
) -> PurchaseOrder:
    named = deed.named(order_id=purchase_id)

    async def make() -> PurchaseOrder:
        if state is PurchaseState.APPROVED:
            await approve_order(deed.conn, by_id=deed.by_id, **named)
        elif state is PurchaseState.SENT:
            await send_order(deed.conn, **named)
        else:
            await end_order(deed.conn, state=state, reason=reason, **named)
        await deed.note(f"supply.purchase_order_{state}", purchase_id)
        return await _order(deed.conn, deed.store_id, purchase_id)

    request = (purchase_id, reason)
    return await deed.once(f"purchase.{state}", key, request, PurchaseOrder, make)


@post(ORDER + "/approve", status_code=200, summary="Approve a draft", **ROUTE)
async def approve_purchase(
    purchase_id: FromPath[UUID], deed: Deed, key: MaybeKey = None
) -> PurchaseOrder:
    """It stands as it is from now on. 409 `second_buyer_needed` above the store's limit for who
    made it, `wrong_purchase_state`."""
    return await _moved(deed, key, PurchaseState.APPROVED, purchase_id, "")


@post(ORDER + "/send", status_code=200, summary="Say that the supplier has it", **ROUTE)
async def send_purchase(
    purchase_id: FromPath[UUID], deed: Deed, key: MaybeKey = None
) -> PurchaseOrder:
    """Goods can be received from now on. 409 `wrong_purchase_state` unless it is approved."""
    return await _moved(deed, key, PurchaseState.SENT, purchase_id, "")


ENDS: dict[Literal["cancel", "close"], tuple[PurchaseState, str, str]] = {
    "cancel": (
        PurchaseState.CANCELLED,
        "Cancel a purchase order",
        "409 `wrong_purchase_state` once anything has come.",
    ),
    "close": (
        PurchaseState.CLOSED,
        "Close a purchase order",
        "What has not come will not. 409 `wrong_purchase_state` before anything has.",
    ),
}


def end_route(act: Literal["cancel", "close"]) -> HTTPRouteHandler:
    """One of ENDS."""
    state, summary, words = ENDS[act]

    async def end(
        purchase_id: FromPath[UUID], data: JSONBody[ReasonInput], deed: Deed, key: MaybeKey = None
    ) -> PurchaseOrder:
        return await _moved(deed, key, state, purchase_id, data.reason)

    end.__name__, end.__doc__ = f"{act}_purchase", words
    return post(f"{ORDER}/{act}", status_code=200, summary=summary, **ROUTE)(end)


@get(ORDER + "/order.pdf", summary="A purchase order as PDF", responses=FILE, **ROUTE)
async def order_document(store_id: FromPath[UUID], purchase_id: FromPath[UUID]) -> Response[bytes]:
    """For the supplier, in the language that is asked for."""
    return await order_pdf(store_id=StoreId(store_id), purchase_id=purchase_id)


@get(ORDER + "/lines.csv", summary="A purchase order as CSV", responses=FILE, **ROUTE)
async def order_file(
    store_id: FromPath[UUID], purchase_id: FromPath[UUID], conn: Conn
) -> Response[bytes]:
    """The columns that an import takes."""
    return await lines_csv(conn, store_id=StoreId(store_id), purchase_id=purchase_id)


HANDLERS: list[HTTPRouteHandler] = [
    list_orders,
    read_order,
    new_order,
    edit_order,
    approve_purchase,
    send_purchase,
    end_route("cancel"),
    end_route("close"),
    order_document,
    order_file,
]
