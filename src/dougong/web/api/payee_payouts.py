"""API v1: payouts as their payees see them; stores, creators with agencies, buyers."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Access, Permission
from dougong.flows.payout_accounts import enter_account
from dougong.infra.idempotency import once
from dougong.infra.sealed import fingerprint
from dougong.reads.payee_payouts import payee_payouts
from dougong.reads.payouts import PayoutFilter, account_rows, payout_rows
from dougong.settlement.payout_rules import PayoutNotFound
from dougong.web.account.common import AnyRequest, request_id
from dougong.web.api.common import STORE, After, Key, Limit, filled
from dougong.web.api.payout_types import (
    AccountInput,
    Payout,
    PayoutAccount,
    PayoutDetail,
    PayoutOutlook,
    PayoutPage,
    State,
    payout_detail,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_values, cut
from dougong.web.payee_payouts import Seat, buyer_seat, creator_seat, store_seat

CREATOR, ME = "/api/v1/creators/{creator_id:uuid}", "/api/v1/me"
TAGS = ["payouts"]
OF_STORE: dict[str, Any] = {"permission": Permission.MONEY_READ, "tags": TAGS}
OF_CREATOR: dict[str, Any] = {"permission": Permission.EARNINGS_READ, "tags": TAGS}
MINE: dict[str, Any] = {"permission": Permission.SELF_READ, "tags": TAGS}
ENTER: dict[str, Any] = {"permission": Permission.PAYOUT_ACCOUNT, "tags": TAGS, "status_code": 201}
OUTLOOK, LIST = "What is owed, and where and when it goes", "Payouts, the newest day first"
ONE, ACCOUNT = "A payout, its course and what it is made of", "Say where payouts go"


async def _outlook(conn: AsyncConnection, seat: Seat, at: datetime) -> PayoutOutlook:
    found = await payee_payouts(
        conn, payee_id=seat.payee_id, purposes=seat.purposes, currency=seat.currency,
        store_id=seat.store_id, at=at,
    )  # fmt: skip
    return PayoutOutlook.of(found)


async def _list(
    conn: AsyncConnection, seat: Seat, state: str, since: date | None, until: date | None,
    after: str, limit: int,
) -> PayoutPage:  # fmt: skip
    chosen = PayoutFilter(
        payee_id=seat.payee_id, store_id=seat.store_id, state=state, since=since, until=until
    )
    start = cursor_values(after, tuple[date, UUID])
    found = await payout_rows(conn, chosen, before=start, most=limit + 1)
    rows, following = cut(found, lambda row: (row.day, row.id), limit)
    return PayoutPage([Payout.of(row) for row in rows], following or None)


async def _one(conn: AsyncConnection, seat: Seat, payout_id: UUID) -> PayoutDetail:
    """Raises PayoutNotFound."""
    mine = PayoutFilter(payee_id=seat.payee_id, store_id=seat.store_id, payout_id=payout_id)
    for row in await payout_rows(conn, mine, most=1):
        return await payout_detail(conn, row)
    raise PayoutNotFound(field="payout_id")


async def _enter(
    conn: AsyncConnection, seat: Seat, who: Access, at: datetime, key: str, data: AccountInput,
    request: AnyRequest,
) -> PayoutAccount:  # fmt: skip
    """Raises BadInput, KeyReused."""

    async def make() -> PayoutAccount:
        account_id = await enter_account(
            conn, payee_id=seat.payee_id, currency=seat.currency, holder=data.holder,
            bank=data.bank, number=data.number, by=who.person_id, at=at,
            request_id=request_id(request),
        )  # fmt: skip
        rows = await account_rows(conn, payee_id=seat.payee_id, most=20)
        return filled(PayoutAccount, next(row for row in rows if row.id == account_id))

    # What is kept of a request says nothing of the number without the platform's secret.
    asked = (data.holder, data.bank, fingerprint(data.number))
    return await once(
        conn, owner_id=seat.payee_id, route="payouts.account", key=key, request=asked,
        answer=PayoutAccount, at=at, make=make,
    )  # fmt: skip


@get(STORE + "/payout-outlook", summary=OUTLOOK, **OF_STORE)
async def store_outlook(store_id: FromPath[UUID], conn: Conn, now: Now) -> PayoutOutlook:
    """Of what the store's own book owes its merchant, by the terms in force."""
    return await _outlook(conn, await store_seat(conn, store_id), now)


@get(STORE + "/payouts", summary=LIST, **OF_STORE)
async def store_payouts(
    store_id: FromPath[UUID],
    conn: Conn,
    status: FromQuery[State] = "",
    since: FromQuery[date | None] = None,
    until: FromQuery[date | None] = None,
    after: After = "",
    limit: Limit = 50,
) -> PayoutPage:
    """To the store's merchant. `since` and `until`: days, both counted in."""
    seat = await store_seat(conn, store_id)
    return await _list(conn, seat, status, since, until, after, limit)


