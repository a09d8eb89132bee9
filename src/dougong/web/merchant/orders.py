"""Orders: what waits to be sent, one order with its story, shipping and refunding it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import OrderId, StoreId, new_id
from dougong.flows.refund_lines import refund_lines
from dougong.flows.ship_order import ship_order
from dougong.orders.rules import PAID_STATES
from dougong.reads.dropship import dropship_rows
from dougong.reads.merchant_money import money_rows
from dougong.reads.merchant_orders import (
    TABS,
    OrderFilter,
    looked_to,
    order_rows,
    order_to_work_on,
    tab_counts,
)
from dougong.reads.merchant_shipping import waiting_rows
from dougong.reads.merchant_warehouses import allocations_of
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    STORE,
    amount,
    days,
    many,
    merchant_page,
    problem_words,
    see,
    store_url,
    whole,
)
from dougong.web.merchant.refund_preview import preview
from dougong.web.merchant.shipping import CARRIERS
from dougong.web.merchant.timeline import timeline
from dougong.web.merchant.warehouses import CRITERION_WORDS
from dougong.web.paging import (
    MOST_CSV_ROWS,
    PAGE_ROWS,
    csv_answer,
    cursor_of,
    cursor_values,
    cut,
    first_url,
    next_url,
)
from dougong.web.render import Page

ORDER = STORE + "/orders/{order_id:uuid}"
MOST_LINES = 500  # more than a cart may hold
MOST_LOOKED_AT = 1_000_000  # by a search that goes into a file
READ: dict[str, Any] = {"permission": Permission.ORDER_READ_STORE, "include_in_schema": False}
SHIP: dict[str, Any] = {"permission": Permission.ORDER_SHIP, "include_in_schema": False}
REFUND: dict[str, Any] = {"permission": Permission.ORDER_REFUND, "include_in_schema": False}
SHIPPABLE = ("paid", "part_shipped")
Cells = str | list[str]


class ShipForm(Form, kw_only=True):
    carrier: str
    tracking_no: str
    line_no: Cells
    quantity: Cells


class RefundForm(Form, kw_only=True):
    key: str = ""
    reason: str = ""
    line_no: Cells
    refund: Cells


@get(STORE + "/orders", **READ)
async def order_list(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    tab: FromQuery[str] = "to_ship",
    q: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    """Orders that wait to be sent: the longest waiting first; all others: the newest first."""
    ours = StoreId(store_id)
    start = cursor_values(after, tuple[datetime, UUID])
    if tab == "to_ship" and not (q.strip() or since or until):
        rows = await waiting_rows(conn, store_id=ours, after=start, most=PAGE_ROWS + 1)
        chosen = OrderFilter()
    else:
        chosen = _chosen(tab=tab, q=q, since=since, until=until)
        rows = await order_rows(
            conn, store_id=ours, chosen=chosen, before=start, most=PAGE_ROWS + 1
        )
    rows, following = cut(rows, lambda row: (row.placed_at, row.id))
    behind = None
    if not following:
        behind = await looked_to(conn, rows, store_id=ours, chosen=chosen, before=start)
    return await merchant_page(
        request,
        conn,
        "merchant/orders.html",
        store_id=store_id,
        rows=rows,
        tab=tab,
        q=q,
        since=since,
        until=until,
        filters=urlencode({k: v for k, v in query_of(request).items() if k != "after"}),
        counts=await tab_counts(conn, store_id=ours),
        next_url=next_url(request, following),
        further_url=next_url(request, cursor_of(*behind) if behind else ""),
        first_url=first_url(request),
    )


def query_of(request: Request[Any, Any, Any]) -> dict[str, str]:
    return dict(request.query_params.items())


def _chosen(*, tab: str, q: str, since: str, until: str) -> OrderFilter:
    """Raises BadInput."""
    known = "" if tab == "all" else tab
    if known not in TABS:
        raise BadInput(field="tab", reason="unknown_value")
    return OrderFilter(known, q.strip()[:100], *days(since, until))


@get(STORE + "/orders.csv", **READ)
async def order_file(
    store_id: FromPath[UUID],
    conn: Conn,
    tab: FromQuery[str] = "all",
    q: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
) -> Response[bytes]:
    rows = await order_rows(
        conn,
        store_id=StoreId(store_id),
        chosen=_chosen(tab=tab, q=q, since=since, until=until),
        most=MOST_CSV_ROWS,
        look=MOST_LOOKED_AT,
    )
    columns = ("number", "state", "placed_at", "paid_at", "recipient", "city", "units")
    money = ("currency", "total_minor", "refunded_minor")
    return csv_answer(
        "orders.csv",
        (*columns, *money),
        ([getattr(row, column) for column in (*columns, *money)] for row in rows),
    )


async def _order_page(
    request: Request[Any, Any, Any],
    conn: AsyncConnection,
    store_id: UUID,
    order_id: UUID,
    *,
    typed: Mapping[str, Any] | None = None,
    error: Refusal | None = None,
    at_form: str = "",
) -> Page:
    found = await order_to_work_on(conn, store_id=StoreId(store_id), order_id=OrderId(order_id))
    order = found["order"]
    state = order.state
    with_suppliers = await dropship_rows(
        conn, store_id=StoreId(store_id), order_id=order_id, most=MOST_LINES
    )
    held = await money_rows(conn, store_id=StoreId(store_id), words=order.number, most=1)
    return await merchant_page(
        request,
        conn,
        "merchant/order.html",
        store_id=store_id,
        status=422 if error else 200,
        **found,
        timeline=timeline(found),
        money_of=held[0] if held else None,
        served_from=await allocations_of(
            conn, store_id=StoreId(store_id), order_id=OrderId(order_id)
        ),
        with_suppliers={row.line_no: row for row in with_suppliers},
        criterion_words=CRITERION_WORDS,
        carriers=CARRIERS,
        may_ship=state in SHIPPABLE,
        may_refund=state in PAID_STATES and any(line.left_minor for line in found["lines"]),
        key=str(new_id()),
        typed=typed or {},
        bad_form=at_form,
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
    )


@get(ORDER, **READ)
async def order_page(
    store_id: FromPath[UUID],
    order_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
) -> Page:
    return await _order_page(request, conn, store_id, order_id)


@post(ORDER + "/ship", **SHIP)
async def ship(
    store_id: FromPath[UUID],
    order_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[ShipForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """A package with the units named; what is left waits for the next one."""
    try:
        async with conn.begin_nested():
            units = {
                n: whole(text, field="quantity") or 0
                for n, text in _lines(data.line_no, data.quantity).items()
            }
            if len(data.carrier.strip()) > 60 or len(data.tracking_no.strip()) > 60:
                raise BadInput(field="tracking_no", reason="too_long")
            package_id = await ship_order(
                conn,
                store_id=StoreId(store_id),
                order_id=OrderId(order_id),
                carrier=data.carrier,
                tracking_no=data.tracking_no,
                lines={n: quantity for n, quantity in units.items() if quantity},
                at=now,
            )
    except Refusal as refusal:
        return await _refused(request, conn, store_id, order_id, refusal, "ship", data)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="orders.shipped",
        owner_id=store_id,
        subject=str(order_id),
        facts={"package_id": str(package_id)},
    )
    return see(store_url(store_id, f"orders/{order_id}"))


@post(ORDER + "/refund", **REFUND)
async def refund(
    store_id: FromPath[UUID],
    order_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[RefundForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """The form's own key makes a repeat the same refund."""
    try:
        async with conn.begin_nested():
            amounts = await _amounts(conn, store_id, order_id, data)
            if len(data.reason) > 200:
                raise BadInput(field="reason", reason="too_long")
            made = await refund_lines(
                conn,
                store_id=StoreId(store_id),
                order_id=OrderId(order_id),
                amounts=amounts,
                reason=data.reason.strip(),
                asked_by=who.person_id,
                key=_key(data.key),
                at=now,
            )
    except Refusal as refusal:
        return await _refused(request, conn, store_id, order_id, refusal, "refund", data)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="orders.refunded",
        owner_id=store_id,
        subject=str(order_id),
        facts={
            "refund_id": str(made.id),
            "amount_minor": made.amount_minor,
            "currency": made.currency,
        },
    )
    return see(store_url(store_id, f"orders/{order_id}#refunds"))


