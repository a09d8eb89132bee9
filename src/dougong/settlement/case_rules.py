"""What is true of cases by rule: which steps one may take, and what accepting it books."""

from enum import StrEnum

from dougong.base.errors import BadInput, Conflict, NotAllowed, NotFound, Refusal
from dougong.settlement.rules import Outcome, Reason

MOST_NOTE = 2_000


class CaseNotFound(NotFound):
    code = "case_not_found"


class BadMove(Conflict):
    """A case cannot go from the state that it is in to the one asked for. Facts: `state`."""

    code = "bad_case_move"


class NeedsSecondPerson(NotAllowed):
    """Whoever asks for a write-off above the limit does not approve it."""

    code = "needs_second_person"


class NoteMissing(Refusal):
    """Every step of a case says why."""

    code = "note_missing"


class CaseState(StrEnum):
    OPEN = "open"
    EXPLAINED = "explained"  # we know why; money is still to move, or not
    CLAIMED = "claimed"  # asked for at the partner
    TO_APPROVE = "to_approve"  # one person would accept it, a second must
    ACCEPTED = "accepted"
    CLOSED = "closed"


MOVES: dict[CaseState, set[CaseState]] = {
    CaseState.OPEN: {
        CaseState.EXPLAINED,
        CaseState.CLAIMED,
        CaseState.TO_APPROVE,
        CaseState.ACCEPTED,
    },
    CaseState.EXPLAINED: {
        CaseState.CLAIMED,
        CaseState.TO_APPROVE,
        CaseState.ACCEPTED,
        CaseState.CLOSED,
    },
    CaseState.CLAIMED: {
        CaseState.EXPLAINED,
        CaseState.TO_APPROVE,
        CaseState.ACCEPTED,
        CaseState.CLOSED,
    },
    CaseState.TO_APPROVE: {CaseState.OPEN, CaseState.ACCEPTED},
    CaseState.ACCEPTED: {CaseState.CLOSED, CaseState.OPEN},
    CaseState.CLOSED: {CaseState.OPEN},
}
UNDONE = (CaseState.OPEN, CaseState.EXPLAINED, CaseState.CLAIMED, CaseState.TO_APPROVE)


def states_before(state: CaseState) -> list[CaseState]:
    return [one for one, after in MOVES.items() if state in after]


def said_why(note: str) -> str:
    """The reason of a step, as it is kept. Raises NoteMissing, BadInput."""
    kept = "\n".join(" ".join(line.split()) for line in note.strip().splitlines())
    if not kept:
        raise NoteMissing(field="note")
    if len(kept) > MOST_NOTE:
        raise BadInput(field="note", reason="too_long")
    return kept


def write_off_minor(
    *,
    outcome: str,
    reason: str,
    booked_minor: int,
    theirs_minor: int | None,
    received_minor: int | None,
) -> int:
    """What accepting a difference changes in the books: below zero what the partner's receivable
    loses, above zero what it gains.

    The books hold `booked_minor` as owed to us. What came is final; where none came, an order that
    the report has with less is worth what it reports, and one that is unpaid or not reported
    nothing. More than is booked is never booked without money: a later report does that.
    """
    if reason in (Reason.CURRENCY, Reason.UNREADABLE):
        return 0
    if received_minor is not None:
        return received_minor - booked_minor
    if outcome == Outcome.DIFFERENT:
        return min(theirs_minor or 0, booked_minor) - booked_minor
    if outcome in (Outcome.UNPAID, Outcome.ONLY_OURS):
        return -booked_minor
    return 0
