"""What a creator earns: estimated and settled, by day and by order."""

from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.reads import creator_earnings as earnings
from dougong.reads.feed_cursor import TimeCursor
from dougong.web.creator.common import creator_page
from dougong.web.deps import Conn, Now
from dougong.web.i18n import gettext
from dougong.web.render import Page


def chart_of(days: list[earnings.Day]) -> dict[str, Any]:
    """Two bars a day: estimated on the day paid, settled on the day booked."""
    tracks = (
        (gettext("Estimated"), [d.estimated_minor for d in days], "#f59f00"),
        (gettext("Settled"), [d.settled_minor for d in days], "#2fb344"),
    )
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"bottom": 0},
        "grid": {"left": 8, "right": 12, "top": 16, "bottom": 36, "containLabel": True},
        "xAxis": {"type": "category", "data": [f"{d.day:%m-%d}" for d in days]},
        "yAxis": {"type": "value"},
        "series": [
            {
                "type": "bar",
                "name": name,
                "data": data,
                "barMaxWidth": 12,
                "itemStyle": {"color": colour, "borderRadius": [3, 3, 0, 0]},
            }
            for name, data, colour in tracks
        ],
    }


@get(
    "/creator/{creator_id:uuid}/earnings",
    permission=Permission.EARNINGS_READ,
    include_in_schema=False,
)
async def earnings_page(
    creator_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    before: FromQuery[str] = "",
) -> Page:
    start = TimeCursor.parse(before) if before else None
    totals = await earnings.totals(conn, creator_id=creator_id)
    currency = max(totals, key=lambda one: one.estimated_minor).currency
    found = await earnings.orders(conn, creator_id=creator_id, at=now, before=start)
    shown = found[: earnings.PAGE]
    last = shown[-1] if len(found) > earnings.PAGE else None
    return await creator_page(
        request,
        conn,
        "creator/earnings.html",
        creator_id=creator_id,
        totals=totals,
        currency=currency,
        chart=chart_of(await earnings.days(conn, creator_id=creator_id, currency=currency, at=now)),
        rows=shown,
        is_first=start is None,
        next_url=f"?before={TimeCursor(last.paid_at, last.order_id).text()}" if last else "",
    )


HANDLERS: list[HTTPRouteHandler] = [earnings_page]
