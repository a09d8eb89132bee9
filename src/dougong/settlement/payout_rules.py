"""What is true of payouts by rule: how they move, when they are due, how much of what is owed."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import BadInput, Conflict, NotFound, Refusal


class PayoutState(StrEnum):
    BOOKED = "booked"  # taken from what is owed, not at the bank yet
    HELD = "held"  # somebody has to look first
    SENT = "sent"  # the bank was told, or may have been
    CONFIRMED = "confirmed"  # the bank has paid it
    RETURNED = "returned"  # it came back, or was given up: owed again


MOVES: dict[PayoutState, set[PayoutState]] = {
    PayoutState.BOOKED: {PayoutState.HELD, PayoutState.SENT},
    PayoutState.HELD: {PayoutState.BOOKED, PayoutState.RETURNED},
    PayoutState.SENT: {PayoutState.CONFIRMED, PayoutState.RETURNED},
    PayoutState.CONFIRMED: {PayoutState.RETURNED},  # banks send money back days after
    PayoutState.RETURNED: set(),
}


def states_before(state: PayoutState) -> list[str]:
    return [str(one) for one, following in MOVES.items() if state in following]


class RunState(StrEnum):
    MAKING = "making"
    WAITING = "waiting"  # above the limit: two people let it go
    APPROVED = "approved"


class Side(StrEnum):
    PLATFORM = "platform"
    OPERATOR = "operator"
    BANK = "bank"


class PayoutWrongState(Conflict):
    """This payout cannot do that now. Fact: `state`, where it stands."""

    code = "payout_wrong_state"


class RunWrongState(Conflict):
    """The run is not made yet, or was approved before. Fact: `state`."""

    code = "payout_run_wrong_state"


class SecondPerson(Conflict):
    """Above the limit somebody else has to approve than who started or checked the run."""

    code = "payout_second_person"


class NoPayoutAccount(Conflict):
    """The payee has no account that is verified and old enough to be paid to."""

    code = "payout_no_account"


class NothingOwed(Conflict):
    """What came back is not owed any more: it was paid since, or refunds took it."""

    code = "payout_nothing_owed"


class NoPayoutTerms(Conflict):
    """No terms say how this kind of payee is paid on that day."""

    code = "payout_no_terms"


class PayoutTermsAtThisInstant(Conflict):
    """Another row starts at the same instant: choose another, rows are never edited."""

    code = "payout_terms_at_this_instant"


class AccountClosed(Conflict):
    """This account was verified, refused or replaced before."""

    code = "payout_account_closed"


class OwnAccount(Conflict):
    """Nobody verifies an account that they entered themselves."""

    code = "payout_own_account"


class BadAnswerFile(Refusal):
    """A file that cannot be read as a bank's answers. Fact: `why`."""

    code = "bad_payout_answers"


class PayoutNotFound(NotFound):
    code = "payout_not_found"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """`weekday`: ISO, the day of weekly payouts; None pays every day. `hold_days`: what was
    credited in the last so many days waits. `approve_above_minor`: of a run's total."""

    weekday: int | None
    minimum_minor: int
    hold_days: int
    change_wait_days: int
    approve_above_minor: int


def due_day(weekday: int | None, *, today: date) -> date:
    """The last day up to today on which payouts were due."""
    if weekday is None:
        return today
    return today - timedelta(days=(today.isoweekday() - weekday) % 7)


def payable(*, balance_minor: int, recent_minor: int, minimum_minor: int) -> int:
    """What of a balance is paid now: nothing that was credited too recently, and nothing below
    the minimum. Below zero, a receivable, pays nothing."""
    ripe = balance_minor - recent_minor
    return ripe if ripe >= max(minimum_minor, 1) else 0


class Usable(msgspec.Struct, frozen=True):
    """Why an account is paid to or not: "", none, unverified, new (from `usable_at` on)."""

    why: str
    usable_at: datetime | None = None


def usable(
    *,
    made_at: datetime | None,
    verified_at: datetime | None,
    is_change: bool,
    wait_days: int,
    at: datetime,
) -> Usable:
    """A payee's first account is paid to once it is verified; a changed one after a wait too."""
    if made_at is None:
        return Usable("none")
    from_then = made_at + timedelta(days=wait_days) if is_change else None
    if verified_at is None:
        return Usable("unverified", from_then)
    return Usable("new", from_then) if from_then and from_then > at else Usable("", from_then)


