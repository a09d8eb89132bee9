"""What coins were paid with, how old somebody is, and who may give how many."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dougong.gifts.rules import (
    GiftLimit,
    Limit,
    Lot,
    NotEnoughCoins,
    Shares,
    age_on,
    check_limit,
    shares,
    take,
)

FIRST, SECOND = UUID(int=1), UUID(int=2)
LIMITS = [Limit(0, 0, "未成年", "minor"), Limit(18, 1_000, "每日", "daily")]


def test_coins_leave_the_oldest_lot_first() -> None:
    uses = take([Lot(FIRST, 60, 50, 600, 500), Lot(SECOND, 100, 0, 900, 0)], 30)
    assert [(u.pay_in_id, u.coins, u.value_minor) for u in uses] == [
        (FIRST, 10, 100),
        (SECOND, 20, 180),
    ]


def test_more_coins_than_there_are_take_none() -> None:
    with pytest.raises(NotEnoughCoins) as refused:
        take([Lot(FIRST, 60, 50, 600, 500)], 11)
    assert refused.value.facts == {"coins": 11, "balance": 10}


def test_the_last_coin_takes_the_rest() -> None:
    assert Lot(FIRST, 3, 2, 100, 66).worth(1) == 34


@given(
    coins=st.integers(1, 500),
    price=st.integers(1, 100_000),
    asked=st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=40),
)
def test_a_lot_that_is_used_up_gave_away_its_price(
    coins: int, price: int, asked: list[tuple[int, bool]]
) -> None:
    """Also when gifts are taken back in between, in any order."""
    lot, kept = Lot(FIRST, coins, 0, price, 0), []
    for wanted, is_taken_back in asked:
        if kept and is_taken_back:
            use = kept.pop(wanted % len(kept))
            lot = Lot(FIRST, coins, lot.used - use[0], price, lot.used_minor - use[1])
        elif lot.left:
            part = min(wanted, lot.left)
            kept.append((part, lot.worth(part)))
            lot = Lot(FIRST, coins, lot.used + part, price, lot.used_minor + kept[-1][1])
    rest = lot.worth(lot.left) if lot.left else 0
    assert sum(value for _, value in kept) + rest == price
    assert all(value >= 0 for _, value in kept)


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2002, 11, 26), date(2020, 11, 25), 17),
        (date(2002, 11, 26), date(2020, 11, 26), 18),
        (date(2004, 2, 29), date(2022, 2, 28), 17),
        (date(2004, 2, 29), date(2022, 3, 1), 18),
    ],
)
def test_age_in_full_years(born: date, day: date, age: int) -> None:
    assert age_on(day, born_on=born) == age


@pytest.mark.parametrize(
    ("age", "given_today", "coins", "refused"),
    [(17, 0, 1, True), (18, 0, 1_000, False), (18, 1, 1_000, True), (60, 999, 1, False)],
)
def test_limits_by_age_and_day(age: int, given_today: int, coins: int, refused: bool) -> None:
    if refused:
        with pytest.raises(GiftLimit):
            check_limit(LIMITS, age=age, given=given_today, coins=coins)
    else:
        check_limit(LIMITS, age=age, given=given_today, coins=coins)


def test_no_row_is_no_limit() -> None:
    check_limit([], age=5, given=10**6, coins=10**6)


@pytest.mark.parametrize(("value", "fee", "creator"), [(0, 0, 0), (1, 0, 1), (999, 499, 500)])
def test_the_fee_is_rounded_down_and_the_rest_is_the_creators(
    value: int, fee: int, creator: int
) -> None:
    assert shares(value, fee_bp=5_000) == Shares(fee, creator)


def test_a_lot_is_named_by_its_purchase() -> None:
    pay_in_id = uuid4()
    assert take([Lot(pay_in_id, 1, 0, 10, 0)], 1)[0].pay_in_id == pay_in_id
