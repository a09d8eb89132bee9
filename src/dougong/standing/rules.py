"""What is true by rule of how a merchant stands: deposit, score, penalties. Pure.

A score is a weighted mean. Each part counts how many of something were good; its share gives no
points up to a floor, full points from a goal on, and between them points in proportion. Parts
of which nothing was counted are left out, with their weight.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from dougong.base.errors import BadInput, Conflict, Refusal
from dougong.base.money import part_of

FULL_BP = 10_000
ANY = "*"
MOST_MINOR = 100_000_000_000
MOST_DAYS = 3_650
MOST_WORDS = 2_000
MOST_ORDERS = 200  # that one penalty is about


class RuleOfKind(StrEnum):
    DEPOSIT = "deposit"
    SCORE = "score"
    PENALTY = "penalty"


class Metric(StrEnum):
    """What the parts of a score count."""

    SHIPPED_IN_TIME = "shipped_in_time"  # of orders whose time to ship is over
    NOT_SENT_BACK = "not_sent_back"  # of shipped orders: nothing refunded after shipping
    ANSWERED_IN_TIME = "answered_in_time"  # of after-sales cases that wanted an answer
    RULED_FOR = "ruled_for"  # of cases that the platform ruled: not against the merchant


class Measure(StrEnum):
    """What a store may not do while a penalty lasts."""

    NONE = "none"
    NO_NEW_LINKS = "no_new_links"


class NoStandingRule(Refusal):
    """No rule about this was in force then. Facts: `kind`, `subject`."""

    code = "no_standing_rule"
    status = 409


class StandingRuleOverlaps(Conflict):
    """Another approved rule about the same is in force at that time."""

    code = "standing_rule_overlaps"


class StandingRuleInPast(Refusal):
    """A rule decides from now on at the earliest."""

    code = "standing_rule_in_past"


class StandingRuleNotOpen(Conflict):
    """The rule is no draft any more."""

    code = "standing_rule_not_open"


class Restrained(Refusal):
    """A penalty keeps the store from this for now. Facts: `measure`, `until`."""

    code = "store_restrained"
    status = 409


class AppealTooLate(Conflict):
    """The time for an appeal is over. Facts: `until`."""

    code = "appeal_too_late"


class AppealedAlready(Conflict):
    """A penalty is appealed against once."""

    code = "appealed_already"


class PenaltyReversed(Conflict):
    """The penalty was taken back."""

    code = "penalty_reversed"


class OtherPersonNeeded(Conflict):
    """Who decided a penalty does not answer the appeal against it."""

    code = "other_person_needed"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part of a score. Shares and weight in basis points, the floor below the goal."""

    metric: Metric
    weight_bp: int
    floor_bp: int
    goal_bp: int


class Deposit(msgspec.Struct, frozen=True, tag="deposit", forbid_unknown_fields=True):
    """What a store with products of this category has to leave with the platform."""

    amount_minor: int
    currency: str


class Formula(msgspec.Struct, frozen=True, tag="score", forbid_unknown_fields=True):
    """How a score is made of the `days` before it. By when an order is to be shipped and a case
    answered is said by the terms in force then."""

    days: int
    parts: tuple[Part, ...]


class Tariff(msgspec.Struct, frozen=True, tag="penalty", forbid_unknown_fields=True):
    """What a violation costs: a fixed amount and a share of what was paid for the orders that it is
    about, together at most `most_minor`; and what the store may not do, for how long."""

    fixed_minor: int
    share_bp: int
    most_minor: int
    currency: str
    measure: Measure
    measure_days: int
    appeal_days: int


Terms = Deposit | Formula | Tariff
KINDS: Mapping[type, RuleOfKind] = {
    Deposit: RuleOfKind.DEPOSIT,
    Formula: RuleOfKind.SCORE,
    Tariff: RuleOfKind.PENALTY,
}


def check_terms(terms: Terms) -> None:
    """Raises BadInput at the field that no rule may have."""
    match terms:
        case Deposit():
            _within("amount_minor", terms.amount_minor, 0, MOST_MINOR)
            _currency(terms.currency)
        case Formula():
            _within("days", terms.days, 1, 365)
            _check_parts(terms.parts)
        case Tariff():
            _within("fixed_minor", terms.fixed_minor, 0, MOST_MINOR)
            _within("share_bp", terms.share_bp, 0, FULL_BP)
            _within("most_minor", terms.most_minor, terms.fixed_minor, MOST_MINOR)
            _within("appeal_days", terms.appeal_days, 1, 365)
            _currency(terms.currency)
            low = 0 if terms.measure is Measure.NONE else 1
            _within("measure_days", terms.measure_days, low, MOST_DAYS * low)


