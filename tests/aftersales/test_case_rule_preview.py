"""What rows would have answered: the set-based preview is held equal to the evaluator."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.aftersales.test_case_rules import a_rule, facts
from tests.aftersales.world import DAY, START, World
from tests.factories import a_buyer

from dougong.aftersales.answer_queries import won_by
from dougong.aftersales.answer_rules import (
    ANY,
    ANY_AMOUNT,
    Answer,
    CaseFacts,
    CaseRule,
    OrderStage,
    decide,
)
from dougong.aftersales.rules import CaseKind
from dougong.base.ids import new_id
from dougong.flows import answer_case

K = CaseKind
PAST = text("""
    WITH c AS (
      INSERT INTO cases (store_id, id, number, order_id, buyer_id, kind, state, waiting_for, reason,
        currency, asked_minor, was_final, idempotency_key, request_hash, opened_at)
      VALUES (:store, :id, :number, :order, :buyer, :kind, 'asked', 'merchant', :reason, 'CNY',
        :asked, false, :number, '\\x00', :at)
    )
    INSERT INTO case_moves (store_id, case_id, n, to_state, side, facts, at)
    VALUES (:store, :id, 1, 'asked', 'buyer', CAST(:facts AS jsonb), :at)
""")
KINDS = ("refund_only", "exchange")
WHY = ("damaged", "late")
PATHS = ("a", "a/b", "a/b/c", "ab", "d", "*")
STAGES = tuple(one.value for one in OrderStage)
AMOUNTS = (100, 200, 300)
HOURS = st.integers(0, 5).map(lambda n: START + n * timedelta(hours=1))


@pytest.fixture
async def past_cases(world: World) -> dict[UUID, CaseFacts]:
    """Every kind and reason at every stage, with some buyers, categories, amounts and hours."""
    store_id, order = world.store.store_id, await world.an_order(total=9_900)
    buyers = [world.buyer.person_id, (await a_buyer(world.conn)).person_id]
    found = {}
    for n in range(60):
        at = START + (n % 5) * timedelta(hours=1)
        known = facts(
            buyer=str(buyers[n % 7 == 0]), kind=KINDS[n % 2], reason=WHY[n // 2 % 2],
            order_state=STAGES[n // 4 % 3], asked_minor=AMOUNTS[n // 3 % 3], at=at,
            categories=tuple(sorted({PATHS[n % 6], PATHS[n // 2 % 3]})),
        )  # fmt: skip
        case_id = new_id()
        kept = {"order_state": known.order_state, "categories": list(known.categories)}
        await world.conn.execute(
            PAST,
            {"store": store_id, "id": case_id, "number": f"P{n}", "order": order.order_id,
             "buyer": UUID(known.buyer), "kind": known.kind, "reason": known.reason, "at": at,
             "asked": known.asked_minor, "facts": msgspec.json.encode(kept).decode()},
        )  # fmt: skip
        found[case_id] = known
    return found


def any_rule(buyers: list[str]) -> st.SearchStrategy[CaseRule]:
    return st.builds(
        CaseRule,
        id=st.uuids(version=4),
        buyer=st.sampled_from([ANY, ANY, *buyers]),
        kind=st.sampled_from([ANY, *KINDS]),
        reason=st.sampled_from([ANY, *WHY]),
        category=st.sampled_from([ANY, *PATHS[:5]]),
        order_state=st.sampled_from([ANY, *STAGES]),
        up_to_minor=st.sampled_from([*AMOUNTS, ANY_AMOUNT]),
        outcome=st.sampled_from(Answer),
        says_zh=st.just("可"),
        says_en=st.just("Yes"),
        starts=HOURS,
        ends=st.none() | HOURS.map(lambda at: at + timedelta(hours=2)),
    )


def overlap(one: CaseRule, other: CaseRule) -> bool:
    last = datetime.max.replace(tzinfo=START.tzinfo)
    return (
        one.columns == other.columns
        and one.starts < (other.ends or last)
        and other.starts < (one.ends or last)
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_the_set_based_preview_answers_as_the_evaluator(
    world: World, past_cases: dict[UUID, CaseFacts], data: st.DataObject
) -> None:
    buyers = sorted({known.buyer for known in past_cases.values()})
    rules: list[CaseRule] = []
    for rule in data.draw(st.lists(any_rule(buyers), min_size=1, max_size=12)):
        if not any(overlap(rule, other) for other in rules):
            rules.append(rule)
    want: dict[UUID, set[UUID]] = {rule.id: set() for rule in rules}
    for case_id, known in past_cases.items():
        winner = decide(rules, known).rule
        if winner is not None:
            want[winner.id].add(case_id)
    for rule in rules:
        rows = await won_by(
            world.conn, store_id=world.store.store_id, rules=rules, rule_id=rule.id, since=START,
            until=START + DAY, most=100,
        )  # fmt: skip
        assert {row.id for row in rows} == want[rule.id]


async def test_the_preview_sums_what_really_happened(world: World) -> None:
    placed = await world.an_order({0: 3}, total=29_700)
    cases = [await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 1}) for _ in range(3)]
    await answer_case.approve(world.conn, world.by_merchant(cases[0]))
    await answer_case.refuse(world.conn, world.by_merchant(cases[1]), note="已发出")
    await world.until(world.now + 9 * DAY)  # the refusal stands, the last one is granted by silence
    rule = a_rule(kind="refund_unshipped")
    row, *others = await won_by(
        world.conn, store_id=world.store.store_id, rules=[rule, a_rule()], rule_id=rule.id,
        since=START, until=world.now, most=10,
    )  # fmt: skip
    assert (len(others), row.cases, row.granted_cases, row.refused_cases, row.open_cases) == (
        2, 3, 2, 1, 0,
    )  # fmt: skip
    assert (row.asked_sum, row.granted_sum) == (29_700, 19_800)
