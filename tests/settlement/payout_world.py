"""Payees, their accounts and terms, and payouts of one book at once."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import count
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import a_person

from dougong.base.ids import PLATFORM_BOOK, StoreId, new_id
from dougong.flows.pay_out import pay_out
from dougong.flows.payout_accounts import enter_account, judge
from dougong.infra.clock import wall_now
from dougong.ledger.commands import book
from dougong.ledger.queries import balances
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved, platform
from dougong.reads.payouts import run_of
from dougong.reads.payouts_owed import payables_of
from dougong.settlement.payout_rules import Terms
from dougong.settlement.payout_run_commands import begin_run
from dougong.settlement.payout_terms_commands import PURPOSES, set_payout_terms, terms_by_id

TERMS = Terms(
    weekday=None, minimum_minor=1, hold_days=0, change_wait_days=3, approve_above_minor=10**9
)
# Test accounts that no bank has.
_currencies = count()
NUMBER = "6222021001116245701"


async def some_terms(
    conn: AsyncConnection, *, at: datetime, currency: str = "CNY", purpose: str = "*",
    terms: Terms = TERMS,
) -> UUID:  # fmt: skip
    """Terms of their own in this transaction, or in a currency of their own where committed."""
    known = await conn.scalar(
        text("""
            SELECT id FROM payout_terms
            WHERE purpose = :p AND currency = :c AND in_force @> CAST(:at AS timestamptz)
        """),
        {"p": purpose, "c": currency, "at": at},
    )
    if known is not None:
        return UUID(str(known))
    return await set_payout_terms(
        conn, purpose=purpose, currency=currency, starts=at, terms=terms, reason="test",
        author_id=await a_person(conn), at=at,
    )  # fmt: skip


async def an_account(
    conn: AsyncConnection, payee_id: UUID, *, at: datetime, currency: str = "CNY",
    number: str = NUMBER, verified: bool = True,
) -> UUID:  # fmt: skip
    """The payee's account from then on, verified unless it is to wait."""
    account_id = await enter_account(
        conn, payee_id=payee_id, currency=currency, holder="王小明", bank="招商银行",
        number=number, by=await a_person(conn), at=at,
    )  # fmt: skip
    if verified:
        await judge(conn, account_id=account_id, by=await a_person(conn), refused="", at=at)
    return account_id


async def with_account(conn: AsyncConnection, payee_id: UUID, *, at: datetime) -> None:
    """An account where the payee has none."""
    known = await conn.scalar(
        text("SELECT id FROM payout_accounts WHERE payee_id = :p AND closed_at IS NULL"),
        {"p": payee_id},
    )
    if known is None:
        await an_account(conn, payee_id, at=at)


async def pay_payee(
    conn: AsyncConnection, *, store_id: StoreId, payee_id: UUID, day: date, at: datetime,
    purposes: Sequence[str] = PURPOSES,
) -> list[UUID]:  # fmt: skip
    """All that one book owes one payee, as the day's runs would pay it."""
    await with_account(conn, payee_id, at=at)
    terms_id = await some_terms(conn, at=at)
    terms = (await terms_by_id(conn, terms_id=terms_id)).terms
    made = []
    for purpose in purposes:
        run_id = await begin_run(
            conn, day=day, currency="CNY", purpose=purpose, terms_id=terms_id, started_by=None,
            at=at,
        )  # fmt: skip
        run = await run_of(conn, run_id=run_id)
        names = await payables_of(conn, payee_id=payee_id, purposes=[purpose])
        ours = [name for name in names if name[0] == store_id]
        made += await pay_out(conn, run=run, terms=terms, store_id=store_id, accounts=ours, at=at)
        if made:
            await _sum_up(conn, run_id)
    return made


async def _sum_up(conn: AsyncConnection, run_id: UUID) -> None:
    """A run comes to what its payouts come to, however often its day is paid."""
    await conn.execute(
        text("""
            UPDATE payout_runs SET (payouts, total_minor) = (
              SELECT count(*), COALESCE(sum(amount_minor), 0) FROM payouts
              WHERE run_id = :id AND retry_of IS NULL)
            WHERE id = :id
        """),
        {"id": run_id},
    )


async def at_the_bank(conn: AsyncConnection, payout_id: UUID, *, at: datetime) -> None:
    """The bank was told of it."""
    await conn.execute(
        text("""
            UPDATE payout_runs SET state = 'approved', made_at = :at, approved_at = :at
            WHERE id = (SELECT run_id FROM payouts WHERE id = :id) AND state = 'making'
        """),
        {"id": payout_id, "at": at},
    )
    await conn.execute(
        text("""
            WITH sent AS (UPDATE payouts SET state = 'sent', sent_at = :at, asked_at = :at
              WHERE id = :id AND state = 'booked' RETURNING store_id, id)
            INSERT INTO payout_moves (store_id, payout_id, n, to_state, side, at)
            SELECT s.store_id, s.id, (SELECT max(n) + 1 FROM payout_moves m
              WHERE m.store_id = s.store_id AND m.payout_id = s.id), 'sent', 'platform', :at
            FROM sent s
        """),
        {"id": payout_id, "at": at},
    )


def a_currency() -> str:
    """A currency of one test's own: committed terms of it meet nobody else's money."""
    first, second = divmod(next(_currencies), 26)
    return f"X{chr(65 + first)}{chr(65 + second)}"


async def owe(
    conn: AsyncConnection,
    payee_id: UUID,
    minor: int,
    *,
    currency: str,
    store_id: StoreId = PLATFORM_BOOK,
    purpose: Purpose = Purpose.CREATOR_PAYABLE,
    at: datetime,
) -> None:
    """A payable grows by so much (or falls, below zero), out of unallocated money."""
    name = AccountName(payee_id, purpose)
    transfers = moved(platform(Purpose.UNALLOCATED), name, minor, Part.UNALLOCATED)
    entry = Entry(
        kind=EntryKind.UNALLOCATED, key=f"test:{new_id()}", counts_at=at,
        transfers=tuple(transfers),
    )  # fmt: skip
    await book(conn, store_id=store_id, currency=currency, entries=[entry], written_at=wall_now())


async def payable_of(conn: AsyncConnection, payee_id: UUID) -> int:
    """What the payee is owed in all books together."""
    return sum(
        one.balance_minor
        for one in await balances(conn, owner_id=payee_id)
        if one.purpose in PURPOSES
    )


LONG_AGO = timedelta(days=30)
