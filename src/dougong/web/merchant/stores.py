"""Where a merchant starts: the stores, and the figures of today."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.reads.merchant_products import stores_of
from dougong.reads.merchant_shipping import waiting_rows
from dougong.reads.merchant_stock import stock_rows
from dougong.reads.merchant_today import today_of, top_products
from dougong.web.deps import Conn, Now, Who
from dougong.web.i18n import gettext
from dougong.web.merchant.common import STORE, merchant_page, see, store_url
from dougong.web.render import Page, page
from dougong.webhooks.queries import endpoints_of
from dougong.webhooks.rules import given_up


@get(
    ["/merchant", "/merchant/stores"],
    permission=Permission.STORE_READ,
    any_org=True,
    include_in_schema=False,
)
async def store_list(request: Request[Any, Any, Any], who: Who, conn: Conn) -> Response[Any]:
    stores = await stores_of(conn, org_ids=who.orgs_with(Permission.STORE_READ))
    if len(stores) == 1:
        return see(store_url(stores[0].id, "today"))
    return page(request, "merchant/stores.html", stores=stores)


@get(STORE + "/today", permission=Permission.STORE_READ, include_in_schema=False)
async def today(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn, now: Now
) -> Page:
    ours = StoreId(store_id)
    figures = await today_of(conn, store_id=ours, at=now)
    return await merchant_page(
        request,
        conn,
        "merchant/today.html",
        store_id=store_id,
        figures=figures,
        chart=_chart(figures.days),
        top=await top_products(conn, store_id=ours, at=now),
        low=await stock_rows(conn, store_id=ours, is_low=True, most=6),
        waiting=await waiting_rows(conn, store_id=ours, most=6),
        given_up=[one for one in await endpoints_of(conn, store_id=ours) if given_up(one)],
    )


def _chart(days: list[Any]) -> dict[str, Any]:
    """Paid a day, as bars."""
    return {
        "tooltip": {"trigger": "axis"},
        "grid": {"left": 8, "right": 8, "top": 16, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": [day.day.strftime("%m-%d") for day in days]},
        "yAxis": {"type": "value"},
        "series": [
            {
                "type": "bar",
                "name": gettext("Paid"),
                "data": [day.paid_minor for day in days],
                "itemStyle": {"color": "#d1331a", "borderRadius": [3, 3, 0, 0]},
                "barMaxWidth": 18,
            }
        ],
    }


HANDLERS: list[HTTPRouteHandler] = [store_list, today]
