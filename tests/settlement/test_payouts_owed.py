"""What is owed is read in step with what a book holds, also of what no seal has taken yet."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.factories import T0

from dougong.base.ids import PLATFORM_BOOK
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved, platform
from dougong.reads.payouts_owed import next_payables, owed

pytestmark = [pytest.mark.money, pytest.mark.usefixtures("own_database")]

PAYEES = 300
READ = text("""
    SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
    WHERE relname = 'ledger_transfers'
""")


async def test_each_transfer_is_read_a_few_times_however_many_are_owed() -> None:
    unallocated = platform(Purpose.UNALLOCATED)
    entries = [
        Entry(
            kind=EntryKind.UNALLOCATED, key=f"test:{n}", counts_at=T0,
            transfers=tuple(moved(
                unallocated, AccountName(uuid4(), Purpose.CREATOR_PAYABLE), n, Part.UNALLOCATED)),
        )
        for n in range(1, PAYEES + 1)
    ]  # fmt: skip
    async with transaction() as conn:
        at = wall_now()
        await book(conn, store_id=PLATFORM_BOOK, currency="CNY", entries=entries, written_at=at)
        names = await next_payables(
            conn, purpose="creator_payable", currency="CNY",
            after=(PLATFORM_BOOK, PLATFORM_BOOK), most=PAYEES,
        )  # fmt: skip
        before = await conn.scalar(READ) or 0
        found = await owed(conn, accounts=names, since=at)
        read = await conn.scalar(READ) - before
    assert sorted(one.balance_minor for one in found) == list(range(1, PAYEES + 1))
    assert read <= 4 * PAYEES
