"""What is true of orders at other platforms by rule: who earned them, and who gets what.

Their life is in `order_rules.py`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import Conflict, NotFound, Refusal
from dougong.base.money import FULL_BP, BadAmount, part_of

ANY, OUTSIDE, OWN = "*", "outside", "own"
NOBODY_BP = FULL_BP  # nobody of ours earned it: the platform keeps what is left


class BadReport(Refusal):
    """A file that cannot be read as such a report. Facts: `why`."""

    code = "bad_report_file"


class ReadElsewhere(Conflict):
    """Somebody else reads the same file at this moment."""

    code = "report_read_elsewhere"


class UnknownMapping(NotFound):
    """There is no mapping of this name."""

    code = "unknown_mapping"


class PrecedenceTaken(Conflict):
    """Another row of the source has this rank, or is in force for the same claim, in that time."""

    code = "precedence_taken"


class PrecedencePast(Refusal):
    """A row of precedence decides from the future on only."""

    code = "precedence_in_past"


class PrecedenceApprover(Refusal):
    """Who drafted a row cannot approve it."""

    code = "precedence_second_person"
    status = 403


class NotDisputable(Conflict):
    """The claim cannot be ruled for: it is the winner already, or of another order."""

    code = "not_disputable"


# who gets what ------------------------------------------------------------------------------


class Rates(msgspec.Struct, frozen=True):
    """Frozen on the ruling, in basis points."""

    service_fee_bp: int
    commission_cut_bp: int


class Shares(msgspec.Struct, frozen=True):
    """Where the commission that reaches us belongs; all in minor units."""

    received: int
    service_fee: int
    after_fee: int  # what the cut is taken of
    commission_cut: int
    referral: int  # the creator's

    def residual(self) -> int:
        """What the shares do not explain of the whole: always 0."""
        return self.received - self.service_fee - self.commission_cut - self.referral


NOTHING = Shares(0, 0, 0, 0, 0)


def referral_shares(amount_minor: int, rates: Rates, *, refunded_minor: int = 0) -> Shares:
    """Who gets what of a commission of which `refunded_minor` was taken back so far.

    Everything follows from the cumulative refund alone, at the rates first applied: any series of
    refunds ends where one refund of their sum ends, and a full refund leaves exactly nothing.
    Rounding is down; what it leaves over stays with the creator. Raises BadAmount.
    """
    if not 0 <= refunded_minor <= amount_minor:
        raise BadAmount(f"{refunded_minor} of {amount_minor}")
    received = amount_minor - refunded_minor
    fee = part_of(received, rates.service_fee_bp)
    cut = part_of(received - fee, rates.commission_cut_bp)
    return Shares(received, fee, received - fee, cut, received - fee - cut)


# who earned it --------------------------------------------------------------------------------


class ClaimKind(StrEnum):
    TASK = "task"  # a click on the link of an agreed task
    CLICK = "click"
    SHARE_CODE = "share_code"
    AD = "ad"
    SOURCE = "source"  # the source itself names somebody, or its own traffic
    OPERATOR = "operator"  # by hand, in a dispute


class Lost(StrEnum):
    """Why a claim did not win."""

    INVALID_CLICK = "invalid_click"
    SELF_PURCHASE = "self_purchase"
    AFTER_PAYMENT = "after_payment"
    OUTSIDE_WINDOW = "outside_window"
    NO_RULE = "no_rule"
    LOWER_RANK = "lower_rank"
    EARLIER = "earlier"  # of the same kind; the last one counts
    OVERRULED = "overruled"  # by a person, in a dispute


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody led the shopper there at `at`. Without a creator it is the platform's or the
    source's own doing. `validity`: of the click behind it; only `valid` counts."""

    id: UUID
    claim: ClaimKind
    evidence: str
    at: datetime
    creator_id: UUID | None = None
    link_id: UUID | None = None
    click_id: UUID | None = None
    task_id: UUID | None = None
    surface: str = ANY
    route: str = ANY
    category: str = ANY
    validity: str = "valid"
    is_self: bool = False


class ClaimRule(msgspec.Struct, frozen=True, kw_only=True):
    """One dated row: claims of this kind, of this source, have `rank` (1 goes first) and hold for
    `window_days` after the shopper was led there. In force in [starts, ends)."""

    id: UUID
    source: str
    claim: ClaimKind
    starts: datetime
    ends: datetime | None
    rank: int
    window_days: int
    reason_zh: str = ""
    reason_en: str = ""


class Loser(msgspec.Struct, frozen=True):
    claim: Claim
    why: Lost


class Ruling(msgspec.Struct, frozen=True):
    """The claim that earned the order and the row that says so, or neither; and the losers."""

    winner: Claim | None
    rule: ClaimRule | None
    losers: tuple[Loser, ...]


def rule_on(
    *, source: str, paid_at: datetime, claims: Iterable[Claim], rules: Sequence[ClaimRule]
) -> Ruling:
    """Who earned an order: by the rows in force when it was paid, the lowest rank wins, and of one
    rank the last one before the payment. A row that names the source goes before one that does not.
    """
    fit: list[tuple[ClaimRule, Claim]] = []
    losers: list[Loser] = []
    for claim in claims:
        rule = rule_for(claim.claim, source=source, at=paid_at, rules=rules)
        why = _why_not(claim, rule, paid_at)
        if why is not None or rule is None:
            losers.append(Loser(claim, why or Lost.NO_RULE))
        else:
            fit.append((rule, claim))
    if not fit:
        return Ruling(None, None, tuple(losers))
    fit.sort(key=lambda one: (one[0].rank, -one[1].at.timestamp(), one[1].id))
    best, winner = fit[0]
    for rule, claim in fit[1:]:
        why = Lost.EARLIER if rule.rank == best.rank else Lost.LOWER_RANK
        losers.append(Loser(claim, why))
    return Ruling(winner, best, tuple(losers))


def rule_for(
    claim: ClaimKind, *, source: str, at: datetime, rules: Sequence[ClaimRule]
) -> ClaimRule | None:
    """The row for a kind of claim at an instant: the source's own, then `outside`, then any."""
    for name in (source, OUTSIDE if source != OWN else ANY, ANY):
        for rule in rules:
            in_force = rule.starts <= at and (rule.ends is None or at < rule.ends)
            if rule.claim is claim and rule.source == name and in_force:
                return rule
    return None


def _why_not(claim: Claim, rule: ClaimRule | None, paid_at: datetime) -> Lost | None:
    if claim.validity == "self" or claim.is_self:
        return Lost.SELF_PURCHASE
    if claim.validity != "valid":
        return Lost.INVALID_CLICK
    if claim.at > paid_at:
        return Lost.AFTER_PAYMENT
    if rule is None:
        return Lost.NO_RULE
    if paid_at - claim.at > timedelta(days=rule.window_days):
        return Lost.OUTSIDE_WINDOW
    return None
