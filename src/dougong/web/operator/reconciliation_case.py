"""One difference with a partner: its sides, its runs, its notes, and what may be done."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import Refusal
from dougong.flows.decide_case import accept_case, approve_case, step_case
from dougong.reads.operator_reconciliation import source_names
from dougong.reads.reconciliation_case import (
    notes_of,
    one_case,
    seen_in_runs,
    told_and_came,
    write_offs_of,
)
from dougong.settlement.case_commands import add_note
from dougong.settlement.case_rules import MOST_NOTE, MOVES, CaseState, write_off_minor
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import see
from dougong.web.operator.reconciliation import HOME, shared_words
from dougong.web.refusals import message_for
from dougong.web.render import page

READ: dict[str, Any] = {"permission": Permission.RECONCILE_READ, "include_in_schema": False}
WRITE: dict[str, Any] = {"permission": Permission.RECONCILE_WRITE, "include_in_schema": False}
CASE = HOME + "/cases/{case_id:uuid}"


class Step(Form):
    act: Literal["note", "explained", "claimed", "closed", "open", "accept", "approve"]
    note: str = ""


async def _case(
    request: Request[Any, Any, Any],
    conn: Conn,
    who: Who,
    case_id: UUID,
    *,
    note: str = "",
    refusal: Refusal | None = None,
) -> Response[Any]:
    case = await one_case(conn, case_id=case_id)
    runs = await seen_in_runs(conn, case_id=case_id)
    told, came = await told_and_came(conn, source=case.source, ref=case.subject)
    write_offs = await write_offs_of(conn, case_id=case_id)
    newest = runs[0] if runs and runs[0].run_id == case.last_run_id else None
    before = sum(one.amount_minor for one in write_offs if one.state == "booked")
    would_book = 0
    if newest is not None:
        would_book = write_off_minor(
            outcome=newest.outcome,
            reason=newest.reason,
            booked_minor=newest.booked_minor + before,
            theirs_minor=newest.theirs_minor,
            received_minor=newest.received_minor,
        )
    after = MOVES[CaseState(case.state)]
    return page(
        request,
        "operator/reconciliation_case.html",
        status=refusal.status if refusal else 200,
        case=case,
        source=(await source_names(conn)).get(case.source),
        runs=runs,
        newest=newest,
        told=told,
        came=came,
        notes=await notes_of(conn, case_id=case_id),
        write_offs=write_offs,
        asked=next((one for one in write_offs if one.state == "asked"), None),
        would_book=would_book,
        may=[str(one) for one in after],
        may_write=who.may(Permission.RECONCILE_WRITE),
        given=note,
        longest_note=MOST_NOTE,
        error=message_for(refusal.code, refusal.facts) if refusal else "",
        **shared_words(),
    )


@get(CASE, **READ)
async def case_page(
    case_id: FromPath[UUID], request: Request[Any, Any, Any], who: Who, conn: Conn
) -> Response[Any]:
    return await _case(request, conn, who, case_id)


@post(CASE, **WRITE)
async def take_step(
    case_id: FromPath[UUID],
    data: FormData[Step],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        async with conn.begin_nested():
            await _act(conn, who, case_id, data, now)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _case(request, conn, who, case_id, note=data.note, refusal=refusal)
    return see(f"{HOME}/cases/{case_id}")


async def _act(conn: Conn, who: Who, case_id: UUID, data: Step, now: datetime) -> None:
    what: dict[str, Any] = {
        "case_id": case_id,
        "note": data.note,
        "person_id": who.person_id,
        "at": now,
    }
    match data.act:
        case "note":
            await add_note(conn, **what, side="platform")
            await audit(
                conn,
                at=now,
                person_id=who.person_id,
                action="settlement.case_noted",
                subject=str(case_id),
                facts={"note": data.note},
            )
        case "accept":
            await accept_case(conn, **what)
        case "approve":
            await approve_case(conn, **what)
        case _:
            await step_case(conn, **what, to=CaseState(data.act))


HANDLERS: list[HTTPRouteHandler] = [case_page, take_step]
