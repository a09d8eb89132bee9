"""Stock: every SKU on one list, changed in place."""

from typing import Any
from urllib.parse import urlencode
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
from dougong.reads.purchasing import warehouse_rows
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

Columns = tuple[tuple[str, str], ...]  # a head of a file, and what stands below it
GOODS: Columns = (
    ("sku", "code"),
    ("title", "title_zh"),
    ("title_en", "title_en"),
    ("options", "options"),
    ("gtin", "gtin"),
)
WHOLE_COLUMNS: Columns = (
    *GOODS,
    ("on_hand", "on_hand"),
    ("reserved", "reserved"),
    ("free", "free"),
)
WAREHOUSE_COLUMNS: Columns = (
    ("warehouse", "warehouse"),
    *GOODS,
    ("on_hand", "on_hand"),
    ("allocated", "allocated"),
    ("damaged", "damaged"),
    ("inspecting", "inspecting"),
    ("available", "free"),
    ("bin", "bin"),
)
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
    warehouse: FromQuery[UUID | None] = None,
    after: FromQuery[str] = "",
) -> Page:
    """`warehouse`: only what lies there, with its figures; nothing of the store's others."""
    warehouses = await warehouse_rows(conn, store_id=StoreId(store_id))
    if warehouse is not None and warehouse not in {row.id for row in warehouses}:
        raise NotFound
    rows = await stock_rows(
        conn,
        store_id=StoreId(store_id),
        words=q.strip()[:100],
        is_low=low,
        warehouse_id=warehouse,
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
        warehouses=warehouses,
        warehouse=warehouse,
        low_url=_list_url(store_id, q, warehouse, low=True),
        all_url=_list_url(store_id, q, warehouse),
        file_url=_list_url(store_id, q, warehouse, low=low, file="stock.csv"),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


def _list_url(
    store_id: UUID, q: str, warehouse: UUID | None, *, low: bool = False, file: str = "stock"
) -> str:
    """The list, or its file, with these filters."""
    query = {"low": "true" if low else "", "q": q, "warehouse": str(warehouse or "")}
    chosen = urlencode({key: value for key, value in query.items() if value})
    return store_url(store_id, file + (f"?{chosen}" if chosen else ""))


@get(STORE + "/stock.csv", **ROUTE)
async def stock_file(
    store_id: FromPath[UUID],
    conn: Conn,
    q: FromQuery[str] = "",
    low: FromQuery[bool] = False,
    warehouse: FromQuery[UUID | None] = None,
) -> Response[bytes]:
    """As the list is; with a warehouse, a file that the import of stock takes again."""
    found = await stock_rows(
        conn,
        store_id=StoreId(store_id),
        words=q.strip()[:100],
        is_low=low,
        warehouse_id=warehouse,
        most=MOST_CSV_ROWS,
    )
    rows = [{**row._mapping} | {"options": option_text(row.options)} for row in found]
    columns = WHOLE_COLUMNS
    if warehouse is not None:
        columns = WAREHOUSE_COLUMNS
        places = await warehouse_rows(conn, store_id=StoreId(store_id))
        code = next((place.code for place in places if place.id == warehouse), None)
        if code is None:
            raise NotFound
        rows = [row | {"warehouse": code} for row in rows]
    return csv_answer(
        "stock.csv",
        [head for head, _ in columns],
        ([row[name] for _, name in columns] for row in rows),
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
        warehouse=None,
        is_saved=True,
    )


HANDLERS: list[HTTPRouteHandler] = [stock_list, stock_file, set_level]
