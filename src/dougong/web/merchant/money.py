"""Refunds and money: what went back, what is held, what is the merchant's."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import StoreId
from dougong.reads.merchant_money import money_now, money_rows
from dougong.reads.merchant_orders import refund_rows
from dougong.web.deps import Conn
from dougong.web.merchant.common import STORE, merchant_page
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


@get(STORE + "/money", **MONEY)
async def money_page(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    track: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    if track not in TRACKS:
        raise BadInput(field="track", reason="unknown_value")
    ours = StoreId(store_id)
    rows = await money_rows(
        conn,
        store_id=ours,
        track=track,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(rows, lambda row: (row.paid_at, row.id))
    return await merchant_page(
        request,
        conn,
        "merchant/money.html",
        store_id=store_id,
        money_now=await money_now(conn, store_id=ours),
        rows=rows,
        track=track,
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(STORE + "/money.csv", **MONEY)
async def money_file(
    store_id: FromPath[UUID], conn: Conn, track: FromQuery[str] = ""
) -> Response[bytes]:
    rows = await money_rows(conn, store_id=StoreId(store_id), track=track, most=MOST_CSV_ROWS)
    columns = ("number", "state", "paid_at", "final_at", "currency", "paid_minor")
    shares = ("refunded_minor", "taken_minor", "merchant_minor")
    return csv_answer(
        "money.csv",
        (*columns, *shares),
        ([getattr(row, column) for column in (*columns, *shares)] for row in rows),
    )


HANDLERS: list[HTTPRouteHandler] = [refund_list, refund_file, money_page, money_file]