@get(STORE + "/payouts/{payout_id:uuid}", summary=ONE, **OF_STORE)
async def store_payout(
    store_id: FromPath[UUID], payout_id: FromPath[UUID], conn: Conn
) -> PayoutDetail:
    """Why an order of it brought what it did, says `orders/{order_id}/explanation`."""
    return await _one(conn, await store_seat(conn, store_id), payout_id)


@post(STORE + "/payout-accounts", summary=ACCOUNT, **ENTER)
async def store_account(
    store_id: FromPath[UUID],
    data: JSONBody[AccountInput],
    conn: Conn,
    who: Who,
    now: Now,
    request: AnyRequest,
    key: Key,
) -> PayoutAccount:
    """The merchant's account from now on, once the platform has verified it; after a change it
    waits, too. Kept encrypted: only its last four characters are shown. 400 `same_account` when it
    is the account already."""
    return await _enter(conn, await store_seat(conn, store_id), who, now, key, data, request)


@get(CREATOR + "/payout-outlook", summary=OUTLOOK, **OF_CREATOR)
async def creator_outlook(creator_id: FromPath[UUID], conn: Conn, now: Now) -> PayoutOutlook:
    """As a creator and as an agency, of all books together, by the terms in force."""
    return await _outlook(conn, await creator_seat(conn, creator_id), now)


@get(CREATOR + "/payouts", summary=LIST, **OF_CREATOR)
async def creator_payouts(
    creator_id: FromPath[UUID],
    conn: Conn,
    status: FromQuery[State] = "",
    since: FromQuery[date | None] = None,
    until: FromQuery[date | None] = None,
    after: After = "",
    limit: Limit = 50,
) -> PayoutPage:
    """Of all books. `since` and `until`: days, both counted in."""
    seat = await creator_seat(conn, creator_id)
    return await _list(conn, seat, status, since, until, after, limit)


@get(CREATOR + "/payouts/{payout_id:uuid}", summary=ONE, **OF_CREATOR)
async def creator_payout(
    creator_id: FromPath[UUID], payout_id: FromPath[UUID], conn: Conn
) -> PayoutDetail:
    """Why an order of it brought what it did, says
    `stores/{store_id}/orders/{order_id}/explanation`."""
    return await _one(conn, await creator_seat(conn, creator_id), payout_id)


@post(CREATOR + "/payout-accounts", summary=ACCOUNT, **ENTER)
async def creator_account(
    creator_id: FromPath[UUID],
    data: JSONBody[AccountInput],
    conn: Conn,
    who: Who,
    now: Now,
    request: AnyRequest,
    key: Key,
) -> PayoutAccount:
    """As a store does."""
    return await _enter(conn, await creator_seat(conn, creator_id), who, now, key, data, request)


@get(ME + "/payout-outlook", summary=OUTLOOK, **MINE)
async def my_outlook(who: Who, conn: Conn, now: Now) -> PayoutOutlook:
    """What a buyer is owed, such as freight insurance, by the terms in force."""
    return await _outlook(conn, await buyer_seat(conn, who.person_id), now)


@get(ME + "/payouts", summary=LIST, **MINE)
async def my_payouts(
    who: Who,
    conn: Conn,
    status: FromQuery[State] = "",
    since: FromQuery[date | None] = None,
    until: FromQuery[date | None] = None,
    after: After = "",
    limit: Limit = 50,
) -> PayoutPage:
    """To the caller. `since` and `until`: days, both counted in."""
    seat = await buyer_seat(conn, who.person_id)
    return await _list(conn, seat, status, since, until, after, limit)


@get(ME + "/payouts/{payout_id:uuid}", summary=ONE, **MINE)
async def my_payout(payout_id: FromPath[UUID], who: Who, conn: Conn) -> PayoutDetail:
    return await _one(conn, await buyer_seat(conn, who.person_id), payout_id)


@post(
    ME + "/payout-accounts", summary=ACCOUNT, status_code=201, permission=Permission.SELF_WRITE,
    tags=TAGS,
)  # fmt: skip
async def my_account(
    data: JSONBody[AccountInput], conn: Conn, who: Who, now: Now, request: AnyRequest, key: Key
) -> PayoutAccount:
    """As a store does."""
    return await _enter(conn, await buyer_seat(conn, who.person_id), who, now, key, data, request)


HANDLERS: list[HTTPRouteHandler] = [
    store_outlook, store_payouts, store_payout, store_account, creator_outlook, creator_payouts,
    creator_payout, creator_account, my_outlook, my_payouts, my_payout, my_account,
]  # fmt: skip
