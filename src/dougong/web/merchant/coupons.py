"""Coupons of a store: what runs, a new one, an end."""

from datetime import date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.base.time import start_of_day
from dougong.catalog.coupon_commands import end_coupon, issue_coupon
from dougong.catalog.queries import store_of
from dougong.catalog.rules import clean_text
from dougong.infra.settings import settings
from dougong.reads.merchant_coupons import coupon_rows
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    STORE,
    amount,
    merchant_page,
    problem_words,
    rate_bp,
    see,
    store_url,
    whole,
)
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

ROUTE: dict[str, Any] = {"permission": Permission.COUPON_MANAGE, "include_in_schema": False}


# What the tabs hold: those that can be used now or later, the others, or all.
SHOWN: dict[str, bool | None] = {"": True, "over": False, "all": None}


class CouponForm(Form, kw_only=True):
    """Days are local; the last day is still usable."""

    code: str
    name_zh: str
    name_en: str = ""
    kind: Literal["amount", "percent"]
    amount_off: str = ""
    percent_off: str = ""
    min_spend: str = ""
    first_day: str
    last_day: str
    quota: str


class EndForm(Form):
    """A button."""


async def _page(
    request: Request[Any, Any, Any],
    conn: AsyncConnection,
    store_id: UUID,
    at: datetime,
    *,
    after: str = "",
    q: str = "",
    show: str = "",
    typed: CouponForm | None = None,
    error: Refusal | None = None,
) -> Page:
    if show not in SHOWN:
        raise BadInput(field="show", reason="unknown_value")
    start = cursor_values(after, tuple[UUID])
    rows = await coupon_rows(
        conn,
        store_id=StoreId(store_id),
        at=at,
        words=q.strip()[:100],
        is_open=SHOWN[show],
        before=start[0] if start else None,
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(rows, lambda row: (row.id,))
    today = at.astimezone(ZoneInfo(settings().timezone)).date()
    return await merchant_page(
        request,
        conn,
        "merchant/coupons.html",
        store_id=store_id,
        status=422 if error else 200,
        rows=rows,
        q=q,
        show=show,
        filters=urlencode({"q": q, "show": show}),
        typed=typed,
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
        first_day=today.isoformat(),
        last_day=(today + timedelta(days=30)).isoformat(),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(STORE + "/coupons", **ROUTE)
async def coupon_list(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    show: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    return await _page(request, conn, store_id, now, after=after, q=q, show=show)


@get(STORE + "/coupons.csv", **ROUTE)
async def coupon_file(
    store_id: FromPath[UUID],
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    show: FromQuery[str] = "all",
) -> Response[bytes]:
    if show not in SHOWN:
        raise BadInput(field="show", reason="unknown_value")
    rows = await coupon_rows(
        conn,
        store_id=StoreId(store_id),
        at=now,
        words=q.strip()[:100],
        is_open=SHOWN[show],
        most=MOST_CSV_ROWS,
    )
    columns = ("code", "name_zh", "name_en", "funder", "state", "amount_off_minor",
               "percent_off_bp", "min_spend_minor", "starts_at", "ends_at", "quota", "used",
               "given_minor")  # fmt: skip
    lines = ([getattr(row, column) for column in columns] for row in rows)
    return csv_answer("coupons.csv", columns, lines)


@post(STORE + "/coupons", **ROUTE)
async def create_coupon(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[CouponForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        async with conn.begin_nested():
            coupon_id = await _issue(conn, StoreId(store_id), data, now)
    except Refusal as refusal:
        return await _page(request, conn, store_id, now, typed=data, error=refusal)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="catalog.coupon_issued",
        owner_id=store_id,
        subject=data.code,
        facts={"coupon_id": str(coupon_id)},
    )
    return see(store_url(store_id, "coupons"))


async def _issue(conn: AsyncConnection, store_id: StoreId, data: CouponForm, at: datetime) -> UUID:
    store = await store_of(conn, store_id=store_id)
    by_amount = data.kind == "amount"
    off = amount(data.amount_off, store.currency, field="amount_off") if by_amount else None
    percent = None if by_amount else rate_bp(data.percent_off, field="percent_off")
    if off == 0 or percent == 0 or (percent is None and not by_amount):
        raise BadInput(field="amount_off" if by_amount else "percent_off", reason="out_of_range")
    if percent is not None and percent > 9_900:
        raise BadInput(field="percent_off", reason="out_of_range")
    quota = whole(data.quota, field="quota", most=10_000_000)
    if not quota:
        raise BadInput(field="quota", reason="missing")
    return await issue_coupon(
        conn,
        store_id=store_id,
        code=data.code.strip().upper(),
        name_zh=clean_text(data.name_zh, field="name_zh", most=60, required=True),
        name_en=clean_text(data.name_en, field="name_en", most=60),
        funder="merchant",
        funder_org_id=store.org_id,
        amount_off_minor=off,
        percent_off_bp=percent,
        min_spend_minor=amount(data.min_spend, store.currency, field="min_spend", required=False)
        or 0,
        usable_from=_day(data.first_day, "first_day"),
        usable_until=_day(data.last_day, "last_day", days=1),
        quota=quota,
        at=at,
    )


def _day(text: str, field: str, *, days: int = 0) -> datetime:
    """The first instant of a local day, or of one some days later. Raises BadInput."""
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise BadInput(field=field, reason="not_a_date") from error
    if not 2000 <= day.year <= 2200:
        raise BadInput(field=field, reason="out_of_range")
    return start_of_day(day, ZoneInfo(settings().timezone))


@post(STORE + "/coupons/{coupon_id:uuid}/end", **ROUTE)
async def end(
    store_id: FromPath[UUID],
    coupon_id: FromPath[UUID],
    data: FormData[EndForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    await end_coupon(conn, store_id=StoreId(store_id), coupon_id=coupon_id, at=now)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="catalog.coupon_ended",
        owner_id=store_id,
        subject=str(coupon_id),
    )
    return see(store_url(store_id, "coupons"))


HANDLERS: list[HTTPRouteHandler] = [coupon_list, coupon_file, create_coupon, end]
