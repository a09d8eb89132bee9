"""Drafts, approvals and ends: two people, no overlap, nothing edited in place."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.policy.factories import MICROSECOND, NOW, a_rule, facts
from tests.policy.test_decide import rule_sets, some_facts

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, RuleId, new_id
from dougong.infra.clock import wall_now
from dougong.policy.commands import (
    approve_rule,
    draft_rule,
    end_rule,
    install_default_rules,
    install_rules,
)
from dougong.policy.queries import decide_many, rules_book, rules_in_force
from dougong.policy.rules import (
    Facts,
    Rule,
    RuleInPast,
    RuleNotOpen,
    RuleOverlaps,
    SecondPersonNeeded,
    decide,
)

pytestmark = pytest.mark.money
ANNA, BO = PersonId(new_id()), PersonId(new_id())


async def put(conn: AsyncConnection, rule: Rule) -> RuleId:
    await draft_rule(conn, rule=rule, author_id=ANNA, at=NOW)
    await approve_rule(conn, rule_id=rule.id, approver_id=BO, at=NOW)
    return rule.id


async def winner(conn: AsyncConnection, case: Facts) -> Rule | None:
    return (await rules_book(conn, fresh=True)).decide(case).rule


async def test_a_draft_decides_nothing_until_a_second_person_approves(
    conn: AsyncConnection,
) -> None:
    rule = a_rule()
    await draft_rule(conn, rule=rule, author_id=ANNA, at=NOW)
    assert await winner(conn, facts()) is None
    with pytest.raises(SecondPersonNeeded):
        await approve_rule(conn, rule_id=rule.id, approver_id=ANNA, at=NOW)
    await approve_rule(conn, rule_id=rule.id, approver_id=BO, at=NOW)
    assert await winner(conn, facts()) == rule
    with pytest.raises(RuleNotOpen):
        await approve_rule(conn, rule_id=rule.id, approver_id=BO, at=NOW)


@pytest.mark.parametrize("kind", ["creator_commission", "after_sales_window_s"])
async def test_overlap_is_refused_also_between_wildcards(conn: AsyncConnection, kind: str) -> None:
    await put(conn, a_rule(kind=kind, ends=NOW + timedelta(days=2)))
    touching = a_rule(kind=kind, starts=NOW + timedelta(days=2))
    await put(conn, touching)
    with pytest.raises(RuleOverlaps):
        await put(conn, a_rule(kind=kind, starts=NOW + timedelta(days=2) - MICROSECOND))
    await put(conn, a_rule(kind=kind, category="beauty"))  # other columns: no overlap


async def test_what_has_begun_cannot_be_drafted_or_approved(conn: AsyncConnection) -> None:
    with pytest.raises(RuleInPast):
        await draft_rule(conn, rule=a_rule(starts=NOW - MICROSECOND), author_id=ANNA, at=NOW)
    rule = a_rule()
    await draft_rule(conn, rule=rule, author_id=ANNA, at=NOW)
    with pytest.raises(RuleInPast):
        await approve_rule(conn, rule_id=rule.id, approver_id=BO, at=NOW + MICROSECOND)
    with pytest.raises(NotFound):
        await approve_rule(conn, rule_id=RuleId(new_id()), approver_id=BO, at=NOW)


async def test_a_rule_ends_earlier_and_only_in_the_future(conn: AsyncConnection) -> None:
    now = wall_now()
    rule_id = await put(conn, a_rule())
    end = now + timedelta(days=9)
    await end_rule(conn, rule_id=rule_id, ends=end, at=now)
    ended = await winner(conn, facts(at=end - MICROSECOND))
    assert ended is not None
    assert (ended.ends, await winner(conn, facts(at=end))) == (end, None)
    with pytest.raises(RuleNotOpen):  # later again: that is a new row
        await end_rule(conn, rule_id=rule_id, ends=end + timedelta(days=1), at=now)
    with pytest.raises(RuleInPast):
        await end_rule(conn, rule_id=rule_id, ends=now, at=now)
    with pytest.raises(NotFound):
        await end_rule(conn, rule_id=RuleId(new_id()), ends=end, at=now)
    await put(conn, a_rule(starts=end, value=400))  # re-issued from there on


@pytest.mark.parametrize(
    "change",
    [
        "rate_bp = 1",
        "reason_zh = ''",
        "category = 'beauty'",
        "rollout_bp = 5",
        "author_id = gen_random_uuid()",
        "approver_id = gen_random_uuid()",
        "approver_id = NULL, approved_at = NULL",
        "approved_at = approved_at + interval '1 second'",
        "in_force = tstzrange(lower(in_force) + interval '1 second', upper(in_force))",
        "in_force = tstzrange(lower(in_force), now() - interval '1 second')",
        "in_force = tstzrange(lower(in_force), upper(in_force) + interval '1 day')",
        "in_force = tstzrange(lower(in_force), NULL)",
    ],
)
async def test_the_database_keeps_a_rule_as_it_is(conn: AsyncConnection, change: str) -> None:
    rule_id = await put(conn, a_rule(ends=wall_now() + timedelta(days=400)))
    statement = "UPDATE fee_rules SET " + change + " WHERE id = :id"  # noqa: S608 (the cases above)
    with pytest.raises(DBAPIError, match="rules are kept"):
        async with conn.begin_nested():
            await conn.execute(text(statement), {"id": rule_id})
    with pytest.raises(DBAPIError, match="permission denied"):
        async with conn.begin_nested():
            await conn.execute(text("DELETE FROM fee_rules"))


async def test_the_default_rules_are_complete_and_come_once(conn: AsyncConnection) -> None:
    first = await install_default_rules(conn, at=NOW, author_id=ANNA, approver_id=BO)
    again = await install_default_rules(conn, at=NOW, author_id=ANNA, approver_id=BO)
    assert (first, again) == (12, 0)
    book = await rules_book(conn, fresh=True)
    decided = {}
    for kind in sorted({rule.kind for rule in book.rules}):
        rule = book.decide(facts(kind=kind)).rule
        decided[kind] = rule.value if rule else None
    assert decided == {
        "after_sales_window_s": 604_800,
        "commission_cut": 1000,
        "creator_commission": 1000,
        "pay_within_s": 900,
        "payment_cost": 60,
        "platform_service_fee": 500,
        "receive_within_s": 864_000,
    }
    digital = book.decide(facts(category="digital/accessories")).rule
    assert digital is not None
    assert digital.value == 200
    assert len(await rules_in_force(conn, at=NOW)) == 12
    assert await rules_in_force(conn, at=NOW - timedelta(days=10_000)) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=rule_sets(), cases=st.lists(some_facts, min_size=1, max_size=30))
async def test_one_join_decides_as_the_evaluator_does(
    conn: AsyncConnection, rules: list[Rule], cases: list[Facts]
) -> None:
    savepoint = await conn.begin_nested()
    await install_rules(conn, rules=rules, at=NOW, author_id=ANNA, approver_id=BO)
    joined = await decide_many(conn, cases)
    await savepoint.rollback()
    by_evaluator = [decide(rules, case).rule for case in cases]
    assert joined == [rule.id if rule else None for rule in by_evaluator]
