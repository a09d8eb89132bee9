"""Drafts, approvals and ends: two people, no overlap, nothing edited in place."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.policy.factories import MICROSECOND, NOW, a_rule, facts
from tests.policy.test_decide import clash, rule_sets, some_facts

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, RuleId, new_id
from dougong.infra.clock import wall_now
from dougong.policy.commands import (
    approve_rule,
    draft_rule,
    end_rule,
    end_rules_of_round,
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


@pytest.mark.parametrize("kind", ["creator_commission", "after_sales_window_s", "link"])
async def test_overlap_is_refused_also_between_wildcards(conn: AsyncConnection, kind: str) -> None:
    await put(conn, a_rule(kind=kind, value=1, ends=NOW + timedelta(days=2)))
    touching = a_rule(kind=kind, value=1, starts=NOW + timedelta(days=2))
    await put(conn, touching)
    with pytest.raises(RuleOverlaps):
        await put(conn, a_rule(kind=kind, value=0, starts=NOW + timedelta(days=2) - MICROSECOND))
    await put(conn, a_rule(kind=kind, value=1, category="beauty"))  # other columns: no overlap


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
        "allowed = true",
        "round_id = gen_random_uuid()",
        "reason_en = 'Another'",
        "in_force = tstzrange(lower(in_force), NULL)",
    ],
)
async def test_the_database_keeps_a_link_rule_as_it_is(conn: AsyncConnection, change: str) -> None:
    rule = a_rule(kind="link", value=0, ends=wall_now() + timedelta(days=400))
    rule_id = await put(conn, rule)
    assert await winner(conn, facts(kind="link")) == rule
    statement = "UPDATE link_rules SET " + change + " WHERE id = :id"  # noqa: S608 (the cases above)
    with pytest.raises(DBAPIError, match="rules are kept"):
        async with conn.begin_nested():
            await conn.execute(text(statement), {"id": rule_id})
    with pytest.raises(DBAPIError, match="permission denied"):
        async with conn.begin_nested():
            await conn.execute(text("DELETE FROM link_rules"))


async def test_what_a_round_has_announced_ends_with_it(conn: AsyncConnection) -> None:
    now, round_id = wall_now(), new_id()
    end = now + timedelta(days=9)
    running = a_rule(kind="link", value=1, source="taobao", round_id=round_id)
    fee = a_rule(source="taobao", route="task", value=300, round_id=round_id)
    later = a_rule(
        kind="link", value=1, source="tmall", starts=end + timedelta(days=1), round_id=round_id
    )
    others = a_rule(kind="link", value=1, source="jd", round_id=new_id())
    over = a_rule(
        kind="link", value=1, source="vip", ends=end - timedelta(days=1), round_id=round_id
    )
    for rule in (running, fee, later, others, over):
        await put(conn, rule)
    with pytest.raises(RuleInPast):
        await end_rules_of_round(conn, round_id=round_id, ends=now, at=now)
    ended = await end_rules_of_round(conn, round_id=round_id, ends=end, at=now)
    assert set(ended) == {running.id, fee.id, later.id}
    book = await rules_book(conn, fresh=True)
    assert [book.by_id[one.id].ends for one in (running, fee, later, others, over)] == [
        end,
        end,
        later.starts + MICROSECOND,
        None,
        over.ends,
    ]
    assert book.by_id[fee.id].round_id == round_id
    assert await end_rules_of_round(conn, round_id=round_id, ends=end, at=now) == []


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


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    windows=st.lists(
        st.tuples(
            st.sampled_from(["link", "platform_service_fee"]),
            st.sampled_from(["*", "outside", "taobao"]),
            st.integers(0, 8),
            st.one_of(st.none(), st.integers(1, 4)),
        ),
        min_size=1,
        max_size=10,
    ),
    cases=st.lists(some_facts, min_size=1, max_size=10),
)
async def test_no_two_rows_in_force_can_tie(
    conn: AsyncConnection,
    windows: list[tuple[str, str, int, int | None]],
    cases: list[Facts],
) -> None:
    """Whatever is drafted, what the database lets two people approve has one answer."""
    savepoint = await conn.begin_nested()
    for kind, source, first, length in windows:
        starts = NOW + first * MICROSECOND
        ends = None if length is None else starts + length * MICROSECOND
        rule = a_rule(kind=kind, source=source, starts=starts, ends=ends, value=1)
        approved = [r for r in (await rules_book(conn, fresh=True)).rules if clash(r, rule)]
        if approved:
            with pytest.raises(RuleOverlaps):
                await put(conn, rule)
        else:
            await put(conn, rule)
    book = await rules_book(conn, fresh=True)
    await savepoint.rollback()
    for case in cases:  # `decide` raises where two rows tie
        assert decide(book.rules, case).rule == book.decide(case).rule