def _check_parts(parts: Sequence[Part]) -> None:
    if len({part.metric for part in parts}) != len(parts):
        raise BadInput(field="parts", reason="duplicate")
    for part in parts:
        _within("weight", part.weight_bp, 1, FULL_BP)
        _within("floor", part.floor_bp, 0, FULL_BP - 1)
        _within("goal", part.goal_bp, part.floor_bp + 1, FULL_BP)
    if sum(part.weight_bp for part in parts) != FULL_BP:
        raise BadInput(field="parts", reason="weights_make_100")


def _within(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise BadInput(field=field, reason="out_of_range")


def _currency(code: str) -> None:
    if not (len(code) == 3 and code.isascii() and code.isupper()):
        raise BadInput(field="currency", reason="unknown_value")


class Count(msgspec.Struct, frozen=True):
    """`good` of `of`."""

    good: int
    of: int


class PartScore(msgspec.Struct, frozen=True):
    """What one part gave. `points_bp` is None where nothing was counted."""

    metric: Metric
    weight_bp: int
    floor_bp: int
    goal_bp: int
    good: int
    of: int
    share_bp: int | None
    points_bp: int | None


class Score(msgspec.Struct, frozen=True):
    """`score_bp` of 10 000, None where nothing at all was counted."""

    score_bp: int | None
    parts: tuple[PartScore, ...]


def points(share_bp: int, part: Part) -> int:
    """0 up to the floor, 10 000 from the goal on, rounded down between."""
    above = min(share_bp, part.goal_bp) - part.floor_bp
    return max(0, above) * FULL_BP // (part.goal_bp - part.floor_bp)


def score(formula: Formula, counts: Mapping[Metric, Count]) -> Score:
    """Rounded down at each step, so that it can be done again by hand."""
    scored = tuple(
        _part_score(part, counts.get(part.metric, Count(0, 0))) for part in formula.parts
    )
    counted = [one for one in scored if one.points_bp is not None]
    weight = sum(one.weight_bp for one in counted)
    if not weight:
        return Score(None, scored)
    total = sum(one.weight_bp * (one.points_bp or 0) for one in counted)
    return Score(total // weight, scored)


def _part_score(part: Part, count: Count) -> PartScore:
    share = count.good * FULL_BP // count.of if count.of else None
    return PartScore(
        metric=part.metric,
        weight_bp=part.weight_bp,
        floor_bp=part.floor_bp,
        goal_bp=part.goal_bp,
        good=count.good,
        of=count.of,
        share_bp=share,
        points_bp=None if share is None else points(share, part),
    )


class DepositAsked(msgspec.Struct, frozen=True):
    """What one category asks for, and of which category the rule is; "" and 0 where none asks."""

    category: str
    rule_of: str
    amount_minor: int


def deposits_asked(
    rules: Iterable[tuple[str, Deposit]], categories: Iterable[str]
) -> list[DepositAsked]:
    """By category: the rule of the closest one above it decides, or that of ANY."""
    by_path = dict(rules)
    found = []
    for path in categories:
        at = next((one for one in _upwards(path) if one in by_path), "")
        found.append(DepositAsked(path, at, by_path[at].amount_minor if at else 0))
    return found


def deposit_due(rules: Iterable[tuple[str, Deposit]], categories: Iterable[str]) -> tuple[str, int]:
    """The highest deposit that any of the categories asks for, and the category of its rule.
    ("", 0) where none asks for one."""
    best = ("", 0)
    for one in deposits_asked(rules, categories):
        if one.amount_minor > best[1]:
            best = (one.rule_of, one.amount_minor)
    return best


def _upwards(path: str) -> Iterable[str]:
    parts = path.split("/")
    for length in range(len(parts), 0, -1):
        yield "/".join(parts[:length])
    yield ANY


def fine(tariff: Tariff, *, paid_minor: int) -> int:
    """Minor units, for orders of which `paid_minor` was paid; rounded down."""
    return min(tariff.most_minor, tariff.fixed_minor + part_of(paid_minor, tariff.share_bp))


def measure_until(tariff: Tariff, *, at: datetime) -> datetime | None:
    if tariff.measure is Measure.NONE:
        return None
    return at + timedelta(days=tariff.measure_days)