@post(ORDER + "/refund/preview", status_code=200, **REFUND)
async def refund_preview(
    store_id: FromPath[UUID],
    order_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[RefundForm],
    conn: Conn,
) -> Page:
    """Who would give back what, before anything is done."""
    found = await order_to_work_on(conn, store_id=StoreId(store_id), order_id=OrderId(order_id))
    parts, words = None, ""
    try:
        parts = preview(found["lines"], await _amounts(conn, store_id, order_id, data))
    except Refusal as refusal:
        words = problem_words(refusal)
    return await merchant_page(
        request,
        conn,
        "merchant/refund_preview.html",
        store_id=store_id,
        order=found["order"],
        parts=parts,
        bad_words=words,
    )


def _lines(line_no: Cells, values: Cells) -> dict[int, str]:
    numbers, texts = many(line_no), many(values)
    if len(numbers) != len(texts) or not all(n.isascii() and n.isdigit() for n in numbers):
        raise BadInput(field="line_no", reason="unknown_value")
    return {int(n[:5]): text for n, text in zip(numbers, texts, strict=True)}


async def _amounts(
    conn: AsyncConnection, store_id: UUID, order_id: UUID, data: RefundForm
) -> dict[int, int]:
    found = await order_to_work_on(conn, store_id=StoreId(store_id), order_id=OrderId(order_id))
    currency = found["order"].currency
    typed = {
        n: amount(text, currency, field="refund", required=False)
        for n, text in _lines(data.line_no, data.refund).items()
    }
    return {n: minor for n, minor in typed.items() if minor}


def _key(text: str) -> str:
    if not 8 <= len(text) <= 200 or not text.isascii() or not text.isprintable():
        raise BadInput(field="key", reason="missing")
    return text


async def _refused(
    request: Request[Any, Any, Any],
    conn: AsyncConnection,
    store_id: UUID,
    order_id: UUID,
    refusal: Refusal,
    at_form: str,
    data: Any,
) -> Page:
    if refusal.status == 404:
        raise refusal
    typed = {name: getattr(data, name) for name in data.__struct_fields__}
    return await _order_page(
        request, conn, store_id, order_id, typed=typed, error=refusal, at_form=at_form
    )


HANDLERS: list[HTTPRouteHandler] = [
    order_list,
    order_file,
    order_page,
    ship,
    refund,
    refund_preview,
]
