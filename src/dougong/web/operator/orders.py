"""All orders of the platform; each leads to its explanation."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.orders.rules import OrderState
from dougong.reads.operator_orders import OrderRow, order_rows, store_names
from dougong.web.deps import Conn
from dougong.web.operator.common import MOST_IN_FILE, PAGE, csv_file, midnight
from dougong.web.render import page


@get("/operator/orders", permission=Permission.PLATFORM_READ, include_in_schema=False)
async def orders_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    status: FromQuery[str] = "",
    q: FromQuery[str] = "",
    store: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    before: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    """`q`: an order's number or its buyer's name; `store`: a store's code; `since` and `until`:
    local days, both included; `before`: `instant_id` of the last row."""
    most = MOST_IN_FILE if file == "csv" else PAGE + 1
    rows = await order_rows(
        conn,
        state=status,
        words=q.strip()[:100],
        store_code=store.strip(),
        since=midnight(since, field="since"),
        until=midnight(until, field="until", after=1),
        before=_cursor(before),
        most=most,
    )
    if file == "csv":
        return csv_file("orders", CSV_HEAD, map(_csv_row, rows))
    shown = rows[:PAGE]
    query = {"status": status, "q": q, "store": store, "since": since, "until": until}
    first_url = "?" + urlencode(query) if before else ""
    if len(rows) > PAGE:
        query["before"] = f"{shown[-1].placed_at.isoformat()}_{shown[-1].id}"
    return page(
        request,
        "operator/orders.html",
        rows=shown,
        states=[one.value for one in OrderState],
        chosen=status,
        q=q,
        store_code=store,
        stores=await store_names(conn),
        since=since,
        until=until,
        first_url=first_url,
        next_url="?" + urlencode(query) if "before" in query else "",
        file_url="?" + urlencode(query | {"before": "", "file": "csv"}),
    )


CSV_HEAD = ("placed_at", "number", "store", "state", "total_minor", "currency", "origin")


def _csv_row(row: OrderRow) -> tuple[Any, ...]:
    money = (row.total_minor, row.currency)
    return (row.placed_at.isoformat(), row.number, row.store_zh, row.state, *money, row.origin)


def _cursor(text: str) -> tuple[datetime, UUID] | None:
    if not text:
        return None
    at, _, order_id = text.partition("_")
    try:
        return datetime.fromisoformat(at), UUID(order_id)
    except ValueError:
        raise BadInput(field="before", reason="cursor") from None


HANDLERS: list[HTTPRouteHandler] = [orders_page]
