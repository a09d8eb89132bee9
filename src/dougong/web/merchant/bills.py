"""Bills of suppliers beside order and receipt; freight, returns, payments, what is owed."""

from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.flows.owe_suppliers import decide_about_bill
from dougong.reads.purchasing import purchase_of
from dougong.reads.supplier_bills import SHOWN, bill_of, bill_rows, match_rows
from dougong.supply.bill_commands import NewBill, differences_of, enter_bill
from dougong.supply.purchase_rules import BILL_MOVES, BilledLine, BillState
from dougong.supply.supplier_commands import terms_at
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
from dougong.web.merchant.purchasing import a_day, local_day
from dougong.web.paging import (
    MOST_CSV_ROWS,
    PAGE_ROWS,
    csv_answer,
    cursor_values,
    cut,
    first_url,
    next_url,
)
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "include_in_schema": False}
BILLS = STORE + "/purchasing/bills"
ONE = BILLS + "/{bill_id:uuid}"
AnyRequest = Request[Any, Any, Any]
Cells = str | list[str]


class BillForm(Form, kw_only=True):
    order_id: UUID
    bill_no: str
    billed_on: str
    due_on: str = ""
    extra: str = ""
    line_no: Cells
    quantity: Cells
    price: Cells

    def lines(self, currency: str) -> list[BilledLine]:
        """Lines with units. Raises BadInput."""
        columns = [many(one) for one in (self.line_no, self.quantity, self.price)]
        if len({len(column) for column in columns}) != 1:
            raise BadInput(field="lines", reason="too_few_cells")
        made = []
        for number, units, price in zip(*columns, strict=True):
            quantity = whole(units, field="quantity")
            if quantity:
                line_no = whole(number, field="line_no", most=1_000) or 0
                minor = amount(price, currency, field="price") or 0
                made.append(BilledLine(line_no, quantity, minor))
        return made


class DecideForm(Form, kw_only=True):
    decision: Literal["approved", "disputed", "rejected"]
    reason: str = ""


@get(BILLS, **ROUTE)
async def bill_list(
    store_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    show: FromQuery[str] = "open",
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    if show not in SHOWN:
        raise BadInput(field="show", reason="unknown_value")
    rows = await bill_rows(
        conn,
        store_id=StoreId(store_id),
        show=show,
        words=q.strip()[:100],
        before=cursor_values(after, tuple[Any, UUID]),
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(rows, lambda row: (row.entered_at, row.id))
    return await merchant_page(
        request,
        conn,
        "purchasing/bills.html",
        store_id=store_id,
        rows=rows,
        show=show,
        q=q,
        today=local_day(now),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(STORE + "/purchasing/bills.csv", **ROUTE)
async def bill_file(store_id: FromPath[UUID], conn: Conn) -> Response[bytes]:
    rows = await bill_rows(conn, store_id=StoreId(store_id), show="all", most=MOST_CSV_ROWS)
    columns = ("bill_no", "supplier_name", "order_number", "state", "differs", "billed_on",
               "due_on", "goods_minor", "extra_minor", "total_minor", "currency")  # fmt: skip
    return csv_answer(
        "bills.csv", columns, ([getattr(row, name) for name in columns] for row in rows)
    )


async def _entry(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    order_id: UUID,
    today: Any,
    typed: BillForm | None = None,
    error: Refusal | None = None,
) -> Page:
    purchase = await purchase_of(conn, store_id=StoreId(store_id), order_id=order_id)
    cells = []
    if typed is not None:
        cells = [*zip(many(typed.quantity), many(typed.price), strict=False)]
    return await merchant_page(
        request,
        conn,
        "purchasing/bill_new.html",
        store_id=store_id,
        status=error.status if error else 200,
        purchase=purchase,
        order=purchase.order,
        typed=typed,
        cells=cells,
        today=today,
        problem=problem_words(error) if error else "",
    )


@get(BILLS + "/new", **ROUTE)
async def new_bill(
    store_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now, order: FromQuery[UUID]
) -> Page:
    return await _entry(request, conn, store_id, order, local_day(now))


@post(BILLS + "/new", **ROUTE)
async def save_bill(
    store_id: FromPath[UUID],
    data: FormData[BillForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    ours = StoreId(store_id)
    purchase = await purchase_of(conn, store_id=ours, order_id=data.order_id)
    currency = purchase.order.currency
    try:
        async with conn.begin_nested():
            billed_on = a_day(data.billed_on, field="billed_on")
            if billed_on is None:
                raise BadInput(field="billed_on", reason="missing")
            bill_id = await enter_bill(
                conn,
                store_id=ours,
                bill=NewBill(
                    order_id=data.order_id,
                    bill_no=data.bill_no,
                    billed_on=billed_on,
                    due_on=a_day(data.due_on, field="due_on"),
                    lines=data.lines(currency),
                    extra_minor=amount(data.extra, currency, field="extra", required=False) or 0,
                    payment_days=purchase.order.payment_days,
                ),
                by_id=who.person_id,
                at=now,
            )
    except Refusal as refusal:
        return await _entry(request, conn, store_id, data.order_id, local_day(now), data, refusal)
    await audit(
        conn, at=now, person_id=who.person_id, action="supply.bill_entered", owner_id=store_id,
        subject=data.bill_no[:80],
    )  # fmt: skip
    return see(store_url(store_id, f"purchasing/bills/{bill_id}"))


async def _one(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    bill_id: UUID,
    who: Any,
    now: Any,
    error: Refusal | None = None,
) -> Page:
    ours = StoreId(store_id)
    bill = await bill_of(conn, store_id=ours, bill_id=bill_id)
    is_open = bill.state in ("entered", "disputed")
    found = await differences_of(conn, store_id=ours, bill=bill, at=now) if is_open else []
    return await merchant_page(
        request,
        conn,
        "purchasing/bill.html",
        store_id=store_id,
        status=error.status if error else 200,
        bill=bill,
        rows=await match_rows(conn, store_id=ours, bill=bill),
        differences=found,
        by_line={(one.line_no, one.kind): one for one in found},
        moves=BILL_MOVES[BillState(bill.state)],
        is_own=bill.entered_by == who.person_id,
        terms=await terms_at(conn, store_id=ours, at=now),
        problem=problem_words(error) if error else "",
    )


@get(ONE, **ROUTE)
async def bill_page(
    store_id: FromPath[UUID],
    bill_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Page:
    return await _one(request, conn, store_id, bill_id, who, now)


@post(ONE, **ROUTE)
async def decide(
    store_id: FromPath[UUID],
    bill_id: FromPath[UUID],
    data: FormData[DecideForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        async with conn.begin_nested():
            bill = await decide_about_bill(
                conn,
                store_id=StoreId(store_id),
                bill_id=bill_id,
                state=BillState(data.decision),
                reason=data.reason,
                by_id=who.person_id,
                at=now,
            )
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _one(request, conn, store_id, bill_id, who, now, refusal)
    await audit(
        conn, at=now, person_id=who.person_id, action="supply.bill_decided", owner_id=store_id,
        subject=bill.bill_no, facts={"state": data.decision, "reason": data.reason[:500]},
    )  # fmt: skip
    return see(store_url(store_id, f"purchasing/bills/{bill_id}"))


HANDLERS: list[HTTPRouteHandler] = [bill_list, bill_file, new_bill, save_bill, bill_page, decide]
