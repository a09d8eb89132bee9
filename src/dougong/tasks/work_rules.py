"""What happens to an agreed task: delivered, accepted, disputed, ruled; and its money. Pure."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from dougong.base.errors import BadInput, Conflict, NotFound, Refusal
from dougong.base.money import FULL_BP, part_of
from dougong.tasks.brief_rules import Terms, fixed_minor, is_by_result, reached_minor


class WorkState(StrEnum):
    """Where an agreed task stands. `part_offered`: a part of the price is offered for what was
    delivered. `lapsed`: nothing was delivered in time."""

    AGREED = "agreed"
    DELIVERED = "delivered"
    REDO = "redo"
    PART_OFFERED = "part_offered"
    DISPUTED = "disputed"
    ACCEPTED = "accepted"
    PART_ACCEPTED = "part_accepted"
    RULED = "ruled"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


_S = WorkState
WORK_MOVES: dict[WorkState, set[WorkState]] = {
    _S.AGREED: {_S.DELIVERED, _S.CANCELLED, _S.LAPSED},
    _S.DELIVERED: {_S.ACCEPTED, _S.REDO, _S.PART_OFFERED, _S.DISPUTED},
    _S.REDO: {_S.DELIVERED, _S.DISPUTED, _S.CANCELLED, _S.LAPSED},
    _S.PART_OFFERED: {_S.PART_ACCEPTED, _S.DISPUTED, _S.ACCEPTED},
    _S.DISPUTED: {_S.RULED, _S.ACCEPTED},
    _S.ACCEPTED: set(),
    _S.PART_ACCEPTED: set(),
    _S.RULED: set(),
    _S.CANCELLED: set(),
    _S.LAPSED: set(),
}
ENDED = frozenset(state for state, after in WORK_MOVES.items() if not after)


class Side(StrEnum):
    BRAND = "brand"
    CREATOR = "creator"
    OPERATOR = "operator"
    DEADLINE = "deadline"


# Who may bring a task into a state; the operator rules, and a deadline ends what nobody ends.
MAY: dict[WorkState, frozenset[Side]] = {
    _S.DELIVERED: frozenset({Side.CREATOR}),
    _S.ACCEPTED: frozenset({Side.BRAND, Side.DEADLINE}),
    _S.REDO: frozenset({Side.BRAND}),
    _S.PART_OFFERED: frozenset({Side.BRAND, Side.DEADLINE}),
    _S.PART_ACCEPTED: frozenset({Side.CREATOR, Side.DEADLINE}),
    _S.RULED: frozenset({Side.OPERATOR}),
    _S.CANCELLED: frozenset({Side.BRAND, Side.CREATOR, Side.DEADLINE}),
    _S.LAPSED: frozenset({Side.DEADLINE}),
}
# Whose turn it is to dispute what the other side did.
MAY_DISPUTE: dict[WorkState, Side] = {
    _S.DELIVERED: Side.BRAND,
    _S.REDO: Side.CREATOR,
    _S.PART_OFFERED: Side.CREATOR,
}


class WorkClosed(Conflict):
    """The task is not where this can be done. Fact: `state`."""

    code = "task_work_closed"


class TermsMoved(Conflict):
    """Cancelling costs other than what was shown: the task has come further. Fact: `stage`."""

    code = "cancel_terms_moved"


class WorkGone(NotFound):
    code = "task_gone"


class BadWork(BadInput):
    """A field of a delivery, an offer or a ruling. `field` names it."""

    code = "bad_task_work"
    status = 422


class TooEarly(Refusal):
    """Nothing can be delivered before the task begins. Fact: `starts_at`."""

    code = "task_not_begun"
    status = 409


class NoEvidence(Refusal):
    """Nothing that was shown is on record yet: there is nothing to deliver."""

    code = "task_no_evidence"
    status = 409


class RatedAlready(Conflict):
    code = "rated_already"


class Shares(msgspec.Struct, frozen=True):
    """What becomes of the money that was held for a task; the parts sum to it.

    `earned`: the part of the price that the work has earned; `fee` of it is the platform's,
    `agency` of the rest the agency's, `creator` what is left; `back` goes home to the brand.
    """

    earned: int
    fee: int
    agency: int
    creator: int
    back: int


class Stage(StrEnum):
    """How far a task had come when it was cancelled: nothing done, samples sent, begun, something
    delivered. What is delivered and waits for an answer cannot be cancelled."""

    BEFORE = "before"
    SAMPLES = "samples"
    BEGUN = "begun"
    DELIVERED = "delivered"


class Reached(msgspec.Struct, frozen=True):
    """What the part by result had come to when a task was cancelled, and which share of it is
    paid. `measured`: views, orders or sales."""

    minor: int
    share_bp: int
    measured: int


class Leaving(msgspec.Struct, frozen=True):
    """What cancelling costs: a share of the fixed part of the price, and of what was reached."""

    stage: Stage
    fixed_minor: int
    share_bp: int
    reached: Reached | None


def work_shares(
    *,
    funded_minor: int,
    basis_minor: int,
    share_bp: int,
    fee_bp: int,
    agency_bp: int,
    reached: Reached | None = None,
) -> Shares:
    """Every share is rounded down; what rounding leaves of the earned price is the creator's."""
    earned = part_of(basis_minor, share_bp)
    if reached is not None:
        earned += part_of(reached.minor, reached.share_bp)
    fee = part_of(earned, fee_bp)
    agency = part_of(earned - fee, agency_bp)
    return Shares(earned, fee, agency, earned - fee - agency, funded_minor - earned)


