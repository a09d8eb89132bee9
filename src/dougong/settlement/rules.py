"""What is true of reconciliation by rule: how the three sides of an order agree.

`judge` says it of one order, `compare.py` of a million at once, and a test holds both equal.
Amounts are whole minor units, instants whole microseconds since 1970 in UTC.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from dougong.base.errors import NotFound, Refusal
from dougong.base.money import FULL_BP

DAY_US = 86_400_000_000


class BadPaymentFile(Refusal):
    """A file that cannot be read as such a list of payments. Facts: `why`."""

    code = "bad_payment_file"


class RunNotFound(NotFound):
    code = "run_not_found"


# three sides of an order ------------------------------------------------------------------------


class Phase(StrEnum):
    """How far an order is with whoever speaks of it: its amount is an estimate, final, or none."""

    OPEN = "open"
    SETTLED = "settled"
    CLOSED = "closed"


class Outcome(StrEnum):
    MATCHED = "matched"
    WAITING = "waiting"  # nothing is wrong, and something is still to come
    DIFFERENT = "different"
    ONLY_OURS = "only_ours"
    ONLY_THEIRS = "only_theirs"
    UNPAID = "unpaid"  # reported, due, and no money came
    UNREPORTED = "unreported"  # money came for what nobody reported


AGREED = (Outcome.MATCHED, Outcome.WAITING)
DIFFERENCES = tuple(one for one in Outcome if one not in AGREED)


class Reason(StrEnum):
    NONE = ""
    CURRENCY = "currency"
    PHASE = "phase"  # settled here and not there, or the other way round
    AMOUNT = "amount"  # what we know, and what they report
    RECEIVED = "received"  # what they report, and what came
    UNREADABLE = "unreadable"  # the row of the report could not be taken
    NOT_IN_REPORT = "not_in_report"
    UNKNOWN_ORDER = "unknown_order"  # nobody of ours led anybody there
    OVERDUE = "overdue"
    NOT_REPORTED = "not_reported"
    NOT_DUE = "not_due"
    NOT_SETTLED = "not_settled"


class Terms(msgspec.Struct, frozen=True):
    """How far two amounts may be apart and still agree: the larger of the two limits.

    `tolerance_bp`: of the larger amount. `patience_days`: how long a report, or money, may take.
    `write_off_limit_minor`: up to it one person may write off.
    """

    tolerance_minor: int = 0
    tolerance_bp: int = 0
    patience_days: int = 0
    write_off_limit_minor: int = 0


EXACT = Terms()  # where no row says otherwise, amounts are equal or they are not


class Ours(NamedTuple):
    """An order as we know it. `amount_minor`: what reaches us; open: before the alliance's fees."""

    order_ref: str
    currency: str
    phase: str
    amount_minor: int
    booked_minor: int
    at_us: int


class Theirs(NamedTuple):
    """One row of the report; of several rows of an order the last readable one counts.

    `amount_minor` None: it could not be read. `refunded_minor`: taken back so far, of all rows the
    most. `settled_us`: from when the money is due. `problem`: why the row was not taken.
    """

    order_ref: str
    currency: str
    phase: str
    amount_minor: int | None
    refunded_minor: int
    at_us: int
    settled_us: int | None
    told: int  # later rows have larger numbers; no two are equal
    problem: str


class Received(NamedTuple):
    """One payment for an order. `is_mine`: it belongs to this run even when no side knows the
    order."""

    order_ref: str
    currency: str
    amount_minor: int
    at_us: int
    is_mine: bool


class Verdict(NamedTuple):
    """`gap_minor`: what we would have more (or, below zero, less) if the later side held: the
    report beside what we know, the money beside the report."""

    order_ref: str
    currency: str
    outcome: str
    reason: str
    detail: str
    ours_minor: int | None
    booked_minor: int
    theirs_minor: int | None
    received_minor: int | None
    gap_minor: int
    at_us: int
    since_us: int  # from which its age counts


def within(one: int, other: int, terms: Terms) -> bool:
    """Whether two amounts are near enough to be called equal."""
    allowed = max(abs(one), abs(other)) * terms.tolerance_bp // FULL_BP
    return abs(one - other) <= max(terms.tolerance_minor, allowed)


class _Told(NamedTuple):
    currency: str
    phase: str
    amount_minor: int | None
    at_us: int
    settled_us: int | None
    problem: str


class _Came(NamedTuple):
    currency: str
    is_mixed: bool
    amount_minor: int
    at_us: int
    is_mine: bool


def last_told(rows: Iterable[Theirs]) -> _Told:
    """What a report says of one order in the end: its last readable row, less all refunds."""
    found = list(rows)
    row = max(found, key=lambda one: (one.amount_minor is not None, one.told))
    refunded = max(one.refunded_minor for one in found)
    amount = row.amount_minor
    if amount is not None and row.phase == Phase.SETTLED:
        amount -= refunded
    return _Told(row.currency, row.phase, amount, row.at_us, row.settled_us, row.problem)


def all_received(rows: Iterable[Received]) -> _Came:
    """The payments of one order together."""
    found = list(rows)
    currencies = {one.currency for one in found}
    return _Came(
        min(currencies),
        len(currencies) > 1,
        sum(one.amount_minor for one in found),
        min(one.at_us for one in found),
        any(one.is_mine for one in found),
    )


