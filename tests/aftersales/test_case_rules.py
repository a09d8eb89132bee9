"""Rows of a store that answer cases by themselves: which one decides, what it does, what stays."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.exc import IntegrityError
from tests.aftersales.test_cases import held, residual
from tests.aftersales.world import DAY, START, World

from dougong.aftersales.answer_commands import add_rule, end_rule
from dougong.aftersales.answer_queries import kept_rule, kept_rules, rules_in_force
from dougong.aftersales.answer_rules import (
    ANY_AMOUNT,
    PRECEDENCE,
    Answer,
    CaseFacts,
    CaseRule,
    CaseRuleInPast,
    CaseRuleOver,
    CaseRuleOverlaps,
    CaseVerdict,
    Lost,
    check_rule,
    decide,
)
from dougong.aftersales.queries import Case
from dougong.aftersales.rules import BadCase, Bearer, CaseKind, CaseState, RulingOutcome
from dougong.aftersales.ruling_commands import Ruling
from dougong.base.ids import new_id
from dougong.flows import answer_case, rule_case

K = CaseKind
SECOND = timedelta(seconds=1)
LATER = text("""
    UPDATE case_rules SET in_force = tstzrange(lower(in_force), upper(in_force) + interval '1 s')
    WHERE id = :id
""")
FOREVER = text("""
    UPDATE case_rules SET in_force = tstzrange(lower(in_force), NULL) WHERE id = :id
