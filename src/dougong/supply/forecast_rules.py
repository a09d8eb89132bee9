"""What will be asked for, and how much to order: pure, from units by day.

Demand that comes on few days is forecast by Croston's method in the version of Syntetos and Boylan
(2005), demand that comes on most days by simple exponential smoothing (Brown, 1959). Both are held
equal to the figures of a kept library in tests (docs/adr/0014-forecasts.md).
"""

from collections.abc import Sequence
from math import ceil, floor, sqrt
from statistics import NormalDist

import msgspec

from dougong.base.money import FULL_BP
from dougong.supply.purchase_rules import order_size

ALPHA = 0.1
LUMPY_BELOW = 0.75  # share of days with demand below which Croston's method takes over
FEWEST_DAYS = 14


class Forecast(msgspec.Struct, frozen=True):
    """Units a day from tomorrow on. `error`: the standard deviation of a day's demand around it.
    method: `croston`, `smoothing`, or `none` where too little is known."""

    method: str
    daily: float
    error: float


class Suggestion(msgspec.Struct, frozen=True):
    """Units. `up_to`: what stock and open orders should come to; `safety`: the part of it that is
    there for the service level; `quantity`: what is missing, in the supplier's packs."""

    demand: int
    safety: int
    up_to: int
    quantity: int


def smoothed(values: Sequence[float], alpha: float = ALPHA) -> float:
    """Simple exponential smoothing that starts at the first value; 0 of nothing."""
    level = values[0] if values else 0.0
    for value in values[1:]:
        level += alpha * (value - level)
    return level


def croston(demand: Sequence[int], alpha: float = ALPHA) -> float:
    """Units a day: the smoothed size of a demand by the smoothed days between two, with the
    correction 1 - alpha / 2 of Syntetos and Boylan. 0 where nothing was asked for."""
    sizes: list[float] = []
    gaps: list[float] = []
    since = 0
    for units in demand:
        since += 1
        if units > 0:
            sizes.append(float(units))
            gaps.append(float(since))
            since = 0
    if not sizes:
        return 0.0
    return (1 - alpha / 2) * smoothed(sizes, alpha) / smoothed(gaps, alpha)


def forecast(demand: Sequence[int]) -> Forecast:
    """Of units by day, the oldest first, days without demand among them."""
    days = len(demand)
    with_demand = sum(1 for units in demand if units)
    if not with_demand or days < FEWEST_DAYS:
        mean = sum(demand) / days if days else 0.0
        return Forecast("none", mean, sqrt(mean))
    lumpy = with_demand < days * LUMPY_BELOW
    daily = croston(demand) if lumpy else smoothed([float(units) for units in demand])
    spread = sum((units - daily) ** 2 for units in demand) / days
    return Forecast("croston" if lumpy else "smoothing", daily, sqrt(spread))


def band(made: Forecast, *, days: int, service_bp: int) -> list[tuple[float, float, float]]:
    """Low, expected and high units from tomorrow to each of the next days, added up. More than high
    comes as rarely as the service level allows; less than low as rarely."""
    z = safety_factor(service_bp)
    return [
        (
            max(0.0, made.daily * day - z * made.error * sqrt(day)),
            made.daily * day,
            made.daily * day + z * made.error * sqrt(day),
        )
        for day in range(1, days + 1)
    ]


def safety_factor(service_bp: int) -> float:
    """Standard deviations that cover a service level (basis points, 50 to 99.9 %)."""
    return NormalDist().inv_cdf(service_bp / FULL_BP)


def suggest(
    made: Forecast,
    *,
    lead_days: int,
    review_days: int,
    service_bp: int,
    available: int,
    on_order: int,
    pack_size: int,
    min_quantity: int,
) -> Suggestion:
    """Order up to what lasts until the order after this one arrives, with the service level.

    `available`: units that can be sold now (may be below zero when more is promised than there is);
    `on_order`: units that suppliers still owe.
    """
    days = lead_days + review_days
    demand = made.daily * days
    safety = safety_factor(service_bp) * made.error * sqrt(days)
    up_to = ceil(demand + safety)
    missing = order_size(
        up_to - available - on_order, pack_size=pack_size, min_quantity=min_quantity
    )
    return Suggestion(floor(demand), up_to - floor(demand), up_to, missing)
