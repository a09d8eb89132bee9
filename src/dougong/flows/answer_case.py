"""What merchant, its own rows and buyer do with a case until goods move: granted, refused, a part
offered and taken, withdrawn, sent to arbitration."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.answer_rules import Answer, CaseRule
from dougong.aftersales.queries import Case, case_of
from dougong.aftersales.rules import (
    BadCase,
    CaseClosed,
    CaseState,
    Side,
    check_move,
    check_words,
    state_when_granted,
)
from dougong.base.ids import PersonId, StoreId
from dougong.flows.settle_case import By, end_case, refund_case
from dougong.flows.step_cases import Step, locked_case, take_steps
from dougong.infra import pause
from dougong.reads.case_facts import CaseStore, default_return_address


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something to which case, when. `buyer_id`: the buyer, where it is one who acts."""

    store_id: StoreId
    case_id: UUID
    person_id: PersonId
    at: datetime
    buyer_id: PersonId | None = None


async def case_for(conn: AsyncConnection, act: Act) -> Case:
    """The case with its order, locked. Raises CaseGone for another buyer's."""
    case, _ = await locked_case(
        conn, store_id=act.store_id, case_id=act.case_id, buyer_id=act.buyer_id
    )
    await pause.point("case: locked")
    return case


def by_person(act: Act, side: Side, note: str = "") -> By:
    return By(side=side, at=act.at, person_id=act.person_id, note=note.strip()[:1_000])


# the merchant ---------------------------------------------------------------------------------


async def approve(
    conn: AsyncConnection, act: Act, *, note: str = "", address_id: UUID | None = None
) -> Case:
    """What is asked is granted: money at once, or goods back first. Said twice, it is done once.

    Raises CaseGone, CaseClosed.
    """
    case = await case_for(conn, act)
    await grant(conn, case, by=by_person(act, Side.MERCHANT, note), address_id=address_id)
    return await case_of(conn, store_id=case.store_id, case_id=case.id)


async def grant(
    conn: AsyncConnection, case: Case, *, by: By, address_id: UUID | None = None
) -> None:
    """Grant a locked case what it asks. Raises CaseClosed."""
    to = state_when_granted(case.kind)
    if case.state in (CaseState.REFUSED, CaseState.ARBITRATION):
        to = CaseState.DONE  # the merchant gives in: the money, and nothing has to come back
    check_move(case.kind, case.state, to, by.side)
    if to is CaseState.DONE:
        came_back = case.return_tracking_no != ""
        await refund_case(conn, case, granted_minor=case.asked_minor, by=by, came_back=came_back)
        return
    values = dict(by.values)
    if to is CaseState.TO_SHIP_BACK:
        values["return_address"] = await default_return_address(
            conn, store_id=case.store_id, address_id=address_id
        )
    await take_steps(conn, [step_of(case, to, by, **values)], at=by.at, store=by.store)


def step_of(case: Case, to: CaseState, by: By, **values: object) -> Step:
    return Step(
        case=case, to=to, side=by.side, person_id=by.person_id, note=by.note, values=dict(values)
    )


async def refund_without_return(conn: AsyncConnection, act: Act, *, note: str = "") -> None:
    """The whole amount, and the buyer keeps the goods. Raises CaseGone, CaseClosed."""
    case = await case_for(conn, act)
    check_move(case.kind, case.state, CaseState.DONE, Side.MERCHANT)
    by = by_person(act, Side.MERCHANT, note)
    came_back = case.return_tracking_no != ""
    await refund_case(conn, case, granted_minor=case.asked_minor, by=by, came_back=came_back)


async def offer_part(conn: AsyncConnection, act: Act, *, amount_minor: int, note: str) -> None:
    """A part of what is asked, for the buyer to take. Raises CaseGone, CaseClosed, BadCase."""
    case = await case_for(conn, act)
    words = check_words(note, field="note")
    if not 1 <= amount_minor <= case.asked_minor:
        raise BadCase(field="amount", reason="out_of_range")
    by = by_person(act, Side.MERCHANT, words)
    step = step_of(case, CaseState.OFFERED, by, offered_minor=amount_minor)
    await take_steps(conn, [step], at=act.at)


async def refuse(conn: AsyncConnection, act: Act, *, note: str) -> None:
    """No, and why; the buyer can ask the platform. Raises CaseGone, CaseClosed, BadCase."""
    case = await case_for(conn, act)
    by = by_person(act, Side.MERCHANT, check_words(note, field="note"))
    await take_steps(conn, [step_of(case, CaseState.REFUSED, by)], at=act.at)


# the merchant's own rows ----------------------------------------------------------------------


async def answer_by_rule(
    conn: AsyncConnection, case: Case, rule: CaseRule, *, at: datetime, store: CaseStore
) -> Case:
    """What a row of the store's table says of a case that was opened just now; the order is locked.

    The move names the row; what it said is on the first move of the case, as it read then.
    """
    by = By(side=Side.RULE, at=at, values={"facts": {"rule_id": str(rule.id)}}, store=store)
    if rule.outcome is Answer.ASK:
        return case
    if rule.outcome is Answer.APPROVE:
        await grant(conn, case, by=by)
    else:
        step = step_of(case, CaseState.REFUSED, by, **by.values)
        await take_steps(conn, [step], at=at, store=store)
    return await case_of(conn, store_id=case.store_id, case_id=case.id)


# the buyer ------------------------------------------------------------------------------------


async def take_offer(conn: AsyncConnection, act: Act) -> None:
    """The part that is offered is enough. Raises CaseGone, CaseClosed."""
    case = await case_for(conn, act)
    await end_with_offer(conn, case, by=by_person(act, Side.BUYER))


async def end_with_offer(conn: AsyncConnection, case: Case, *, by: By) -> None:
    if case.offered_minor is None:
        raise CaseClosed(field="case_id", state=case.state.value)
    check_move(case.kind, case.state, CaseState.DONE, by.side)
    came_back = case.return_tracking_no != ""
    await refund_case(conn, case, granted_minor=case.offered_minor, by=by, came_back=came_back)


async def withdraw(conn: AsyncConnection, act: Act) -> None:
    """The buyer asks no more. Said twice, it is done once. Raises CaseGone, CaseClosed."""
    case = await case_for(conn, act)
    if case.state is CaseState.WITHDRAWN:
        return
    by = by_person(act, Side.BUYER)
    check_move(case.kind, case.state, CaseState.WITHDRAWN, by.side)
    await end_case(conn, case, CaseState.WITHDRAWN, outcome="withdrawn", by=by)


async def ask_platform(conn: AsyncConnection, act: Act, *, question: str) -> None:
    """The buyer will not have it: the operator rules. Raises CaseGone, CaseClosed, BadCase."""
    case = await case_for(conn, act)
    by = by_person(act, Side.BUYER, check_words(question, field="question"))
    await take_steps(conn, [step_of(case, CaseState.ARBITRATION, by)], at=act.at)
