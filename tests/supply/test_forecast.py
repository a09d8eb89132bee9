"""Forecasts equal to a kept library's figures; what is suggested from them."""

from math import isclose

import pytest

from dougong.supply.forecast_rules import (
    Forecast,
    band,
    croston,
    forecast,
    safety_factor,
    smoothed,
    suggest,
)

LUMPY = [0, 0, 3, 0, 0, 0, 2, 0, 1, 0, 0, 4]
STEADY = [5, 6, 5, 7, 6, 5, 8, 6, 7, 6, 5, 6]


# From statsforecast 2.1.1: CrostonSBA() and SimpleExponentialSmoothing(alpha=0.1), one step ahead.
@pytest.mark.parametrize(
    ("demand", "want"),
    [(LUMPY, 0.901721832163156), (STEADY, 5.451430577209503), ([0, 0, 0, 0, 1], 0.19), ([0], 0.0)],
)
def test_croston_is_the_librarys(demand: list[int], want: float) -> None:
    assert isclose(croston(demand), want, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("demand", "alpha", "want"),
    [
        (LUMPY, 0.1, 0.7072241467000001),
        (LUMPY, 0.2, 1.1140026368),
        (STEADY, 0.1, 5.738347976010003),
        (STEADY, 0.2, 5.941854740480002),
    ],
)
def test_smoothing_is_the_librarys(demand: list[int], alpha: float, want: float) -> None:
    assert isclose(smoothed([float(one) for one in demand], alpha), want, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("demand", "method"),
    [(LUMPY * 3, "croston"), (STEADY * 3, "smoothing"), ([5] * 13, "none"), ([0] * 60, "none")],
)
def test_the_method_goes_by_how_often_it_is_asked_for(demand: list[int], method: str) -> None:
    assert forecast(demand).method == method


def test_a_service_level_is_its_quantile() -> None:
    assert isclose(safety_factor(9_500), 1.6448536, rel_tol=1e-6)


def test_the_band_widens_with_the_root_of_the_days() -> None:
    made = band(Forecast("smoothing", 10.0, 2.0), days=4, service_bp=9_500)
    low, middle, high = made[3]
    assert (middle, round(high - middle, 3), round(middle - low, 3)) == (40.0, 6.579, 6.579)


def test_suggested_is_what_is_missing_up_to_the_level_in_packs() -> None:
    asked = {"lead_days": 9, "review_days": 7, "service_bp": 9_500, "pack_size": 12}
    made = Forecast("smoothing", 10.0, 2.0)
    found = suggest(made, available=40, on_order=30, min_quantity=1, **asked)
    assert (found.demand, found.safety, found.up_to, found.quantity) == (160, 14, 174, 108)
    assert suggest(made, available=174, on_order=0, min_quantity=1, **asked).quantity == 0
    assert suggest(made, available=173, on_order=0, min_quantity=30, **asked).quantity == 36
