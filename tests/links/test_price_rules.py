"""Prices as pages write them: read exactly, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dougong.base.money import Money, decimal_text
from dougong.links.price_rules import currency_from, gtin_from, price_from

READ = [
    ("1299", 129_900), ("12.5", 1_250), ("0.01", 1), ("1,299.00", 129_900), ("1.299,00", 129_900),
    ("¥1,299", 129_900), ("￥ 128.50 元", 12_850), ("1 299,00 €", 129_900), ("１２.５", 1_250),
    ("1'299.90", 129_990), ("1,234,567.89", 123_456_789), ("1.234.567", 123_456_700),
    ("9,5", 950),
]  # fmt: skip
UNREAD = [
    "",
    "free",
    "10-20",
    "-5",
    "1.299",
    "12.345,678",
    "1,23,456.00",
    "1.2.3",
    "12,3456",
    "9" * 30,
]


@pytest.mark.parametrize(("text", "minor"), READ)
def test_a_price_is_read_exactly(text: str, minor: int) -> None:
    assert price_from(text, "CNY") == Money(minor, "CNY")


@pytest.mark.parametrize("text", UNREAD)
def test_what_is_not_clear_is_no_price(text: str) -> None:
    assert price_from(text, "CNY") is None


def test_a_currency_without_minor_units() -> None:
    assert price_from("1,299", "JPY") == Money(1_299, "JPY")
    assert price_from("12.5", "JPY") is None


@given(st.integers(0, 10**12))
def test_our_own_writing_reads_back(minor: int) -> None:
    text = decimal_text(minor, "CNY")
    assert price_from(text, "CNY") == Money(minor, "CNY")
    whole, _, part = text.partition(".")
    assert price_from(f"{int(whole):,}.{part}", "CNY") == Money(minor, "CNY")


@pytest.mark.parametrize(
    ("said", "code"),
    [("CNY", "CNY"), ("rmb", "CNY"), ("€", "EUR"), ("¥", "JPY"), ("", "JPY"), ("dollars", "JPY")],
)
def test_a_currency(said: str, code: str) -> None:
    assert currency_from(said, "JPY") == code


@pytest.mark.parametrize(
    ("text", "gtin"),
    [("6901234567892", "6901234567892"), ("690-1234 567892", "6901234567892"),
     ("6901234567890", None), ("123", None), ("690123456789x", None), ("", None)],
)  # fmt: skip
def test_a_gtin_has_its_check_digit_right(text: str, gtin: str | None) -> None:
    assert gtin_from(text) == gtin
