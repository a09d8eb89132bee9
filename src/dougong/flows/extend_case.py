"""A deadline of a case moves by consent: one side asks, the other gives more time or declines."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.commands import set_due
from dougong.aftersales.queries import Case
from dougong.aftersales.rules import DUE, About, NotExtendable, Side, TimeAct
from dougong.aftersales.talk_commands import write_about_time
from dougong.flows.answer_case import Act, case_for
from dougong.flows.step_cases import category_of
from dougong.infra.events import move_deadline, record
from dougong.reads.case_facts import case_store


async def ask_for_time(conn: AsyncConnection, act: Act, *, side: Side, note: str = "") -> None:
    """The side whose turn it is asks for more time; the other one gives it, asked or not, and the
    deadline moves by its term. Raises CaseGone, NotExtendable, BadCase."""
    case, due_at = await _case_with(conn, act, side, TimeAct.MORE)
    if side.value == case.waiting_for:
        await set_due(conn, case=case, due_at=due_at, extended=case.extended, asked_by=side.value)
        told = await _said(conn, case, act, side, About.TIME_ASKED, note=note, due_at=due_at)
        await record(conn, "case.extension_asked", **told)
        return
    later = await due_when_given(conn, case, at=act.at)
    await set_due(conn, case=case, due_at=later, extended=case.extended + 1)
    await move_deadline(
        conn, store_id=case.store_id, kind=DUE[case.state][0], subject_id=case.id, due_at=later
    )
    told = await _said(conn, case, act, side, About.TIME_GIVEN, note=note, due_at=later)
    await record(conn, "case.extended", **told)


async def give_no_time(conn: AsyncConnection, act: Act, *, side: Side, note: str = "") -> None:
    """The other side asks for more time, and does not get it: the deadline stays, and is not asked
    to move again. Raises CaseGone, NotExtendable, BadCase."""
    case, due_at = await _case_with(conn, act, side, TimeAct.DECLINE)
    await set_due(conn, case=case, due_at=due_at, extended=case.extended, declined_at=act.at)
    told = await _said(conn, case, act, side, About.TIME_DECLINED, note=note, due_at=due_at)
    await record(conn, "case.extension_declined", **told)


async def due_when_given(conn: AsyncConnection, case: Case, *, at: datetime) -> datetime:
    """To when the deadline moves if more time is given now. `case` has one."""
    store = await case_store(conn, store_id=case.store_id)
    seconds = store.term_s(DUE[case.state][1], category_of(case), at=at)
    return max(at, case.due_at or at) + timedelta(seconds=seconds)


async def _case_with(
    conn: AsyncConnection, act: Act, side: Side, wanted: TimeAct
) -> tuple[Case, datetime]:
    """The case, locked, and its deadline. Raises CaseGone, NotExtendable."""
    case = await case_for(conn, act)
    if case.due_at is None or wanted not in case.time_acts(side):
        raise NotExtendable(field="case_id", state=case.state.value)
    return case, case.due_at


async def _said(
    conn: AsyncConnection,
    case: Case,
    act: Act,
    side: Side,
    about: About,
    *,
    note: str,
    due_at: datetime,
) -> dict[str, Any]:
    """Written into the course of the case; the values of its event."""
    message_id = await write_about_time(
        conn,
        case=case,
        side=side,
        person_id=act.person_id,
        about=about,
        note=note,
        due_at=due_at,
        at=act.at,
    )
    where: dict[str, Any] = {"store_id": case.store_id, "subject_id": case.id, "at": act.at}
    facts = {
        "number": case.number,
        "side": side.value,
        "message_id": str(message_id),
        "due_at": due_at.isoformat(),
    }
    return where | {"facts": facts}
