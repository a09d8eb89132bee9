"""What the deadlines of cases do: silence grants what the merchant does not answer, ends what the
buyer does not go on with, and lets a ruling stand."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.commands import lock_case, lock_cases
from dougong.aftersales.queries import Case, order_of_case
from dougong.aftersales.rules import DEADLINES, ONLY_TOLD, WITH_RETURN, CaseState, Side
from dougong.base.ids import OrderId, StoreId
from dougong.flows.answer_case import end_with_offer, grant, step_of
from dougong.flows.return_case import refund_instead_of_sending, take_goods
from dougong.flows.rule_case import carry_out_first
from dougong.flows.settle_case import By, end_case, give_back_holds, sent_case
from dougong.flows.step_cases import Step, after_closing, take_steps
from dougong.infra import pause
from dougong.infra.events import Deadline, record
from dougong.orders.commands import lock_order_if_free, lock_orders_if_free
from dougong.reads.case_facts import default_return_address, due_cases

KINDS = DEADLINES


async def lock_if_free(conn: AsyncConnection, deadline: Deadline) -> bool:
    """Keep the order of a case; False while another has it in hand."""
    store_id = StoreId(deadline.store_id)
    order_id = await order_of_case(conn, store_id=store_id, case_id=deadline.subject_id)
    return await lock_order_if_free(conn, store_id=store_id, order_id=order_id)


async def act(conn: AsyncConnection, deadline: Deadline, *, at: datetime) -> str:
    """What was done of it. Raises CaseClosed when it is not needed any more."""
    store_id = StoreId(deadline.store_id)
    case = await lock_case(conn, store_id=store_id, case_id=deadline.subject_id)
    if case.due_kind != deadline.kind:
        return "not_needed"
    if deadline.kind in ONLY_TOLD:
        facts = {"number": case.number, "kind": case.kind.value, "state": case.state.value}
        await record(
            conn, "case.ruling_overdue", store_id=store_id, subject_id=case.id, at=at, facts=facts
        )
        return "told"
    await _act(conn, case, by=By(side=Side.DEADLINE, at=at))
    return "acted"


# Deadlines after which no money moves but back to where it was frozen: many at once.
IN_BULK = ("case_answer_by", "case_escalate_by", "case_ship_back_by", "case_receive_back_by")
BULK = 500
# State to the state after its deadline, and the outcome where the case ends with it.
AFTER = {
    CaseState.ASKED: (CaseState.TO_SHIP_BACK, None),
    CaseState.REFUSED: (CaseState.CLOSED, "refused"),
    CaseState.TO_SHIP_BACK: (CaseState.WITHDRAWN, "lapsed"),
    CaseState.SHIPPED_BACK: (CaseState.RECEIVED, None),
}


async def act_on_many(conn: AsyncConnection, *, at: datetime) -> int:
    """Up to 500 due deadlines of one store that move no money to anybody, in this transaction;
    answers how many. What another has in hand is left."""
    due = await due_cases(
        conn, at=at, kinds=IN_BULK, with_return=[kind.value for kind in WITH_RETURN], most=BULK
    )
    if not due:
        return 0
    store_id = due[0].store_id
    orders = await lock_orders_if_free(
        conn, store_id=store_id, order_ids=[OrderId(one.order_id) for one in due]
    )
    free = [one.case_id for one in due if one.order_id in orders]
    cases = [
        case
        for case in await lock_cases(conn, store_id=store_id, case_ids=free)
        if case.due_kind in IN_BULK and case.due_at is not None and case.due_at <= at
    ]
    await pause.point("cases: locked many")
    if not cases:
        return 0
    address = await default_return_address(conn, store_id=store_id, address_id=None)
    ending = [case for case in cases if AFTER[case.state][1]]
    await give_back_holds(conn, ending, at=at)
    await take_steps(conn, [_bulk_step(case, address) for case in cases], at=at)
    for order_id in {case.order_id for case in ending}:
        await after_closing(conn, store_id=store_id, order=orders[order_id], at=at)
    return len(cases)


def _bulk_step(case: Case, address: dict[str, str] | None) -> Step:
    to, outcome = AFTER[case.state]
    values: dict[str, object] = {}
    if to is CaseState.TO_SHIP_BACK:
        values["return_address"] = address
    if outcome:
        values = {"outcome": outcome, "granted_minor": 0, "released": case.held_at is not None}
    return Step(case=case, to=to, side=Side.DEADLINE, values=values)


async def _act(conn: AsyncConnection, case: Case, *, by: By) -> None:
    match case.state:
        case CaseState.ASKED:
            await grant(conn, case, by=by)
        case CaseState.OFFERED:
            await end_with_offer(conn, case, by=by)
        case CaseState.REFUSED:
            await end_case(conn, case, CaseState.CLOSED, outcome="refused", by=by)
        case CaseState.TO_SHIP_BACK:
            await end_case(conn, case, CaseState.WITHDRAWN, outcome="lapsed", by=by)
        case CaseState.SHIPPED_BACK:
            await take_steps(conn, [step_of(case, CaseState.RECEIVED, by)], at=by.at)
        case CaseState.RECEIVED:
            await take_goods(conn, case, inspection=None, by=by)
        case CaseState.TO_RESEND:
            await refund_instead_of_sending(conn, case, by=by)
        case CaseState.RESENT:
            await sent_case(conn, case, by=by)
        case CaseState.RULED:
            await carry_out_first(conn, case, by=by)
        case other:
            raise ValueError(other)
