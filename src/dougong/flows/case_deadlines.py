"""What the deadlines of cases do: silence grants what the merchant does not answer, ends what the
buyer does not go on with, and lets a ruling stand."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.commands import lock_case
from dougong.aftersales.queries import Case, order_of_case
from dougong.aftersales.rules import DEADLINES, ONLY_TOLD, CaseState, Side
from dougong.base.ids import StoreId
from dougong.flows.answer_case import end_with_offer, grant, step_of
from dougong.flows.return_case import refund_instead_of_sending, take_goods
from dougong.flows.rule_case import carry_out_first
from dougong.flows.settle_case import By, end_case, sent_case
from dougong.flows.step_cases import take_steps
from dougong.infra.events import Deadline, record
from dougong.orders.commands import lock_order_if_free

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
