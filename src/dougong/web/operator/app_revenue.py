"""In-app purchases by month and market, and the rank among other apps that somebody counted."""

import asyncio
from datetime import date
from typing import Any

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.time import local_day
from dougong.gifts.app_revenue_rules import AppRow, BadRow, read_table
from dougong.gifts.offer_commands import keep_app_rows
from dougong.infra.settings import settings
from dougong.reads.operator_gifts import MonthRow, app_months, ranked_apps
from dougong.web.account.common import REASONS, AnyRequest
from dougong.web.deps import Conn, Now, Who
from dougong.web.i18n import gettext
from dougong.web.operator.common import csv_file, zone
from dougong.web.render import page

READ: dict[str, Any] = {"permission": Permission.PLATFORM_READ, "include_in_schema": False}
MANAGE: dict[str, Any] = {"permission": Permission.GIFT_MANAGE, "include_in_schema": False}
HEAD = ("month", "market", "bought_minor", "refunded_minor", "net_minor", "currency", "payers",
        "rank", "of")  # fmt: skip
USUAL_MONTHS, MOST_APPS, SHOWN_BAD, MOST_BYTES = 12, 20, 50, 5_000_000
COLOURS = ("#d1331a", "#e8a13a", "#2f7f86", "#466b9c", "#7a5aa6", "#9a8577")


def months_before(last: date, count: int) -> date:
    number = last.year * 12 + last.month - 1 - count
    return date(number // 12, number % 12 + 1, 1)


def month_from(text: str, *, field: str, default: date) -> date:
    """`YYYY-MM` as a month field sends it. Raises BadInput."""
    try:
        return date.fromisoformat(f"{text}-01") if text else default
    except ValueError:
        raise BadInput(field=field, reason="YYYY-MM") from None


def chart(rows: list[MonthRow]) -> dict[str, Any]:
    """Net purchases by month, stacked by market; the largest five by name."""
    months = sorted({one.month for one in rows})
    sums: dict[str, int] = {}
    for one in rows:
        sums[one.market] = sums.get(one.market, 0) + one.net_minor
    named = sorted(sums, key=lambda market: -sums[market])[: len(COLOURS) - 1]
    amounts: dict[tuple[str, date], int] = {}
    for one in rows:
        market = one.market if one.market in named else ""
        of = (market, one.month)
        amounts[of] = amounts.get(of, 0) + one.net_minor
    shown = [*named, *([""] if len(sums) > len(named) else [])]
    return {
        "legend": {"top": 0, "icon": "roundRect", "itemWidth": 12, "itemHeight": 8},
        "xAxis": {"type": "category", "data": [f"{one:%Y-%m}" for one in months]},
        "yAxis": {"type": "value"},
        "grid": {"left": 8, "right": 12, "top": 40, "bottom": 4, "containLabel": True},
        "series": [
            {
                "type": "bar",
                "stack": "market",
                "name": market or gettext("Other markets"),
                "itemStyle": {"color": colour},
                "data": [amounts.get((market, one), 0) for one in months],
            }
            for market, colour in zip(shown, COLOURS, strict=False)
        ],
    }


async def show(
    request: AnyRequest, conn: Conn, now: Now, *, since: str, until: str, taken: int = -1,
    bad: list[BadRow] | None = None,
) -> Response[str]:  # fmt: skip
    this_month = local_day(now, zone()).replace(day=1)
    last = month_from(until, field="until", default=this_month)
    first = month_from(since, field="since", default=months_before(last, USUAL_MONTHS - 1))
    currency = settings().currency
    rows = await app_months(
        conn, since=first, until=last, currency=currency, zone=settings().timezone
    )
    newest = next((one for one in rows if one.of), None)
    others = (
        await ranked_apps(
            conn, month=newest.month, market=newest.market, currency=currency, most=MOST_APPS
        )
        if newest
        else []
    )
    return page(
        request,
        "operator/app_revenue.html",
        status=422 if bad else 200,
        rows=rows,
        newest=newest,
        others=others,
        by_month=chart(rows),
        first=f"{first:%Y-%m}",
        last=f"{last:%Y-%m}",
        currency=currency,
        taken=taken,
        bad=(bad or [])[:SHOWN_BAD],
        bad_count=len(bad or []),
        reasons={name: gettext(words) for name, words in REASONS.items()},
    )


@get("/operator/app-revenue", **READ)
async def revenue_page(
    request: AnyRequest,
    conn: Conn,
    now: Now,
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    if file != "csv":
        return await show(request, conn, now, since=since, until=until)
    last = month_from(until, field="until", default=local_day(now, zone()).replace(day=1))
    first = month_from(since, field="since", default=months_before(last, USUAL_MONTHS - 1))
    currency = settings().currency
    rows = await app_months(
        conn, since=first, until=last, currency=currency, zone=settings().timezone
    )
    lines = [
        (f"{r.month:%Y-%m}", r.market, r.bought_minor, r.refunded_minor, r.net_minor, currency,
         r.payers, r.rank, r.of)
        for r in rows
    ]  # fmt: skip
    return csv_file(f"app-revenue-{first:%Y-%m}-{last:%Y-%m}", HEAD, lines)


@post("/operator/app-revenue", status_code=200, request_max_body_size=MOST_BYTES, **MANAGE)
async def upload_table(request: AnyRequest, who: Who, conn: Conn, now: Now) -> Response[str]:
    """A table of other apps: all of its rows, or none where some are bad."""
    form = await request.form()
    if unknown := set(form) - {"file", "_csrf_token"}:
        raise BadInput(field=min(unknown), reason="unknown_value")
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise BadInput(field="file", reason="missing")
    try:
        text = (await file.read()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(field="file", reason="not_utf8") from error
    read = await asyncio.to_thread(lambda: list(read_table(text)))
    good = [one for one in read if isinstance(one, AppRow)]
    bad = [one for one in read if isinstance(one, BadRow)]
    if not read:
        bad = [BadRow(1, "month", "missing")]
    if not bad:
        await keep_app_rows(conn, rows=good, at=now)
        facts = {"file": file.filename[:100], "rows": len(good)}
        await audit(
            conn, at=now, person_id=who.person_id, action="gifts.app_table_read",
            subject=file.filename[:100], facts=facts,
        )  # fmt: skip
    return await show(
        request, conn, now, since="", until="", taken=len(good) if not bad else 0, bad=bad
    )


HANDLERS: list[HTTPRouteHandler] = [revenue_page, upload_table]
