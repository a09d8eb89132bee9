"""What a payee is owed goes to the bank, once a day; what the bank sends back is owed again.

A payable below zero (money that a later refund took back) is nothing to pay out: it is taken from
what comes in next, before anything is paid again.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId, new_id
from dougong.infra import clock, pause
from dougong.infra.events import record
from dougong.ledger.commands import book
from dougong.ledger.queries import balances
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved, platform
from dougong.reads.order_books import lock_payee
from dougong.settlement.payout_commands import insert_payout, mark_payout

PAYABLES = (
    Purpose.MERCHANT_PAYABLE,
    Purpose.CREATOR_PAYABLE,
    Purpose.AGENCY_PAYABLE,
    Purpose.BUYER_PAYABLE,
)
BANK = platform(Purpose.BANK_CLEARING)


async def pay_out(
    conn: AsyncConnection, *, store_id: StoreId, payee_id: UUID, day: date, at: datetime
) -> list[UUID]:
    """Book everything that one book owes a payee towards the bank; answers the new payouts.

    The same day again pays nothing more. Several callers wait for one another.
    """
    await lock_payee(conn, store_id=store_id, payee_id=payee_id)
    await pause.point("payout: locked")
    made = []
    for account in await balances(conn, store_id=store_id, owner_id=payee_id):
        if account.purpose not in PAYABLES or account.balance_minor <= 0:
            continue
        payout_id = new_id()
        is_new = await insert_payout(
            conn,
            payout_id=payout_id,
            store_id=store_id,
            payee_id=payee_id,
            purpose=account.purpose,
            currency=account.currency,
            day=day,
            amount_minor=account.balance_minor,
            at=at,
        )
        if not is_new:
            continue
        name = AccountName(payee_id, Purpose(account.purpose))
        entry = Entry(
            kind=EntryKind.PAYOUT,
            key=f"payout:{payout_id}",
            counts_at=at,
            transfers=tuple(moved(name, BANK, account.balance_minor, Part.PAYOUT)),
        )
        await _book(conn, store_id, account.currency, entry)
        facts = {"payee_id": str(payee_id), "amount_minor": account.balance_minor}
        facts |= {"currency": account.currency, "day": day.isoformat()}
        await record(
            conn, "payout.booked", store_id=store_id, subject_id=payout_id, at=at, facts=facts
        )
        made.append(payout_id)
    return made


async def _book(conn: AsyncConnection, store_id: StoreId, currency: str, entry: Entry) -> None:
    await book(
        conn,
        store_id=store_id,
        currency=currency,
        entries=[entry],
        written_at=clock.wall_now(),
    )


async def confirm_payout(
    conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID, bank_ref: str, at: datetime
) -> None:
    """The bank has paid it. Raises PayoutClosed."""
    row = await mark_payout(
        conn, store_id=store_id, payout_id=payout_id, state="confirmed", bank_ref=bank_ref, why="",
        at=at,
    )  # fmt: skip
    if row is not None:
        facts = {"amount_minor": row.amount_minor, "bank_ref": bank_ref}
        await record(
            conn, "payout.confirmed", store_id=store_id, subject_id=payout_id, at=at, facts=facts
        )


async def return_payout(
    conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID, why: str, at: datetime
) -> None:
    """The bank has sent it back: the payee is owed it again. Raises PayoutClosed."""
    row = await mark_payout(
        conn, store_id=store_id, payout_id=payout_id, state="returned", bank_ref=None, why=why,
        at=at,
    )  # fmt: skip
    if row is None:
        return
    name = AccountName(row.payee_id, Purpose(row.purpose))
    entry = Entry(
        kind=EntryKind.PAYOUT_RETURNED,
        key=f"payout_returned:{payout_id}",
        counts_at=at,
        transfers=tuple(moved(BANK, name, row.amount_minor, Part.PAYOUT)),
    )
    await _book(conn, store_id, row.currency, entry)
    facts = {"amount_minor": row.amount_minor, "why": why}
    await record(
        conn, "payout.returned", store_id=store_id, subject_id=payout_id, at=at, facts=facts
    )
