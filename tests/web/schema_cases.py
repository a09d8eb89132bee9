"""What the API of after-sales cases is fuzzed against."""

from typing import Any
from uuid import UUID

from tests.factories import ABuyer, ARequest, AStore
from tests.flows.test_order_life import a_placed_order, pay

from dougong.aftersales.rules import Bearer, CaseKind, Inspection, RulingOutcome, Side
from dougong.aftersales.ruling_commands import Ruling
from dougong.aftersales.talk_commands import add_template
from dougong.base.ids import PersonId, new_id
from dougong.flows import answer_case, extend_case, return_case, rule_case
from dougong.flows.answer_case import Act
from dougong.flows.open_case import Wish, open_case
from dougong.flows.ship_order import ship_order
from dougong.infra import clock
from dougong.infra.db import transaction

PRICE = 9_900
Examples = dict[str, dict[str, Any]]
WORDS = {"body": {"words": "请看"}}
PARCEL = {"body": {"carrier": "SF", "tracking_no": "SF00009"}}
RETURN, EXCHANGE, ONLY = CaseKind.RETURN_REFUND, CaseKind.EXCHANGE, CaseKind.REFUND_ONLY
# Operation to the kind of its case, how far it has come, and what more is an example.
WANTED: dict[str, tuple[CaseKind, str, dict[str, Any]]] = {
    "cases_withdraw": (ONLY, "", {"body": {}}),
    "cases_accept_offer": (ONLY, "offer", {"body": {}}),
    "cases_ship_back": (RETURN, "approve", PARCEL),
    "cases_confirm": (EXCHANGE, "sent", {"body": {}}),
    "cases_arbitration": (ONLY, "refuse", WORDS),
    "cases_appeal": (ONLY, "ruled", WORDS),
    "cases_more_time": (ONLY, "", {"body": {}}),
    "cases_no_more_time": (ONLY, "store asks", {"body": {}}),
    "cases_say_in": (ONLY, "", WORDS),
    "service_desk_approve": (ONLY, "", {"body": {"note": "好"}}),
    "service_desk_refund_without_return": (RETURN, "", {"body": {"note": "好"}}),
    "service_desk_offer": (ONLY, "", {"body": {"amount_minor": 100, "note": "一部分"}}),
    "service_desk_refuse": (ONLY, "", WORDS),
    "service_desk_receive": (RETURN, "back", {"body": {}}),
    "service_desk_accept_goods": (RETURN, "received", {"body": {"inspection": "as_new"}}),
    "service_desk_reject_goods": (
        RETURN, "received", {"body": {"inspection": "missing", "note": "少件"}},
    ),
    "service_desk_send": (EXCHANGE, "taken", PARCEL),
    "service_desk_refund_instead": (EXCHANGE, "taken", {"body": {"note": "缺货"}}),
    "service_desk_appeal": (ONLY, "ruled", WORDS),
    "service_desk_more_time": (ONLY, "", {"body": {}}),
    "service_desk_no_more_time": (RETURN, "buyer asks", {"body": {}}),
    "service_desk_say_in": (ONLY, "", WORDS),
    "arbitration_ask_sides": (ONLY, "asked", WORDS),
    "arbitration_rule": (
        ONLY, "asked", {"body": {"question": "谁", "outcome": "nothing", "reason": "无据"}},
    ),
}  # fmt: skip


async def of_cases(store: AStore, buyer: ABuyer, merchant: PersonId, picture: str) -> Examples:
    """A case for each thing that can be done to one only once. `picture`: in base64."""
    made = {
        operation: {"case_id": await _case(store, buyer, merchant, kind, name), **more}
        for operation, (kind, name, more) in WANTED.items()
    }
    shown = {"body": {"name": "a.png", "content": picture}}
    address = {"recipient": "仓库", "phone": "13800000001", "line": "1 号"}
    sent = await _sent(store, buyer)
    async with transaction() as conn:
        template_id = await add_template(
            conn, store_id=store.store_id, name="安抚", body="抱歉", at=await clock.refresh(conn)
        )
    case_id = await _case(store, buyer, merchant, ONLY, "")
    asked = {"kind": "refund_only", "reason": "damaged", "lines": [{"line_no": 1, "quantity": 1}]}
    return made | {
        "*": {"case_id": case_id, "template_id": template_id, "evidence_id": new_id(),
              "name": "picture.webp"},
        "cases_list_options": {"order_id": sent},
        "cases_open_one": {"order_id": sent, "body": asked},
        "cases_show_in": shown,
        "service_desk_show_in": shown,
        "service_desk_make_address": {"body": address},
        "service_desk_make_template": {"body": {"name": "谢", "body": "谢谢"}},
    }  # fmt: skip


async def _sent(store: AStore, buyer: ABuyer) -> UUID:
    order = await a_placed_order(ARequest(store, buyer, PRICE))
    await pay(order, buyer)
    async with transaction() as conn:
        await ship_order(
            conn, store_id=store.store_id, order_id=order.order_id, carrier="SF",
            tracking_no=f"SF{order.number}", lines={1: 1}, at=await clock.refresh(conn),
        )  # fmt: skip
    return order.order_id


async def _case(
    store: AStore, buyer: ABuyer, merchant: PersonId, kind: CaseKind, name: str
) -> UUID:
    order_id = await _sent(store, buyer)
    wish = Wish(kind=kind, reason="damaged", body="", lines={1: 1})
    async with transaction() as conn:
        at = await clock.refresh(conn)
        case = await open_case(
            conn, buyer_id=buyer.person_id, store_id=store.store_id, order_id=order_id, wish=wish,
            key=new_id().hex, at=at,
        )  # fmt: skip
        named: dict[str, Any] = {"store_id": store.store_id, "case_id": case.id, "at": at}
        theirs = Act(person_id=merchant, **named)
        await _on(conn, name, theirs, Act(person_id=buyer.person_id, **named))
    return case.id


async def _on(conn: Any, name: str, theirs: Act, mine: Act) -> None:
    if name == "offer":
        await answer_case.offer_part(conn, theirs, amount_minor=100, note="一部分")
    if name in ("refuse", "asked", "ruled"):
        await answer_case.refuse(conn, theirs, note="不认可")
    if name in ("asked", "ruled"):
        await answer_case.ask_platform(conn, mine, question="请裁决")
    if name == "ruled":
        ruling = Ruling(question="谁", outcome=RulingOutcome.NOTHING, granted_minor=0,
                        bearer=Bearer.MERCHANT, reason="无据")  # fmt: skip
        await rule_case.rule(conn, theirs, ruling)
    if name in ("approve", "back", "received", "taken", "sent", "buyer asks"):
        await answer_case.approve(conn, theirs)
    if name in ("back", "received", "taken", "sent"):
        await return_case.ship_back(conn, mine, carrier="SF", tracking_no="SF0001")
    if name in ("received", "taken", "sent"):
        await return_case.receive_back(conn, theirs)
    if name in ("taken", "sent"):
        await return_case.accept_goods(conn, theirs, inspection=Inspection.AS_NEW)
    if name == "sent":
        await return_case.send_again(conn, theirs, carrier="SF", tracking_no="SF0002")
    if name == "store asks":
        await extend_case.ask_for_time(conn, theirs, side=Side.MERCHANT)
    if name == "buyer asks":
        await extend_case.ask_for_time(conn, mine, side=Side.BUYER)
