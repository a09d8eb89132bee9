"""Cases from both sides: states, units, money to the fen, deadlines to the microsecond."""

from datetime import timedelta
from uuid import UUID

import pytest
from tests.aftersales.world import DAY, START, World
from tests.books import balances, stock_of

from dougong.aftersales.rules import (
    Bearer,
    CaseClosed,
    CaseKind,
    CaseOpen,
    CaseState,
    CaseTooLate,
    CaseTooMuch,
    Inspection,
    NotExtendable,
    RulingOutcome,
    Side,
    UnitInCase,
)
from dougong.aftersales.ruling_commands import Ruling
from dougong.base.errors import KeyReused, NotFound
from dougong.base.ids import PLATFORM_BOOK, PersonId, new_id
from dougong.flows import answer_case, extend_case, return_case, rule_case
from dougong.flows.deadlines import act_on_one
from dougong.flows.open_case import Wish, open_case
from dougong.flows.refund_lines import refund_lines
from dougong.orders.rules import RefundTooMuch, WrongState
from dougong.reads.explain import explain_order

pytestmark = pytest.mark.money
K = CaseKind
MICROSECOND = timedelta(microseconds=1)


async def held(world: World) -> dict[tuple[UUID, str], int]:
    return await balances(world.conn, world.store.store_id)


async def residual(world: World, order_id: UUID) -> int:
    tree = await explain_order(world.conn, store_id=world.store.store_id, order_id=order_id)
    return tree.residual_minor


async def test_opening_freezes_escrow_and_withdrawing_gives_it_back(world: World) -> None:
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED)
    store_id = world.store.store_id
    assert await held(world) == {
        (store_id, "case_hold"): 9_900,
        (PLATFORM_BOOK, "gateway_clearing"): -9_900,
    }
    assert await residual(world, placed.order_id) == 0
    await answer_case.withdraw(world.conn, world.by_buyer(case))
    assert (await held(world))[(store_id, "escrow")] == 9_900
    assert (await world.found(case)).outcome == "withdrawn"
    assert await residual(world, placed.order_id) == 0


async def test_refund_before_shipping_gives_money_and_units_back(world: World) -> None:
    placed = await world.an_order({0: 3}, total=29_700)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 2})
    assert case.asked_minor == 19_800
    with pytest.raises(CaseOpen):
        await world.shipped(placed, {1: 2})
    await answer_case.approve(world.conn, world.by_merchant(case))
    line = await world.line(placed)
    assert (line.refunded_minor, line.returned_quantity) == (19_800, 2)
    assert await stock_of(world.conn, placed.store_id, world.store.skus[0]) == (100, 1)
    await world.shipped(placed, {1: 1})
    assert await world.order_state(placed) == "shipped"
    assert await residual(world, placed.order_id) == 0


async def test_refused_units_can_be_shipped(world: World) -> None:
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED)
    await answer_case.refuse(world.conn, world.by_merchant(case), note="已打包")
    await world.shipped(placed, {1: 1})
    assert await world.order_state(placed) == "shipped"


async def test_the_same_case_sent_twice_is_one_case(world: World) -> None:
    placed = await world.an_order(total=9_900)
    first = await world.a_case(placed, K.REFUND_UNSHIPPED, key="case-once-1")
    for _ in range(9):
        again = await world.a_case(placed, K.REFUND_UNSHIPPED, key="case-once-1")
        assert again == first
    with pytest.raises(KeyReused):
        await world.a_case(placed, K.REFUND_ONLY, key="case-once-1")
    assert (await held(world))[(world.store.store_id, "case_hold")] == 9_900


async def test_two_cases_for_one_unit_are_refused(world: World) -> None:
    placed = await world.an_order({0: 2}, total=19_800)
    await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 1})
    await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 1})
    with pytest.raises((UnitInCase, CaseTooMuch)):
        await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 1})


async def test_a_return_of_more_than_was_bought_is_refused(world: World) -> None:
    placed = await world.an_order({0: 2}, total=19_800)
    await world.shipped(placed, {1: 2})
    with pytest.raises(CaseTooMuch):
        await world.a_case(placed, K.RETURN_REFUND, {1: 3})
    case = await returned(world, await world.a_case(placed, K.RETURN_REFUND, {1: 2}))
    assert case.outcome == "refunded"
    with pytest.raises((CaseTooMuch, CaseTooLate)):
        await world.a_case(placed, K.RETURN_REFUND, {1: 1})


