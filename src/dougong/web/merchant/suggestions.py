"""What to order: how much of which SKU, from whom, and the forecast behind it as a chart."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import StoreId
from dougong.flows.suggest_orders import reckon
from dougong.reads.reorder import suggestion_rows
from dougong.supply.forecast_rules import Forecast, band
from dougong.supply.purchase_commands import draft_order
from dougong.supply.purchase_rules import WantedLine
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext
from dougong.web.merchant.common import STORE, many, merchant_page, see, store_url, whole
from dougong.web.merchant.purchasing import local_day
from dougong.web.paging import MOST_CSV_ROWS, csv_answer
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "include_in_schema": False}
DESK = STORE + "/purchasing/suggestions"
MOST_CHARTS = 60
Cells = str | list[str]


class ChosenForm(Form, kw_only=True):
    """SKUs and units of one supplier, taken into an order."""

    supplier_id: UUID
    sku_id: Cells
    quantity: Cells


class AgainForm(Form):
    """A button."""


def chart(figures: dict[str, Any], today: Any) -> dict[str, Any]:
    """Units by day, and from today on what is expected each day, within its band."""
    past = figures["days"][-30:]
    days = figures["lead_days"] + figures["review_days"]
    made = Forecast(figures["method"], figures["daily"], figures["error"])
    ahead = band(made, days=days, service_bp=figures["service_bp"])
    labels = [(today + timedelta(days=n)).strftime("%m-%d") for n in range(-len(past), len(ahead))]
    gap: list[Any] = [None] * len(past)
    low = [round(one[0]) for one in ahead]
    high = [round(one[2]) for one in ahead]
    soft = {"type": "line", "stack": "band", "symbol": "none", "lineStyle": {"opacity": 0}}
    return {
        "xAxis": {"type": "category", "data": labels},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {"type": "bar", "name": gettext("Sold by day"), "data": [*past, *[None] * len(ahead)]},
            {"type": "line", "name": gettext("Expected in all"),
             "data": [*gap, *[round(one[1]) for one in ahead]]},
            {**soft, "name": gettext("Low end"), "data": [*gap, *low]},
            {**soft, "name": gettext("Band"), "areaStyle": {"opacity": 0.16},
             "data": [*gap, *[top - bottom for top, bottom in zip(high, low, strict=True)]]},
        ],
    }  # fmt: skip


@get(DESK, **ROUTE)
async def desk(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    show: FromQuery[str] = "",
) -> Page:
    if show not in ("", "all"):
        raise BadInput(field="show", reason="unknown_value")
    rows = await suggestion_rows(
        conn,
        store_id=StoreId(store_id),
        words=q.strip()[:100],
        everything=show == "all",
        most=MOST_CHARTS,
    )
    today = local_day(now)
    by_supplier: dict[UUID, list[Any]] = {}
    for row in rows:
        by_supplier.setdefault(row.supplier_id, []).append(row)
    return await merchant_page(
        request,
        conn,
        "purchasing/suggestions.html",
        store_id=store_id,
        groups=list(by_supplier.values()),
        charts={row.sku_id: chart(row.figures, today) for row in rows},
        reckoned_at=max((row.at for row in rows), default=None),
        q=q,
        show=show,
    )


@get(STORE + "/purchasing/suggestions.csv", **ROUTE)
async def suggestion_file(store_id: FromPath[UUID], conn: Conn) -> Response[bytes]:
    rows = await suggestion_rows(
        conn, store_id=StoreId(store_id), everything=True, most=MOST_CSV_ROWS
    )
    columns = ("sku", "supplier", "quantity", "free", "on_order", "up_to", "safety", "daily",
               "method")  # fmt: skip
    lines = (
        (row.code, row.supplier_name, row.quantity, row.free, row.on_order,
         *(row.figures[name] for name in ("up_to", "safety", "daily", "method")))
        for row in rows
    )  # fmt: skip
    return csv_answer("suggestions.csv", columns, lines)


@post(DESK + "/again", **ROUTE)
async def again(
    store_id: FromPath[UUID], data: FormData[AgainForm], conn: Conn, now: Now
) -> Response[Any]:
    """Reckon with the sales until yesterday and the stock of this moment."""
    await reckon(conn, store_id=StoreId(store_id), at=now)
    return see(store_url(store_id, "purchasing/suggestions"))


@post(DESK, **ROUTE)
async def order_chosen(
    store_id: FromPath[UUID], data: FormData[ChosenForm], who: Who, conn: Conn, now: Now
) -> Response[Any]:
    """One draft to the supplier of all chosen SKUs, at the prices in force."""
    units = [whole(one, field="quantity") or 0 for one in many(data.quantity)]
    skus = many(data.sku_id)
    if len(units) != len(skus):
        raise BadInput(field="lines", reason="too_few_cells")
    try:
        lines = [WantedLine(UUID(k), n) for k, n in zip(skus, units, strict=True) if n]
    except ValueError as error:
        raise BadInput(field="sku_id", reason="unknown_sku") from error
    order_id = await draft_order(
        conn,
        store_id=StoreId(store_id),
        supplier_id=data.supplier_id,
        warehouse_id=None,
        lines=lines,
        expected_on=None,
        note="",
        by_id=who.person_id,
        at=now,
    )
    await audit(
        conn, at=now, person_id=who.person_id, action="supply.purchase_order_drafted",
        owner_id=store_id, subject=str(order_id),
    )  # fmt: skip
    return see(store_url(store_id, f"purchasing/{order_id}"))


HANDLERS: list[HTTPRouteHandler] = [desk, suggestion_file, again, order_chosen]
