"""Goods go back and out again: the buyer ships, the merchant receives, looks, and sends."""

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import Case
from dougong.aftersales.rules import (
    BadCase,
    Bearer,
    CaseState,
    Inspection,
    Side,
    check_move,
    check_words,
    state_when_inspected,
)
from dougong.aftersales.sending_commands import write_resent
from dougong.flows.answer_case import Act, by_person, case_for, step_of
from dougong.flows.case_goods import goods_back, goods_out
from dougong.flows.insure_freight import pay_freight_back
from dougong.flows.settle_case import By, refund_case, sent_case
from dougong.flows.step_cases import take_steps


def _parcel(carrier: str, tracking_no: str) -> dict[str, str]:
    """Raises BadCase."""
    carrier, tracking_no = carrier.strip(), tracking_no.strip()
    if not 1 <= len(carrier) <= 60:
        raise BadCase(field="carrier", reason="missing")
    if not 4 <= len(tracking_no) <= 60:
        raise BadCase(field="tracking_no", reason="missing")
    return {"return_carrier": carrier, "return_tracking_no": tracking_no}


async def ship_back(conn: AsyncConnection, act: Act, *, carrier: str, tracking_no: str) -> None:
    """The buyer has sent the goods back. Raises CaseGone, CaseClosed, BadCase."""
    case = await case_for(conn, act)
    by = by_person(act, Side.BUYER)
    step = step_of(case, CaseState.SHIPPED_BACK, by, **_parcel(carrier, tracking_no))
    await take_steps(conn, [step], at=act.at)


async def receive_back(conn: AsyncConnection, act: Act) -> None:
    """The parcel has arrived; now it is looked into. Raises CaseGone, CaseClosed."""
    case = await case_for(conn, act)
    by = by_person(act, Side.MERCHANT)
    await take_steps(conn, [step_of(case, CaseState.RECEIVED, by)], at=act.at)


async def accept_goods(
    conn: AsyncConnection,
    act: Act,
    *,
    inspection: Inspection,
    note: str = "",
) -> None:
    """What came back is taken, as new or damaged: the refund is made, or the exchange is due.

    Raises CaseGone, CaseClosed, BadCase.
    """
    if inspection not in (Inspection.AS_NEW, Inspection.DAMAGED):
        raise BadCase(field="inspection", reason="not_accepted")
    case = await case_for(conn, act)
    by = by_person(act, Side.MERCHANT, note)
    await take_goods(conn, case, inspection=inspection, by=by)


async def take_goods(
    conn: AsyncConnection, case: Case, *, inspection: Inspection | None, by: By
) -> None:
    """Goods of a locked case are with the merchant; where a ruling said how much goes back for
    them, and who bears it, so it is. Raises CaseClosed."""
    to = state_when_inspected(case.kind)
    check_move(case.kind, case.state, to, by.side)
    await goods_back(conn, case, inspection, at=by.at, person_id=by.person_id)
    found = {"inspection": inspection.value if inspection else None}
    if to is CaseState.DONE:
        with_finding = By(
            side=by.side, at=by.at, person_id=by.person_id, note=by.note, values=found,
            store=by.store,
        )  # fmt: skip
        await refund_case(
            conn, case, granted_minor=case.offered_minor or case.asked_minor, by=with_finding,
            bearer=Bearer(case.bearer), came_back=True,
        )  # fmt: skip
        return
    await pay_freight_back(conn, case, at=by.at)
    await take_steps(conn, [step_of(case, to, by, **found)], at=by.at, store=by.store)


async def reject_goods(
    conn: AsyncConnection, act: Act, *, inspection: Inspection, note: str
) -> None:
    """Not what was sold, or not all of it: the refund is refused, and the buyer can ask the
    platform. Raises CaseGone, CaseClosed, BadCase."""
    if inspection is Inspection.AS_NEW:
        raise BadCase(field="inspection", reason="not_rejected")
    case = await case_for(conn, act)
    by = by_person(act, Side.MERCHANT, check_words(note, field="note"))
    check_move(case.kind, case.state, CaseState.REFUSED, Side.MERCHANT)
    step = step_of(case, CaseState.REFUSED, by, inspection=inspection.value)
    await take_steps(conn, [step], at=act.at)


async def refund_instead(conn: AsyncConnection, act: Act, *, note: str = "") -> None:
    """Nothing is left to send: the money goes back instead. Raises CaseGone, CaseClosed."""
    case = await case_for(conn, act)
    check_move(case.kind, case.state, CaseState.DONE, Side.MERCHANT)
    await refund_instead_of_sending(conn, case, by=by_person(act, Side.MERCHANT, note))


async def refund_instead_of_sending(conn: AsyncConnection, case: Case, *, by: By) -> None:
    """Of a locked case whose goods, if any had to, have come back."""
    came_back = case.return_tracking_no != ""
    await refund_case(conn, case, granted_minor=case.asked_minor, by=by, came_back=came_back)


async def send_again(conn: AsyncConnection, act: Act, *, carrier: str, tracking_no: str) -> None:
    """The exchange, the missing or the repaired goods are on their way: cost, and no revenue.

    Raises CaseGone, CaseClosed, BadCase, SoldOut.
    """
    case = await case_for(conn, act)
    parcel = _parcel(carrier, tracking_no)
    check_move(case.kind, case.state, CaseState.RESENT, Side.MERCHANT)
    resent = await goods_out(conn, case, at=act.at, person_id=act.person_id)
    await write_resent(
        conn,
        case=case,
        carrier=parcel["return_carrier"],
        tracking_no=parcel["return_tracking_no"],
        resent=resent,
        at=act.at,
    )
    step = step_of(case, CaseState.RESENT, by_person(act, Side.MERCHANT))
    await take_steps(conn, [step], at=act.at)


async def confirm_sent(conn: AsyncConnection, act: Act) -> None:
    """The buyer has what was sent. Said twice, it is done once. Raises CaseGone, CaseClosed."""
    case = await case_for(conn, act)
    if case.state is CaseState.DONE:
        return
    check_move(case.kind, case.state, CaseState.DONE, Side.BUYER)
    await sent_case(conn, case, by=by_person(act, Side.BUYER))