async def test_a_return_of_what_was_never_shipped_is_refused(world: World) -> None:
    placed = await world.an_order({0: 2}, total=19_800)
    await world.shipped(placed, {1: 1})
    with pytest.raises(CaseTooMuch):
        await world.a_case(placed, K.RETURN_REFUND, {1: 2})


async def test_a_second_refund_beyond_what_was_paid_is_refused(world: World) -> None:
    placed = await world.an_order({0: 2}, total=19_800)
    await world.shipped(placed, {1: 2})
    first = await world.a_case(placed, K.REFUND_ONLY, {1: 1}, amounts={1: 9_000})
    await answer_case.approve(world.conn, world.by_merchant(first))
    with pytest.raises(CaseTooMuch):
        await world.a_case(placed, K.REFUND_ONLY, {1: 2}, amounts={1: 10_801})
    await world.a_case(placed, K.REFUND_ONLY, {1: 2}, amounts={1: 10_800})
    with pytest.raises(RefundTooMuch):
        await direct_refund(world, placed, 10_801)


async def direct_refund(world: World, placed: object, amount: int) -> None:
    await refund_lines(
        world.conn, store_id=placed.store_id, order_id=placed.order_id,  # type: ignore[attr-defined]
        amounts={1: amount}, reason="", asked_by=None, key=f"direct-{amount}", at=world.now,
    )  # fmt: skip


async def test_what_the_merchant_refunded_meanwhile_is_not_refunded_again(world: World) -> None:
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    case = await world.a_case(placed, K.REFUND_ONLY)
    await direct_refund(world, placed, 9_000)
    await answer_case.approve(world.conn, world.by_merchant(case))
    found = await world.found(case)
    assert (found.granted_minor, (await world.line(placed)).refunded_minor) == (900, 9_900)
    assert await held(world) == {}
    assert await residual(world, placed.order_id) == 0


async def returned(world: World, case: object, inspection: Inspection = Inspection.AS_NEW):  # type: ignore[no-untyped-def]
    await answer_case.approve(world.conn, world.by_merchant(case))  # type: ignore[arg-type]
    parcel = {"carrier": "顺丰", "tracking_no": "SF1234567"}
    await return_case.ship_back(world.conn, world.by_buyer(case), **parcel)  # type: ignore[arg-type]
    await return_case.receive_back(world.conn, world.by_merchant(case))  # type: ignore[arg-type]
    await return_case.accept_goods(world.conn, world.by_merchant(case), inspection=inspection)  # type: ignore[arg-type]
    return await world.found(case)  # type: ignore[arg-type]


async def test_a_return_waits_for_the_order_to_be_final(world: World) -> None:
    placed = await world.an_order({0: 2}, total=19_800)
    await world.shipped(placed, {1: 2})
    await world.received(placed)
    case = await world.a_case(placed, K.RETURN_REFUND, {1: 1})
    await answer_case.approve(world.conn, world.by_merchant(case))
    await world.until(START + 6 * DAY)
    await return_case.ship_back(
        world.conn, world.by_buyer(case), carrier="顺丰", tracking_no="SF1234567"
    )
    await world.until(START + 15 * DAY)
    assert await world.order_state(placed) == "received"
    with pytest.raises(WrongState):
        await world.final(placed)
    await world.until(START + 16 * DAY)  # taken as received after 10 days
    await world.until(START + 19 * DAY)  # accepted after 3 more
    found = await world.found(case)
    assert (found.state, found.outcome, found.granted_minor) == (CaseState.DONE, "refunded", 9_900)
    assert await world.order_state(placed) == "final"
    assert await residual(world, placed.order_id) == 0


async def test_silence_of_the_merchant_grants_to_the_microsecond(world: World) -> None:
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED)
    assert case.due_at == START + 2 * DAY
    await world.until(case.due_at - MICROSECOND)
    assert (await world.found(case)).state is CaseState.ASKED
    assert await act_on_one(world.conn, at=case.due_at)
    assert not await act_on_one(world.conn, at=case.due_at)
    assert await world.order_state(placed) == "refunded"
    assert await held(world) == {}


