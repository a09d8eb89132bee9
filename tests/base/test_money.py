from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dougong.base.money import (
    BadAmount,
    BadRate,
    CurrencyMismatch,
    Money,
    decimal_text,
    minor_from_text,
    part_of,
    pro_rata,
    split,
)

amounts = st.integers(0, 10**12)


@pytest.mark.parametrize(("minor", "want"), [(0, 0), (199, 9), (200, 10), (219, 10)])
def test_part_rounds_down(minor: int, want: int) -> None:
    assert part_of(minor, 500) == want


@pytest.mark.parametrize("rate_bp", [-1, 10_001])
def test_rate_outside_range_is_refused(rate_bp: int) -> None:
    with pytest.raises(BadRate):
        part_of(100, rate_bp)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "CNY") + Money(1, "USD")


@pytest.mark.parametrize(
    ("text", "currency", "want"),
    [("178.8", "CNY", 17880), ("0.0", "CNY", 0), ("-1.25", "CNY", -125), ("12", "JPY", 12),
     ("1.234", "KWD", 1234), ("37.000", "CNY", 3700)],
)  # fmt: skip
def test_text_becomes_exact_minor_units(text: str, currency: str, want: int) -> None:
    assert minor_from_text(text, currency) == want


@pytest.mark.parametrize(
    "text", ["", "1.234", "1e5", "１", "NaN", "1.", ".", "--1", " 1", "9" * 17]
)
def test_text_that_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadAmount):
        minor_from_text(text, "CNY")


@given(st.integers(-(10**14), 10**14), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_text_round_trip(minor: int, currency: str) -> None:
    assert minor_from_text(decimal_text(minor, currency), currency) == minor


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_split_conserves_the_whole(amount: int, weights: list[int]) -> None:
    shares = split(amount, weights)
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(amount * weight, sum(weights))) < 1


@given(amounts, st.integers(1, 10**9), st.data())
def test_cumulative_reversal_ends_at_the_whole(
    amount: int, whole: int, data: st.DataObject
) -> None:
    steps = sorted(data.draw(st.lists(st.integers(0, whole), max_size=9)))
    reversed_so_far = 0
    for taken in [*steps, whole]:
        now = pro_rata(amount, taken=taken, whole=whole)
        assert now >= reversed_so_far
        reversed_so_far = now
    assert reversed_so_far == amount
