"""The operator's arbitration desk: what waits for a ruling, both sides' evidence, the ruling."""

from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.aftersales.queries import case_of
from dougong.aftersales.rules import BadCase, Bearer, CaseState, RulingOutcome, Side
from dougong.aftersales.ruling_commands import Ruling
from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.flows import rule_case
from dougong.flows.answer_case import Act
from dougong.flows.talk_in_case import say
from dougong.reads.case_desk import operator_queue
from dougong.web.cases.pages import Answer, AnyRequest, SayForm, Seat, case_page, on_case
from dougong.web.cases.words import BEARERS, RULINGS, case_words
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext
from dougong.web.merchant.common import amount
from dougong.web.render import Page, page

CASE = "/operator/cases/{store:uuid}/{case_id:uuid}"
RULE: dict[str, Any] = {"permission": Permission.CASE_RULE, "include_in_schema": False}
MOST = 200


class RulingForm(Form):
    question: str
    outcome: str
    amount: str = ""
    bearer: str = "merchant"
    reason: str = ""


def seat_of(store_id: UUID, case_id: UUID) -> Seat:
    base = f"/operator/cases/{store_id}/{case_id}"
    return Seat(Side.OPERATOR, "operator/base.html", base, "/operator/cases")


async def _choices(conn: Conn, store_id: StoreId, case_id: UUID) -> dict[str, Any]:
    """What can be ruled, and who can bear it. Raises CaseGone."""
    case = await case_of(conn, store_id=store_id, case_id=case_id)
    found = await rule_case.choices_for(conn, case)
    return {
        "rulings": [(one.value, gettext(RULINGS[one.value])) for one in found.outcomes],
        "bearers": [(one.value, gettext(BEARERS[one.value])) for one in found.bearers],
    }


@get("/operator/cases", **RULE)
async def queue(request: AnyRequest, conn: Conn) -> Page:
    rows = await operator_queue(conn, most=MOST)
    return page(request, "cases/operator.html", rows=rows, **case_words())


@get(CASE, **RULE)
async def one(
    store: FromPath[UUID], case_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Page:
    seat, store_id = seat_of(store, case_id), StoreId(store)
    choices = await _choices(conn, store_id, case_id)
    return await case_page(request, conn, seat, store_id, case_id, **choices)


@post(CASE + "/say", **RULE, status_code=303)
async def ask_sides(
    store: FromPath[UUID],
    case_id: FromPath[UUID],
    data: FormData[SayForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Answer:
    """Before a ruling: both sides read it, answer and show evidence."""
    store_id = StoreId(store)
    act = Act(store_id=store_id, case_id=case_id, person_id=who.person_id, at=now)
    choices = await _choices(conn, store_id, case_id)
    return await on_case(
        request, conn, seat_of(store, case_id), store_id, case_id,
        lambda: say(conn, act, side=Side.OPERATOR, body=data.body), **choices,
    )  # fmt: skip


@post(CASE + "/ruling", **RULE, status_code=303)
async def ruling(
    store: FromPath[UUID],
    case_id: FromPath[UUID],
    data: FormData[RulingForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Answer:
    """The first ruling, or after an appeal the last one."""
    store_id = StoreId(store)
    act = Act(store_id=store_id, case_id=case_id, person_id=who.person_id, at=now)

    async def do() -> None:
        case = await case_of(conn, store_id=store_id, case_id=case_id)
        found = _ruling(data, case.currency)
        again = case.state is CaseState.APPEALED
        await (rule_case.rule_again if again else rule_case.rule)(conn, act, found)

    choices = await _choices(conn, store_id, case_id)
    return await on_case(
        request, conn, seat_of(store, case_id), store_id, case_id, do, typed=data, **choices
    )


def _ruling(data: RulingForm, currency: str) -> Ruling:
    """Raises BadCase, BadInput."""
    try:
        outcome, bearer = RulingOutcome(data.outcome), Bearer(data.bearer)
    except ValueError as error:
        raise BadCase(field="outcome", reason="unknown") from error
    minor = 0
    if outcome is not RulingOutcome.NOTHING:
        minor = amount(data.amount, currency, field="amount") or 0
    return Ruling(
        question=data.question, outcome=outcome, granted_minor=minor, bearer=bearer,
        reason=data.reason,
    )  # fmt: skip


HANDLERS: list[HTTPRouteHandler] = [queue, one, ask_sides, ruling]
