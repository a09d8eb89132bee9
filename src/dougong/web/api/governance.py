"""API v1: the platform governs merchants; scores, what is late, penalties and appeals, deposits."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.base.money import Money
from dougong.catalog.rules import clean_text
from dougong.flows import penalise as flow
from dougong.infra.idempotency import once
from dougong.reads import standing as reads
from dougong.standing.queries import rules_in_force
from dougong.standing.rules import MOST_WORDS, RuleOfKind
from dougong.web.api.common import After, Key, Limit, MaybeKey, Search, filled, once_if, plain
from dougong.web.api.standing_types import (
    AnswerInput,
    DepositReturned,
    LateOrder,
    LateOrders,
    PenaltyDetail,
    PenaltyInput,
    PenaltyPage,
    PenaltyRule,
    PenaltyShown,
    StandingShown,
    StoreStanding,
    StoreStandings,
    Tariffs,
    WordsInput,
    penalty_detail,
    standing_of,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_values, cut

GOVERN: dict[str, Any] = {
    "permission": Permission.MERCHANT_GOVERN,
    "tags": ["merchant governance"],
}
STANDING, PENALTIES = "/api/v1/standing", "/api/v1/penalties"
OF_STORE, PENALTY = PENALTIES + "/{store:uuid}", PENALTIES + "/{store:uuid}/{penalty_id:uuid}"
MOST_LATE = 200


@get(STANDING, summary="How stores stand", **GOVERN)
async def list_stores(
    conn: Conn, now: Now, q: Search = "", after: After = "", limit: Limit = 50
) -> StoreStandings:
    """Open ones. `q`: a part of a name or a code."""
    start = cursor_values(after, tuple[UUID])
    first = {"after": start[0]} if start else {}
    found = await reads.store_rows(conn, at=now, words=plain(q), most=limit + 1, **first)
    rows, following = cut(found, lambda row: (row.id,), limit)
    items = [filled(StoreStanding, row, store_id=row.id) for row in rows]
    return StoreStandings(items, following or None)


@get(STANDING + "/{store:uuid}", summary="Score and deposit of a store", **GOVERN)
async def read_store(store: FromPath[UUID], conn: Conn, now: Now) -> StandingShown:
    """As its merchant sees it."""
    return await standing_of(conn, store_id=store, at=now)


@post(
    STANDING + "/{store:uuid}/deposit-returns",
    status_code=201,
    summary="Give back what a deposit has too much",
    **GOVERN,
)
async def return_deposit(
    store: FromPath[UUID], conn: Conn, who: Who, now: Now, key: Key
) -> DepositReturned:
    """All of `spare`; its merchant is owed it then. 400 `nothing_to_return` where there is none."""

    async def make() -> DepositReturned:
        minor = await flow.return_spare_deposit(
            conn, store_id=StoreId(store), person_id=who.person_id, key=key, at=now
        )
        left = (await standing_of(conn, store_id=store, at=now)).deposit
        return DepositReturned(Money(minor, left.held.currency), left)

    return await once(
        conn, owner_id=store, route="standing.deposit_return", key=key, request=store,
        answer=DepositReturned, at=now, make=make,
    )  # fmt: skip


@get("/api/v1/late-orders", summary="Orders whose time to ship is over", **GOVERN)
async def list_late(conn: Conn, now: Now, store_id: FromQuery[UUID | None] = None) -> LateOrders:
    """Not wholly shipped, and no penalty is there for it: the most overdue first, 200 at most."""
    ours = None if store_id is None else StoreId(store_id)
    rows = await reads.late_orders(conn, at=now, store_id=ours, most=MOST_LATE)
    return LateOrders([LateOrder.of(row) for row in rows])


@get("/api/v1/penalty-rules", summary="What violations cost now", **GOVERN)
async def list_tariffs(conn: Conn, now: Now) -> Tariffs:
    """The rows in force, by violation."""
    rules = await rules_in_force(conn, kind=RuleOfKind.PENALTY, at=now)
    return Tariffs([PenaltyRule.of(rule) for rule in rules])


@get(PENALTIES, summary="Penalties of all stores, the newest first", **GOVERN)
async def list_penalties(
    conn: Conn,
    store_id: FromQuery[UUID | None] = None,
    only_appealed: FromQuery[bool] = False,
    q: Search = "",
    after: After = "",
    limit: Limit = 50,
) -> PenaltyPage:
    """`only_appealed`: those whose appeal waits for an answer. `q`: a part of a store's name or
    code, or of a violation."""
    found = await reads.penalty_rows(
        conn,
        store_id=None if store_id is None else StoreId(store_id),
        words=plain(q),
        only_appealed=only_appealed,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.decided_at, row.id), limit)
    return PenaltyPage([PenaltyShown.of(row) for row in rows], following or None)


@get(PENALTY, summary="A penalty with its rule and its facts", **GOVERN)
async def read_penalty(
    store: FromPath[UUID], penalty_id: FromPath[UUID], conn: Conn, now: Now
) -> PenaltyDetail:
    """As its merchant sees it."""
    return await penalty_detail(conn, store_id=store, penalty_id=penalty_id, at=now)


def _words(text: str) -> str:
    """Raises BadInput."""
    return clean_text(text, field="words", most=MOST_WORDS, required=True)


@post(OF_STORE, status_code=201, summary="Decide a penalty", **GOVERN)
async def decide(
    store: FromPath[UUID], data: JSONBody[PenaltyInput], conn: Conn, who: Who, now: Now, key: Key
) -> PenaltyDetail:
    """By the rule in force now; the fine is taken out of the deposit, and the orders are kept as
    they stand. 409 `no_standing_rule` for a violation that no rule is about, 400 `unknown_order`
    for a number that is not the store's."""

    async def make() -> PenaltyDetail:
        penalty_id = await flow.penalise(
            conn,
            store_id=StoreId(store),
            violation=data.violation,
            order_numbers=data.orders,
            words=_words(data.words),
            person_id=who.person_id,
            key=key,
            at=now,
        )
        return await penalty_detail(conn, store_id=store, penalty_id=penalty_id, at=now)

    return await once(
        conn, owner_id=store, route="standing.penalise", key=key, request=data,
        answer=PenaltyDetail, at=now, make=make,
    )  # fmt: skip


