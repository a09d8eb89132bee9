"""Payouts: what goes to payees, run by run and one by one; holding, letting go, trying again."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.time import local_day
from dougong.flows import pay_out as flow
from dougong.flows.payout_runs import approve, queue_runs, start_day
from dougong.flows.tell_bank import ask_again
from dougong.infra.settings import settings
from dougong.reads.payouts import (
    PayoutFilter,
    file_rows,
    moves_of,
    payout_of,
    payout_rows,
    run_rows,
    state_sums,
    store_of_payout,
)
from dougong.web.account.common import AnyRequest, form_page
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import MOST_IN_FILE, PAGE, csv_file, day_from, see
from dougong.web.paging import cursor_values, cut, file_url, first_url, next_url
from dougong.web.payout_words import PURPOSES, STATES, payout_words
from dougong.web.render import page

READ: dict[str, Any] = {"permission": Permission.PAYOUT_READ, "include_in_schema": False}
ACT: dict[str, Any] = {"permission": Permission.PAYOUT_MANAGE, "include_in_schema": False}
DESK = "/operator/payouts"
HEAD = ("day", "id", "state", "kind", "payee", "store", "amount_minor", "currency", "bank",
        "holder", "ends", "bank_ref", "reason", "booked_at", "sent_at", "done_at")  # fmt: skip
Words = Annotated[str, msgspec.Meta(max_length=200)]


class WhyForm(Form):
    why: Words = ""


class DayForm(Form):
    day: str = ""


class Nothing(Form):
    """A button."""


def filters(q: str, state: str, purpose: str, since: str, until: str) -> PayoutFilter:
    """Raises BadInput."""
    return PayoutFilter(
        words=q.strip()[:100],
        state=state if state in STATES else "",
        purpose=purpose if purpose in PURPOSES else "",
        since=day_from(since, field="since", default=date.min) if since else None,
        until=day_from(until, field="until", default=date.max) if until else None,
    )


@get(DESK, **READ)
async def payouts_page(
    request: AnyRequest,
    conn: Conn,
    q: FromQuery[str] = "",
    only: FromQuery[str] = "",
    purpose: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    run: FromQuery[UUID | None] = None,
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    chosen = msgspec.structs.replace(filters(q, only, purpose, since, until), run_id=run)
    rows = await payout_rows(
        conn,
        chosen,
        before=cursor_values(after, tuple[date, UUID]),
        most=MOST_IN_FILE if file == "csv" else PAGE + 1,
    )
    if file == "csv":
        lines = [
            (r.day, r.id, r.state, r.purpose, r.payee, r.store_en, r.amount_minor, r.currency,
             r.bank, r.holder, r.number_tail, r.bank_ref, r.why, r.booked_at.isoformat(),
             r.sent_at, r.done_at)
            for r in rows
        ]  # fmt: skip
        return csv_file("payouts", HEAD, lines)
    shown, following = cut(rows, lambda row: (row.day, row.id), PAGE)
    given = {"q": q, "only": only, "purpose": purpose, "since": since, "until": until}
    return page(
        request,
        "operator/payouts.html",
        **payout_words(),
        show="payouts",
        rows=shown,
        run=run,
        chosen=given,
        is_filtered=bool(run or any(given.values())),
        sums=await state_sums(conn, run_id=run),
        file_url=file_url(request),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(DESK + "/runs", **READ)
async def runs_page(
    request: AnyRequest, conn: Conn, who: Who, now: Now, after: FromQuery[str] = ""
) -> Response[Any]:
    rows = await run_rows(conn, before=cursor_values(after, tuple[date, UUID]), most=PAGE + 1)
    shown, following = cut(rows, lambda row: (row.day, row.id), PAGE)
    return page(
        request,
        "operator/payout_runs.html",
        **payout_words(),
        show="runs",
        rows=shown,
        me=who.person_id,
        today=local_day(now, ZoneInfo(settings().timezone)),
        takes_files=settings().payout_bank == "file",
        files=await file_rows(conn, most=10),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@post(DESK + "/runs", status_code=303, **ACT)
async def start_runs(data: FormData[DayForm], who: Who, conn: Conn, now: Now) -> Response[None]:
    """Make a day's runs now; those that were made stay as they are."""
    today = local_day(now, ZoneInfo(settings().timezone))
    day = day_from(data.day, field="day", default=today)
    if day > today:
        raise BadInput(field="day", reason="out_of_range")
    await queue_runs(conn, await start_day(conn, day=day, started_by=who.person_id, at=now))
    return see(DESK + "/runs")


@post(DESK + "/runs/{run_id:uuid}/approve", status_code=303, **ACT)
async def approve_one(
    run_id: FromPath[UUID], data: FormData[Nothing], who: Who, conn: Conn, now: Now
) -> Response[None]:
    await approve(conn, run_id=run_id, person_id=who.person_id, at=now)
    return see(DESK + "/runs")


async def _one(
    request: AnyRequest, conn: Conn, payout_id: UUID, refusal: Refusal | None = None
) -> Response[Any]:
    row = await payout_of(conn, payout_id=payout_id)
    return form_page(
        request,
        "operator/payout.html",
        refusal=refusal,
        **payout_words(),
        row=row,
        moves=await moves_of(conn, store_id=row.store_id, payout_id=payout_id),
        can_be_asked=row.state == "sent" and settings().payout_bank != "file",
    )


@get(DESK + "/{payout_id:uuid}", **READ)
async def payout_page(payout_id: FromPath[UUID], request: AnyRequest, conn: Conn) -> Response[Any]:
    return await _one(request, conn, payout_id)


def act_route(name: str) -> HTTPRouteHandler:
    """hold and give-up with a reason; release, retry, ask."""

    @post(f"{DESK}/{{payout_id:uuid}}/{name}", status_code=303, **ACT)
    async def handler(
        payout_id: FromPath[UUID],
        data: FormData[WhyForm],
        request: AnyRequest,
        who: Who,
        conn: Conn,
        now: Now,
    ) -> Response[Any]:
        store_id = await store_of_payout(conn, payout_id=payout_id)
        named: dict[str, Any] = {"store_id": store_id, "payout_id": payout_id}
        by: dict[str, Any] = named | {"by": who.person_id, "at": now}
        try:
            if name in ("hold", "give-up") and not data.why.strip():
                raise BadInput(field="why", reason="missing")
            async with conn.begin_nested():
                payout_id = await act(name, data.why.strip(), named, by, conn) or payout_id
        except Refusal as refusal:
            return await _one(request, conn, payout_id, refusal)
        return see(f"{DESK}/{payout_id}")

    return handler


async def act(
    name: str, why: str, named: dict[str, Any], by: dict[str, Any], conn: Conn
) -> UUID | None:
    """Answers another payout to look at, where there is one."""
    match name:
        case "hold":
            await flow.hold(conn, why=why, **by)
        case "give-up":
            await flow.give_up(conn, why=why, **by)
        case "release":
            await flow.release(conn, **by)
        case "retry":
            return await flow.retry(conn, **by)
        case _:
            await ask_again(conn, **named)
    return None


HANDLERS: list[HTTPRouteHandler] = [
    payouts_page,
    runs_page,
    start_runs,
    approve_one,
    payout_page,
    *(act_route(name) for name in ("hold", "give-up", "release", "retry", "ask")),
]
