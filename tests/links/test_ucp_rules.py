"""Totals, quotes and ways to pay of outside shops: exact examples, and properties."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dougong.links.ucp_rules import (
    Basket,
    Entry,
    Handler,
    Instrument,
    Line,
    Quote,
    ShopNotTrusted,
    check_agreed,
    check_continue_url,
    check_delivery,
    check_handlers,
    check_instruments,
    check_paid_with,
    check_quote,
    check_sums,
)

CARD = Handler("com.example.pay", "pay_1", ("card",))
QUOTE = Quote("red", 2, 500, "CNY")


def rows(*pairs: tuple[str, int]) -> tuple[Entry, ...]:
    return tuple(Entry(kind, minor) for kind, minor in pairs)


def a_line(
    item_id: str = "red",
    quantity: int = 2,
    price: int = 500,
    *pairs: tuple[str, int],
    parent: str | None = None,
) -> Line:
    return Line(f"li_{item_id}", item_id, quantity, price, rows(*pairs), parent)


def a_basket(
    *pairs: tuple[str, int], lines: tuple[Line, ...] | None = None, currency: str = "CNY"
) -> Basket:
    return Basket(currency, (a_line(),) if lines is None else lines, rows(*pairs))


PLAIN = (("subtotal", 1000), ("total", 1000))


def reason(check: Callable[..., object], *arguments: object, **named: object) -> str | None:
    try:
        check(*arguments, **named)
    except ShopNotTrusted as refusal:
        return str(refusal.facts["reason"])
    return None


@pytest.mark.parametrize(
    ("basket", "want"),
    [
        (a_basket(*PLAIN), None),
        (a_basket(("total", 1000)), None),
        (a_basket(("subtotal", 1000), ("tax", 80), ("tax", 7), ("total", 1087)), None),
        (a_basket(("subtotal", 1000), ("account_credit", -400), ("total", 600)), None),
        (a_basket(("subtotal", 1000), ("total", 1001)), "totals_sum"),
        (a_basket(("subtotal", 999), ("total", 999)), "subtotal_sum"),
        (a_basket(("total", 1001)), "totals_sum"),
        (a_basket(("subtotal", 1000)), "totals_malformed"),
        (a_basket(*PLAIN, ("total", 0)), "totals_malformed"),
        (a_basket(("subtotal", 1000), ("discount", 1), ("total", 1001)), "totals_sign"),
        (a_basket(("subtotal", 1000), ("fee", -1), ("total", 999)), "totals_sign"),
        (a_basket(("subtotal", 1000), ("discount", -1500), ("total", -500)), "totals_sign"),
        (a_basket(*PLAIN, currency="cny"), "currency_malformed"),
        (a_basket(*PLAIN, lines=(a_line("red", 2, 500, ("subtotal", 999)),)), "line_sum"),
        (a_basket(*PLAIN, lines=(a_line("red", 2, 500, ("total", 1001)),)), "line_sum"),
        (a_basket(*PLAIN, lines=(a_line("red", 2, 500, *PLAIN, ("tax", 1)),)), "totals_sum"),
        (a_basket(*PLAIN, lines=(a_line("red", 0, 500),)), "line_malformed"),
        (a_basket(*PLAIN, lines=(a_line("red", 2, -500),)), "line_malformed"),
        (a_basket(("subtotal", 10**16), ("total", 10**16)), "totals_malformed"),
    ],
)
def test_sums(basket: Basket, want: str | None) -> None:
    assert reason(check_sums, basket) == want


def test_a_bundles_parts_may_be_priced_in_it_or_beside_it() -> None:
    lines = (a_line(), a_line("part", 1, 100, parent="li_red"))
    assert reason(check_sums, a_basket(*PLAIN, lines=lines)) is None
    beside = a_basket(("subtotal", 1100), ("total", 1100), lines=lines)
    assert reason(check_sums, beside) is None
    assert reason(check_sums, a_basket(("subtotal", 1050), ("total", 1050), lines=lines))


def test_the_parts_of_a_row_make_the_row() -> None:
    fee = Entry("fee", 300, (100, 200))
    entries = (Entry("subtotal", 1000), fee, Entry("total", 1300))
    assert reason(check_sums, Basket("CNY", (a_line(),), entries)) is None
    entries = (Entry("subtotal", 1000), Entry("fee", 300, (100, 199)), Entry("total", 1300))
    assert reason(check_sums, Basket("CNY", (a_line(),), entries)) == "totals_parts"


@pytest.mark.parametrize(
    ("given_minor", "want"), [(-100, None), (-99, "discount_sum"), (-101, "discount_sum")]
)
def test_the_lines_discounts_are_the_totals(given_minor: int, want: str | None) -> None:
    line = a_line("red", 2, 500, ("subtotal", 1000), ("items_discount", -100), ("total", 900))
    pairs = (("subtotal", 1000), ("items_discount", given_minor), ("total", 1000 + given_minor))
    assert reason(check_sums, a_basket(*pairs, lines=(line,))) == want


@st.composite
def honest(draw: st.DrawFn) -> Basket:
    """A basket whose sums are right."""
    lines = []
    for number in range(draw(st.integers(1, 4))):
        price, quantity = draw(st.integers(0, 10**6)), draw(st.integers(1, 9))
        pairs = [("subtotal", price * quantity), ("total", price * quantity)]
        lines.append(a_line(f"item{number}", quantity, price, *pairs))
    subtotal = sum(one.price_minor * one.quantity for one in lines)
    pairs = [("subtotal", subtotal)]
    pairs += [("tax", x) for x in draw(st.lists(st.integers(0, 10**5), max_size=3))]
    pairs += [("fee", x) for x in draw(st.lists(st.integers(0, 10**5), max_size=3))]
    taken = draw(st.integers(0, subtotal))
    pairs += [("discount", -taken)] if taken else []
    pairs.append(("total", sum(minor for _, minor in pairs)))
    return a_basket(*pairs, lines=tuple(lines))


@given(honest())
def test_honest_sums_are_taken(basket: Basket) -> None:
    check_sums(basket)


@given(honest(), st.data())
def test_one_amount_changed_is_always_seen(basket: Basket, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(basket.entries) - 1))
    more = data.draw(st.integers(-(10**6), 10**6).filter(bool))
    entries = list(basket.entries)
    entries[at] = Entry(entries[at].type, entries[at].amount_minor + more)
    assert reason(check_sums, Basket(basket.currency, basket.lines, tuple(entries))) is not None


@given(honest(), st.data())
def test_one_line_changed_is_always_seen(basket: Basket, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(basket.lines) - 1))
    lines = list(basket.lines)
    old = lines[at]
    more = data.draw(st.integers(1, 10**6))
    lines[at] = a_line(old.item_id, old.quantity, old.price_minor + more, ("subtotal", 1))
    assert reason(check_sums, Basket(basket.currency, tuple(lines), basket.entries)) is not None


@pytest.mark.parametrize(
    ("basket", "want"),
    [
        (a_basket(*PLAIN), None),
        (a_basket(*PLAIN, lines=(a_line("red", 1, 499),)), None),
        (a_basket(*PLAIN, lines=(a_line(), a_line("gift", 1, 0))), None),
        (a_basket(*PLAIN, currency="USD"), "currency_switched"),
        (a_basket(*PLAIN, lines=(a_line("red", 3, 500),)), "quantity_raised"),
        (a_basket(*PLAIN, lines=(a_line("red", 2, 501),)), "price_raised"),
        (a_basket(*PLAIN, lines=(a_line("blue", 2, 500),)), "item_switched"),
        (a_basket(*PLAIN, lines=(a_line(), a_line("bag", 1, 1))), "line_added"),
        (a_basket(*PLAIN, lines=(a_line("red", 2, 500), a_line("red", 1, 500))), "quantity_raised"),
        (a_basket(*PLAIN, lines=()), "line_malformed"),
    ],
)
def test_quotes(basket: Basket, want: str | None) -> None:
    assert reason(check_quote, basket, QUOTE) == want


@pytest.mark.parametrize(
    ("offered", "declared", "want"),
    [
        ([CARD], [CARD], None),
        ([], [CARD], None),
        ([CARD], None, None),
        ([CARD], [Handler(CARD.name, CARD.id, None)], None),
        ([Handler(CARD.name, CARD.id, None)], [CARD], None),
        ([CARD], [], None),
        ([Handler("com.evil.pay", "pay_1", ("card",))], [CARD], "handler_not_declared"),
        ([Handler(CARD.name, "pay_2", ("card",))], [CARD], "handler_not_declared"),
        ([Handler(CARD.name, CARD.id, ("card", "gift"))], [CARD], "instrument_not_offered"),
    ],
)
def test_handlers(offered: list[Handler], declared: list[Handler] | None, want: str | None) -> None:
    assert reason(check_handlers, offered, declared) == want


def test_instruments_are_of_what_is_offered() -> None:
    good = Instrument("i", "pay_1", "card", selected=True)
    gift = Instrument("i", "pay_1", "gift", selected=True)
    evil = Instrument("i", "evil", "card", selected=False)
    assert reason(check_instruments, [good], [CARD]) is None
    assert reason(check_instruments, [gift], [CARD]) == "instrument_not_offered"
    assert reason(check_instruments, [good, evil], [CARD]) == "instrument_not_offered"
    assert reason(check_paid_with, [good], good) is None
    assert reason(check_paid_with, [gift], good) == "instrument_switched"
    assert reason(check_paid_with, [good], None) == "instrument_switched"


@given(st.integers(0, 10**9), st.integers(-5, 5))
def test_not_one_minor_unit_more_than_agreed(agreed: int, more: int) -> None:
    before = a_basket(("total", agreed))
    after = a_basket(("total", agreed + more))
    assert reason(check_agreed, before, after) == ("total_raised" if more > 0 else None)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_delivery_is_what_was_chosen_or_less(asked: int, chosen: int) -> None:
    basket = a_basket(("subtotal", 1000), ("fulfillment", asked), ("total", 1000 + asked))
    want = "delivery_raised" if asked > chosen else None
    assert reason(check_delivery, basket, chosen) == want
    assert reason(check_delivery, basket, None) is None


@pytest.mark.parametrize(
    ("url", "want"),
    [
        ("https://shop.example/c", None),
        ("https://pay.shop.example/c", None),
        ("https://SHOP.example/c", None),
        ("http://shop.example/c", "insecure"),
        ("https://shop.example.evil.example/c", "continue_url_elsewhere"),
        ("https://evil-shop.example/c", "continue_url_elsewhere"),
        ("https://shop.example@evil.example/c", "continue_url_elsewhere"),
        ("https://evil.example/shop.example", "continue_url_elsewhere"),
        ("//shop.example/c", "continue_url_elsewhere"),
        ("javascript:alert(1)", "continue_url_elsewhere"),
        ("", "continue_url_elsewhere"),
    ],
)
def test_where_a_shopper_may_be_sent(url: str, want: str | None) -> None:
    assert reason(check_continue_url, url, ["shop.example"]) == want
