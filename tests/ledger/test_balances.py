"""Balances are the last rollup plus the tail; a statement runs back from them."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId, new_id
from dougong.ledger.commands import book
from dougong.ledger.queries import balances, statement, trial_balance
from dougong.ledger.rules import AccountName, Entry, Purpose, Transfer, account_id, platform
from dougong.ledger.seal_commands import seal

pytestmark = pytest.mark.money
AT = datetime(2026, 3, 1, tzinfo=UTC)
CLEARING = platform(Purpose.GATEWAY_CLEARING)


async def capture(conn: AsyncConnection, store_id: StoreId, *amounts: int) -> None:
    escrow = AccountName(store_id, Purpose.ESCROW)
    for amount in amounts:
        moves = (Transfer(CLEARING, escrow, amount, "paid", 1),)
        entry = Entry(kind="capture", key=str(new_id()), counts_at=AT, transfers=moves)
        await book(conn, store_id=store_id, currency="CNY", entries=[entry], written_at=AT)


async def test_a_balance_is_the_same_before_between_and_after_seals(conn: AsyncConnection) -> None:
    store_id = StoreId(new_id())
    seen = []
    for amount in (100, 20, 3):
        await capture(conn, store_id, amount)
        before = {b.purpose: b.balance_minor for b in await balances(conn, store_id=store_id)}
        await seal(conn, store_id=store_id, at=AT)
        after = {b.purpose: b.balance_minor for b in await balances(conn, store_id=store_id)}
        assert before == after
        seen.append(after["escrow"])
    assert seen == [100, 120, 123]
    rows = await trial_balance(conn, store_id=store_id)
    assert [(r.purpose, r.debit_minor, r.credit_minor) for r in rows] == [
        ("escrow", 0, 123),
        ("gateway_clearing", 123, 0),
    ]
    assert sum(r.balance_minor for r in rows) == 0


async def test_a_statement_pages_back_with_a_running_balance(conn: AsyncConnection) -> None:
    store_id = StoreId(new_id())
    await capture(conn, store_id, 1, 2, 3, 4, 5)
    await seal(conn, store_id=store_id, at=AT)
    escrow = account_id(store_id, AccountName(store_id, Purpose.ESCROW), "CNY")
    lines = await statement(conn, store_id=store_id, account_id=escrow, before=None, most=3)
    older = await statement(
        conn,
        store_id=store_id,
        account_id=escrow,
        before=(lines[-1].entry_id, lines[-1].n),
        most=3,
    )
    pages = [*lines, *older]
    assert (len(lines), len(older)) == (3, 2)
    assert pages[0].balance_minor == 15
    assert pages[-1].balance_minor == pages[-1].amount_minor
    assert sum(line.amount_minor for line in pages) == 15
    assert {line.other_purpose for line in pages} == {"gateway_clearing"}
    clearing = account_id(store_id, CLEARING, "CNY")
    out = await statement(conn, store_id=store_id, account_id=clearing, before=None, most=9)
    assert (out[0].balance_minor, sum(line.amount_minor for line in out)) == (-15, -15)
