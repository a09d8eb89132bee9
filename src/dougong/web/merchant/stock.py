"""Stock: every SKU on one list, changed in place."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import SkuId, StoreId
from dougong.flows.change_stock import change_stock
from dougong.reads.merchant_stock import LOW_UNITS, stock_row, stock_rows
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import STORE, merchant_page, see, store_url, whole
from dougong.web.options import option_text
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

ROUTE: dict[str, Any] = {"permission": Permission.CATALOG_MANAGE, "include_in_schema": False}


class LevelForm(Form):
    on_hand: str


@get(STORE + "/stock", **ROUTE)
async def stock_list(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    q: FromQuery[str] = "",
    low: FromQuery[bool] = False,
    after: FromQuery[str] = "",
) -> Page:
    rows = await stock_rows(
        conn,
        store_id=StoreId(store_id),
        words=q.strip()[:100],
        is_low=low,
        after=cursor_values(after, tuple[str, UUID]),
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(rows, lambda row: (row.code, row.id))
    return await merchant_page(
        request,
        conn,
        "merchant/stock.html",
        store_id=store_id,
        rows=rows,
        q=q,
        low=low,
        low_units=LOW_UNITS,
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(STORE + "/stock.csv", **ROUTE)
async def stock_file(
    store_id: FromPath[UUID],
    conn: Conn,
    q: FromQuery[str] = "",
    low: FromQuery[bool] = False,
) -> Response[bytes]:
    rows = await stock_rows(
        conn, store_id=StoreId(store_id), words=q.strip()[:100], is_low=low, most=MOST_CSV_ROWS
    )
    columns = ("sku", "title", "title_en", "options", "gtin", "on_hand", "reserved", "free")
    return csv_answer(
        "stock.csv",
        columns,
        (
            (
                row.code,
                row.title_zh,
                row.title_en,
                option_text(row.options),
                row.gtin,
                row.on_hand,
                row.reserved,
                row.free,
            )
            for row in rows
        ),
    )


@post(STORE + "/stock/{sku_id:uuid}", **ROUTE)
async def set_level(
    store_id: FromPath[UUID],
    sku_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[LevelForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """New units on hand; htmx gets the row again."""
    ours = StoreId(store_id)
    before = await stock_row(conn, store_id=ours, sku_id=SkuId(sku_id))
    if before is None:
        raise NotFound
    level = whole(data.on_hand, field="on_hand")
    if level is None:
        raise BadInput(field="on_hand", reason="missing")
    await change_stock(conn, store_id=ours, levels={SkuId(sku_id): level}, at=now)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="supply.stock_set",
        owner_id=store_id,
        subject=before.code,
        facts={"before": before.on_hand, "after": level},
    )
    if not request.headers.get("HX-Request"):
        return see(store_url(store_id, "stock"))
    row = await stock_row(conn, store_id=ours, sku_id=SkuId(sku_id))
    return await merchant_page(
        request,
        conn,
        "merchant/stock_row.html",
        store_id=store_id,
        row=row,
        low_units=LOW_UNITS,
        is_saved=True,
    )


HANDLERS: list[HTTPRouteHandler] = [stock_list, stock_file, set_level]
