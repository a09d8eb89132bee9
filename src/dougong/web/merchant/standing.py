"""How a store stands: its score and how it is made, its deposit, its penalties, an appeal."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.base.money import Money
from dougong.catalog.queries import store_of
from dougong.catalog.rules import clean_text
from dougong.flows.pay_in import start_pay_in
from dougong.flows.penalise import appeal
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.payments.rules import PayInPurpose
from dougong.reads import standing as reads
from dougong.standing.queries import formula_at, penalty_of
from dougong.standing.rules import MOST_WORDS, NoStandingRule, score
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import STORE, amount, merchant_page, problem_words, see, store_url
from dougong.web.paging import PAGE_ROWS, cursor_values, cut, first_url, next_url
from dougong.web.render import Page
from dougong.web.standing_words import score_chart, standing_words, sum_words

READ: dict[str, Any] = {"permission": Permission.STANDING_READ, "include_in_schema": False}
SHOWN_DAYS = 60
KeyText = Annotated[str, msgspec.Meta(min_length=8, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class PayForm(Form, kw_only=True):
    amount: Annotated[str, msgspec.Meta(max_length=40)] = ""
    key: KeyText


class AppealForm(Form):
    words: str = ""


async def _score_now(conn: AsyncConnection, store_id: StoreId, at: datetime) -> dict[str, Any]:
    """Rule, formula and score, and how the score is summed; None without a formula in force."""
    try:
        rule, formula = await formula_at(conn, at=at)
    except NoStandingRule:
        return {"rule": None, "formula": None, "score": None, "sum_words": ""}
    found = await reads.counts(conn, store_id=store_id, formula=formula, at=at)
    made = score(formula, found)
    return {"rule": rule, "formula": formula, "score": made, "sum_words": sum_words(made.parts)}


async def _page(
    request: Request[Any, Any, Any],
    conn: AsyncConnection,
    store_id: UUID,
    at: datetime,
    *,
    after: str = "",
    typed: str = "",
    error: Refusal | None = None,
) -> Page:
    ours = StoreId(store_id)
    store = await store_of(conn, store_id=ours)
    scored = await _score_now(conn, ours, at)
    today = at.astimezone(ZoneInfo(settings().timezone)).date()
    days = await reads.scores(conn, store_id=ours, since=today - timedelta(days=SHOWN_DAYS))
    start = cursor_values(after, tuple[datetime, UUID])
    found = await reads.penalty_rows(conn, store_id=ours, before=start, most=PAGE_ROWS + 1)
    rows, following = cut(found, lambda row: (row.decided_at, row.id))
    deposit = await reads.deposit_of(conn, store_id=ours, currency=store.currency, at=at)
    return await merchant_page(
        request,
        conn,
        "merchant/standing.html",
        store_id=store_id,
        status=error.status if error else 200,
        **standing_words(),
        **scored,
        days=days,
        chart=score_chart(days),
        deposit=deposit,
        typed=typed,
        bad_words=problem_words(error) if error else "",
        key=f"deposit-{uuid4()}",
        rows=rows,
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(STORE + "/standing", **READ)
async def standing_page(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    after: FromQuery[str] = "",
) -> Page:
    return await _page(request, conn, store_id, now, after=after)


@post(STORE + "/standing/deposit", **READ)
async def pay_deposit(
    store_id: FromPath[UUID],
    data: FormData[PayForm],
    request: Request[Any, Any, Any],
    who: Who,
) -> Response[Any] | Page:
    """To the gateway's page; no transaction is open while it is asked."""
    try:
        async with transaction() as conn:
            store = await store_of(conn, store_id=StoreId(store_id))
        minor = amount(data.amount, store.currency, field="amount") or 0
        if minor <= 0:
            raise BadInput(field="amount", reason="out_of_range")
        payment = await start_pay_in(
            purpose=PayInPurpose.DEPOSIT,
            owner_id=store_id,
            payer_id=who.person_id,
            amount=Money(minor, store.currency),
            key=data.key,
            return_url=store_url(store_id, "standing"),
        )
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        async with transaction() as conn:
            now = await clock.refresh(conn)
            return await _page(request, conn, store_id, now, typed=data.amount, error=refusal)
    return see(payment.pay_url)


async def _penalty_page(
    request: Request[Any, Any, Any],
    conn: AsyncConnection,
    store_id: UUID,
    penalty_id: UUID,
    at: datetime,
    *,
    typed: str = "",
    error: Refusal | None = None,
) -> Page:
    ours = StoreId(store_id)
    penalty = await penalty_of(conn, store_id=ours, penalty_id=penalty_id)
    rows = await reads.penalty_rows(conn, store_id=ours, only_id=penalty_id, most=1)
    return await merchant_page(
        request,
        conn,
        "merchant/penalty.html",
        store_id=store_id,
        status=error.status if error else 200,
        **standing_words(),
        penalty=penalty,
        row=rows[0],
        orders=await reads.penalty_orders(conn, store_id=ours, penalty_id=penalty_id),
        may_appeal=penalty.appealed_at is None
        and penalty.reversed_at is None
        and at < penalty.appeal_until,
        typed=typed,
        bad_words=problem_words(error) if error else "",
    )


@get(STORE + "/standing/{penalty_id:uuid}", **READ)
async def penalty_page(
    store_id: FromPath[UUID],
    penalty_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
) -> Page:
    return await _penalty_page(request, conn, store_id, penalty_id, now)


@post(STORE + "/standing/{penalty_id:uuid}/appeal", **READ)
async def appeal_against(
    store_id: FromPath[UUID],
    penalty_id: FromPath[UUID],
    data: FormData[AppealForm],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any] | Page:
    try:
        async with conn.begin_nested():
            words = clean_text(data.words, field="words", most=MOST_WORDS, required=True)
            await appeal(
                conn, store_id=StoreId(store_id), penalty_id=penalty_id, words=words,
                person_id=who.person_id, at=now,
            )  # fmt: skip
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _penalty_page(
            request, conn, store_id, penalty_id, now, typed=data.words, error=refusal
        )
    return see(store_url(store_id, f"standing/{penalty_id}"))


HANDLERS: list[HTTPRouteHandler] = [standing_page, pay_deposit, penalty_page, appeal_against]