async def test_an_answer_after_the_deadline_acted_is_refused(world: World) -> None:
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED)
    await world.until(START + 2 * DAY)
    for act in (
        answer_case.refuse(world.conn, world.by_merchant(case), note="晚了"),
        answer_case.approve(world.conn, world.by_merchant(case)),
        answer_case.withdraw(world.conn, world.by_buyer(case)),
    ):
        with pytest.raises(CaseClosed):
            await act


async def test_a_buyer_who_does_not_ship_back_keeps_the_goods(world: World) -> None:
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    case = await world.a_case(placed, K.RETURN_REFUND)
    await answer_case.approve(world.conn, world.by_merchant(case))
    await world.until(START + 7 * DAY)
    found = await world.found(case)
    assert (found.state, found.outcome) == (CaseState.WITHDRAWN, "lapsed")
    assert (await held(world))[(world.store.store_id, "escrow")] == 9_900


async def test_a_part_is_offered_and_taken(world: World) -> None:
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    case = await world.a_case(placed, K.REFUND_ONLY)
    await answer_case.offer_part(
        world.conn, world.by_merchant(case), amount_minor=3_333, note="补偿"
    )
    await answer_case.take_offer(world.conn, world.by_buyer(case))
    assert (await world.found(case)).granted_minor == 3_333
    assert (await held(world))[(world.store.store_id, "escrow")] == 6_567
    assert await residual(world, placed.order_id) == 0


async def test_a_deadline_is_extended_by_consent(world: World) -> None:
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED)
    await extend_case.ask_for_time(world.conn, world.by_merchant(case), side=Side.MERCHANT)
    assert (await world.found(case)).due_at == START + 2 * DAY
    await extend_case.ask_for_time(world.conn, world.by_buyer(case), side=Side.BUYER)
    assert (await world.found(case)).due_at == START + 4 * DAY
    await world.until(START + 3 * DAY)
    assert (await world.found(case)).state is CaseState.ASKED
    await world.until(START + 4 * DAY)
    assert (await world.found(case)).state is CaseState.DONE


async def test_a_declined_extension_leaves_the_deadline_to_act(world: World) -> None:
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED)
    await extend_case.ask_for_time(world.conn, world.by_merchant(case), side=Side.MERCHANT)
    await extend_case.give_no_time(world.conn, world.by_buyer(case), side=Side.BUYER)
    with pytest.raises(NotExtendable):
        await extend_case.ask_for_time(world.conn, world.by_merchant(case), side=Side.MERCHANT)
    with pytest.raises(NotExtendable):
        await extend_case.give_no_time(world.conn, world.by_buyer(case), side=Side.BUYER)
    assert (await world.found(case)).due_at == START + 2 * DAY
    await world.until(START + 2 * DAY)
    assert (await world.found(case)).state is CaseState.DONE


async def test_a_deadline_moves_twice_at_most(world: World) -> None:
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED)
    for days in (4, 6):
        await extend_case.ask_for_time(world.conn, world.by_buyer(case), side=Side.BUYER)
        assert (await world.found(case)).due_at == START + days * DAY
    with pytest.raises(NotExtendable):
        await extend_case.ask_for_time(world.conn, world.by_buyer(case), side=Side.BUYER)


async def test_after_final_each_share_is_frozen_and_gives_its_part(world: World) -> None:
    placed = await world.an_order(total=9_900, linked=True)
    await world.shipped(placed, {1: 1})
    await world.received(placed)
    await world.until(START + 7 * DAY)
    assert await world.order_state(placed) == "final"
    before = await held(world)
    merchant, creator = world.store.org_id, world.creator
    assert before[(creator, "creator_payable")] == 1_782
    case = await world.a_case(placed, K.REFUND_ONLY)
    frozen = await held(world)
    assert frozen[(merchant, "case_hold")] == before[(merchant, "merchant_payable")]
    assert frozen[(creator, "case_hold")] == 1_782
    await answer_case.approve(world.conn, world.by_merchant(case))
    assert await held(world) == {}
    assert await residual(world, placed.order_id) == 0


