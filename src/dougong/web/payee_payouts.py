"""Payouts as their payees see them: merchants, creators, agencies, buyers with insurance money."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Access, Permission
from dougong.base.errors import Refusal
from dougong.base.ids import StoreId
from dougong.catalog.queries import store_of
from dougong.flows.payout_accounts import enter_account
from dougong.infra.settings import settings
from dougong.reads.creator_videos import creator_organisation
from dougong.reads.payee_payouts import payee_payouts
from dougong.reads.payouts import PayoutFilter, payout_rows
from dougong.web.account.common import AnyRequest, form_page, go, request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.paging import (
    MOST_CSV_ROWS,
    PAGE_ROWS,
    csv_answer,
    cursor_values,
    cut,
    file_url,
    first_url,
    next_url,
)
from dougong.web.payout_words import payout_words

COLUMNS = ("day", "state", "amount_minor", "currency", "bank", "number_tail", "bank_ref", "why",
           "booked_at", "sent_at", "done_at")  # fmt: skip
Text = Annotated[str, msgspec.Meta(max_length=120)]


class AccountForm(Form):
    holder: Text = ""
    bank: Text = ""
    number: Text = ""


class Seat(NamedTuple):
    """Whose payouts, on which page."""

    payee_id: UUID
    purposes: Sequence[str]
    currency: str
    store_id: UUID | None
    base: str
    frame: str
    home: dict[str, Any]


async def store_seat(conn: AsyncConnection, store_id: UUID) -> Seat:
    store = await store_of(conn, store_id=StoreId(store_id))
    base = f"/merchant/stores/{store_id}/payouts"
    return Seat(store.org_id, ("merchant_payable",), store.currency, store_id, base,
                "merchant/base.html", {"store": store})  # fmt: skip


async def creator_seat(conn: AsyncConnection, creator_id: UUID) -> Seat:
    creator = await creator_organisation(conn, creator_id=creator_id)
    base = f"/creator/{creator_id}/payouts"
    return Seat(creator_id, ("creator_payable", "agency_payable"), settings().currency, None, base,
                "creator/base.html", {"creator": creator})  # fmt: skip


async def buyer_seat(conn: AsyncConnection, person_id: UUID) -> Seat:
    return Seat(person_id, ("buyer_payable",), settings().currency, None, "/me/payouts",
                "account/me_frame.html", {})  # fmt: skip


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    seat: Seat,
    now: datetime,
    *,
    after: str = "",
    file: str = "",
    refusal: Refusal | None = None,
    given: AccountForm | None = None,
) -> Response[Any]:
    chosen = PayoutFilter(payee_id=seat.payee_id, store_id=seat.store_id)
    rows = await payout_rows(
        conn,
        chosen,
        before=cursor_values(after, tuple[date, UUID]),
        most=MOST_CSV_ROWS if file == "csv" else PAGE_ROWS + 1,
    )
    if file == "csv":
        lines = ([getattr(row, name) for name in COLUMNS] for row in rows)
        return csv_answer("payouts.csv", COLUMNS, lines)
    shown, following = cut(rows, lambda row: (row.day, row.id))
    return form_page(
        request,
        "payouts/mine.html",
        refusal=refusal,
        **payout_words(),
        **seat.home,
        frame=seat.frame,
        base=seat.base,
        mine=await payee_payouts(
            conn, payee_id=seat.payee_id, purposes=seat.purposes, currency=seat.currency,
            store_id=seat.store_id, at=now,
        ),
        rows=shown,
        given=given or AccountForm(),
        file_url=file_url(request),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )  # fmt: skip


async def _enter(
    request: AnyRequest, conn: AsyncConnection, seat: Seat, who: Access, now: datetime,
    data: AccountForm,
) -> Response[Any]:  # fmt: skip
    try:
        async with conn.begin_nested():
            await enter_account(
                conn, payee_id=seat.payee_id, currency=seat.currency, holder=data.holder,
                bank=data.bank, number=data.number, by=who.person_id, at=now,
                request_id=request_id(request),
            )  # fmt: skip
    except Refusal as refusal:
        return await _page(request, conn, seat, now, refusal=refusal, given=data)
    return go(seat.base)


STORE, CREATOR, ME = (
    "/merchant/stores/{store_id:uuid}/payouts", "/creator/{creator_id:uuid}/payouts", "/me/payouts",
)  # fmt: skip


@get(STORE, permission=Permission.MONEY_READ, include_in_schema=False)
async def store_payouts(
    store_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now,
    after: FromQuery[str] = "", file: FromQuery[str] = "",
) -> Response[Any]:  # fmt: skip
    seat = await store_seat(conn, store_id)
    return await _page(request, conn, seat, now, after=after, file=file)


@post(STORE, permission=Permission.PAYOUT_ACCOUNT, include_in_schema=False)
async def store_account(
    store_id: FromPath[UUID], data: FormData[AccountForm], request: AnyRequest, who: Who,
    conn: Conn, now: Now,
) -> Response[Any]:  # fmt: skip
    return await _enter(request, conn, await store_seat(conn, store_id), who, now, data)


@get(CREATOR, permission=Permission.EARNINGS_READ, include_in_schema=False)
async def creator_payouts(
    creator_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now,
    after: FromQuery[str] = "", file: FromQuery[str] = "",
) -> Response[Any]:  # fmt: skip
    seat = await creator_seat(conn, creator_id)
    return await _page(request, conn, seat, now, after=after, file=file)


@post(CREATOR, permission=Permission.PAYOUT_ACCOUNT, include_in_schema=False)
async def creator_account(
    creator_id: FromPath[UUID], data: FormData[AccountForm], request: AnyRequest, who: Who,
    conn: Conn, now: Now,
) -> Response[Any]:  # fmt: skip
    return await _enter(request, conn, await creator_seat(conn, creator_id), who, now, data)


@get(ME, permission=Permission.SELF_READ, include_in_schema=False)
async def my_payouts(
    request: AnyRequest, who: Who, conn: Conn, now: Now, after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:  # fmt: skip
    seat = await buyer_seat(conn, who.person_id)
    return await _page(request, conn, seat, now, after=after, file=file)


@post(ME, permission=Permission.SELF_WRITE, include_in_schema=False)
async def my_account(
    data: FormData[AccountForm], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Response[Any]:
    return await _enter(request, conn, await buyer_seat(conn, who.person_id), who, now, data)


HANDLERS: list[HTTPRouteHandler] = [
    store_payouts, store_account, creator_payouts, creator_account, my_payouts, my_account,
]  # fmt: skip
