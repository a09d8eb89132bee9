"""Payouts that may go are told to the bank by a job, after the commit; what the bank does not
answer is asked again. The payout's id is the key: told ten times it is paid once."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.flows.pay_out import bank_says, note_payouts
from dougong.infra import clock, pause
from dougong.infra.db import transaction
from dougong.infra.jobs import task
from dougong.infra.sealed import NotSealedHere
from dougong.infra.settings import serving_url, settings
from dougong.payments.rules import BadSignature
from dougong.reads.payouts import payouts_to_send, silent_payouts, store_of_payout
from dougong.settlement.adapters.bank import Bank, BankAway, PaymentOrder
from dougong.settlement.adapters.sandbox import Sandbox, read_told
from dougong.settlement.payout_account_commands import account_for_bank
from dougong.settlement.payout_commands import lock_payout, move_payout, note_asked
from dougong.settlement.payout_rules import PayoutState, PayoutWrongState, Side

AGAIN_AFTER = timedelta(minutes=5)
AT_ONCE, MOST = 8, 1_000
ACCOUNT_CHANGED, ACCOUNT_UNREADABLE = "account_changed", "account_unreadable"
_telling = asyncio.Lock()


def bank() -> Bank | None:
    """The bank that can be called; None for one that takes files."""
    if settings().payout_bank == "sandbox":
        return Sandbox(callback_url=f"{serving_url()}/gateways/banks/sandbox/events")
    return None


@task("settlement.tell_bank", every="* * * * * 40", retries=0)
async def tell_bank() -> None:
    """Every minute, and at once after an approval: what may go goes, what is silent is asked."""
    chosen = bank()
    if chosen is None or _telling.locked():
        return
    async with _telling:
        await tell(chosen)


async def tell(chosen: Bank) -> int:
    """Tell the bank of everything that may go, and ask for what it owes an answer; answers how
    many payouts those were. One that goes wrong stops no other: what went wrong is raised at the
    end, as one group."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        new = await payouts_to_send(conn, most=MOST)
        silent = await silent_payouts(conn, before=at - AGAIN_AFTER, most=MOST)
    calls = asyncio.Semaphore(AT_ONCE)

    async def one(store_id: StoreId, payout_id: UUID) -> None:
        async with calls:
            await tell_one(chosen, store_id=store_id, payout_id=payout_id)

    ended = await asyncio.gather(*(one(*n) for n in (*new, *silent)), return_exceptions=True)
    if wrong := [error for error in ended if isinstance(error, Exception)]:
        raise ExceptionGroup("answers that cannot be kept", wrong)
    return len(ended)


async def tell_one(chosen: Bank, *, store_id: StoreId, payout_id: UUID) -> None:
    """One payout: marked as sent first, so that after a stop here it is asked about, and not
    thought unsent. One that has its answer is left alone."""
    async with transaction() as conn:
        order = await _claim(conn, store_id=store_id, payout_id=payout_id)
    await pause.point("payout: sent")
    if order is None:
        return
    try:
        answer = await chosen.pay(order, key=str(payout_id))
    except BankAway:
        return  # it is asked again later
    await pause.point("payout: answered")
    if answer.state == "taken":
        return
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await bank_says(conn, store_id=store_id, answer=answer, at=at)


async def _claim(
    conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID
) -> PaymentOrder | None:
    at = await clock.refresh(conn)
    row = await lock_payout(conn, store_id=store_id, payout_id=payout_id)
    if row.state not in (PayoutState.BOOKED, PayoutState.SENT):
        return None
    problem = ""
    try:
        account, is_open = await account_for_bank(conn, account_id=row.account_id)
        problem = "" if is_open or row.state == PayoutState.SENT else ACCOUNT_CHANGED
    except NotSealedHere:
        problem = ACCOUNT_UNREADABLE
    if problem and row.state == PayoutState.SENT:
        return None  # it may be paid already: a person has to find out
    to = PayoutState.HELD if problem else PayoutState.SENT
    if row.state == PayoutState.SENT:
        await note_asked(conn, store_id=store_id, payout_id=payout_id, at=at)
    else:
        moved = await move_payout(
            conn, store_id=store_id, payout_id=payout_id, to=to, side=Side.PLATFORM, why=problem,
            at=at,
        )  # fmt: skip
        await note_payouts(conn, [moved], at=at)
    if problem:
        return None
    return PaymentOrder(account, row.amount_minor, row.currency, payment_text(row.day))


def payment_text(day: object) -> str:
    """What stands on the payee's bank statement."""
    return f"Dougong {day}"


async def ask_again(conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID) -> None:
    """Let the next tick ask the bank about a payout that it does not answer, whenever it was asked
    last. Raises PayoutNotFound, PayoutWrongState."""
    row = await lock_payout(conn, store_id=store_id, payout_id=payout_id)
    if row.state != PayoutState.SENT:
        raise PayoutWrongState(field="payout_id", state=row.state)
    long_ago: datetime = row.sent_at - AGAIN_AFTER
    await note_asked(conn, store_id=store_id, payout_id=payout_id, at=long_ago)


async def receive_answer(*, body: bytes, headers: Mapping[str, str]) -> bool:
    """The sandbox bank's webhook; answers whether it was news. Raises BadSignature,
    PayoutNotFound, PayoutWrongState."""
    try:
        answer = read_told(body=body, headers=headers)
    except ValueError as error:
        raise BadSignature from error
    if answer.state == "taken":
        return False
    async with transaction() as conn:
        at = await clock.refresh(conn)
        store_id = await store_of_payout(conn, payout_id=answer.payout_id)
        return await bank_says(conn, store_id=store_id, answer=answer, at=at)
