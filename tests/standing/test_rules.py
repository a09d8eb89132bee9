"""Scores, deposits and fines by rule: exact figures, and bounds that hold for any facts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dougong.base.errors import BadInput
from dougong.standing.defaults import default_rules
from dougong.standing.rules import (
    Count,
    Deposit,
    Formula,
    Measure,
    Metric,
    Part,
    Tariff,
    check_terms,
    deposit_due,
    fine,
    measure_until,
    points,
    score,
)

SHIPPED = Part(Metric.SHIPPED_IN_TIME, 6_000, 8_000, 9_900)
KEPT = Part(Metric.NOT_SENT_BACK, 4_000, 8_000, 9_800)
FORMULA = Formula(days=30, parts=(SHIPPED, KEPT))
LATE = Tariff(1_000, 500, 100_000, "CNY", Measure.NONE, 0, 7)


@pytest.mark.parametrize(
    ("share", "worth"),
    [
        (0, 0),
        (8_000, 0),
        (8_001, 5),
        (8_950, 5_000),
        (9_899, 9_994),
        (9_900, 10_000),
        (10_000, 10_000),
    ],
)
def test_points_grow_from_the_floor_to_the_goal(share: int, worth: int) -> None:
    assert points(share, SHIPPED) == worth


def test_a_score_is_the_weighted_mean_of_its_parts() -> None:
    made = score(
        FORMULA, {Metric.SHIPPED_IN_TIME: Count(179, 200), Metric.NOT_SENT_BACK: Count(98, 100)}
    )
    assert [part.points_bp for part in made.parts] == [5_000, 10_000]
    assert made.score_bp == 7_000


def test_a_part_of_which_nothing_was_counted_is_left_out_with_its_weight() -> None:
    made = score(FORMULA, {Metric.SHIPPED_IN_TIME: Count(179, 200)})
    assert (made.score_bp, made.parts[1].points_bp, made.parts[1].share_bp) == (5_000, None, None)


def test_without_any_fact_there_is_no_score() -> None:
    assert score(FORMULA, {}).score_bp is None


COUNTS = st.integers(1, 10_000).flatmap(
    lambda of: st.integers(0, of).map(lambda good: Count(good, of))
)


@given(shipped=COUNTS, kept=COUNTS)
def test_a_score_lies_between_its_parts_and_never_falls_when_more_is_good(
    shipped: Count, kept: Count
) -> None:
    made = score(FORMULA, {Metric.SHIPPED_IN_TIME: shipped, Metric.NOT_SENT_BACK: kept})
    got = [part.points_bp or 0 for part in made.parts]
    assert made.score_bp is not None
    assert min(got) - 1 <= made.score_bp <= max(got)
    better = Count(min(shipped.of, shipped.good + 1), shipped.of)
    again = score(FORMULA, {Metric.SHIPPED_IN_TIME: better, Metric.NOT_SENT_BACK: kept})
    assert (again.score_bp or 0) >= made.score_bp


RULES = [("*", Deposit(2_000, "CNY")), ("digital", Deposit(5_000, "CNY")),
         ("digital/cables", Deposit(0, "CNY"))]  # fmt: skip


@pytest.mark.parametrize(
    ("categories", "due"),
    [
        ([], ("", 0)),
        (["food"], ("*", 2_000)),
        (["food", "digital/phones"], ("digital", 5_000)),
        (["digital/cables"], ("", 0)),
        (["digitally"], ("*", 2_000)),
    ],
)
def test_the_highest_deposit_of_the_categories_is_due(
    categories: list[str], due: tuple[str, int]
) -> None:
    assert deposit_due(RULES, categories) == due


@pytest.mark.parametrize(
    ("paid", "costs"), [(0, 1_000), (19, 1_000), (20, 1_001), (9_900, 1_495), (10**9, 100_000)]
)
def test_a_fine_is_a_fixed_amount_and_a_share_with_a_limit(paid: int, costs: int) -> None:
    assert fine(LATE, paid_minor=paid) == costs


def test_a_measure_lasts_its_days_and_none_has_no_end() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    barred = Tariff(0, 0, 0, "CNY", Measure.NO_NEW_LINKS, 7, 7)
    assert measure_until(barred, at=at) == at + timedelta(days=7)
    assert measure_until(LATE, at=at) is None


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Deposit(-1, "CNY"), "amount_minor"),
        (Deposit(1, "yuan"), "currency"),
        (Formula(0, (SHIPPED, KEPT)), "days"),
        (Formula(30, (SHIPPED,)), "parts"),
        (Formula(30, (SHIPPED, SHIPPED)), "parts"),
        (Formula(30, (Part(Metric.RULED_FOR, 10_000, 9_000, 9_000),)), "goal"),
        (Tariff(2, 0, 1, "CNY", Measure.NONE, 0, 7), "most_minor"),
        (Tariff(0, 10_001, 1, "CNY", Measure.NONE, 0, 7), "share_bp"),
        (Tariff(0, 0, 1, "CNY", Measure.NO_NEW_LINKS, 0, 7), "measure_days"),
        (Tariff(0, 0, 1, "CNY", Measure.NONE, 3, 7), "measure_days"),
        (Tariff(0, 0, 1, "CNY", Measure.NONE, 0, 0), "appeal_days"),
    ],
)
def test_terms_that_no_rule_may_have_are_refused_at_their_field(terms: object, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_terms(terms)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_the_default_rules_are_sound_and_have_fixed_ids() -> None:
    rules = default_rules()
    for rule in rules:
        check_terms(rule.terms)
    assert len({rule.id for rule in rules}) == len(rules) == 7
    assert [rule.id for rule in rules] == [rule.id for rule in default_rules()]
