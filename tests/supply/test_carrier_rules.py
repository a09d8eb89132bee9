"""What a parcel costs by the carrier's rows."""

from datetime import timedelta

import pytest
from tests.factories import T0

from dougong.supply.carrier_rules import NoRate, Rate, TooHeavy, price, province_of, volumetric_g


def a_rate(
    to: str = "*", *, source: str = "*", first: int = 1_000, days: int = 0, ends: int | None = None
) -> Rate:
    return Rate(
        zone=f"{source}-{to}",
        from_province=source,
        to_province=to,
        first_g=1_000,
        first_minor=first,
        further_g=500,
        further_minor=300,
        divisor=8_000,
        starts=T0 + timedelta(days=days),
        ends=None if ends is None else T0 + timedelta(days=ends),
    )


def cost(
    *rates: Rate,
    to: str = "广东",
    weight_g: int = 800,
    size: tuple[int, int, int] | None = None,
    days: int = 1,
) -> int:
    at = T0 + timedelta(days=days)
    found = price(
        rates, from_province="上海", to_province=to, weight_g=weight_g, size_mm=size, at=at
    )
    return found.minor


@pytest.mark.parametrize(
    ("weight_g", "minor"),
    [(1, 1_000), (1_000, 1_000), (1_001, 1_300), (1_500, 1_300), (1_501, 1_600)],
)
def test_every_further_begun_step_costs(weight_g: int, minor: int) -> None:
    assert cost(a_rate(), weight_g=weight_g) == minor


def test_the_row_that_names_more_decides() -> None:
    rates = [a_rate(), a_rate(source="上海", first=900), a_rate("广东", first=800)]
    assert cost(*rates) == 800
    assert cost(*rates, to="新疆") == 900
    assert cost(*rates, a_rate("广东", source="上海", first=700)) == 700


def test_rates_hold_from_their_day_on() -> None:
    rates = [a_rate(ends=10), a_rate(first=1_200, days=10)]
    assert (cost(*rates, days=9), cost(*rates, days=10)) == (1_000, 1_200)
    with pytest.raises(NoRate) as refused:
        cost(*rates, days=-1)
    assert refused.value.facts == {"province": "广东"}


def test_volume_counts_where_it_is_more_than_the_weight() -> None:
    box = (400, 300, 200)
    assert volumetric_g(box, divisor=8_000) == 3_000
    assert volumetric_g((401, 300, 200), divisor=8_000) == 3_008  # rounded up
    assert volumetric_g(box, divisor=0) == 0
    assert cost(a_rate(), size=box) == 1_000 + 4 * 300


@pytest.mark.parametrize("weight_g", [0, -1, 1_000_001])
def test_a_weight_that_cannot_be_is_refused(weight_g: int) -> None:
    with pytest.raises(TooHeavy):
        cost(a_rate(), weight_g=weight_g)


@pytest.mark.parametrize(
    ("written", "short"),
    [("广东省", "广东"), ("内蒙古自治区", "内蒙古"), ("上海市", "上海"), ("香港特别行政区", "香港"),
     ("新疆维吾尔自治区", "新疆"), ("Bavaria", "Bavaria"), ("", "")],
)  # fmt: skip
def test_a_province_has_one_short_name(written: str, short: str) -> None:
    assert province_of(written) == short