""")


def a_rule(outcome: Answer = Answer.APPROVE, **columns: Any) -> CaseRule:
    row: dict[str, Any] = {
        "id": new_id(), "up_to_minor": ANY_AMOUNT, "outcome": outcome, "says_zh": "小额直接退",
        "says_en": "Small amounts are refunded", "starts": START, "ends": None,
    }  # fmt: skip
    return CaseRule(**row | columns)


def facts(**known: Any) -> CaseFacts:
    row: dict[str, Any] = {
        "buyer": "b", "kind": "refund_only", "reason": "damaged", "order_state": "shipped",
        "categories": ("beauty/skincare",), "asked_minor": 5_000, "at": START,
    }  # fmt: skip
    return CaseFacts(**row | known)


async def made(world: World, outcome: Answer = Answer.APPROVE, **columns: Any) -> CaseRule:
    rule = a_rule(outcome, **{"starts": world.now} | columns)
    await add_rule(
        world.conn, store_id=world.store.store_id, rule=rule, by=world.merchant, at=world.now
    )
    return rule


async def moves(world: World, case: Case) -> list[tuple[str, str]]:
    rows = await world.conn.execute(
        text("""
            SELECT side, to_state FROM case_moves WHERE store_id = :s AND case_id = :c ORDER BY n
        """),
        {"s": case.store_id, "c": case.id},
    )
    return [(row.side, row.to_state) for row in rows]


async def frozen(world: World, case: Case) -> Any:
    return await world.conn.scalar(
        text("SELECT facts FROM case_moves WHERE store_id = :s AND case_id = :c AND n = 1"),
        {"s": case.store_id, "c": case.id},
    )


# which row decides ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "names", "weaker"),
    [
        ("buyer", {"buyer": "b"}, {"kind": "refund_only", "reason": "damaged",
                                   "category": "beauty/skincare", "order_state": "shipped",
                                   "up_to_minor": 5_000}),
        ("kind", {"kind": "refund_only"}, {"reason": "damaged", "category": "beauty"}),
        ("reason", {"reason": "damaged"}, {"category": "beauty/skincare"}),
        ("category", {"category": "beauty/skincare"}, {"category": "beauty",
                                                       "order_state": "shipped"}),
        ("order_state", {"order_state": "shipped"}, {"up_to_minor": 5_000}),
        ("up_to_minor", {"up_to_minor": 5_000}, {"up_to_minor": 5_001}),
    ],
)  # fmt: skip
def test_the_most_specific_row_decides_by_the_printed_order(
    column: str, names: dict[str, Any], weaker: dict[str, Any]
) -> None:
    strong, weak = a_rule(**names), a_rule(Answer.REFUSE, **weaker)
    verdict = decide([weak, strong], facts())
    assert verdict.rule is strong
    assert [(one.rule, one.why, one.column) for one in verdict.lost] == [
        (weak, Lost.LESS_SPECIFIC, column)
    ]


@pytest.mark.parametrize(
    ("column", "row", "known"),
    [
        ("buyer", {"buyer": "another"}, {}),
        ("kind", {"kind": "exchange"}, {}),
        ("reason", {"reason": "late"}, {}),
        ("category", {"category": "beauty/skin"}, {}),
        ("category", {"category": "beauty"}, {"categories": ("beauty", "food")}),
        ("order_state", {"order_state": "received"}, {}),
        ("up_to_minor", {"up_to_minor": 4_999}, {}),
    ],
)
def test_a_column_that_does_not_fit_is_named(
    column: str, row: dict[str, Any], known: dict[str, Any]
) -> None:
    verdict = decide([a_rule(**row)], facts(**known))
    assert verdict.rule is None
    assert [(one.why, one.column) for one in verdict.lost] == [(Lost.NO_MATCH, column)]


def test_a_row_answers_in_its_half_open_window() -> None:
    rule = a_rule(starts=START, ends=START + DAY)
    assert decide([rule], facts(at=START)).rule is rule
    assert decide([rule], facts(at=START + DAY)).lost[0].why is Lost.OVER
    assert decide([rule], facts(at=START - SECOND)).lost[0].why is Lost.NOT_YET
    assert decide([], facts()) == CaseVerdict(None)


@pytest.mark.parametrize(
    ("field", "row"),
    [
        ("kind", {"kind": "gift"}),
        ("reason", {"reason": "because"}),
        ("order_state", {"order_state": "lost"}),
        ("up_to", {"up_to_minor": 0}),
        ("ends", {"ends": START}),
        ("says_zh", {"says_zh": " "}),
        ("says_en", {"says_en": "x" * 301}),
    ],
)
def test_a_row_that_cannot_be_is_refused(field: str, row: dict[str, Any]) -> None:
    with pytest.raises(BadCase) as refused:
        check_rule(a_rule(**row))
    assert refused.value.field == field


# rows of a store ------------------------------------------------------------------------------


async def test_two_rows_with_the_same_columns_never_overlap(world: World) -> None:
    await made(world, kind="refund_only", ends=world.now + DAY)
    with pytest.raises(CaseRuleOverlaps):
        await made(world, Answer.REFUSE, kind="refund_only", starts=world.now + DAY - SECOND)
    await made(world, Answer.REFUSE, kind="refund_only", starts=world.now + DAY)
    await made(world, kind="refund_only", up_to_minor=5_000)


async def test_a_row_answers_from_now_on_at_the_earliest(world: World) -> None:
    with pytest.raises(CaseRuleInPast):
        await made(world, starts=world.now - SECOND)


async def test_a_row_is_ended_early_or_withdrawn_and_stays_in_the_history(world: World) -> None:
    store_id = world.store.store_id
    running = await made(world)
    planned = await made(world, kind="exchange", starts=world.now + 3 * DAY)
    world.now += DAY
    for rule in (running, planned):
        end = {"store_id": store_id, "rule_id": rule.id, "by": world.merchant, "at": world.now}
        await end_rule(world.conn, **end)
        with pytest.raises(CaseRuleOver):
            await end_rule(world.conn, **end)
    one, two = [
        await kept_rule(world.conn, store_id=store_id, rule_id=rule.id, at=world.now)
        for rule in (running, planned)
    ]
    assert (one.state(world.now), one.rule.ends, one.ended_at) == ("over", world.now, world.now)
    assert (two.state(world.now), two.rule.ends) == ("withdrawn", None)
    assert await rules_in_force(world.conn, store_id=store_id, at=world.now + 5 * DAY) == []
    listed = {"store_id": store_id, "at": world.now, "most": 9}
    assert await kept_rules(world.conn, is_open=True, **listed) == []
    assert [kept.rule.id for kept in await kept_rules(world.conn, **listed)] == [
        planned.id, running.id,
    ]  # fmt: skip


@pytest.mark.parametrize("change", [LATER, FOREVER])
async def test_a_row_can_only_end_earlier(world: World, change: TextClause) -> None:
    rule = await made(world, ends=world.now + DAY)
    with pytest.raises(IntegrityError, match="rules are kept"):
        async with world.conn.begin_nested():
            await world.conn.execute(change, {"id": rule.id})


# what a row does ------------------------------------------------------------------------------


async def test_a_row_grants_at_once_and_is_frozen_on_the_case(world: World) -> None:
    rule = await made(world, kind="refund_unshipped", order_state="not_shipped", up_to_minor=9_900)
    other = await made(world, Answer.REFUSE, kind="refund_only")
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED)
    assert (case.state, case.outcome, case.granted_minor) == (CaseState.DONE, "refunded", 9_900)
    assert case.rule_id == rule.id
    assert await moves(world, case) == [("buyer", "asked"), ("rule", "done")]
    assert await held(world) == {}
    assert await residual(world, placed.order_id) == 0
    assert await world.order_state(placed) == "refunded"
    assert await frozen(world, case) == {
        "categories": ["beauty/skincare"],
        "order_state": "not_shipped",
        "rule": msgspec.to_builtins(rule),
        "lost": [{"rule_id": str(other.id), "why": "no_match", "column": "kind"}],
    }
    waiting = text("SELECT count(*) FROM deadlines WHERE subject_id = :id AND done_at IS NULL")
    assert await world.conn.scalar(waiting, {"id": case.id}) == 0


async def test_an_amount_above_the_row_is_for_a_person(world: World) -> None:
    await made(world, up_to_minor=9_899)
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED)
    assert (case.state, case.rule_id) == (CaseState.ASKED, None)
    assert (await frozen(world, case))["rule"] is None


async def test_a_row_that_asks_a_person_beats_a_wider_one(world: World) -> None:
    await made(world)
    ask = await made(world, Answer.ASK, reason="damaged")
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED, reason="damaged")
    assert (case.state, case.rule_id) == (CaseState.ASKED, ask.id)
    assert case.due_at == world.now + 2 * DAY
    assert await moves(world, case) == [("buyer", "asked")]


async def test_a_row_sends_a_return_on_its_way(world: World) -> None:
    await made(world, kind="return_refund", order_state="received")
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    early = await world.a_case(placed, K.RETURN_REFUND)
    assert early.state is CaseState.ASKED
    await answer_case.withdraw(world.conn, world.by_buyer(early))
    await world.received(placed)
    case = await world.a_case(placed, K.RETURN_REFUND)
    assert (case.state, case.due_at) == (CaseState.TO_SHIP_BACK, world.now + 7 * DAY)


async def test_a_refusal_by_a_row_can_go_to_arbitration_and_be_overruled(world: World) -> None:
    rule = await made(world, Answer.REFUSE, reason="changed_mind")
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    case = await world.a_case(placed, K.REFUND_ONLY, reason="changed_mind")
    assert (case.state, case.rule_id) == (CaseState.REFUSED, rule.id)
    assert case.due_at == world.now + 7 * DAY
    await answer_case.ask_platform(world.conn, world.by_buyer(case), question="请裁决")
    assert (await world.found(case)).state is CaseState.ARBITRATION
    ruling = Ruling(
        question="可否退款？", outcome=RulingOutcome.REFUND, granted_minor=9_900,
        bearer=Bearer.MERCHANT, reason="七天无理由",
    )  # fmt: skip
    await rule_case.rule(world.conn, world.by_merchant(case), ruling)
    await world.until(world.now + 3 * DAY)
    found = await world.found(case)
    assert (found.outcome, found.granted_minor) == ("refunded", 9_900)
    assert await moves(world, case) == [
        ("buyer", "asked"), ("rule", "refused"), ("buyer", "arbitration"), ("operator", "ruled"),
        ("deadline", "done"),
    ]  # fmt: skip


async def test_the_merchant_can_still_give_in_after_its_row_refused(world: World) -> None:
    await made(world, Answer.REFUSE)
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED)
    await answer_case.approve(world.conn, world.by_merchant(case))
    assert (await world.found(case)).outcome == "refunded"


async def test_a_change_of_rows_never_alters_an_answered_case(world: World) -> None:
    rule = await made(world, Answer.REFUSE)
    placed = await world.an_order({0: 2}, total=19_800)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 1}, key="rule-case-1")
    before = (await world.found(case), await frozen(world, case))
    world.now += DAY
    await end_rule(
        world.conn, store_id=world.store.store_id, rule_id=rule.id, by=world.merchant, at=world.now
    )
    await made(world, Answer.APPROVE)
    assert (await world.found(case), await frozen(world, case)) == before
    again = await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 1}, key="rule-case-1")
    assert again == before[0]
    new = await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 1})
    assert (new.outcome, (await world.found(case)).state) == ("refunded", CaseState.REFUSED)


async def test_the_same_case_sent_twice_is_answered_once(world: World) -> None:
    await made(world)
    placed = await world.an_order({0: 2}, total=19_800)
    for _ in range(3):
        case = await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 1}, key="rule-once-1")
    assert case.outcome == "refunded"
    assert (await world.line(placed)).refunded_minor == 9_900


def test_the_order_of_columns_is_that_of_the_rows() -> None:
    assert tuple(a_rule().columns) == PRECEDENCE
