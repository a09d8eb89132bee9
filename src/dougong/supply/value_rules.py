"""Corrections of what the stock of a SKU is worth: one person proposes, another approves, pure."""

from enum import StrEnum

import msgspec

from dougong.base.errors import BadInput, Conflict, Refusal
from dougong.supply.stock_rules import Cost

MOST_UNIT_COST_MINOR = 100_000_000
MOST_VALUE_MINOR = 1_000_000_000_000_000
MOST_REASON = 200
MOST_EVIDENCE = 2_000


class CorrectionState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class CorrectionThere(Conflict):
    """A correction of this SKU waits for somebody already: that one first."""

    code = "correction_there"


class CorrectionClosed(Conflict):
    """Somebody has decided about this correction already."""

    code = "correction_closed"


class CorrectionStale(Conflict):
    """Units or value have moved since a value in all was proposed. Facts: both as they are."""

    code = "correction_stale"


class ValueUnchanged(Conflict):
    """That is what the stock is worth already."""

    code = "value_unchanged"


class NothingValued(Conflict):
    """There is no unit of the SKU of which the cost is known."""

    code = "nothing_valued"


class AnotherMustDecide(Refusal):
    """Who has proposed a correction does not decide about it."""

    code = "another_must_decide"
    status = 403


class Wish(msgspec.Struct, frozen=True):
    """What is to be true: the cost of one unit, or the value of all units whose cost is known.
    One of the two is set, in minor units."""

    unit_cost_minor: int | None = None
    value_minor: int | None = None


def check_wish(wish: Wish) -> None:
    """Raises BadInput: neither or both are set, or one is out of range."""
    if (wish.unit_cost_minor is None) == (wish.value_minor is None):
        raise BadInput(field="unit_cost", reason="one_of_cost_and_value")
    for field, minor, most in (
        ("unit_cost", wish.unit_cost_minor, MOST_UNIT_COST_MINOR),
        ("value", wish.value_minor, MOST_VALUE_MINOR),
    ):
        if minor is not None and not 0 <= minor <= most:
            raise BadInput(field=field, reason="out_of_range")


def corrected(cost: Cost, wish: Wish) -> int:
    """The value of all units after a correction. Raises NothingValued, ValueUnchanged."""
    if not cost.quantity:
        raise NothingValued
    after = wish.value_minor
    if wish.unit_cost_minor is not None:
        after = wish.unit_cost_minor * cost.quantity
    if after is None or after == cost.cost_minor:
        raise ValueUnchanged
    return after


def said(text: str, *, field: str, most: int) -> str:
    """Words that must be there, without outer blanks. Raises BadInput: missing, too_long."""
    plain = text.strip()
    if not plain:
        raise BadInput(field=field, reason="missing")
    if len(plain) > most:
        raise BadInput(field=field, reason="too_long")
    return plain
