"""How often a buyer's cases did not hold, as a score with its reasons: a hint for people. Pure.

Nothing reads a score but screens: no rule matches on it, and it refuses nothing. It is the sum of
its parts, from 0 to 100. A part counts times (`each` points a time), or takes a share: no points up
to `floor_bp`, `most` from `goal_bp` on, in proportion between, rounded down; a share of fewer than
`least` is left out.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import BadInput, Conflict, Refusal

FULL_BP = 10_000
MOST_SCORE = 100


class Fact(StrEnum):
    """What is counted of a buyer in a period; cases that were withdrawn are not."""

    ORDERS = "orders"  # paid
    CASES = "cases"
    REFUND_ONLY = "refund_only"  # cases in which the goods were to be kept
    WRONG_GOODS = "wrong_goods"  # what came back was not what was sold
    NOT_ACCEPTED = "not_accepted"  # refused after what came back was inspected
    RULED_AGAINST = "ruled_against"  # nothing was granted by the last ruling


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `most` points: `each` a time, or for the share of `fact` in `of`."""

    fact: Fact
    most: int
    each: int = 0
    of: Fact | None = None
    floor_bp: int = 0
    goal_bp: int = 0
    least: int = 0


class AbuseFormula(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`days`: how far back is counted."""

    days: int
    parts: tuple[Part, ...]


# What holds before an operator has written another.
FIRST_FORMULA = AbuseFormula(
    days=180,
    parts=(
        Part(Fact.CASES, 20, of=Fact.ORDERS, floor_bp=3_000, goal_bp=8_000, least=3),
        Part(Fact.REFUND_ONLY, 20, of=Fact.CASES, floor_bp=5_000, goal_bp=FULL_BP, least=3),
        Part(Fact.WRONG_GOODS, 30, each=15),
        Part(Fact.NOT_ACCEPTED, 20, each=10),
        Part(Fact.RULED_AGAINST, 30, each=10),
    ),
)


class Scored(msgspec.Struct, frozen=True):
    """What one part gave, and of which counts. `share_bp` is None for times."""

    part: Part
    count: int
    of: int
    share_bp: int | None
    points: int


class AbuseScore(msgspec.Struct, frozen=True):
    score: int
    parts: tuple[Scored, ...]

    @property
    def reasons(self) -> tuple[Scored, ...]:
        """The parts that gave points, the most telling first."""
        told = [one for one in self.parts if one.points]
        return tuple(sorted(told, key=lambda one: -one.points))


class DatedFormula(msgspec.Struct, frozen=True, kw_only=True):
    """A formula with its dates; `id` None: the one before any was written."""

    id: UUID | None
    starts: datetime | None
    formula: AbuseFormula


class AbuseFormulaOverlaps(Conflict):
    """A later formula is planned already."""

    code = "abuse_formula_overlaps"


class AbuseFormulaInPast(Refusal):
    """A formula counts from now on at the earliest."""

    code = "abuse_formula_in_past"


def check_formula(formula: AbuseFormula) -> None:
    """Raises BadInput at what cannot be."""
    if not 1 <= formula.days <= 730:
        raise BadInput(field="days", reason="out_of_range")
    for part in formula.parts:
        if not 0 <= part.most <= MOST_SCORE:
            raise BadInput(field="most", reason="out_of_range")


def score(formula: AbuseFormula, counts: Mapping[Fact, int]) -> AbuseScore:
    """0 to 100, rounded down in each part, so that it can be done again by hand."""
    parts = tuple(_scored(part, counts) for part in formula.parts)
    return AbuseScore(min(MOST_SCORE, sum(one.points for one in parts)), parts)


def _scored(part: Part, counts: Mapping[Fact, int]) -> Scored:
    count = counts.get(part.fact, 0)
    if part.of is None:
        return Scored(part, count, 0, None, min(part.most, count * part.each))
    of = counts.get(part.of, 0)
    share = min(FULL_BP, count * FULL_BP // of) if of else 0
    if count < part.least or share <= part.floor_bp:
        return Scored(part, count, of, share, 0)
    above = min(share, part.goal_bp) - part.floor_bp
    return Scored(part, count, of, share, part.most * above // (part.goal_bp - part.floor_bp))
