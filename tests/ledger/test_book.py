"""Booking: balanced by construction, once per key, never changed."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import EntryId, StoreId, new_id
from dougong.ledger.commands import book, reverse
from dougong.ledger.rules import (
    PLATFORM,
    AccountName,
    BadEntry,
    Entry,
    EntryNotFound,
    Purpose,
    ReversedAlready,
    Transfer,
    account_id,
    moved,
    net,
    platform,
)

pytestmark = pytest.mark.money
AT = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)


def a_capture(store_id: StoreId, amount: int = 1000, *, key: str = "capture:1") -> Entry:
    escrow = AccountName(store_id, Purpose.ESCROW)
    move = Transfer(platform(Purpose.GATEWAY_CLEARING), escrow, amount, "paid", 1)
    return Entry(kind="capture", key=key, counts_at=AT, transfers=(move,))


async def balances(conn: AsyncConnection, store_id: UUID) -> dict[str, int]:
    rows = await conn.execute(
        text("""
            SELECT a.purpose, sum(m.amount) FROM ledger_accounts a
            JOIN (SELECT store_id, dst AS id, amount_minor AS amount FROM ledger_transfers
                  UNION ALL SELECT store_id, src, -amount_minor FROM ledger_transfers) m
              ON m.store_id = a.store_id AND m.id = a.id
            WHERE a.store_id = :store_id GROUP BY a.purpose
        """),
        {"store_id": store_id},
    )
    return {row[0]: int(row[1]) for row in rows}


async def test_an_entry_moves_its_amount_and_sums_to_zero(conn: AsyncConnection) -> None:
    store_id = StoreId(new_id())
    made = await book(
        conn, store_id=store_id, currency="CNY", entries=[a_capture(store_id)], written_at=AT
    )
    assert len(made) == 1
    assert await balances(conn, store_id) == {"gateway_clearing": -1000, "escrow": 1000}


async def test_the_same_key_books_once(conn: AsyncConnection) -> None:
    store_id = StoreId(new_id())
    entry = a_capture(store_id)
    first = await book(
        conn, store_id=store_id, currency="CNY", entries=[entry, entry], written_at=AT
    )
    again = await book(conn, store_id=store_id, currency="CNY", entries=[entry], written_at=AT)
    assert (len(first), again) == (1, [])
    assert (await balances(conn, store_id))["escrow"] == 1000


async def test_a_repeat_does_not_hide_its_neighbours(conn: AsyncConnection) -> None:
    store_id = StoreId(new_id())
    one, two = a_capture(store_id), a_capture(store_id, 7, key="capture:2")
    await book(conn, store_id=store_id, currency="CNY", entries=[one], written_at=AT)
    made = await book(conn, store_id=store_id, currency="CNY", entries=[one, two], written_at=AT)
    assert len(made) == 1
    assert (await balances(conn, store_id))["escrow"] == 1007


async def test_a_reversal_takes_everything_back_once(conn: AsyncConnection) -> None:
    store_id = StoreId(new_id())
    [entry_id] = await book(
        conn, store_id=store_id, currency="CNY", entries=[a_capture(store_id)], written_at=AT
    )

    async def undo(key: str, which: EntryId = entry_id) -> EntryId:
        return await reverse(
            conn, store_id=store_id, entry_id=which, key=key, counts_at=AT, written_at=AT
        )

    undone = await undo("undo:1")
    assert await undo("undo:1") == undone
    assert await balances(conn, store_id) == {"gateway_clearing": 0, "escrow": 0}
    with pytest.raises(ReversedAlready):
        await undo("undo:2")
    with pytest.raises(EntryNotFound):  # a reversal is not reversed
        await undo("undo:3", undone)
    with pytest.raises(EntryNotFound):
        await undo("undo:4", EntryId(new_id()))


@pytest.mark.parametrize("amount", [0, -1])
async def test_an_amount_is_above_zero(conn: AsyncConnection, amount: int) -> None:
    store_id = StoreId(new_id())
    with pytest.raises(BadEntry):
        await book(
            conn,
            store_id=store_id,
            currency="CNY",
            entries=[a_capture(store_id, amount)],
            written_at=AT,
        )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_transfers SET amount_minor = amount_minor + 1",
        "DELETE FROM ledger_transfers",
        "TRUNCATE ledger_transfers",
        "UPDATE ledger_entries SET counts_at = counts_at",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_accounts SET purpose = 'escrow'",
        "UPDATE ledger_seals SET hash = hash",
        "DELETE FROM ledger_sealed_entries",
        "UPDATE ledger_rollups SET balance_minor = 0",
    ],
)
async def test_the_app_cannot_change_what_is_booked(conn: AsyncConnection, change: str) -> None:
    store_id = StoreId(new_id())
    await book(
        conn, store_id=store_id, currency="CNY", entries=[a_capture(store_id)], written_at=AT
    )
    assert await conn.scalar(text("SELECT current_user")) == "dougong_app"
    with pytest.raises(DBAPIError, match="permission denied"):
        async with conn.begin_nested():
            await conn.execute(text(change))


async def test_the_triggers_stop_even_who_has_the_right(conn: AsyncConnection) -> None:
    kept = await conn.scalars(
        text("""
            SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE t.tgname IN ('keep', 'keep_all') AND t.tgenabled = 'O'
              AND c.relname LIKE 'ledger_%' GROUP BY c.relname HAVING count(*) = 2
        """)
    )
    assert set(kept) == {
        "ledger_accounts",
        "ledger_entries",
        "ledger_transfers",
        "ledger_seals",
        "ledger_sealed_entries",
        "ledger_rollups",
    }


async def test_the_database_refuses_what_the_code_would(conn: AsyncConnection) -> None:
    store_id = StoreId(new_id())
    [entry_id] = await book(
        conn, store_id=store_id, currency="CNY", entries=[a_capture(store_id)], written_at=AT
    )
    escrow = account_id(store_id, AccountName(store_id, Purpose.ESCROW), "CNY")
    clearing = account_id(store_id, platform(Purpose.GATEWAY_CLEARING), "CNY")
    insert = text("""
        INSERT INTO ledger_transfers
          (store_id, entry_id, n, src, dst, currency, amount_minor, part)
        VALUES (:store_id, :entry_id, 9, :src, :dst, :currency, :amount, 'paid')
    """)
    bad = [
        {"src": escrow, "dst": escrow, "currency": "CNY", "amount": 1},
        {"src": escrow, "dst": clearing, "currency": "CNY", "amount": 0},
        {"src": escrow, "dst": clearing, "currency": "CNY", "amount": -1},
        {"src": escrow, "dst": clearing, "currency": "USD", "amount": 1},
        {"src": escrow, "dst": new_id(), "currency": "CNY", "amount": 1},
    ]
    for row in bad:
        with pytest.raises(DBAPIError, match="ledger_transfers"):
            async with conn.begin_nested():
                await conn.execute(insert, {"store_id": store_id, "entry_id": entry_id, **row})


def test_a_difference_moves_the_way_of_its_sign() -> None:
    one, two = platform(Purpose.UNALLOCATED), AccountName(PLATFORM, Purpose.BANK_CLEARING)
    assert moved(one, two, 0, "paid") == []
    assert net(moved(one, two, 5, "paid")) == {one: -5, two: 5}
    assert net(moved(one, two, -5, "paid")) == {one: 5, two: -5}
