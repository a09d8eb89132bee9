"""Every order line's money is explained: what came in is what goes out, after any refunds."""

from fractions import Fraction
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from dougong.orders.rules import Coupon, LineMoney, coupon_discount, line_shares


@st.composite
def lines(draw: st.DrawFn) -> LineMoney:
    gross = draw(st.integers(1, 10**9))
    off = [draw(st.integers(0, gross // 4)) for _ in range(3)]
    service, payment = draw(st.integers(0, 2_000)), draw(st.integers(0, 300))
    commission = draw(st.integers(0, 10_000 - service - payment))
    return LineMoney(
        gross, *off, gross - sum(off), service, commission, draw(st.integers(0, 10_000)), payment
    )


@given(lines(), st.data())
@settings(max_examples=500)
def test_parts_make_the_whole_after_any_refunds(line: LineMoney, data: st.DataObject) -> None:
    line.check()
    for refunded in data.draw(st.lists(st.integers(0, line.paid_minor), max_size=9)):
        shares = line_shares(line, refunded_minor=refunded)
        assert shares.residual() == 0
        parts = (shares.service_fee, shares.commission_cut, shares.creator, shares.merchant)
        assert min(parts) >= 0
        kept = Fraction(line.paid_minor - refunded, line.paid_minor)
        assert 0 <= shares.merchant_discount - kept * line.merchant_discount_minor < 1


@given(lines())
def test_full_refund_leaves_exactly_nothing(line: LineMoney) -> None:
    shares = line_shares(line, refunded_minor=line.paid_minor)
    assert set(vars_of(shares)) == {0}


def vars_of(shares: object) -> list[int]:
    return [getattr(shares, name) for name in type(shares).__struct_fields__]  # type: ignore[attr-defined]


def test_exact_shares_of_a_line_with_all_parts() -> None:
    line = LineMoney(10_000, 500, 300, 200, 9_000, 500, 2_000, 1_000, 60)
    shares = line_shares(line, refunded_minor=0)
    assert vars_of(shares) == [9_000, 500, 300, 200, 9_500, 475, 1_900, 190, 1_710, 54, 7_571]


@given(st.lists(st.integers(1, 10**8), min_size=1, max_size=20), st.integers(1, 10**9))
def test_coupon_leaves_each_line_something_to_pay(gross: list[int], off: int) -> None:
    coupon = Coupon("merchant", uuid4(), off, None, 0)
    discounts = coupon_discount(coupon, gross)
    assert sum(discounts) == min(off, sum(gross) - len(gross))
    assert all(0 <= d < g for d, g in zip(discounts, gross, strict=True))
