"""Refunds between us and the gateways: what failed, and what was made there by hand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import OrderId, StoreId
from dougong.flows.adopt_refund import book_foreign, set_aside_foreign
from dougong.flows.send_refunds import try_again_now
from dougong.payments.rules import (
    MOST_REFUND_ATTEMPTS,
    MOST_REFUND_ATTEMPTS_BY_HAND,
)
from dougong.reads.operator_refunds import (
    ForeignRefund,
    count_foreign_open,
    failed_refund_rows,
    foreign_refund_rows,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext
from dougong.web.operator.common import MOST_IN_FILE, PAGE, csv_file, see
from dougong.web.operator.unallocated import GATEWAYS
from dougong.web.paging import cursor_values, cut, first_url, next_url
from dougong.web.refund_words import failure_words, next_try
from dougong.web.render import page

REFUNDS: dict[str, Any] = {"permission": Permission.REFUND_RETRY, "include_in_schema": False}
FAILED_HEAD = ("failed_at", "order", "store", "gateway", "reference", "amount_minor", "currency",
               "attempt", "failure")  # fmt: skip
FOREIGN_HEAD = ("told_at", "gateway", "payment", "refund", "amount_minor", "currency", "failed_at",
                "settled_at", "booked_to", "note", "orders")  # fmt: skip
DECIDES: dict[str, Any] = {
    "permission": Permission.UNALLOCATED_RESOLVE,
    "include_in_schema": False,
}
LONGEST_NOTE = 500


class Again(Form):
    attempt: int


class AsRefundOf(Form):
    store: UUID
    order: UUID
    note: str = ""


class SetAside(Form):
    note: str = ""


@get("/operator/refunds", **REFUNDS)
async def failed_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    """Refunds whose last attempt failed, with the reason, and when each is sent again by itself."""
    start = cursor_values(after, tuple[datetime, UUID])
    most = MOST_IN_FILE if file == "csv" else PAGE + 1
    rows = await failed_refund_rows(conn, before=start, most=most)
    if file == "csv":
        lines = [
            (r.failed_at.isoformat(), r.order_number, r.store_zh, r.gateway, r.payment_ref,
             r.amount_minor, r.currency, r.attempt, r.failure)
            for r in rows
        ]  # fmt: skip
        return csv_file("failed-refunds", FAILED_HEAD, lines)
    shown, following = cut(rows, lambda row: (row.failed_at, row.id), PAGE)
    return page(
        request,
        "operator/refunds.html",
        show="failed",
        rows=shown,
        foreign_open=await count_foreign_open(conn),
        gateways={gateway: gettext(words) for gateway, words in GATEWAYS.items()},
        failure_words=failure_words,
        next_try=next_try,
        most_by_itself=MOST_REFUND_ATTEMPTS,
        most_by_hand=MOST_REFUND_ATTEMPTS_BY_HAND,
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get("/operator/refunds/foreign", **REFUNDS)
async def foreign_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    show: FromQuery[str] = "open",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    """Refunds that a gateway told of and that nobody asked for here: to decide, and decided."""
    start = cursor_values(after, tuple[datetime, UUID])
    is_open = show != "done"
    most = MOST_IN_FILE if file == "csv" else PAGE + 1
    rows = await foreign_refund_rows(conn, is_open=is_open, before=start, most=most)
    if file == "csv":
        return csv_file("foreign-refunds", FOREIGN_HEAD, map(_foreign_line, rows))
    shown, following = cut(rows, lambda row: (row.told_at, row.id), PAGE)
    return page(
        request,
        "operator/refunds.html",
        show="foreign" if is_open else "done",
        rows=shown,
        foreign_open=await count_foreign_open(conn),
        gateways={gateway: gettext(words) for gateway, words in GATEWAYS.items()},
        longest_note=LONGEST_NOTE,
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


def _foreign_line(row: ForeignRefund) -> tuple[Any, ...]:
    failed, settled = (at.isoformat() if at else "" for at in (row.failed_at, row.settled_at))
    orders = " ".join(order.number for order in row.orders)
    return (row.told_at.isoformat(), row.gateway, row.payment_ref, row.refund_ref,
            row.amount_minor, row.currency, failed, settled, row.refunded_order, row.note,
            orders)  # fmt: skip


@post("/operator/refunds/foreign/{foreign_id:uuid}/book", **DECIDES)
async def book_foreign_refund(
    foreign_id: FromPath[UUID], data: FormData[AsRefundOf], who: Who, conn: Conn, now: Now
) -> Response[None]:
    """The order is in the form, not the path: it is not the operator's own."""
    await book_foreign(
        conn,
        foreign_id=foreign_id,
        store_id=StoreId(data.store),
        order_id=OrderId(data.order),
        person_id=who.person_id,
        note=_note(data.note),
        at=now,
    )
    return see("/operator/refunds/foreign")


@post("/operator/refunds/foreign/{foreign_id:uuid}/set-aside", **DECIDES)
async def set_aside(
    foreign_id: FromPath[UUID], data: FormData[SetAside], who: Who, conn: Conn, now: Now
) -> Response[None]:
    await set_aside_foreign(
        conn, foreign_id=foreign_id, person_id=who.person_id, note=_note(data.note), at=now
    )
    return see("/operator/refunds/foreign")


def _note(typed: str) -> str:
    if len(typed) > LONGEST_NOTE:
        raise BadInput(field="note", reason="too_long")
    return typed.strip()


@post("/operator/refunds/{refund_id:uuid}/attempts", **REFUNDS)
async def again(
    refund_id: FromPath[UUID], data: FormData[Again], who: Who, conn: Conn, now: Now
) -> Response[None]:
    """`attempt`: the failed one that was looked at, so that pressing twice sends once."""
    await try_again_now(
        conn, refund_id=refund_id, attempt=data.attempt, person_id=who.person_id, at=now
    )
    return see("/operator/refunds")


HANDLERS: list[HTTPRouteHandler] = [
    failed_page,
    foreign_page,
    again,
    book_foreign_refund,
    set_aside,
]
