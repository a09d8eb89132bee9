"""Prices by quantity, matching three ways, spreading costs: pure."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dougong.base.errors import BadInput
from dougong.supply.purchase_rules import (
    FIRST_TERMS,
    MOVES,
    BilledLine,
    CostedLine,
    Difference,
    OrderedLine,
    Price,
    PurchaseState,
    credited_units,
    match_bill,
    most_of,
    order_size,
    price_for,
    spread,
    to_stock,
)

PRICES = [Price(uuid4(), 1, 1_000), Price(uuid4(), 100, 800), Price(uuid4(), 1_000, 700)]


@pytest.mark.parametrize(
    ("quantity", "want"), [(1, 1_000), (99, 1_000), (100, 800), (999, 800), (1_000, 700)]
)
def test_price_breaks_count_from_their_quantity_on(quantity: int, want: int) -> None:
    found = price_for(PRICES, quantity)
    assert found is not None and found.price_minor == want


def test_below_the_first_break_there_is_no_price() -> None:
    assert price_for(PRICES[1:], 99) is None


@pytest.mark.parametrize(
    ("wanted", "want"), [(0, 0), (-3, 0), (1, 24), (20, 24), (24, 24), (25, 36)]
)
def test_orders_are_whole_packs_of_at_least_the_minimum(wanted: int, want: int) -> None:
    assert order_size(wanted, pack_size=12, min_quantity=20) == want


def test_surplus_is_rounded_down() -> None:
    assert most_of(19, 500) == 19
    assert most_of(20, 500) == 21


def test_ends_have_no_way_out() -> None:
    assert MOVES[PurchaseState.CLOSED] == MOVES[PurchaseState.CANCELLED] == set()
    assert set(MOVES) == set(PurchaseState)


def _ordered(**other: int) -> OrderedLine:
    row = {"line_no": 1, "quantity": 100, "price_minor": 1_000, "received": 100, "returned": 0,
           "billed": 0}  # fmt: skip
    return OrderedLine(**row | other)


def _found(line: OrderedLine, quantity: int, price: int, **other: int) -> list[Difference]:
    extra = {"extra_minor": 0, "extra_known_minor": 0} | other
    billed = [BilledLine(1, quantity, price)]
    return match_bill({1: line}, billed, terms=FIRST_TERMS, **extra)


def test_what_was_received_at_the_ordered_price_matches() -> None:
    assert _found(_ordered(), 100, 1_000) == []


def test_more_units_than_were_received_differ() -> None:
    assert _found(_ordered(received=90, returned=5, billed=10), 80, 1_000) == [
        Difference("quantity", 1, 75, 80)
    ]


def test_a_price_within_the_rate_matches_and_above_it_differs() -> None:
    assert _found(_ordered(), 100, 1_010) == []
    assert _found(_ordered(), 100, 1_011) == [Difference("price", 1, 1_000, 1_011)]


def test_a_small_amount_on_the_whole_line_matches() -> None:
    assert _found(_ordered(price_minor=1), 100, 2) == []
    assert _found(_ordered(price_minor=1, quantity=101, received=101), 101, 2) == [
        Difference("price", 1, 1, 2)
    ]


def test_a_lower_price_matches() -> None:
    assert _found(_ordered(), 100, 1) == []


def test_freight_matches_up_to_what_is_known() -> None:
    assert _found(_ordered(), 100, 1_000, extra_minor=600, extra_known_minor=500) == []
    assert _found(_ordered(), 100, 1_000, extra_minor=601, extra_known_minor=500) == [
        Difference("extra", 0, 500, 601)
    ]


def test_a_line_that_was_not_ordered_differs() -> None:
    found = match_bill(
        {}, [BilledLine(7, 1, 1)], extra_minor=0, extra_known_minor=0, terms=FIRST_TERMS
    )
    assert found == [Difference("line", 7, 0, 1)]


@pytest.mark.parametrize(
    ("billed", "returned", "quantity", "want"),
    [(0, 0, 10, 0), (100, 0, 10, 10), (95, 0, 10, 5), (90, 0, 10, 0), (90, 10, 10, 10)],
)
def test_only_units_that_were_billed_are_credited(
    billed: int, returned: int, quantity: int, want: int
) -> None:
    line = _ordered(billed=min(billed, 100 - returned), returned=returned)
    assert credited_units(line, quantity) == want


COSTED = [CostedLine(1, 10, 500, 300), CostedLine(2, 20, 0, 100), CostedLine(3, 1, 100, 0)]


@pytest.mark.parametrize(
    ("by", "want"),
    [
        ("value", {1: 60, 2: 40, 3: 0}),
        ("weight", {1: 98, 2: 0, 3: 2}),
        ("quantity", {1: 32, 2: 65, 3: 3}),
    ],
)
def test_costs_are_spread_by_largest_remainder(by: str, want: dict[int, int]) -> None:
    assert spread(100, COSTED, by) == want


def test_a_cost_without_weights_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        spread(100, [CostedLine(1, 10, 0, 300)], "weight")
    assert refused.value.facts == {"reason": "no_weight"}


@given(
    st.integers(1, 10**9),
    st.lists(st.tuples(st.integers(1, 10**4), st.integers(0, 10**6)), min_size=1, max_size=20),
)
def test_shares_sum_to_the_cost(amount: int, lines: list[tuple[int, int]]) -> None:
    costed = [CostedLine(n, units, grams, 1) for n, (units, grams) in enumerate(lines)]
    assert sum(spread(amount, costed, "quantity").values()) == amount


@pytest.mark.parametrize(
    ("received", "on_hand", "want"), [(10, 10, 100), (10, 50, 100), (10, 3, 30), (10, -2, 0)]
)
def test_of_what_is_gone_the_cost_does_not_go_to_stock(
    received: int, on_hand: int, want: int
) -> None:
    assert to_stock(100, received=received, on_hand=on_hand) == want
