"""What a payee is owed goes to the bank, once a day; what the bank sends back is owed again.

A payable below zero (money that a later refund took back) is nothing to pay out: it is taken from
what comes in next, before anything is paid again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import Conflict
from dougong.base.ids import PersonId, StoreId, new_id
from dougong.infra import clock, pause
from dougong.infra.events import Happened, record_each
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved, platform
from dougong.reads.payouts import run_of
from dougong.reads.payouts_owed import Name, Owed, owed, payables_of
from dougong.settlement.payout_commands import (
    NewPayout,
    confirm_payouts,
    insert_payouts,
    lock_payout,
    lock_payouts,
    move_payout,
    ref_is_taken,
)
from dougong.settlement.payout_rules import (
    BankAnswer,
    NoPayoutAccount,
    NothingOwed,
    PayoutState,
    PayoutWrongState,
    Side,
    Terms,
    payable,
    usable,
)
from dougong.settlement.payout_terms_commands import terms_by_id

NOTED_AT_ONCE = 5_000
BANK, PAID_OUT = platform(Purpose.BANK_CLEARING), platform(Purpose.PAID_OUT)


class BankRefTaken(Conflict):
    """The bank has named another payout so before."""

    code = "payout_bank_ref_taken"


def since_of(terms: Terms, at: datetime) -> datetime:
    """What was credited later than this is not paid yet."""
    return at - timedelta(days=terms.hold_days) if terms.hold_days else at


def to_pay(one: Owed, *, terms: Terms) -> int:
    """What of it is paid now, wherever it goes."""
    recent = one.recent_minor if terms.hold_days else 0
    return payable(
        balance_minor=one.balance_minor, recent_minor=recent, minimum_minor=terms.minimum_minor
    )


def is_usable(one: Owed, *, terms: Terms, at: datetime) -> bool:
    state = usable(
        made_at=one.made_at, verified_at=one.verified_at, is_change=one.is_change,
        wait_days=terms.change_wait_days, at=at,
    )  # fmt: skip
    return not state.why


async def pay_out(
    conn: AsyncConnection,
    *,
    run: Any,
    terms: Terms,
    store_id: StoreId,
    accounts: Sequence[Name],
    at: datetime,
) -> list[UUID]:
    """Book what one book owes these accounts towards the bank; answers the new payouts.

    The same day again pays nothing more. Several callers wait for one another.
    """
    await lock_payouts(conn, store_id=store_id)
    await pause.point("payout: locked")
    wanted: list[NewPayout] = []
    for one in await owed(conn, accounts=accounts, since=since_of(terms, at)):
        minor = to_pay(one, terms=terms)
        if minor and one.account_id is not None and is_usable(one, terms=terms, at=at):
            wanted.append(NewPayout(new_id(), one.payee_id, one.account_id, minor))
    return await _book_new(conn, run=run, store_id=store_id, wanted=wanted, at=at)


async def _book_new(
    conn: AsyncConnection, *, run: Any, store_id: StoreId, wanted: Sequence[NewPayout], at: datetime
) -> list[UUID]:
    made = await insert_payouts(
        conn, store_id=store_id, run_id=run.id, purpose=run.purpose, currency=run.currency,
        day=run.day, payouts=wanted, at=at,
    )  # fmt: skip
    new = [one for one in wanted if one.id in made]
    entries = [
        Entry(
            kind=EntryKind.PAYOUT,
            key=f"payout:{one.id}",
            counts_at=at,
            transfers=tuple(
                moved(
                    AccountName(one.payee_id, Purpose(run.purpose)),
                    BANK,
                    one.amount_minor,
                    Part.PAYOUT,
                )
            ),
        )
        for one in new
    ]
    await book(
        conn, store_id=store_id, currency=run.currency, entries=entries,
        written_at=clock.wall_now(),
    )  # fmt: skip
    facts = {"currency": run.currency, "day": run.day.isoformat()}
    events = [
        _event("payout.booked", store_id, run.purpose, one.id, facts
               | {"payee_id": str(one.payee_id), "amount_minor": one.amount_minor})
        for one in new
    ]  # fmt: skip
    await record_each(conn, at=at, events=events)
    return [one.id for one in new]


def _event(
    kind: str, store_id: StoreId, purpose: str, payout_id: UUID, facts: dict[str, Any]
) -> Happened:
    """A store hears of its own payouts; what its book pays to others is not its business."""
    mine = store_id if purpose == Purpose.MERCHANT_PAYABLE else None
    return Happened(kind, mine, payout_id, facts)


async def note_payouts(conn: AsyncConnection, rows: Sequence[Any], *, at: datetime) -> None:
    """The event of where each payout stands now."""
    for start in range(0, len(rows), NOTED_AT_ONCE):
        events = [_where_it_stands(row) for row in rows[start : start + NOTED_AT_ONCE]]
        await record_each(conn, at=at, events=events)


def _where_it_stands(row: Any) -> Happened:
    facts = {"payee_id": str(row.payee_id), "amount_minor": row.amount_minor}
    facts |= {"currency": row.currency, "day": row.day.isoformat()}
    facts |= {"bank_ref": row.bank_ref or "", "why": row.why}
    kind = {
        PayoutState.BOOKED: "payout.released",
        PayoutState.HELD: "payout.held",
        PayoutState.SENT: "payout.sent",
        PayoutState.CONFIRMED: "payout.confirmed",
        PayoutState.RETURNED: "payout.returned",
    }[PayoutState(row.state)]
    return _event(kind, StoreId(row.store_id), row.purpose, row.id, facts)


async def _move_money(
    conn: AsyncConnection, row: Any, *, kind: EntryKind, src: AccountName, dst: AccountName,
    at: datetime,
) -> None:  # fmt: skip
    await book(
        conn, store_id=StoreId(row.store_id), currency=row.currency,
        entries=[_entry(row, kind=kind, src=src, dst=dst, at=at)], written_at=clock.wall_now(),
    )  # fmt: skip


def _entry(row: Any, *, kind: EntryKind, src: AccountName, dst: AccountName, at: datetime) -> Entry:
    transfers = tuple(moved(src, dst, row.amount_minor, Part.PAYOUT))
    return Entry(kind=kind, key=f"{kind}:{row.id}", counts_at=at, transfers=transfers)


async def bank_confirms(
    conn: AsyncConnection, *, answers: Sequence[BankAnswer], at: datetime
) -> set[UUID]:
    """The bank has paid these, no payout and no name of its twice among them. Answers which were
    taken: those that it was told of and that it named as no other; ask `bank_says` of the rest."""
    rows = await confirm_payouts(conn, answers=answers, at=at)
    for (store_id, currency), group in groupby(sorted(rows, key=_book_of), key=_book_of):
        entries = [
            _entry(row, kind=EntryKind.PAYOUT_CONFIRMED, src=BANK, dst=PAID_OUT, at=at)
            for row in group
        ]
        await book(
            conn, store_id=store_id, currency=currency, entries=entries,
            written_at=clock.wall_now(),
        )  # fmt: skip
    await note_payouts(conn, rows, at=at)
    return {row.id for row in rows}


def _book_of(row: Any) -> tuple[StoreId, str]:
    return StoreId(row.store_id), row.currency


async def bank_says(
    conn: AsyncConnection, *, store_id: StoreId, answer: BankAnswer, at: datetime
) -> bool:
    """The bank has paid a payout or sent it back; False when that is no news: it said so before,
    or says late what is over. Raises PayoutNotFound, PayoutWrongState for one that was never sent,
    BankRefTaken."""
    row = await lock_payout(conn, store_id=store_id, payout_id=answer.payout_id)
    state, to = PayoutState(row.state), PayoutState(answer.state)
    if state in (PayoutState.BOOKED, PayoutState.HELD):
        raise PayoutWrongState(field="payout_id", state=row.state)
    if state is to or state is PayoutState.RETURNED:
        return False
    if answer.ref and await ref_is_taken(conn, payout_id=row.id, bank_ref=answer.ref):
        raise BankRefTaken(field="bank_ref")
    row = await move_payout(
        conn, store_id=store_id, payout_id=row.id, to=to, side=Side.BANK, why=answer.why,
        bank_ref=answer.ref or None, at=at,
    )  # fmt: skip
    if to is PayoutState.CONFIRMED:
        kind = EntryKind.PAYOUT_CONFIRMED
        await _move_money(conn, row, kind=kind, src=BANK, dst=PAID_OUT, at=at)
    else:
        came_from = PAID_OUT if state is PayoutState.CONFIRMED else BANK
        await _owe_again(conn, row, came_from=came_from, at=at)
    await note_payouts(conn, [row], at=at)
    return True


async def _owe_again(
    conn: AsyncConnection, row: Any, *, came_from: AccountName, at: datetime
) -> None:
    payee = AccountName(row.payee_id, Purpose(row.purpose))
    await _move_money(conn, row, kind=EntryKind.PAYOUT_RETURNED, src=came_from, dst=payee, at=at)


# What an operator does with one ----------------------------------------------------------------


async def hold(
    conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID, why: str, by: PersonId,
    at: datetime,
) -> None:  # fmt: skip
    """Keep a booked payout from the bank until somebody has looked. Raises PayoutNotFound,
    PayoutWrongState."""
    await _act(conn, store_id, payout_id, PayoutState.HELD, why, by, at, "settlement.payout_held")


async def release(
    conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID, by: PersonId, at: datetime
) -> None:
    """Let a held payout go on, to the account that its payee has now. Raises PayoutNotFound,
    PayoutWrongState, NoPayoutAccount."""
    row = await lock_payout(conn, store_id=store_id, payout_id=payout_id)
    account_id = await _account_now(conn, row, at=at)
    await _act(
        conn, store_id, payout_id, PayoutState.BOOKED, "", by, at, "settlement.payout_released",
        account_id=account_id,
    )  # fmt: skip


async def give_up(
    conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID, why: str, by: PersonId,
    at: datetime,
) -> None:  # fmt: skip
    """A held payout is not made: the payee is owed it again. Raises PayoutNotFound,
    PayoutWrongState."""
    seen = await lock_payout(conn, store_id=store_id, payout_id=payout_id)
    if seen.state != PayoutState.HELD:
        raise PayoutWrongState(field="payout_id", state=seen.state)
    row = await _act(
        conn, store_id, payout_id, PayoutState.RETURNED, why, by, at, "settlement.payout_given_up"
    )
    await _owe_again(conn, row, came_from=BANK, at=at)


async def _act(
    conn: AsyncConnection, store_id: StoreId, payout_id: UUID, to: PayoutState, why: str,
    by: PersonId, at: datetime, action: str, *, account_id: UUID | None = None,
) -> Any:  # fmt: skip
    row = await move_payout(
        conn, store_id=store_id, payout_id=payout_id, to=to, side=Side.OPERATOR, person_id=by,
        why=why, account_id=account_id, at=at,
    )  # fmt: skip
    await note_payouts(conn, [row], at=at)
    facts = {"amount_minor": row.amount_minor, "currency": row.currency, "reason": why}
    await audit(
        conn, at=at, person_id=by, action=action, owner_id=row.payee_id, subject=str(payout_id),
        facts=facts,
    )  # fmt: skip
    return row


async def _account_now(conn: AsyncConnection, row: Any, *, at: datetime) -> UUID:
    """Where the payee of a payout is paid now. Raises NoPayoutAccount."""
    one, terms = await _owed_of(conn, row, at=at)
    if one.account_id is None or not is_usable(one, terms=terms, at=at):
        raise NoPayoutAccount
    return one.account_id


async def _owed_of(conn: AsyncConnection, row: Any, *, at: datetime) -> tuple[Owed, Terms]:
    run = await run_of(conn, run_id=row.run_id)
    terms = (await terms_by_id(conn, terms_id=run.terms_id)).terms
    names = await payables_of(conn, payee_id=row.payee_id, purposes=[row.purpose])
    for one in await owed(conn, accounts=names, since=at):
        if (one.store_id, one.currency) == (row.store_id, row.currency):
            return one, terms
    raise NothingOwed


async def retry(
    conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID, by: PersonId, at: datetime
) -> UUID:
    """Pay at once what came back, as far as it is still owed; answers the new payout. Once each.

    Raises PayoutNotFound, PayoutWrongState, NoPayoutAccount, NothingOwed.
    """
    await lock_payouts(conn, store_id=store_id)
    row = await lock_payout(conn, store_id=store_id, payout_id=payout_id)
    if row.state != PayoutState.RETURNED:
        raise PayoutWrongState(field="payout_id", state=row.state)
    account_id = await _account_now(conn, row, at=at)
    one, _ = await _owed_of(conn, row, at=at)
    minor = min(row.amount_minor, one.balance_minor)
    if minor <= 0:
        raise NothingOwed
    wanted = NewPayout(new_id(), row.payee_id, account_id, minor, retry_of=row.id)
    run = await run_of(conn, run_id=row.run_id)
    made = await _book_new(conn, run=run, store_id=store_id, wanted=[wanted], at=at)
    if not made:
        raise NothingOwed
    facts = {"amount_minor": minor, "currency": row.currency, "for": str(payout_id)}
    await audit(
        conn, at=at, person_id=by, action="settlement.payout_retried", owner_id=row.payee_id,
        subject=str(made[0]), facts=facts,
    )  # fmt: skip
    return made[0]