def check_move(found: WorkState, wanted: WorkState, side: Side) -> None:
    """Raises WorkClosed."""
    if wanted is WorkState.DISPUTED:
        allowed = MAY_DISPUTE.get(found) is side
    else:
        allowed = wanted in WORK_MOVES[found] and side in MAY[wanted]
    if not allowed:
        raise WorkClosed(field="task_id", state=found.value)


def stage_at(terms: Terms, *, samples_sent: bool, deliveries: int, at: datetime) -> Stage:
    if deliveries:
        return Stage.DELIVERED
    if at >= terms.starts_at:
        return Stage.BEGUN
    return Stage.SAMPLES if samples_sent else Stage.BEFORE


def cancel_share_bp(terms: Terms, stage: Stage) -> int:
    """Of the fixed part, when the brand cancels."""
    shares = {
        Stage.BEFORE: 0,
        Stage.SAMPLES: terms.cancel_samples_bp,
        Stage.BEGUN: terms.cancel_during_bp,
        Stage.DELIVERED: terms.cancel_delivered_bp,
    }
    return shares[stage]


def leaving(
    terms: Terms, *, by: Side, stage: Stage, measured: int | None, is_barred: bool
) -> Leaving:
    """What cancelling costs now. Nothing where it is not the brand that cancels; of what was
    reached nothing before the task begins, nor with a word of the blacklist in what was shown."""
    is_brand = by is Side.BRAND
    reached = None
    if is_by_result(terms):
        counts = is_brand and stage in (Stage.BEGUN, Stage.DELIVERED) and not is_barred
        share_bp = terms.cancel_reached_bp if counts else 0
        reached = Reached(reached_minor(terms, measured), share_bp, measured or 0)
    share_bp = cancel_share_bp(terms, stage) if is_brand else 0
    return Leaving(stage, fixed_minor(terms), share_bp, reached)


def check_share(share_bp: int, *, most: int = FULL_BP) -> int:
    """Raises BadWork."""
    if not 0 <= share_bp <= most:
        raise BadWork(field="share", reason="out_of_range")
    return share_bp


def check_words(words: str, *, field: str, most: int = 4_000) -> str:
    """Stripped. Raises BadWork for nothing, and for too much."""
    found = words.strip()
    if not found or len(found) > most:
        raise BadWork(field=field, reason="empty" if not found else "too_long")
    return found


class AgencyShare(msgspec.Struct, frozen=True):
    """What an agency takes of a creator's tasks that are agreed from `starts` on, before `ends`."""

    starts: datetime
    ends: datetime | None
    share_bp: int


def share_at(shares: Sequence[AgencyShare], at: datetime) -> int:
    """Basis points; they never overlap, so at most one holds."""
    return sum(
        one.share_bp for one in shares if one.starts <= at and (one.ends is None or at < one.ends)
    )


def share_moments(
    shares: Sequence[AgencyShare], *, after: datetime, until: datetime
) -> list[datetime]:
    """The instants between at which a share begins or ends; none where `until` has passed."""
    ends = {moment for one in shares for moment in (one.starts, one.ends) if moment is not None}
    return sorted(moment for moment in ends if after < moment < until)
