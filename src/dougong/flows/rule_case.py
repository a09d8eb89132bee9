"""The operator rules a case, once more when one side appeals; then that is carried out."""

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.aftersales.queries import Case
from dougong.aftersales.rules import (
    BadCase,
    Bearer,
    CaseState,
    RulingOutcome,
    Side,
    check_move,
    check_words,
    rulings_for,
)
from dougong.aftersales.ruling_commands import Ruling, ruling_of, write_ruling
from dougong.flows.answer_case import Act, by_person, case_for, step_of
from dougong.flows.case_books import bearers_of
from dougong.flows.order_for_books import booked_order
from dougong.flows.settle_case import By, end_case, refund_case
from dougong.flows.step_cases import take_steps
from dougong.reads.case_facts import default_return_address


class Choices(msgspec.Struct, frozen=True):
    """What a ruling of a case can say: the lines of its order decide who can bear it."""

    outcomes: list[RulingOutcome]
    bearers: list[Bearer]


async def choices_for(conn: AsyncConnection, case: Case) -> Choices:
    booked, _ = await booked_order(conn, store_id=case.store_id, order_id=case.order_id)
    return Choices(
        rulings_for(case.kind, is_sent_back=case.return_tracking_no != ""),
        bearers_of(booked, {line.line_no for line in case.lines}),
    )


async def rule(conn: AsyncConnection, act: Act, ruling: Ruling) -> None:
    """The first ruling; it stands when nobody appeals in time. Raises CaseGone, CaseClosed,
    BadCase."""
    case = await case_for(conn, act)
    check_move(case.kind, case.state, CaseState.RULED, Side.OPERATOR)
    await _write(conn, act, case, ruling, instance=1)
    by = by_person(act, Side.OPERATOR, ruling.reason)
    await take_steps(conn, [step_of(case, CaseState.RULED, by)], at=act.at)


async def appeal(conn: AsyncConnection, act: Act, *, side: Side, note: str) -> None:
    """One side asks for a second look: once. Raises CaseGone, CaseClosed, BadCase."""
    case = await case_for(conn, act)
    by = by_person(act, side, check_words(note, field="note"))
    await take_steps(conn, [step_of(case, CaseState.APPEALED, by)], at=act.at)


async def rule_again(conn: AsyncConnection, act: Act, ruling: Ruling) -> None:
    """The second ruling is the last: it is carried out at once. Raises CaseGone, CaseClosed,
    BadCase."""
    case = await case_for(conn, act)
    if case.state is not CaseState.APPEALED:
        check_move(case.kind, case.state, CaseState.APPEALED, Side.OPERATOR)
    await _write(conn, act, case, ruling, instance=2)
    await carry_out(conn, case, ruling, by=by_person(act, Side.OPERATOR, ruling.reason))


async def _write(
    conn: AsyncConnection, act: Act, case: Case, ruling: Ruling, *, instance: int
) -> None:
    _check(case, ruling, await choices_for(conn, case))
    await write_ruling(
        conn, case=case, instance=instance, ruling=ruling, person_id=act.person_id, at=act.at
    )
    await audit(
        conn,
        at=act.at,
        person_id=act.person_id,
        action="cases.ruled",
        subject=case.number,
        facts={
            "case_id": str(case.id),
            "instance": instance,
            "outcome": ruling.outcome.value,
            "granted_minor": ruling.granted_minor,
            "bearer": ruling.bearer.value,
        },
    )


def _check(case: Case, ruling: Ruling, choices: Choices) -> None:
    """Raises BadCase."""
    check_words(ruling.question, field="question")
    check_words(ruling.reason, field="reason", most=2_000)
    is_nothing = ruling.outcome is RulingOutcome.NOTHING
    if is_nothing != (ruling.granted_minor == 0) or ruling.granted_minor > case.asked_minor:
        raise BadCase(field="granted", reason="out_of_range")
    if ruling.granted_minor < 0:
        raise BadCase(field="granted", reason="out_of_range")
    if ruling.outcome not in choices.outcomes:
        raise BadCase(field="outcome", reason="nothing_to_return")
    if ruling.bearer not in choices.bearers:
        raise BadCase(field="bearer", reason="nobody")


async def carry_out_first(conn: AsyncConnection, case: Case, *, by: By) -> None:
    """Nobody has appealed: the first ruling stands."""
    ruling = await ruling_of(conn, store_id=case.store_id, case_id=case.id, instance=1)
    await carry_out(conn, case, ruling, by=by)


async def carry_out(conn: AsyncConnection, case: Case, ruling: Ruling, *, by: By) -> None:
    """Refund, a return first, or nothing; `case` is locked."""
    if ruling.outcome is RulingOutcome.NOTHING:
        await end_case(conn, case, CaseState.CLOSED, outcome="refused", by=by)
        return
    if ruling.outcome is RulingOutcome.RETURN_REFUND:
        address = await default_return_address(conn, store_id=case.store_id, address_id=None)
        step = step_of(
            case,
            CaseState.TO_SHIP_BACK,
            by,
            return_address=address,
            offered_minor=ruling.granted_minor,
            bearer=Bearer(ruling.bearer).value,
        )
        await take_steps(conn, [step], at=by.at, store=by.store)
        return
    await refund_case(
        conn,
        case,
        granted_minor=ruling.granted_minor,
        by=by,
        bearer=ruling.bearer,
        came_back=case.return_tracking_no != "",
    )
