"""What one sale leaves to everybody: to the fen, and nothing is left unexplained."""

from hypothesis import given
from hypothesis import strategies as st

from dougong.base.money import Money
from dougong.links.landed_rules import Landed, Rate, landed_outside


def landed(price: int, *rates: int) -> Landed:
    names = ("refunds", "commission", "alliance_fee", "service_fee", "commission_cut")
    given_rates = {name: Rate(bp, "rule") for name, bp in zip(names, rates, strict=True)}
    return landed_outside(Money(price, "CNY"), **given_rates)


def test_a_sale_is_shared_out_in_order() -> None:
    found = landed(12_850, 1_000, 2_000, 1_000, 2_000, 1_000)
    assert found.of("refunds") == 1_285
    assert (found.commission.of_minor, found.commission.minor) == (11_565, 2_313)
    assert found.of("alliance_fee") == 231
    assert found.of("service_fee") == 416  # of the 2 082 that arrive
    assert found.of("commission_cut") == 166
    assert (found.creator_minor, found.merchant_minor) == (1_500, 9_252)
    assert found.platform_minor == 416 + 166


RATES = st.tuples(*[st.integers(0, 10_000)] * 5)


@given(st.integers(0, 10**12), RATES)
def test_every_fen_of_the_price_is_explained(price: int, rates: tuple[int, ...]) -> None:
    found = landed(price, *rates)
    assert found.residual_minor == 0
    assert all(part.minor >= 0 for part in found.parts)
