"""The operator's first page: turnover, revenue by kind and day, orders by state."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.time import local_day, start_of_day
from dougong.infra.settings import settings
from dougong.reads.operator_overview import Overview, currencies, overview
from dougong.web.deps import Conn, Now
from dougong.web.i18n import gettext, mark
from dougong.web.operator.common import csv_file, day_from, see, zone
from dougong.web.render import page, rate

LONGEST_DAYS = 1_500
USUAL_DAYS = 30
KINDS = {
    "platform_service_fee": (mark("Platform service fee"), "#d1331a"),
    "platform_commission_cut": (mark("Part of commissions"), "#e8a13a"),
    "platform_payment_cost": (mark("Payment cost charged"), "#2f7f86"),
    "coupon_cost": (mark("Platform coupons"), "#9a8577"),
}


def revenue_chart(found: Overview) -> dict[str, Any]:
    """Stacked bars by day; what coupons cost hangs below zero."""
    return {
        "legend": {"top": 0, "icon": "roundRect", "itemWidth": 12, "itemHeight": 8},
        "xAxis": {"type": "category", "data": [f"{day:%m-%d}" for day in found.days]},
        "yAxis": {"type": "value"},
        "grid": {"left": 8, "right": 12, "top": 56, "bottom": 4, "containLabel": True},
        "series": [
            {
                "type": "bar",
                "stack": "revenue",
                "name": gettext(words),
                "itemStyle": {"color": colour},
                "data": found.revenue[kind],
            }
            for kind, (words, colour) in KINDS.items()
        ],
    }


def turnover_chart(found: Overview) -> dict[str, Any]:
    """What was paid, by the day on which it was ordered."""
    return {
        "xAxis": {"type": "category", "data": [f"{day:%m-%d}" for day in found.days]},
        "yAxis": {"type": "value"},
        "series": [
            {
                "type": "line",
                "name": gettext("Turnover paid"),
                "data": found.turnover,
                "areaStyle": {"opacity": 0.12},
                "itemStyle": {"color": "#466b9c"},
            }
        ],
    }


def change(now: int, before: int) -> tuple[str, str]:
    """(`+12.5%`, up or down) against the window before; empty where that had nothing."""
    if before <= 0:
        return "", ""
    bp = (now - before) * 10_000 // before
    return ("+" if bp > 0 else "") + rate(bp), "up" if bp > 0 else "down" if bp < 0 else ""


def kind_chart(found: Overview) -> dict[str, Any]:
    """The window's revenue by kind, largest first."""
    sums = sorted((sum(found.revenue[kind]), *KINDS[kind]) for kind in KINDS)
    return {
        "grid": {"left": 8, "right": 64, "top": 8, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "value", "show": False},
        "yAxis": {"type": "category", "data": [gettext(words) for _, words, _ in sums]},
        "series": [
            {
                "type": "bar",
                "name": gettext("Revenue"),
                "label": {"show": True, "position": "right"},
                "data": [{"value": n, "itemStyle": {"color": colour}} for n, _, colour in sums],
            }
        ],
    }


@get(
    ["/operator", "/operator/overview"],
    permission=Permission.PLATFORM_READ,
    include_in_schema=False,
)
async def overview_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    currency: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    if request.url.path.rstrip("/") == "/operator":
        return see("/operator/overview")
    today = local_day(now, zone())
    last = day_from(until, field="until", default=today)
    first = day_from(since, field="since", default=last - timedelta(days=USUAL_DAYS - 1))
    if not 0 <= (last - first).days < LONGEST_DAYS:
        raise BadInput(field="since", reason="window")
    known = await currencies(conn) or [settings().currency]
    chosen = currency if currency in known else known[0]
    if settings().currency in known and not currency:
        chosen = settings().currency
    found = await overview(
        conn,
        since=start_of_day(first, zone()),
        until=start_of_day(last + timedelta(days=1), zone()),
        first_day=first,
        last_day=last,
        zone=settings().timezone,
        currency=chosen,
    )
    if file == "csv":
        head = ["day", "turnover", *KINDS]
        return csv_file(f"revenue-{first}-{last}-{chosen}", head, _csv_rows(found))
    return page(
        request,
        "operator/overview.html",
        found=found,
        first=first,
        last=last,
        today=today,
        presets=[(n, today - timedelta(days=n - 1)) for n in (7, 30, 90)],
        currency=chosen,
        currencies=known,
        change=change,
        turnover=turnover_chart(found),
        by_day=revenue_chart(found),
        by_kind=kind_chart(found),
    )


def _csv_rows(found: Overview) -> list[list[Any]]:
    return [
        [day, found.turnover[n], *(found.revenue[kind][n] for kind in KINDS)]
        for n, day in enumerate(found.days)
    ]


HANDLERS: list[HTTPRouteHandler] = [overview_page]
