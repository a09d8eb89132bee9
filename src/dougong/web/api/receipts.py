"""API v1: deliveries counted at the door, what it cost to bring them in, goods that go back."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.ids import StoreId
from dougong.flows.owe_suppliers import send_goods_back
from dougong.flows.receive_goods import add_landed_cost, receive_goods
from dougong.reads.purchase_lists import Papers, receipt_rows, return_rows
from dougong.supply.receipt_commands import Delivery, LandedCost
from dougong.supply.supplier_return_commands import GoodsBack
from dougong.web.api.common import STORE, After, Key, Limit, Since, instant_of
from dougong.web.api.deeds import Deed
from dougong.web.api.purchases import ORDER
from dougong.web.api.receipt_types import (
    CostInput,
    GoodsReceipt,
    GoodsReceiptPage,
    ReceiptInput,
    ReturnInput,
    SupplierReturn,
    SupplierReturnPage,
)
from dougong.web.deps import Conn
from dougong.web.paging import cursor_values, cut

TAGS = ["purchasing"]
ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "tags": TAGS}
WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "tags": TAGS}
RECEIPT = STORE + "/goods-receipts/{receipt_id:uuid}"
OfOrder = Annotated[UUID | None, QueryParameter(description="Only of this purchase order.")]
OfSupplier = Annotated[UUID | None, QueryParameter(description="Only of this supplier.")]


async def _receipt(conn: AsyncConnection, store_id: StoreId, receipt_id: UUID) -> GoodsReceipt:
    """Raises NotFound."""
    chosen = Papers(only=receipt_id)
    for row in await receipt_rows(conn, store_id=store_id, chosen=chosen, most=1):
        return GoodsReceipt.of(row)
    raise NotFound


@get(STORE + "/goods-receipts", summary="Deliveries of a store", **ROUTE)
async def list_receipts(
    store_id: FromPath[UUID],
    conn: Conn,
    purchase_id: OfOrder = None,
    supplier_id: OfSupplier = None,
    since: Since = None,
    after: After = "",
    limit: Limit = 50,
) -> GoodsReceiptPage:
    """The newest first."""
    found = await receipt_rows(
        conn,
        store_id=StoreId(store_id),
        chosen=Papers(None, purchase_id, supplier_id, instant_of(since)),
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.at, row.id), limit)
    return GoodsReceiptPage([GoodsReceipt.of(row) for row in rows], following or None)


@get(RECEIPT, summary="One delivery", **ROUTE)
async def read_receipt(
    store_id: FromPath[UUID], receipt_id: FromPath[UUID], conn: Conn
) -> GoodsReceipt:
    return await _receipt(conn, StoreId(store_id), receipt_id)


@post(ORDER + "/receipts", status_code=201, summary="Receive goods", **WORK)
async def receive(
    purchase_id: FromPath[UUID], data: JSONBody[ReceiptInput], key: Key, deed: Deed
) -> GoodsReceipt:
    """What is accepted can be sold at once, at what it was ordered for. 409 `over_delivery` for
    more than may come of a line (`facts` name it), unless `take_over` is said;
    `wrong_purchase_state` unless the order is sent and not wholly received; `warehouse_closed`.
    Goods that expire need lot and expiry: 400 `expiry_missing`, 409 `expires_too_soon`."""

    async def make() -> GoodsReceipt:
        delivery = Delivery(
            lines=[line.counted() for line in data.lines],
            key=key,
            take_over=data.take_over,
            delivery_note=data.delivery_note,
            note=data.note,
        )
        made = await receive_goods(
            deed.conn,
            order_id=purchase_id,
            warehouse_id=data.warehouse_id,
            delivery=delivery,
            **deed.named(by_id=deed.by_id),
        )
        await deed.note("supply.goods_received", made.number)
        return await _receipt(deed.conn, deed.store_id, made.id)

    return await deed.once("purchase.receive", key, (purchase_id, data), GoodsReceipt, make)


@post(RECEIPT + "/costs", status_code=201, summary="Add freight or duty", **ROUTE)
async def add_cost(
    receipt_id: FromPath[UUID], data: JSONBody[CostInput], key: Key, deed: Deed
) -> GoodsReceipt:
    """It goes into the moving-average cost of what is still there. 400 `no_weight` or `no_value`
    where no line has any of it, `no_quantity` where nothing was accepted."""

    async def make() -> GoodsReceipt:
        await _receipt(deed.conn, deed.store_id, receipt_id)
        cost = LandedCost(
            kind=data.cost, amount_minor=data.amount_minor, spread_by=data.spread_by, key=key
        )
        named = deed.named(by_id=deed.by_id)
        await add_landed_cost(deed.conn, receipt_id=receipt_id, cost=cost, **named)
        await deed.note("supply.landed_cost_added", receipt_id)
        return await _receipt(deed.conn, deed.store_id, receipt_id)

    return await deed.once("receipt.cost", key, (receipt_id, data), GoodsReceipt, make)


@get(STORE + "/supplier-returns", summary="Goods that went back", **ROUTE)
async def list_returns(
    store_id: FromPath[UUID],
    conn: Conn,
    purchase_id: OfOrder = None,
    supplier_id: OfSupplier = None,
    since: Since = None,
    after: After = "",
    limit: Limit = 50,
) -> SupplierReturnPage:
    """The newest first."""
    found = await return_rows(
        conn,
        store_id=StoreId(store_id),
        chosen=Papers(None, purchase_id, supplier_id, instant_of(since)),
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.at, row.id), limit)
    return SupplierReturnPage([SupplierReturn.of(row) for row in rows], following or None)


@post(ORDER + "/returns", status_code=201, summary="Send goods back", **ROUTE)
async def send_back(
    purchase_id: FromPath[UUID], data: JSONBody[ReturnInput], key: Key, deed: Deed
) -> SupplierReturn:
    """To their supplier; what was billed of them is owed no more. 409 `nothing_to_send_back` for
    more than was received, `not_enough_there` or `stock_below_reserved` when they are not free."""

    async def make() -> SupplierReturn:
        goods = GoodsBack(
            warehouse_id=data.warehouse_id, lines=data.units(), reason=data.reason, key=key
        )
        named = deed.named(by_id=deed.by_id)
        made = await send_goods_back(deed.conn, order_id=purchase_id, goods=goods, **named)
        await deed.note("supply.goods_sent_back", made.number)
        chosen = Papers(only=made.id)
        (row,) = await return_rows(deed.conn, store_id=deed.store_id, chosen=chosen, most=1)
        return SupplierReturn.of(row)

    return await deed.once("purchase.return", key, (purchase_id, data), SupplierReturn, make)


HANDLERS: list[HTTPRouteHandler] = [
    list_receipts,
    read_receipt,
    receive,
    add_cost,
    list_returns,
    send_back,
]
