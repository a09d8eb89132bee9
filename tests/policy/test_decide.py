"""Of the rows in force, the most specific one wins: to the microsecond, and never two."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.factories import MICROSECOND, NOW, a_rule, facts

from dougong.base.decisions import AmbiguousRules
from dougong.base.ids import new_id
from dougong.policy.queries import RuleBook
from dougong.policy.rules import (
    PRECEDENCE,
    BadRule,
    Facts,
    Lost,
    Rule,
    check_draft,
    decide,
    in_rollout,
    link_case,
    rollout_place,
    specificity,
    state_at,
)


def test_no_rule_no_verdict() -> None:
    assert decide([], facts()).rule is None


@pytest.mark.parametrize(
    ("at", "wins"),
    [
        (NOW - MICROSECOND, False),
        (NOW, True),
        (NOW + timedelta(days=1) - MICROSECOND, True),
        (NOW + timedelta(days=1), False),
    ],
)
def test_a_window_is_half_open_to_the_microsecond(at: datetime, wins: bool) -> None:
    rule = a_rule(ends=NOW + timedelta(days=1))
    assert (decide([rule], facts(at=at)).rule == rule) is wins


@pytest.mark.parametrize(
    ("category", "wins"),
    [
        ("*", True),
        ("beauty", True),
        ("beauty/skincare", True),
        ("beauty/skincare/serum", False),
        ("beau", False),
        ("beauty/skin", False),
    ],
)
def test_a_category_matches_what_is_below_it(category: str, wins: bool) -> None:
    assert (decide([a_rule(category=category)], facts()).rule is not None) is wins


def test_a_deeper_category_is_more_specific() -> None:
    rules = [a_rule(category=path, value=n) for n, path in enumerate(["beauty", "*"])]
    deepest = a_rule(category="beauty/skincare", value=7)
    assert decide([*rules, deepest], facts()).rule == deepest


VALUES = {
    "party": "m-1",
    "merchant_class": "standard",
    "party_class": "merchant",
    "category": "beauty/skincare",
    "route": "direct",
    "surface": "video",
    "source": "own",
}


@pytest.mark.parametrize("n", range(len(PRECEDENCE) - 1))
def test_a_column_outweighs_all_that_come_after_it(n: int) -> None:
    narrow = a_rule(**{PRECEDENCE[n]: VALUES[PRECEDENCE[n]]})
    rest = a_rule(**{column: VALUES[column] for column in PRECEDENCE[n + 1 :]})
    verdict = decide([rest, narrow], facts())
    assert verdict.rule == narrow
    assert [(c.why, c.column) for c in verdict.considered] == [(Lost.LESS_SPECIFIC, PRECEDENCE[n])]


def test_the_verdict_says_why_every_other_row_lost() -> None:
    winner = a_rule(category="beauty")
    others = {
        a_rule(surface="live").id: (Lost.NO_MATCH, "surface"),
        a_rule(starts=NOW + timedelta(days=2)).id: (Lost.NOT_YET, ""),
        a_rule(starts=NOW - timedelta(days=2), ends=NOW).id: (Lost.OVER, ""),
        a_rule(rollout_bp=0, route="direct").id: (Lost.OUTSIDE_ROLLOUT, ""),
        a_rule().id: (Lost.LESS_SPECIFIC, "category"),
    }
    rows = [
        winner,
        *(
            a_rule(id=key, **change)
            for key, change in zip(
                others,
                [
                    {"surface": "live"},
                    {"starts": NOW + timedelta(days=2)},
                    {"starts": NOW - timedelta(days=2), "ends": NOW},
                    {"rollout_bp": 0, "route": "direct"},
                    {},
                ],
                strict=True,
            )
        ),
        a_rule(kind="payment_cost"),
    ]
    verdict = decide(rows, facts())
    assert verdict.rule == winner
    assert {c.rule.id: (c.why, c.column) for c in verdict.considered} == others


def test_two_equal_rows_at_once_are_a_fault() -> None:
    with pytest.raises(AmbiguousRules):
        decide([a_rule(), a_rule()], facts())


def test_a_rollout_is_stable_and_grows() -> None:
    parties = [f"merchant-{n}" for n in range(2_000)]
    stages = [a_rule(rollout_bp=bp) for bp in (0, 1000, 5000, 10_000)]
    inside = [{p for p in parties if in_rollout(rule, p)} for rule in stages]
    assert [len(i) for i in (inside[0], inside[3])] == [0, 2_000]
    assert inside[0] < inside[1] < inside[2] < inside[3]  # who is in stays in
    assert 140 < len(inside[1]) < 260
    assert 900 < len(inside[2]) < 1_100


def test_a_party_has_its_place_for_ever() -> None:
    """Changing the hash would move parties in and out of running rollouts."""
    assert rollout_place(a_rule(), "m-1") == rollout_place(a_rule(value=1), "m-1")
    assert [rollout_place(a_rule(), f"m-{n}") for n in (1, 2, 3)] == PLACES


PLACES = [7826, 775, 1956]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "tax"}, "kind"),
        ({"value": 10_001}, "value"),
        ({"value": -1}, "value"),
        ({"kind": "link", "value": 2}, "value"),
        ({"kind": "pay_within_s", "round_id": new_id()}, "round_id"),
        ({"kind": "pay_within_s", "value": 31_536_001}, "value"),
        ({"rollout_bp": 10_001}, "rollout_bp"),
        ({"ends": NOW}, "ends"),
        ({"category": ""}, "category"),
        ({"party": " "}, "party"),
        ({"reason_zh": " "}, "reason_zh"),
        ({"reason_en": ""}, "reason_en"),
    ],
)
def test_a_bad_draft_is_refused_at_its_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(BadRule) as refused:
        check_draft(a_rule(**change))
    assert refused.value.field == field


COLUMN_VALUES = {
    "source": ["*", "own", "outside", "taobao", "jd"],
    "surface": ["*", "video", "live"],
    "category": ["*", "beauty", "beauty/skincare", "food"],
    "route": ["*", "direct", "task"],
    "party_class": ["*", "merchant"],
    "party": ["*", "m-1", "m-2"],
    "merchant_class": ["*", "standard", "flagship"],
}
KINDS = st.sampled_from(["link", "link", "platform_service_fee", "pay_within_s"])
INSTANTS = st.integers(0, 20).map(lambda n: NOW + n * MICROSECOND)


@st.composite
def rule_sets(draw: st.DrawFn) -> list[Rule]:
    """Rules of which no two with the same columns overlap in time, as the database ensures."""
    made: list[Rule] = []
    for _ in range(draw(st.integers(0, 16))):
        columns = {c: draw(st.sampled_from(v)) for c, v in COLUMN_VALUES.items()}
        starts = draw(INSTANTS)
        length = draw(st.one_of(st.none(), st.integers(1, 8)))
        rule = a_rule(
            **columns,
            kind=draw(KINDS),
            starts=starts,
            ends=None if length is None else starts + length * MICROSECOND,
            rollout_bp=draw(st.sampled_from([0, 3000, 10_000])),
            value=draw(st.integers(0, 1)),
        )
        if not any(clash(rule, other) for other in made):
            made.append(rule)
    return made


def clash(one: Rule, two: Rule) -> bool:
    same = all(getattr(one, c) == getattr(two, c) for c in ("kind", *COLUMN_VALUES))
    apart = (one.ends and one.ends <= two.starts) or (two.ends and two.ends <= one.starts)
    return same and not apart


some_facts = st.builds(
    Facts,
    kind=KINDS,
    source=st.sampled_from(["own", "taobao", "jd", "outside"]),
    surface=st.sampled_from(["video", "live", "search"]),
    category=st.sampled_from(["*", "beauty", "beauty/skincare", "beauty/skincare/serum", "toys"]),
    route=st.sampled_from(["direct", "task"]),
    party_class=st.sampled_from(["merchant", "creator"]),
    party=st.sampled_from(["m-1", "m-2", "m-3"]),
    merchant_class=st.sampled_from(["standard", "flagship"]),
    at=INSTANTS,
)


@given(rule_sets(), some_facts)
def test_exactly_one_winner_and_nobody_more_specific(rules: list[Rule], case: Facts) -> None:
    verdict = decide(rules, case)
    beaten = [c.rule for c in verdict.considered if c.why is Lost.LESS_SPECIFIC]
    of_kind = [rule for rule in rules if rule.kind == case.kind]
    assert len(verdict.considered) + (verdict.rule is not None) == len(of_kind)
    if verdict.rule is None:
        assert not beaten
    else:
        assert all(specificity(verdict.rule) > specificity(other) for other in beaten)


@given(rule_sets(), st.lists(some_facts, max_size=5))
def test_the_book_remembers_without_changing_the_answer(
    rules: list[Rule], cases: list[Facts]
) -> None:
    book = RuleBook(rules)
    for case in cases:
        assert book.decide(case).rule == decide(rules, case).rule == book.explain(case).rule


def test_shanghai_midnight_is_the_day_before_in_utc() -> None:
    midnight = datetime(2020, 8, 19, 16, tzinfo=UTC)  # 20 August 2020 in Shanghai
    old = a_rule(starts=midnight - timedelta(days=365), ends=midnight, value=0)
    new = a_rule(starts=midnight, value=2000)
    assert decide([old, new], facts(at=midnight - MICROSECOND)).rule == old
    assert decide([old, new], facts(at=midnight)).rule == new


@pytest.mark.parametrize(
    ("source", "want"),
    [("own", None), ("taobao", "taobao"), ("jd", "outside"), ("another", "outside")],
)
def test_outside_is_every_source_but_own_and_less_than_a_code(
    source: str, want: str | None
) -> None:
    rules = [a_rule(kind="link", source=one) for one in ("outside", "taobao")]
    found = decide(rules, facts(kind="link", source=source)).rule
    assert (found.source if found else None) == want
    anything = decide([*rules, a_rule(kind="link")], facts(kind="link", source=source)).rule
    assert anything is not None
    assert anything.source == (want or "*")


def a_link(source: str) -> Facts:
    return link_case(
        source=source, surface="video", category="", route="direct", creator="c-1", at=NOW
    )


def test_without_a_rule_own_goods_may_stand_and_others_not() -> None:
    own, other = (RuleBook([]).judge(a_link(source)) for source in ("own", "taobao"))
    assert (own.allowed, own.rule, own.reason_en) == (
        True,
        None,
        "No rule keeps own-store goods out",
    )
    assert (other.allowed, other.rule, other.reason_zh) == (False, None, "没有规则允许该来源")


def test_a_rule_of_kind_link_says_whether_and_why() -> None:
    book = RuleBook([a_rule(kind="link", source="taobao", value=1, reason_en="It has joined")])
    let_in = book.judge(a_link("taobao"))
    assert (let_in.allowed, let_in.reason_en) == (True, "It has joined")
    barred = RuleBook([a_rule(kind="link", value=0)]).judge(a_link("own"))
    assert (barred.allowed, barred.reason_zh) == (False, "平台服务费")


def test_a_book_whose_rows_overlap_is_not_used() -> None:
    with pytest.raises(AmbiguousRules):
        RuleBook([a_rule(), a_rule(starts=NOW + timedelta(days=9))])


@pytest.mark.parametrize(
    ("approved", "at", "want"),
    [
        (False, NOW, "draft"),
        (True, NOW - MICROSECOND, "announced"),
        (True, NOW, "in_force"),
        (True, NOW + timedelta(days=1), "ended"),
    ],
)
def test_a_row_is_in_one_state_at_an_instant(approved: bool, at: datetime, want: str) -> None:
    rule = a_rule(ends=NOW + timedelta(days=1))
    assert state_at(rule, is_approved=approved, at=at) == want
