"""What a creator earns: estimated and settled, by day and by order."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.ids import PLATFORM_BOOK
from dougong.reads import creator_earnings as earnings
from dougong.reads.creator_referrals import days_elsewhere, orders_elsewhere, totals_elsewhere
from dougong.reads.feed_cursor import TimeCursor
from dougong.web.creator.common import creator_page
from dougong.web.deps import Conn, Now
from dougong.web.i18n import gettext
from dougong.web.operator.common import MOST_IN_FILE, csv_file
from dougong.web.operator.referral_words import STATES
from dougong.web.paging import cursor_values, cut, first_url, next_url
from dougong.web.render import Page

ELSEWHERE_HEAD = ("paid_at", "source", "order_ref", "title", "state", "paid_minor",
                  "estimated_minor", "settled_minor", "currency")  # fmt: skip


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
        elsewhere=await totals_elsewhere(conn, creator_id=creator_id),
        totals=totals,
        currency=currency,
        chart=chart_of(await earnings.days(conn, creator_id=creator_id, currency=currency, at=now)),
        rows=shown,
        is_first=start is None,
        next_url=f"?before={TimeCursor(last.paid_at, last.order_id).text()}" if last else "",
    )


@get(
    "/creator/{creator_id:uuid}/earnings/elsewhere",
    permission=Permission.EARNINGS_READ,
    include_in_schema=False,
)
async def elsewhere_page(
    creator_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    """Orders at other platforms; `q`: an order number there, or a part of its title."""
    start = cursor_values(after, tuple[datetime, UUID])
    words = q.strip()[:100]
    most = MOST_IN_FILE if file == "csv" else earnings.PAGE + 1
    rows = await orders_elsewhere(conn, creator_id=creator_id, words=words, before=start, most=most)
    if file == "csv":
        lines = [
            (r.paid_at.isoformat(), r.source_zh, r.order_ref, r.title, r.state, r.paid_minor,
             r.estimated_minor, r.settled_minor if r.is_booked else "", r.currency)
            for r in rows
        ]  # fmt: skip
        return csv_file("earnings-elsewhere", ELSEWHERE_HEAD, lines)
    totals = await totals_elsewhere(conn, creator_id=creator_id)
    currency = max(totals, key=lambda one: one.estimated_minor).currency if totals else ""
    days = await days_elsewhere(conn, creator_id=creator_id, currency=currency, at=now)
    shown, following = cut(rows, lambda row: (row.paid_at, row.order_id), earnings.PAGE)
    return await creator_page(
        request,
        conn,
        "creator/earnings_elsewhere.html",
        creator_id=creator_id,
        totals=totals,
        currency=currency,
        chart=chart_of(days),
        rows=shown,
        q=q,
        is_first=start is None,
        book_id=PLATFORM_BOOK,
        state_words=lambda state: gettext(STATES[state]),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


HANDLERS: list[HTTPRouteHandler] = [earnings_page, elsewhere_page]
