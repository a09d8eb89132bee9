"""Rebates by tier, what is missing, forecasts: exact values."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.partners.factories import ENDS, OURS, STARTS, THEIRS, YUAN, a_component, some_terms

from dougong.partners.progress_rules import (
    elapsed,
    is_alarming,
    lines_of,
    rebate,
    seasonal,
    share_by,
    straight_line,
    value_of,
)
from dougong.partners.rules import Component, ComponentKind, Tier, TierMethod, Unit

MARGINAL = TierMethod.MARGINAL


@pytest.mark.parametrize(
    ("delivered", "whole", "marginal"),
    [
        (0, 0, 0),
        (199_999, 0, 0),
        (200_000, 4_000, 0),
        (500_000, 10_000, 6_000),
        (799_999, 15_999.98, 11_999.98),
        (800_000, 40_000, 12_000),
        (1_200_000, 60_000, 32_000),
    ],
)
def test_rebate_by_the_tier_that_is_reached(delivered: int, whole: float, marginal: float) -> None:
    one = a_component()
    assert rebate(one, delivered * YUAN) == round(whole * YUAN)
    assert rebate(a_component(tier_method=MARGINAL), delivered * YUAN) == round(marginal * YUAN)


TIERS = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(0, 10_000)),
    min_size=1, max_size=6, unique_by=lambda t: t[0],
)  # fmt: skip


@given(TIERS, st.integers(0, 10**10), st.integers(0, 10**9))
def test_marginal_rebates_never_fall_and_never_exceed_the_value(
    tiers: list[tuple[int, int]], delivered: int, more: int
) -> None:
    rows = tuple(Tier(*one) for one in sorted(tiers))
    one = a_component(tier_method=MARGINAL, tiers=rows)
    assert 0 <= rebate(one, delivered) <= rebate(one, delivered + more) <= delivered + more


def of_traffic(**changes: object) -> Component:
    values = {
        "kind": ComponentKind.ECOMMERCE_TRAFFIC,
        "unit": Unit.IMPRESSIONS,
        "committed": 3_000_000,
        "committed_by": OURS,
        "unit_value_minor": 2_500,
        "shortfall_bp": 10_000,
        "tiers": (),
    }
    return a_component(**values | changes)


def test_impressions_are_valued_by_the_thousand() -> None:
    assert value_of(of_traffic(), 3_000_000) == 3_000 * 2_500
    assert value_of(of_traffic(), 999) == 2_497
    assert value_of(of_traffic(unit=Unit.ORDERS, unit_value_minor=300), 7) == 2_100


def test_what_is_owed_line_by_line() -> None:
    terms = some_terms("taobao", components=(a_component(), of_traffic()))
    lines = lines_of(terms, {"advertising": 900_000 * YUAN, "ecommerce_traffic": 1_000_000})
    said = [(one.kind, one.what, one.owed_by, one.base_minor, one.rate_bp, one.amount_minor)
            for one in lines]  # fmt: skip
    assert said == [
        ("advertising", "rebate", OURS, 900_000 * YUAN, 500, 45_000 * YUAN),
        ("advertising", "shortfall", THEIRS, 100_000 * YUAN, 5_000, 50_000 * YUAN),
        ("ecommerce_traffic", "shortfall", OURS, 2_000 * 2_500, 10_000, 2_000 * 2_500),
    ]
    assert (
        lines_of(terms, {"advertising": 1, "ecommerce_traffic": 3_000_000})[0].what == "shortfall"
    )


def test_forecasts() -> None:
    terms = some_terms("taobao")
    quarter = elapsed(terms, ends=ENDS, at=STARTS + (ENDS - STARTS) / 4)
    assert quarter == Fraction(1, 4)
    assert elapsed(terms, ends=ENDS, at=ENDS + (ENDS - STARTS)) == 1
    assert straight_line(25, quarter) == 100
    assert straight_line(25, Fraction(0)) is None
    late = [0] * 9 + [10, 20, 70]  # the last round came in the last quarter
    assert share_by(late, Fraction(1, 4)) == 0
    assert seasonal(25, late, Fraction(1, 4)) is None
    assert share_by(late, Fraction(19, 24)) == Fraction(5, 100)
    assert seasonal(25, late, Fraction(19, 24)) == 500
    assert seasonal(25, [], quarter) is None


def test_an_alarm_waits_for_a_tenth_and_for_a_tenth_too_little() -> None:
    one = a_component(committed=1_000)
    assert is_alarming(one, 899, Fraction(1, 10))
    assert not is_alarming(one, 900, Fraction(1, 10))
    assert not is_alarming(one, 0, Fraction(99, 1_000))
    assert not is_alarming(one, None, Fraction(1))