async def test_a_case_long_after_final_is_too_late(world: World) -> None:
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    await world.received(placed)
    await world.until(START + 7 * DAY)
    await world.until(START + 37 * DAY)
    with pytest.raises(CaseTooLate):
        await world.a_case(placed, K.REFUND_ONLY)


async def test_another_buyer_finds_no_order(world: World) -> None:
    placed = await world.an_order(total=9_900)
    wish = Wish(kind=K.REFUND_UNSHIPPED, reason="late", body="", lines={1: 1})
    with pytest.raises(NotFound):
        await open_case(
            world.conn, buyer_id=PersonId(new_id()), store_id=placed.store_id,
            order_id=placed.order_id, wish=wish, key="another-1", at=world.now,
        )  # fmt: skip


async def test_exchange_then_refund(world: World) -> None:
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    case = await world.a_case(placed, K.EXCHANGE)
    case = await returned(world, case, Inspection.DAMAGED)
    assert case.state is CaseState.TO_RESEND
    await return_case.send_again(
        world.conn, world.by_merchant(case), carrier="顺丰", tracking_no="SF7654321"
    )
    await return_case.confirm_sent(world.conn, world.by_buyer(case))
    assert (await world.found(case)).outcome == "exchanged"
    assert (await held(world))[(world.store.store_id, "escrow")] == 9_900
    again = await returned(world, await world.a_case(placed, K.RETURN_REFUND))
    assert (again.outcome, again.granted_minor) == ("refunded", 9_900)
    assert await held(world) == {}
    assert await residual(world, placed.order_id) == 0


RULING = Ruling(
    question="谁的错？", outcome=RulingOutcome.REFUND, granted_minor=9_900, bearer=Bearer.PLATFORM,
    reason="物流照片清楚",
)  # fmt: skip


async def arbitrated(world: World) -> object:
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    case = await world.a_case(placed, K.REFUND_ONLY)
    await answer_case.refuse(world.conn, world.by_merchant(case), note="不认可")
    await answer_case.ask_platform(world.conn, world.by_buyer(case), question="请平台介入")
    await rule_case.rule(world.conn, world.by_merchant(case), RULING)
    return case


async def test_a_ruling_stands_when_nobody_appeals_and_its_bearer_bears_it(world: World) -> None:
    case = await arbitrated(world)
    assert (await world.found(case)).state is CaseState.RULED  # type: ignore[arg-type]
    await world.until(START + 3 * DAY)
    found = await world.found(case)  # type: ignore[arg-type]
    # 9 900 less 5 % service fee and 0.6 % payment cost, rounded down each: what the merchant lost.
    assert (found.granted_minor, found.bearer, found.borne_minor) == (9_900, "platform", 9_346)
    assert await held(world) == {
        (world.store.org_id, "merchant_payable"): 9_346,
        (PLATFORM_BOOK, "case_cost"): -9_346,
    }
    assert await residual(world, found.order_id) == 0


async def test_an_appeal_is_ruled_once_more_and_for_good(world: World) -> None:
    case = await arbitrated(world)
    await rule_case.appeal(
        world.conn, world.by_merchant(case), side=Side.MERCHANT, note="有监控"  # type: ignore[arg-type]
    )  # fmt: skip
    nothing = Ruling(
        question="再看", outcome=RulingOutcome.NOTHING, granted_minor=0, bearer=Bearer.MERCHANT,
        reason="监控显示完好",
    )  # fmt: skip
    await rule_case.rule_again(world.conn, world.by_merchant(case), nothing)  # type: ignore[arg-type]
    found = await world.found(case)  # type: ignore[arg-type]
    assert (found.state, found.outcome, found.granted_minor) == (CaseState.CLOSED, "refused", 0)
    with pytest.raises(CaseClosed):
        await rule_case.appeal(
            world.conn, world.by_buyer(case), side=Side.BUYER, note="不服"  # type: ignore[arg-type]
        )  # fmt: skip
    assert (await held(world))[(world.store.store_id, "escrow")] == 9_900
