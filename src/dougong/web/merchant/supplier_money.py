"""Around a purchase: freight on a delivery, goods sent back, what a supplier is owed and paid."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId, new_id
from dougong.catalog.queries import store_of
from dougong.flows.owe_suppliers import pay_supplier, send_goods_back
from dougong.flows.receive_goods import add_landed_cost
from dougong.reads.purchasing import purchase_of, supplier_of, warehouse_rows
from dougong.reads.supplier_bills import account_of
from dougong.supply.receipt_commands import LandedCost
from dougong.supply.supplier_return_commands import GoodsBack
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    STORE,
    amount,
    many,
    merchant_page,
    problem_words,
    see,
    store_url,
    whole,
)
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "include_in_schema": False}
RETURN = STORE + "/purchasing/{purchase_id:uuid}/return"
ACCOUNT = STORE + "/suppliers/{supplier_id:uuid}/account"
AnyRequest = Request[Any, Any, Any]
Cells = str | list[str]


class CostForm(Form, kw_only=True):
    kind: str
    amount: str
    spread_by: str
    order_id: UUID
    key: str


class ReturnForm(Form, kw_only=True):
    key: str
    warehouse_id: UUID
    reason: str = ""
    line_no: Cells
    quantity: Cells


class PayForm(Form, kw_only=True):
    amount: str
    reference: str


@post(STORE + "/purchasing/receipts/{receipt_id:uuid}/costs", **ROUTE)
async def add_cost(
    store_id: FromPath[UUID],
    receipt_id: FromPath[UUID],
    data: FormData[CostForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Freight or duty of a delivery, spread over its lines."""
    store = await store_of(conn, store_id=StoreId(store_id))
    await add_landed_cost(
        conn,
        store_id=StoreId(store_id),
        receipt_id=receipt_id,
        cost=LandedCost(
            kind=data.kind,
            amount_minor=amount(data.amount, store.currency, field="amount") or 0,
            spread_by=data.spread_by,
            key=_key(data.key),
        ),
        by_id=who.person_id,
        at=now,
    )
    await _note(conn, who, now, store_id, "supply.landed_cost_added", str(receipt_id))
    return see(store_url(store_id, f"purchasing/{data.order_id}"))


def _key(text: str) -> str:
    """Raises BadInput."""
    if not 8 <= len(text) <= 200:
        raise BadInput(field="key", reason="missing")
    return text


async def _note(
    conn: AsyncConnection, who: Any, now: Any, store_id: UUID, action: str, subject: str
) -> None:
    await audit(
        conn, at=now, person_id=who.person_id, action=action, owner_id=store_id, subject=subject
    )


async def _return(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    purchase_id: UUID,
    typed: ReturnForm | None = None,
    error: Refusal | None = None,
) -> Page:
    ours = StoreId(store_id)
    purchase = await purchase_of(conn, store_id=ours, order_id=purchase_id)
    return await merchant_page(
        request,
        conn,
        "purchasing/return.html",
        store_id=store_id,
        status=error.status if error else 200,
        purchase=purchase,
        order=purchase.order,
        warehouses=await warehouse_rows(conn, store_id=ours),
        key=typed.key if typed else str(new_id()),
        typed=typed,
        units=many(typed.quantity) if typed else [],
        problem=problem_words(error) if error else "",
    )


@get(RETURN, **ROUTE)
async def return_page(
    store_id: FromPath[UUID], purchase_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Page:
    return await _return(request, conn, store_id, purchase_id)


@post(RETURN, **ROUTE)
async def return_goods(
    store_id: FromPath[UUID],
    purchase_id: FromPath[UUID],
    data: FormData[ReturnForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        async with conn.begin_nested():
            numbers, units = many(data.line_no), many(data.quantity)
            if len(numbers) != len(units):
                raise BadInput(field="lines", reason="too_few_cells")
            lines = {
                whole(n, field="line_no") or 0: whole(q, field="quantity") or 0
                for n, q in zip(numbers, units, strict=True)
            }
            made = await send_goods_back(
                conn,
                store_id=StoreId(store_id),
                order_id=purchase_id,
                goods=GoodsBack(
                    warehouse_id=data.warehouse_id,
                    lines=lines,
                    reason=data.reason,
                    key=_key(data.key),
                ),
                by_id=who.person_id,
                at=now,
            )
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _return(request, conn, store_id, purchase_id, data, refusal)
    await _note(conn, who, now, store_id, "supply.goods_sent_back", made.number)
    return see(store_url(store_id, f"purchasing/{purchase_id}"))


async def _account(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    supplier_id: UUID,
    typed: PayForm | None = None,
    error: Refusal | None = None,
) -> Page:
    ours = StoreId(store_id)
    return await merchant_page(
        request,
        conn,
        "purchasing/account.html",
        store_id=store_id,
        status=error.status if error else 200,
        supplier=await supplier_of(conn, store_id=ours, supplier_id=supplier_id),
        account=await account_of(conn, store_id=ours, supplier_id=supplier_id),
        typed=typed,
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
    )


@get(ACCOUNT, **ROUTE)
async def account_page(
    store_id: FromPath[UUID], supplier_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Page:
    """What is owed by the books, and the papers that explain it."""
    return await _account(request, conn, store_id, supplier_id)


@post(ACCOUNT, **ROUTE)
async def note_payment(
    store_id: FromPath[UUID],
    supplier_id: FromPath[UUID],
    data: FormData[PayForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    ours = StoreId(store_id)
    supplier = await supplier_of(conn, store_id=ours, supplier_id=supplier_id)
    try:
        async with conn.begin_nested():
            await pay_supplier(
                conn,
                store_id=ours,
                supplier_id=supplier_id,
                currency=supplier.currency,
                amount_minor=amount(data.amount, supplier.currency, field="amount") or 0,
                reference=data.reference,
                by_id=who.person_id,
                at=now,
            )
    except Refusal as refusal:
        return await _account(request, conn, store_id, supplier_id, data, refusal)
    await _note(conn, who, now, store_id, "supply.supplier_paid", supplier.code)
    return see(store_url(store_id, f"suppliers/{supplier_id}/account"))


HANDLERS: list[HTTPRouteHandler] = [
    add_cost,
    return_page,
    return_goods,
    account_page,
    note_payment,
]
