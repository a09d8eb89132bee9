"""API v1: how a store stands; its score, its deposit, its penalties, an appeal."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.base.money import Money
from dougong.catalog.queries import store_of
from dougong.catalog.rules import clean_text
from dougong.flows.pay_in import start_pay_in
from dougong.flows.penalise import appeal
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.payments.rules import PayInPurpose
from dougong.reads import standing as reads
from dougong.standing.rules import MOST_WORDS
from dougong.web.api.common import STORE, After, Key, Limit, MaybeKey, filled
from dougong.web.api.deeds import Deed
from dougong.web.api.shopping import PaymentAnswer
from dougong.web.api.standing_types import (
    DayScores,
    DayScoreShown,
    DepositInput,
    PenaltyDetail,
    PenaltyPage,
    PenaltyShown,
    StandingShown,
    WordsInput,
    penalty_detail,
    standing_of,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.merchant.common import store_url
from dougong.web.paging import cursor_values, cut

ROUTE: dict[str, Any] = {"permission": Permission.STANDING_READ, "tags": ["standing"]}
PENALTY = STORE + "/penalties/{penalty_id:uuid}"
Days = Annotated[int, QueryParameter(ge=1, le=400, description="The last so many days.")]


@get(STORE + "/standing", summary="Score and deposit of a store now", **ROUTE)
async def read_standing(store_id: FromPath[UUID], conn: Conn, now: Now) -> StandingShown:
    """How the score is made, by the formula in force; what each category asks for as a deposit, and
    what is held."""
    return await standing_of(conn, store_id=store_id, at=now)


@get(STORE + "/standing/days", summary="The score of each day", **ROUTE)
async def list_days(store_id: FromPath[UUID], conn: Conn, now: Now, days: Days = 60) -> DayScores:
    """As it was counted in the night after, by the formula of then."""
    today = now.astimezone(ZoneInfo(settings().timezone)).date()
    since = today - timedelta(days=days)
    found = await reads.scores(conn, store_id=StoreId(store_id), since=since)
    return DayScores([filled(DayScoreShown, one) for one in found])


@post(STORE + "/deposit-payments", status_code=201, summary="Pay the deposit", **ROUTE)
async def pay_deposit(
    store_id: FromPath[UUID], data: JSONBody[DepositInput], who: Who, key: Key
) -> PaymentAnswer:
    """Where to pay. It is held once the gateway says that it has come; then the same key is 409
    `nothing_to_pay`."""
    async with transaction() as conn:
        store = await store_of(conn, store_id=StoreId(store_id))
    started = await start_pay_in(
        purpose=PayInPurpose.DEPOSIT,
        owner_id=store_id,
        payer_id=who.person_id,
        amount=Money(data.amount_minor, store.currency),
        key=key,
        return_url=store_url(store_id, "standing"),
    )
    amount = Money(started.amount_minor, started.currency)
    return PaymentAnswer(started.payment_id, amount, started.pay_url)


@get(STORE + "/penalties", summary="Penalties of a store, the newest first", **ROUTE)
async def list_penalties(
    store_id: FromPath[UUID], conn: Conn, after: After = "", limit: Limit = 50
) -> PenaltyPage:
    """Those that were taken back, too."""
    start = cursor_values(after, tuple[datetime, UUID])
    ours = StoreId(store_id)
    found = await reads.penalty_rows(conn, store_id=ours, before=start, most=limit + 1)
    rows, following = cut(found, lambda row: (row.decided_at, row.id), limit)
    return PenaltyPage([PenaltyShown.of(row) for row in rows], following or None)


@get(PENALTY, summary="A penalty with its rule and its facts", **ROUTE)
async def read_penalty(
    store_id: FromPath[UUID], penalty_id: FromPath[UUID], conn: Conn, now: Now
) -> PenaltyDetail:
    """The version of the rule that decided, the orders as they stood then, the appeal and its
    answer."""
    return await penalty_detail(conn, store_id=store_id, penalty_id=penalty_id, at=now)


@post(PENALTY + "/appeal", status_code=200, summary="Appeal against a penalty", **ROUTE)
async def appeal_against(
    penalty_id: FromPath[UUID], data: JSONBody[WordsInput], deed: Deed, key: MaybeKey = None
) -> PenaltyDetail:
    """Once; somebody else than who decided it answers. 409 `appeal_too_late`, `appealed_already`,
    `penalty_reversed`."""

    async def make() -> PenaltyDetail:
        words = clean_text(data.words, field="words", most=MOST_WORDS, required=True)
        named = deed.named(penalty_id=penalty_id)
        await appeal(deed.conn, words=words, person_id=deed.by_id, **named)
        return await penalty_detail(deed.conn, **named)

    return await deed.once("penalty.appeal", key, (penalty_id, data), PenaltyDetail, make)


HANDLERS: list[HTTPRouteHandler] = [
    read_standing, list_days, pay_deposit, list_penalties, read_penalty, appeal_against,
]  # fmt: skip
