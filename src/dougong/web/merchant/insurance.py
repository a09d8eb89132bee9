"""Freight insurance of a store: what it costs, take it or leave it, insured orders and claims."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.aftersales.insurance_commands import leave_insurance
from dougong.aftersales.insurance_rules import NoInsurance, band_of, bands_from, return_bp
from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.flows.insure_freight import insure
from dougong.infra.settings import settings
from dougong.reads.insurance import months, policies
from dougong.reads.insurance_facts import insurance_of, returns_of
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.insurance_words import pool_chart
from dougong.web.merchant.common import STORE, merchant_page, problem_words, see, store_url
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

READ: dict[str, Any] = {"permission": Permission.MONEY_READ, "include_in_schema": False}
MANAGE: dict[str, Any] = {
    "permission": Permission.STORE_MANAGE, "include_in_schema": False, "status_code": 303,
}  # fmt: skip
COLUMNS = ("number", "state", "version", "route", "return_bp", "premium_minor", "cover_minor",
           "currency", "at", "charged_at", "claim_minor", "claimed_at", "case_number")  # fmt: skip


class Button(Form):
    """A button."""


async def _page(
    request: Request[Any, Any, Any],
    conn: AsyncConnection,
    store_id: UUID,
    now: datetime,
    *,
    show: str = "all",
    after: str = "",
    refusal: NoInsurance | None = None,
) -> Page:
    ours = StoreId(store_id)
    try:
        offer = await insurance_of(conn, store_id=ours, at=now, offered=True)
    except NoInsurance:
        offer = None
    counted, came_back = await returns_of(conn, store_id=ours, at=now)
    if offer and offer.since:
        counted, came_back = offer.counted, offer.came_back
    share = return_bp(counted=counted, came_back=came_back)
    start = cursor_values(after, tuple[datetime, UUID])
    found = await policies(
        conn, store_id=store_id, claimed=show == "claims", before=start, most=PAGE_ROWS + 1
    )
    rows, following = cut(list(found), lambda row: (row.at, row.order_id))
    pool = await months(conn, zone=settings().timezone, store_id=store_id)
    return await merchant_page(
        request, conn, "merchant/insurance.html", store_id=store_id,
        status=refusal.status if refusal else 200, offer=offer, counted=counted,
        came_back=came_back, share=share,
        band=band_of(bands_from(offer.bands), share) if offer else None, rows=rows, show=show,
        months=pool, chart=pool_chart(pool), bad_words=problem_words(refusal) if refusal else "",
        next_url=next_url(request, following), first_url=first_url(request),
    )  # fmt: skip


@get(STORE + "/insurance", **READ)
async def insurance_page(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    show: FromQuery[str] = "all",
    after: FromQuery[str] = "",
) -> Page:
    """`show=claims`: only the orders whose insurance has paid."""
    chosen = show if show == "claims" else "all"
    return await _page(request, conn, store_id, now, show=chosen, after=after)


@get(STORE + "/insurance.csv", **READ)
async def insurance_file(store_id: FromPath[UUID], conn: Conn) -> Response[bytes]:
    found = await policies(conn, store_id=store_id, claimed=False, before=None, most=MOST_CSV_ROWS)
    return csv_answer(
        "insurance.csv", COLUMNS, ([getattr(row, column) for column in COLUMNS] for row in found)
    )


@post(STORE + "/insurance", **MANAGE)
async def take(
    store_id: FromPath[UUID],
    data: FormData[Button],
    request: Request[Any, Any, Any],
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[Any] | Page:
    """Orders placed from now on are insured."""
    try:
        await insure(conn, store_id=StoreId(store_id), person_id=who.person_id, at=now)
    except NoInsurance as refusal:
        return await _page(request, conn, store_id, now, refusal=refusal)
    return see(store_url(store_id, "insurance"))


@post(STORE + "/insurance/leave", **MANAGE)
async def leave(
    store_id: FromPath[UUID], data: FormData[Button], conn: Conn, who: Who, now: Now
) -> Response[Any]:
    """Orders placed from now on are not; those that are insured stay so."""
    if await leave_insurance(conn, store_id=StoreId(store_id), at=now):
        await audit(
            conn, at=now, person_id=who.person_id, action="insurance.left", owner_id=store_id,
            subject=str(store_id), facts={},
        )  # fmt: skip
    return see(store_url(store_id, "insurance"))


HANDLERS: list[HTTPRouteHandler] = [insurance_page, insurance_file, take, leave]