class BankAccount(msgspec.Struct, frozen=True):
    """Where somebody is paid, in clear."""

    holder: str
    bank: str
    number: str


def bank_account(*, holder: str, bank: str, number: str) -> BankAccount:
    """In one form. Raises BadInput for what cannot be an account: 8 to 34 letters and digits, and
    the check digits of an IBAN (ISO 13616) where it is one."""
    names = {"holder": " ".join(holder.split()), "bank": " ".join(bank.split())}
    for field, name in names.items():
        if not 1 <= len(name) <= 100:
            raise BadInput(field=field, reason="missing" if not name else "too_long")
        if not name.isprintable():
            raise BadInput(field=field, reason="control_character")
    digits = "".join(c for c in number if c not in " -\u00a0").upper()
    if not (8 <= len(digits) <= 34 and digits.isascii() and digits.isalnum()):
        raise BadInput(field="number", reason="bad_account_number")
    if digits[:2].isalpha() and not is_iban(digits):
        raise BadInput(field="number", reason="bad_account_number")
    if not digits[:2].isalpha() and not digits.isdecimal():
        raise BadInput(field="number", reason="bad_account_number")
    return BankAccount(names["holder"], names["bank"], digits)


def is_iban(text: str) -> bool:
    moved = text[4:] + text[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def checked_terms(terms: Terms) -> Terms:
    """Raises BadInput for what is out of range."""
    most = 10**12
    for field, value, low, high in (
        ("minimum_minor", terms.minimum_minor, 1, most),
        ("hold_days", terms.hold_days, 0, 90),
        ("change_wait_days", terms.change_wait_days, 0, 90),
        ("approve_above_minor", terms.approve_above_minor, 0, most),
        ("weekday", terms.weekday or 1, 1, 7),
    ):
        if not low <= value <= high:
            raise BadInput(field=field, reason="out_of_range")
    return terms


# The bank's answers --------------------------------------------------------------------------


class BankAnswer(msgspec.Struct, frozen=True):
    """What the bank says of one payout: taken (it works on it), confirmed or returned."""

    payout_id: UUID
    state: str
    ref: str = ""
    why: str = ""


class AnswerProblem(msgspec.Struct, frozen=True):
    """Why a line of the bank's file was not taken."""

    line: int
    field: str
    reason: str
    value: str


def read_answers(
    lines: Iterable[tuple[int, list[str]]],
) -> tuple[list[tuple[int, BankAnswer]], list[AnswerProblem], int]:
    """Answers by line, bad lines, and how many lines there were. The first line names the columns:
    payout_id, state (confirmed or returned), and bank_ref and reason where there are. Raises
    BadAnswerFile for a file without the first two."""
    rows = iter(lines)
    head = [name.strip().lower() for name in next(rows, (0, []))[1]]
    if "payout_id" not in head or "state" not in head:
        raise BadAnswerFile(field="file", why="columns")
    good: list[tuple[int, BankAnswer]] = []
    bad: list[AnswerProblem] = []
    count = 0
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        told = dict(zip(head, (cell.strip() for cell in cells), strict=False))
        read = _answer(line, told)
        if isinstance(read, AnswerProblem):
            bad.append(read)
        else:
            good.append((line, read))
    return good, bad, count


def _answer(line: int, told: dict[str, str]) -> BankAnswer | AnswerProblem:
    state, ref, why = (told.get(name, "") for name in ("state", "bank_ref", "reason"))
    try:
        payout_id = UUID(told.get("payout_id", ""))
    except ValueError:
        return AnswerProblem(line, "payout_id", "not_an_id", told.get("payout_id", "")[:200])
    if state not in ("confirmed", "returned"):
        return AnswerProblem(line, "state", "unknown_value", state[:200])
    if state == "returned" and not why:
        return AnswerProblem(line, "reason", "missing", "")
    if state == "confirmed" and not ref:
        return AnswerProblem(line, "bank_ref", "missing", "")
    return BankAnswer(payout_id, state, ref[:100], why[:200])
