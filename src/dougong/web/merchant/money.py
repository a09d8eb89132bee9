"""Refunds and money: what went back, what is held, what is the merchant's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import StoreId
from dougong.reads.merchant_money import money_now, money_rows
from dougong.reads.merchant_orders import refund_rows
from dougong.web.deps import Conn
from dougong.web.i18n import gettext, mark
from dougong.web.merchant.common import STORE, days, merchant_page
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

READ: dict[str, Any] = {"permission": Permission.ORDER_READ_STORE, "include_in_schema": False}
MONEY: dict[str, Any] = {"permission": Permission.MONEY_READ, "include_in_schema": False}
TRACKS = ("", "estimated", "settled")


@get(STORE + "/refunds", **READ)
async def refund_list(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    q: FromQuery[str] = "",
    show: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    rows = await refund_rows(
        conn,
        store_id=StoreId(store_id),
        state=show,
        words=q.strip()[:100],
        before=cursor_values(after, tuple[datetime, UUID]),
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(rows, lambda row: (row.asked_at, row.id))
    return await merchant_page(
        request,
        conn,
        "merchant/refunds.html",
        store_id=store_id,
        rows=rows,
        q=q,
        state=show,
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(STORE + "/refunds.csv", **READ)
async def refund_file(
    store_id: FromPath[UUID], conn: Conn, q: FromQuery[str] = "", show: FromQuery[str] = ""
) -> Response[bytes]:
    rows = await refund_rows(
        conn, store_id=StoreId(store_id), state=show, words=q.strip()[:100], most=MOST_CSV_ROWS
    )
    columns = ("number", "state", "asked_at", "done_at", "currency", "amount_minor", "reason")
    return csv_answer(
        "refunds.csv", columns, ([getattr(row, column) for column in columns] for row in rows)
    )


SHARE_WORDS = {
    "merchant_payable": (mark("Yours"), "#5b8c3e"),
    "platform_service_fee": (mark("Platform service fee"), "#d1331a"),
    "creator_payable": (mark("Creators"), "#7a5aa6"),
    "platform_commission_cut": (mark("Part of commissions"), "#e8a13a"),
    "platform_payment_cost": (mark("Payment cost"), "#9a8577"),
}


def _shares_chart(by_kind: dict[str, int]) -> dict[str, Any]:
    """What completed orders came to, by who got it: one bar each, yours on top."""
    kinds = list(reversed(SHARE_WORDS))
    return {
        "grid": {"left": 8, "right": 72, "top": 8, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "value", "show": False},
        "yAxis": {"type": "category", "data": [gettext(SHARE_WORDS[kind][0]) for kind in kinds]},
        "series": [
            {
                "type": "bar",
                "name": gettext("Amount"),
                "label": {"show": True, "position": "right"},
                "data": [
                    {"value": by_kind[kind], "itemStyle": {"color": SHARE_WORDS[kind][1]}}
                    for kind in kinds
                ],
            }
        ],
    }


async def _found(
    conn: AsyncConnection,
    store_id: UUID,
    *,
    track: str,
    q: str,
    window: tuple[str, str],
    most: int,
    after: str = "",
) -> Sequence[Any]:
    if track not in TRACKS:
        raise BadInput(field="track", reason="unknown_value")
    since, until = days(*window)
    return await money_rows(
        conn,
        store_id=StoreId(store_id),
        track=track,
        words=q.strip()[:100],
        since=since,
        until=until,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=most,
    )


@get(STORE + "/money", **MONEY)
async def money_page(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    track: FromQuery[str] = "",
    q: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    rows = await _found(
        conn, store_id, track=track, q=q, window=(since, until), most=PAGE_ROWS + 1, after=after
    )
    rows, following = cut(rows, lambda row: (row.paid_at, row.id))
    held = await money_now(conn, store_id=StoreId(store_id))
    filters = {"track": track, "q": q, "since": since, "until": until}
    return await merchant_page(
        request,
        conn,
        "merchant/money.html",
        store_id=store_id,
        money_now=held,
        chart=_shares_chart(held.by_kind),
        shares=[(gettext(words), held.by_kind[kind]) for kind, (words, _) in SHARE_WORDS.items()],
        rows=rows,
        track=track,
        q=q,
        since=since,
        until=until,
        filters=urlencode({name: value for name, value in filters.items() if value}),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(STORE + "/money.csv", **MONEY)
async def money_file(
    store_id: FromPath[UUID],
    conn: Conn,
    track: FromQuery[str] = "",
    q: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
) -> Response[bytes]:
    rows = await _found(conn, store_id, track=track, q=q, window=(since, until), most=MOST_CSV_ROWS)
    columns = ("number", "state", "paid_at", "settles_at", "final_at", "currency", "paid_minor")
    shares = ("refunded_minor", "taken_minor", "merchant_minor")
    return csv_answer(
        "money.csv",
        (*columns, *shares),
        ([getattr(row, column) for column in (*columns, *shares)] for row in rows),
    )


HANDLERS: list[HTTPRouteHandler] = [refund_list, refund_file, money_page, money_file]