async def _done_once(
    conn: AsyncConnection,
    name: str,
    key: str | None,
    who: Who,
    at: datetime,
    asked: tuple[UUID, UUID, Any],
    do: Callable[[dict[str, Any]], Awaitable[None]],
) -> PenaltyDetail:
    """asked: store, penalty, and what more the request holds."""
    store, penalty_id, _ = asked
    named: dict[str, Any] = {"store_id": StoreId(store), "penalty_id": penalty_id, "at": at}

    async def make() -> PenaltyDetail:
        await do(named)
        return await penalty_detail(conn, **named)

    return await once_if(
        conn, key=key, owner_id=who.person_id, route=f"standing.{name}", request=asked,
        answer=PenaltyDetail, at=at, make=make,
    )  # fmt: skip


@post(PENALTY + "/answer", status_code=200, summary="Answer an appeal", **GOVERN)
async def answer(
    store: FromPath[UUID],
    penalty_id: FromPath[UUID],
    data: JSONBody[AnswerInput],
    conn: Conn,
    who: Who,
    now: Now,
    key: MaybeKey = None,
) -> PenaltyDetail:
    """Upheld, or taken back to the fen. 404 where none waits, 409 `other_person_needed` for who
    decided the penalty."""

    async def do(named: dict[str, Any]) -> None:
        await flow.answer_appeal(
            conn, is_reversed=data.outcome == "reversed", answer=_words(data.words),
            person_id=who.person_id, **named,
        )  # fmt: skip

    return await _done_once(conn, "answer", key, who, now, (store, penalty_id, data), do)


@post(PENALTY + "/reversal", status_code=200, summary="Take a penalty back", **GOVERN)
async def take_back(
    store: FromPath[UUID],
    penalty_id: FromPath[UUID],
    data: JSONBody[WordsInput],
    conn: Conn,
    who: Who,
    now: Now,
    key: MaybeKey = None,
) -> PenaltyDetail:
    """Without an appeal; its fine is reversed in the books, its measure ends. 409
    `penalty_reversed` where it was before."""

    async def do(named: dict[str, Any]) -> None:
        await flow.take_back(conn, why=_words(data.words), person_id=who.person_id, **named)

    return await _done_once(conn, "take_back", key, who, now, (store, penalty_id, data), do)


HANDLERS: list[HTTPRouteHandler] = [
    list_stores, read_store, return_deposit, list_late, list_tariffs, list_penalties, read_penalty,
    decide, answer, take_back,
]  # fmt: skip