def judge(
    order_ref: str,
    ours: Ours | None,
    told: Iterable[Theirs],
    came: Iterable[Received],
    *,
    terms: Mapping[str, Terms],
    lumps: Mapping[str, int],
    as_of_us: int,
) -> Verdict | None:
    """How the three sides of one order agree; None for money that is of another run.

    terms: by currency. lumps: money of the period that names no order, by currency: where there
    is some, a settled order needs no payment of its own.
    """
    rows, payments = list(told), list(came)
    theirs = last_told(rows) if rows else None
    money = all_received(payments) if payments else None
    if ours is None and theirs is None and not (money and money.is_mine):
        return None
    sides = [side.currency for side in (theirs, ours, money) if side is not None]
    how = terms.get(sides[0], EXACT)
    outcome, reason, gap = _agreed(ours, theirs, money, how, sides[0] in lumps, as_of_us)
    if len(set(sides)) > 1 or (money and money.is_mixed):
        outcome, reason, gap = Outcome.DIFFERENT, Reason.CURRENCY, 0
    at = next(side.at_us for side in (ours, theirs, money) if side is not None)
    due_from = theirs.settled_us if theirs and outcome is Outcome.UNPAID else None
    return Verdict(
        order_ref,
        sides[0],
        outcome,
        reason,
        theirs.problem if theirs else "",
        ours.amount_minor if ours else None,
        ours.booked_minor if ours else 0,
        theirs.amount_minor if theirs else None,
        money.amount_minor if money else None,
        gap,
        at,
        at if due_from is None else due_from,
    )


def _agreed(
    ours: Ours | None,
    theirs: _Told | None,
    money: _Came | None,
    terms: Terms,
    has_lump: bool,
    as_of_us: int,
) -> tuple[Outcome, Reason, int]:
    """Outcome, reason and gap of one order, the first that fits; currencies are equal."""
    patience = terms.patience_days * DAY_US
    known = ours.amount_minor if ours else 0
    if theirs is None:
        if money is not None:
            return Outcome.UNREPORTED, Reason.NOT_REPORTED, money.amount_minor - known
        if ours is None or ours.phase == Phase.CLOSED:
            return Outcome.MATCHED, Reason.NONE, 0
        if as_of_us <= ours.at_us + patience:
            return Outcome.WAITING, Reason.NOT_IN_REPORT, 0
        return Outcome.ONLY_OURS, Reason.NOT_IN_REPORT, -known
    if ours is None:
        return Outcome.ONLY_THEIRS, Reason.UNKNOWN_ORDER, theirs.amount_minor or 0
    if theirs.amount_minor is None:
        return Outcome.DIFFERENT, Reason.UNREADABLE, 0
    if ours.phase != theirs.phase:
        return Outcome.DIFFERENT, Reason.PHASE, theirs.amount_minor - known
    if not within(known, theirs.amount_minor, terms):
        return Outcome.DIFFERENT, Reason.AMOUNT, theirs.amount_minor - known
    return _paid(theirs.phase, theirs.amount_minor, theirs, money, terms, has_lump, as_of_us)


def _paid(
    phase: str,
    amount_minor: int,
    theirs: _Told,
    money: _Came | None,
    terms: Terms,
    has_lump: bool,
    as_of_us: int,
) -> tuple[Outcome, Reason, int]:
    """The report agrees with what we know: and the money?"""
    due = amount_minor if phase == Phase.SETTLED else 0
    if money is not None and not within(money.amount_minor, due, terms):
        return Outcome.DIFFERENT, Reason.RECEIVED, money.amount_minor - due
    if phase == Phase.OPEN:
        return Outcome.WAITING, Reason.NOT_SETTLED, 0
    if money is not None or due <= 0 or has_lump:
        return Outcome.MATCHED, Reason.NONE, 0
    since = theirs.at_us if theirs.settled_us is None else theirs.settled_us
    if as_of_us <= since + terms.patience_days * DAY_US:
        return Outcome.WAITING, Reason.NOT_DUE, 0
    return Outcome.UNPAID, Reason.OVERDUE, -due


def judge_lump(
    subject: str,
    currency: str,
    covered: Iterable[Verdict],
    *,
    lump_minor: int,
    terms: Mapping[str, Terms],
    at_us: int,
) -> Verdict:
    """Money that names no order, beside all that it has to cover: what is settled, agreed on, and
    paid by no payment of its own (`covered`)."""
    due = sum(one.theirs_minor or 0 for one in covered)
    agrees = within(lump_minor, due, terms.get(currency, EXACT))
    return Verdict(
        subject,
        currency,
        Outcome.MATCHED if agrees else Outcome.DIFFERENT,
        Reason.NONE if agrees else Reason.RECEIVED,
        "",
        None,
        0,
        due,
        lump_minor,
        0 if agrees else lump_minor - due,
        at_us,
        at_us,
    )


# ageing -----------------------------------------------------------------------------------------

AGES = (7, 30, 60, 90)  # days; older than the last is the last bucket


def age_bucket(days: int) -> int:
    """0 for up to a week, … 4 for more than 90 days."""
    return sum(days > limit for limit in AGES)
