"""What a second look at a product's address means."""

from datetime import timedelta

import pytest
from tests.links.factories import AT

from dougong.base.money import Money
from dougong.links.adapters.protocol import SeenProduct
from dougong.links.recheck_rules import (
    EVERY,
    FIRST_WAIT,
    GONE_AFTER,
    LONGEST_WAIT,
    Finding,
    Known,
    failed,
    found,
    is_swapped,
    likeness,
)

GTIN, OTHER = "6901234567892", "4006381333931"


def known(title: str = "龙泉青瓷茶杯 哥窑开片", gtin: str | None = None) -> Known:
    return Known("i1", title, gtin, Money(9_900, "CNY"))


def seen(title: str, *, gtin: str | None = None, item_id: str = "i1", minor: int = 9_900):  # type: ignore[no-untyped-def]
    return SeenProduct(
        item_id=item_id,
        url="https://shop.example/1",
        title=title,
        gtin=gtin,
        price=Money(minor, "CNY"),
    )


@pytest.mark.parametrize(
    ("title", "gtin", "now", "gtin_now", "want"),
    [
        ("龙泉青瓷茶杯 哥窑开片", None, "龙泉青瓷茶杯 哥窑开片", None, False),
        ("龙泉青瓷茶杯 哥窑开片", None, "【包邮】龙泉青瓷茶杯 哥窑 开片 2只装", None, False),
        ("龙泉青瓷茶杯 哥窑开片", None, "蓝牙耳机 降噪 2026新款", None, True),
        ("Bamboo basket", None, "Bamboo basket, large", None, False),
        ("Bamboo basket", None, "USB charger 65 W", None, True),
        ("Bamboo basket", GTIN, "USB charger 65 W", GTIN, False),  # the number says it
        ("Bamboo basket", GTIN, "USB charger 65 W", "0" + GTIN, False),
        ("Bamboo basket", GTIN, "Bamboo basket", OTHER, False),  # another size, perhaps
        ("Bamboo basket", GTIN, "Bamboo chair for two", OTHER, True),
        ("Bamboo basket", None, "Bamboo chair for two", None, False),
        ("", None, "USB charger 65 W", None, False),  # nothing was promised
    ],
)
def test_a_product_is_swapped_when_number_and_title_differ_much(
    title: str, gtin: str | None, now: str, gtin_now: str | None, want: bool
) -> None:
    assert is_swapped(known(title, gtin), seen(now, gtin=gtin_now)) is want


def test_likeness_is_of_letters_not_of_words() -> None:
    assert likeness("青瓷茶杯", "茶杯 青瓷") > 0.5
    assert (likeness("Tea", "tea!"), likeness("", ""), likeness("a", "")) == (1, 1, 0)


def test_the_same_item_among_several_is_looked_at() -> None:
    outcome = found(known(), [seen("耳机", item_id="x"), seen(known().title, minor=8_800)], at=AT)
    assert (outcome.finding, outcome.price) == (Finding.SAME, Money(8_800, "CNY"))
    assert outcome.check_after == AT + EVERY


def test_a_shop_that_is_away_is_asked_later_and_later_and_then_given_up() -> None:
    waits, failures = [], 0
    while True:
        outcome = failed(failures, said_gone=False, why="away", at=AT)
        if outcome.finding is Finding.GONE:
            break
        waits.append(outcome.check_after - AT)
        failures = outcome.failures
    assert failures + 1 == GONE_AFTER
    assert waits == [FIRST_WAIT * 2**n for n in range(GONE_AFTER - 1)]
    assert max(waits) <= LONGEST_WAIT
    assert sum(waits, timedelta()) > timedelta(hours=6)


def test_a_page_that_says_it_is_gone_is_asked_once_more() -> None:
    first = failed(0, said_gone=True, why="dead", at=AT)
    second = failed(first.failures, said_gone=True, why="dead", at=AT)
    assert (first.finding, second.finding) == (Finding.AWAY, Finding.GONE)
