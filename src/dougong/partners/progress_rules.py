"""What a promise has come to: rebates by tier, what is missing, forecasts, and what is owed."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Literal

import msgspec

from dougong.base.money import FULL_BP, part_of
from dougong.partners.rules import (
    IMPRESSIONS_PER,
    MONEY_UNITS,
    Component,
    ComponentKind,
    Side,
    Terms,
    TierMethod,
    Unit,
)

ALARM_BP = 9_000  # a forecast below nine tenths of what is promised is told
ALARM_AFTER = Fraction(1, 10)  # of the period: before that a forecast says little

Owed = Literal["rebate", "shortfall"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is owed at the end. `base_minor` × `rate_bp`, or a sum over slices (rate 0).

    `owed_by` pays `amount_minor`; delivered and committed are in `unit`.
    """

    kind: ComponentKind
    what: Owed
    unit: Unit
    committed: int
    delivered: int
    base_minor: int
    rate_bp: int
    owed_by: Side
    amount_minor: int


def value_of(component: Component, amount: int) -> int:
    """What an amount of the component's unit is worth, in minor units, rounded down."""
    if component.unit in MONEY_UNITS:
        return amount
    per = IMPRESSIONS_PER if component.unit is Unit.IMPRESSIONS else 1
    return amount * component.unit_value_minor // per


def reached_bp(component: Component, delivered: int) -> int:
    """The rate of the highest tier that is reached; 0 below the first."""
    return max((t.rebate_bp for t in component.tiers if delivered >= t.from_amount), default=0)


def rebate(component: Component, delivered: int) -> int:
    """What comes back to the one who delivers, in minor units; rounded down, once a slice."""
    if delivered <= 0 or not component.tiers:
        return 0
    if component.tier_method is TierMethod.WHOLE:
        last = [t for t in component.tiers if delivered >= t.from_amount]
        return part_of(value_of(component, delivered), last[-1].rebate_bp) if last else 0
    ends = [tier.from_amount for tier in component.tiers[1:]] + [delivered]
    total = 0
    for tier, end in zip(component.tiers, ends, strict=True):
        slice_ = min(end, delivered) - tier.from_amount
        if slice_ > 0:
            total += part_of(value_of(component, slice_), tier.rebate_bp)
    return total


def missing(component: Component, delivered: int) -> int:
    return max(0, component.committed - max(0, delivered))


def lines_of(terms: Terms, delivered: dict[str, int]) -> list[Line]:
    """What is owed for what was delivered, component by component; nothing owed: no line."""
    found = []
    for one in terms.components:
        done = delivered.get(one.kind.value, 0)
        if back := rebate(one, done):
            is_whole = one.tier_method is TierMethod.WHOLE
            rate_bp = reached_bp(one, done) if is_whole else 0
            found.append(_line(one, "rebate", done, value_of(one, done), rate_bp, back))
        base = value_of(one, missing(one, done))
        if owed := part_of(base, one.shortfall_bp):
            found.append(_line(one, "shortfall", done, base, one.shortfall_bp, owed))
    return found


def _line(
    one: Component, what: Owed, delivered: int, base_minor: int, rate_bp: int, amount_minor: int
) -> Line:
    """Who delivers gets a rebate from the other side, and pays for what is missing."""
    return Line(
        kind=one.kind,
        what=what,
        unit=one.unit,
        committed=one.committed,
        delivered=delivered,
        base_minor=base_minor,
        rate_bp=rate_bp,
        owed_by=one.committed_by.other() if what == "rebate" else one.committed_by,
        amount_minor=amount_minor,
    )


def elapsed(terms: Terms, *, ends: datetime, at: datetime) -> Fraction:
    """The part of [starts, ends) that is over at an instant, 0 to 1."""
    whole = ends - terms.starts
    over = min(max(at, terms.starts), ends) - terms.starts
    return Fraction(int(over.total_seconds()), max(1, int(whole.total_seconds())))


def straight_line(delivered: int, over: Fraction) -> int | None:
    """As much every day as until now; None before the start."""
    return int(delivered / over) if over > 0 else None


def share_by(months: Sequence[int], over: Fraction) -> Fraction:
    """The part of the last round that had come when the same part of its time was over.

    `months`: what it brought month by month (or in any equal pieces of its time).
    """
    total = sum(months)
    if total <= 0 or not months:
        return Fraction(0)
    place = over * len(months)
    full = min(int(place), len(months))
    came = Fraction(sum(months[:full]))
    if full < len(months):
        came += months[full] * (place - full)
    return came / total


def seasonal(delivered: int, months: Sequence[int], over: Fraction) -> int | None:
    """Shaped as the last round was; None where that says nothing yet."""
    share = share_by(months, over)
    return int(delivered / share) if share > 0 else None


def is_alarming(component: Component, forecast: int | None, over: Fraction) -> bool:
    """Whether what is to come is clearly less than promised."""
    if forecast is None or over < ALARM_AFTER:
        return False
    return forecast * FULL_BP < component.committed * ALARM_BP
