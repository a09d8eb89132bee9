"""How merchants stand: scores, what is late, penalties and appeals."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import StoreId
from dougong.catalog.queries import store_of
from dougong.catalog.rules import clean_text
from dougong.flows import penalise as flow
from dougong.reads import standing as reads
from dougong.standing.queries import penalty_of, rules_in_force
from dougong.standing.rules import MOST_WORDS, RuleOfKind
from dougong.web.account.common import AnyRequest, form_page, go
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import MOST_IN_FILE, PAGE, csv_file
from dougong.web.paging import cursor_values, cut, file_url, first_url, next_url
from dougong.web.render import page
from dougong.web.standing_words import standing_words, violation_words

GOVERN: dict[str, Any] = {"permission": Permission.MERCHANT_GOVERN, "include_in_schema": False}
DESK, OF_STORE = "/operator/standing", "/operator/standing/{store_id:uuid}"
KeyText = Annotated[str, msgspec.Meta(min_length=8, max_length=200, pattern=r"^[\x21-\x7e]+$")]
MOST_LATE = 200
SCORE_HEAD = ("store", "name_zh", "name_en", "day", "score", "penalties", "measure")
PENALTY_HEAD = ("decided_at", "store", "violation", "fine_minor", "currency", "measure",
                "measure_until", "state", "words")  # fmt: skip


class PenaltyForm(Form, kw_only=True):
    violation: str
    orders: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    words: str
    key: KeyText


class AnswerForm(Form, kw_only=True):
    outcome: Annotated[str, msgspec.Meta(pattern="^(upheld|reversed)$")]
    words: str


class BackForm(Form):
    words: str


class KeyForm(Form):
    key: KeyText


async def _desk(conn: AsyncConnection, at: datetime) -> dict[str, Any]:
    """What the lists of the desk share: words, and how much waits behind each tab."""
    there = await reads.waiting(conn, at=at, most=MOST_LATE)
    return {**standing_words(), "waiting": there.appeals, "late": there.late}


@get(DESK, **GOVERN)
async def scores_page(
    request: AnyRequest,
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    words = q.strip()[:100]
    start = cursor_values(after, tuple[UUID])
    most = MOST_IN_FILE if file == "csv" else PAGE + 1
    first = {"after": start[0]} if start else {}
    rows = await reads.store_rows(conn, at=now, words=words, most=most, **first)
    if file == "csv":
        lines = [(r.code, r.name_zh, r.name_en, r.day, r.score_bp and r.score_bp / 100,
                  r.penalties, r.measure) for r in rows]  # fmt: skip
        return csv_file("standing", SCORE_HEAD, lines)
    shown, following = cut(rows, lambda row: (row.id,), PAGE)
    return page(
        request,
        "operator/standing.html",
        **await _desk(conn, now),
        show="scores",
        rows=shown,
        q=q,
        file_url=file_url(request),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(DESK + "/penalties", **GOVERN)
async def penalties_page(
    request: AnyRequest,
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    show: FromQuery[str] = "penalties",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    """`show`: penalties, or appeals that wait for an answer."""
    rows = await reads.penalty_rows(
        conn,
        words=q.strip()[:100],
        only_appealed=show == "appeals",
        before=cursor_values(after, tuple[datetime, UUID]),
        most=MOST_IN_FILE if file == "csv" else PAGE + 1,
    )
    if file == "csv":
        lines = [(r.decided_at.isoformat(), r.code, r.violation, r.fine_minor, r.currency,
                  r.measure, r.measure_until, r.state, r.words) for r in rows]  # fmt: skip
        return csv_file("penalties", PENALTY_HEAD, lines)
    shown, following = cut(rows, lambda row: (row.decided_at, row.id), PAGE)
    return page(
        request,
        "operator/penalties.html",
        **await _desk(conn, now),
        show="appeals" if show == "appeals" else "penalties",
        rows=shown,
        q=q,
        file_url=file_url(request),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(DESK + "/late", **GOVERN)
async def late_page(request: AnyRequest, conn: Conn, now: Now) -> Response[Any]:
    """Orders whose time to ship is over, by store: where a penalty may be due."""
    rows = await reads.late_orders(conn, at=now, most=MOST_LATE)
    by_store: dict[UUID, list[Any]] = {}
    for row in rows:
        by_store.setdefault(row.store_id, []).append(row)
    return page(
        request,
        "operator/standing_late.html",
        **await _desk(conn, now),
        show="late",
        groups=list(by_store.values()),
        most=MOST_LATE if len(rows) == MOST_LATE else 0,
    )


async def _store_page(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    at: datetime,
    *,
    typed: PenaltyForm | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    ours = StoreId(store_id)
    store = await store_of(conn, store_id=ours)
    rules = await rules_in_force(conn, kind=RuleOfKind.PENALTY, at=at)
    late = await reads.late_orders(conn, at=at, store_id=ours, most=MOST_LATE)
    return form_page(
        request,
        "operator/standing_store.html",
        refusal=refusal,
        **standing_words(),
        store=store,
        deposit=await reads.deposit_of(conn, store_id=ours, currency=store.currency, at=at),
        rows=await reads.penalty_rows(conn, store_id=ours, most=PAGE),
        rules=rules,
        violations=[(rule.subject, violation_words(rule.subject)) for rule in rules],
        typed=typed,
        late_numbers="\n".join(row.number for row in late),
        key=f"penalty-{uuid4()}",
    )


@get(OF_STORE, **GOVERN)
async def store_page(
    store_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Response[Any]:
    return await _store_page(request, conn, store_id, now)


@post(OF_STORE + "/penalties", status_code=303, **GOVERN)
async def decide(
    store_id: FromPath[UUID],
    data: FormData[PenaltyForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        async with conn.begin_nested():
            penalty_id = await flow.penalise(
                conn,
                store_id=StoreId(store_id),
                violation=data.violation,
                order_numbers=data.orders.split(),
                words=clean_text(data.words, field="words", most=MOST_WORDS, required=True),
                person_id=who.person_id,
                key=data.key,
                at=now,
            )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _store_page(request, conn, store_id, now, typed=data, refusal=refusal)
    return go(f"{DESK}/{store_id}/penalties/{penalty_id}")


@post(OF_STORE + "/deposit", status_code=303, **GOVERN)
async def return_deposit(
    store_id: FromPath[UUID], data: FormData[KeyForm], who: Who, conn: Conn, now: Now
) -> Response[Any]:
    await flow.return_spare_deposit(
        conn, store_id=StoreId(store_id), person_id=who.person_id, key=data.key, at=now
    )
    return go(f"{DESK}/{store_id}")


async def _penalty_page(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    penalty_id: UUID,
    at: datetime,
    refusal: Refusal | None = None,
) -> Response[Any]:
    ours = StoreId(store_id)
    penalty = await penalty_of(conn, store_id=ours, penalty_id=penalty_id)
    rows = await reads.penalty_rows(conn, store_id=ours, only_id=penalty_id, most=1)
    return form_page(
        request,
        "operator/penalty.html",
        refusal=refusal,
        **standing_words(),
        store=await store_of(conn, store_id=ours),
        penalty=penalty,
        row=rows[0],
        orders=await reads.penalty_orders(conn, store_id=ours, penalty_id=penalty_id),
    )


@get(OF_STORE + "/penalties/{penalty_id:uuid}", **GOVERN)
async def penalty_page(
    store_id: FromPath[UUID], penalty_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Response[Any]:
    return await _penalty_page(request, conn, store_id, penalty_id, now)


@post(OF_STORE + "/penalties/{penalty_id:uuid}/answer", status_code=303, **GOVERN)
async def answer(
    store_id: FromPath[UUID],
    penalty_id: FromPath[UUID],
    data: FormData[AnswerForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        async with conn.begin_nested():
            await flow.answer_appeal(
                conn,
                store_id=StoreId(store_id),
                penalty_id=penalty_id,
                is_reversed=data.outcome == "reversed",
                answer=clean_text(data.words, field="words", most=MOST_WORDS, required=True),
                person_id=who.person_id,
                at=now,
            )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _penalty_page(request, conn, store_id, penalty_id, now, refusal)
    return go(f"{DESK}/{store_id}/penalties/{penalty_id}")


@post(OF_STORE + "/penalties/{penalty_id:uuid}/reversal", status_code=303, **GOVERN)
async def take_back(
    store_id: FromPath[UUID],
    penalty_id: FromPath[UUID],
    data: FormData[BackForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        async with conn.begin_nested():
            await flow.take_back(
                conn,
                store_id=StoreId(store_id),
                penalty_id=penalty_id,
                why=clean_text(data.words, field="words", most=MOST_WORDS, required=True),
                person_id=who.person_id,
                at=now,
            )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _penalty_page(request, conn, store_id, penalty_id, now, refusal)
    return go(f"{DESK}/{store_id}/penalties/{penalty_id}")


HANDLERS: list[HTTPRouteHandler] = [
    scores_page, penalties_page, late_page, store_page, decide, return_deposit, penalty_page,
    answer, take_back,
]  # fmt: skip
