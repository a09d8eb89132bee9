"""What happens to an agreed task: delivered, accepted, disputed, ruled; and its money. Pure."""

from datetime import datetime
from enum import StrEnum

import msgspec

from dougong.base.errors import BadInput, Conflict, NotFound, Refusal
from dougong.base.money import FULL_BP, part_of
from dougong.tasks.brief_rules import Terms


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


def work_shares(
    *, funded_minor: int, basis_minor: int, share_bp: int, fee_bp: int, agency_bp: int
) -> Shares:
    """Every share is rounded down; what rounding leaves of the earned price is the creator's."""
    earned = part_of(basis_minor, share_bp)
    fee = part_of(earned, fee_bp)
    agency = part_of(earned - fee, agency_bp)
    return Shares(earned, fee, agency, earned - fee - agency, funded_minor - earned)


def states_to(state: WorkState) -> list[WorkState]:
    return [one for one, after in WORK_MOVES.items() if state in after]


def check_move(found: WorkState, wanted: WorkState, side: Side) -> None:
    """Raises WorkClosed."""
    if wanted is WorkState.DISPUTED:
        allowed = MAY_DISPUTE.get(found) is side
    else:
        allowed = wanted in WORK_MOVES[found] and side in MAY[wanted]
    if not allowed:
        raise WorkClosed(field="task_id", state=found.value)


def cancel_share_bp(terms: Terms, *, by: Side, samples_sent: bool, at: datetime) -> int:
    """What a creator is paid when a task is cancelled: nothing where it is the creator that
    cancels, or before anything was done; then by the terms."""
    if by is not Side.BRAND:
        return 0
    if at >= terms.starts_at:
        return terms.cancel_during_bp
    return terms.cancel_samples_bp if samples_sent else 0


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
