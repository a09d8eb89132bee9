"""Seals: every change of what is sealed is found, and named by its book and number."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from dougong.base.ids import EntryId, StoreId, new_id
from dougong.flows.seal_books import PublishedHead, publish, published_heads, seal_book, seals_log
from dougong.infra import db
from dougong.ledger import seal_commands
from dougong.ledger.commands import book, reverse
from dougong.ledger.queries import balances
from dougong.ledger.rules import (
    FIRST_HASH,
    AccountName,
    Entry,
    Purpose,
    SealedEntry,
    SealedTransfer,
    Transfer,
    platform,
    seal_hash,
)
from dougong.ledger.seal_commands import books_with_unsealed, seal
from dougong.ledger.seal_queries import BrokenSeal, SealHead, verify_seals

pytestmark = pytest.mark.money
AT = datetime(2026, 3, 1, 4, 5, 6, 789_012, tzinfo=UTC)


def an_entry(store_id: StoreId, n: int, *, amount: int = 100, text_: str = "") -> Entry:
    escrow = AccountName(store_id, Purpose.ESCROW)
    return Entry(
        kind="capture",
        key=f"capture:{n}:{text_}",
        order_id=new_id() if n % 2 else None,
        counts_at=AT + timedelta(microseconds=n),
        transfers=(
            Transfer(platform(Purpose.GATEWAY_CLEARING), escrow, amount, "paid", 1),
            Transfer(platform(Purpose.COUPON_COST), escrow, n + 1, "platform_discount"),
        ),
    )


async def booked(conn: AsyncConnection, store_id: StoreId, *numbers: int) -> list[EntryId]:
    entries = [an_entry(store_id, n) for n in numbers]
    return await book(conn, store_id=store_id, currency="CNY", entries=entries, written_at=AT)


async def broken(conn: AsyncConnection, store_id: StoreId) -> list[BrokenSeal]:
    return [found for found in await verify_seals(conn) if found.store_id == store_id]


async def read_entries(conn: AsyncConnection, store_id: StoreId) -> list[SealedEntry]:
    """Every entry of a book as the pure definition of a seal wants it."""
    moves = await conn.execute(
        text("SELECT * FROM ledger_transfers WHERE store_id = :s"), {"s": store_id}
    )
    by_entry: dict[Any, list[SealedTransfer]] = {}
    for t in moves:
        by_entry.setdefault(t.entry_id, []).append(
            SealedTransfer(t.n, t.src, t.dst, t.currency, t.amount_minor, t.part, t.line_no)
        )
    heads = await conn.execute(
        text("SELECT * FROM ledger_entries WHERE store_id = :s"), {"s": store_id}
    )
    return [
        SealedEntry(
            e.id, e.kind, e.key, e.order_id, e.reverses, e.counts_at, e.written_at,
            tuple(by_entry[e.id]),
        )
        for e in heads
    ]  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**15),
            st.text(
                st.characters(exclude_characters="\x1e\x1f\x00", exclude_categories=["Cs"]),
                max_size=30,
            ),
        ),
        min_size=1,
        max_size=6,
    )
)
async def test_sql_seals_what_the_definition_says(
    conn: AsyncConnection, drafts: list[tuple[int, str]]
) -> None:
    savepoint = await conn.begin_nested()
    store_id = StoreId(new_id())
    entries = [an_entry(store_id, n, amount=a, text_=t) for n, (a, t) in enumerate(drafts)]
    ids = await book(conn, store_id=store_id, currency="CNY", entries=entries, written_at=AT)
    await reverse(conn, store_id=store_id, entry_id=ids[0], key="undo", counts_at=AT, written_at=AT)
    head = await seal(conn, store_id=store_id, at=AT)
    assert head is not None
    assert head.hash == seal_hash(FIRST_HASH, await read_entries(conn, store_id))
    assert await broken(conn, store_id) == []
    await savepoint.rollback()


async def test_each_entry_is_sealed_once_and_late_ones_too(conn: AsyncConnection) -> None:
    store_id = StoreId(new_id())
    late = new_id()  # an id from before, committed after the first seal
    await booked(conn, store_id, 1, 2)
    assert store_id in await books_with_unsealed(conn)
    first = await seal(conn, store_id=store_id, at=AT)
    assert await seal(conn, store_id=store_id, at=AT) is None
    await conn.execute(
        text("""
            INSERT INTO ledger_entries (store_id, id, kind, key, counts_at, written_at)
            VALUES (:s, :id, 'capture', 'late', :at, :at)
        """),
        {"s": store_id, "id": late, "at": AT - timedelta(days=1)},
    )
    await conn.execute(
        text("INSERT INTO ledger_unsealed (store_id, entry_id) VALUES (:s, :id)"),
        {"s": store_id, "id": late},
    )
    second = await seal(conn, store_id=store_id, at=AT)
    assert first is not None
    assert second is not None
    assert (first.number, second.number) == (1, 2)
    assert await broken(conn, store_id) == []
    assert store_id not in await books_with_unsealed(conn)


async def wait_as_range(conn: AsyncConnection, store_id: StoreId) -> None:
    """What waits waits as a whole history does."""
    await conn.execute(
        text("""
            WITH one AS (DELETE FROM ledger_unsealed WHERE store_id = :s RETURNING entry_id),
              ids AS (SELECT array_agg(entry_id ORDER BY entry_id) AS found FROM one)
            INSERT INTO ledger_unsealed_ranges (store_id, first_id, last_id)
            SELECT :s, found[1], found[cardinality(found)] FROM ids
        """),
        {"s": store_id},
    )


async def waiting(conn: AsyncConnection, store_id: StoreId) -> list[EntryId]:
    found = await conn.scalars(
        text("SELECT entry_id FROM ledger_waiting WHERE store_id = :s ORDER BY 1"), {"s": store_id}
    )
    return [EntryId(entry_id) for entry_id in found]


async def sealed_in(conn: AsyncConnection, head: SealHead | None) -> list[EntryId]:
    if head is None:
        return []
    found = await conn.scalars(
        text("""
            SELECT entry_id FROM ledger_sealed_entries
            WHERE store_id = :s AND seal_number = :n ORDER BY 1
        """),
        {"s": head.store_id, "n": head.number},
    )
    return [EntryId(entry_id) for entry_id in found]


async def test_a_range_is_sealed_piece_by_piece_after_what_waits_singly(
    conn: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal_commands, "MOST_IN_SEAL", 3)
    store_id = StoreId(new_id())
    history = await booked(conn, store_id, 1, 2, 3, 4, 5, 6)
    await wait_as_range(conn, store_id)
    single = await booked(conn, store_id, 7)
    assert await waiting(conn, store_id) == [*history, *single]
    assert store_id in await books_with_unsealed(conn)
    took = [await sealed_in(conn, await seal(conn, store_id=store_id, at=AT)) for _ in range(4)]
    assert took == [[*history[:2], *single], history[2:5], history[5:], []]
    assert await waiting(conn, store_id) == []
    assert store_id not in await books_with_unsealed(conn)
    assert await broken(conn, store_id) == []


async def test_a_range_waits_while_enough_waits_singly(
    conn: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal_commands, "MOST_IN_SEAL", 2)
    store_id = StoreId(new_id())
    history = await booked(conn, store_id, 1, 2)
    await wait_as_range(conn, store_id)
    single = await booked(conn, store_id, 3, 4)
    assert await sealed_in(conn, await seal(conn, store_id=store_id, at=AT)) == single
    assert await sealed_in(conn, await seal(conn, store_id=store_id, at=AT)) == history


async def test_balances_count_what_waits_as_a_range(conn: AsyncConnection) -> None:
    store_id = StoreId(new_id())
    await booked(conn, store_id, 1)
    await seal(conn, store_id=store_id, at=AT)
    await booked(conn, store_id, 2, 3, 4)
    singly = await balances(conn, store_id=store_id)
    await wait_as_range(conn, store_id)
    assert await balances(conn, store_id=store_id) == singly


@pytest.fixture
async def owner(all_rights_url: str) -> AsyncIterator[AsyncEngine]:
    """Somebody with all rights in the database: what the seals are there for."""
    url = db.make_url(all_rights_url).set(drivername="postgresql+psycopg")
    made = create_async_engine(url)
    yield made
    await made.dispose()


TAMPERINGS = {
    "an amount": "UPDATE ledger_transfers SET amount_minor = amount_minor + 1"
    " WHERE store_id = :s AND entry_id = :e AND n = 1",
    "an account": "UPDATE ledger_transfers SET src = dst, dst = src"
    " WHERE store_id = :s AND entry_id = :e AND n = 1",
    "a part": "UPDATE ledger_transfers SET part = 'other'"
    " WHERE store_id = :s AND entry_id = :e AND n = 1",
    "a transfer gone": "DELETE FROM ledger_transfers"
    " WHERE store_id = :s AND entry_id = :e AND n = 2",
    "an instant": "UPDATE ledger_entries SET counts_at = counts_at + interval '1 microsecond'"
    " WHERE store_id = :s AND id = :e",
    "a key": "UPDATE ledger_entries SET key = key || 'x' WHERE store_id = :s AND id = :e",
    "an entry gone": "DELETE FROM ledger_entries WHERE store_id = :s AND id = :e",
    "a member gone": "DELETE FROM ledger_sealed_entries WHERE store_id = :s AND entry_id = :e",
    "a hash": "UPDATE ledger_seals SET hash = sha256(hash) WHERE store_id = :s AND number = 2",
    "a seal gone": "DELETE FROM ledger_seals WHERE store_id = :s AND number = 2",
}


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_who_has_all_rights_changes_nothing_unnoticed(owner: AsyncEngine, what: str) -> None:
    store_id = StoreId(new_id())
    async with owner.connect() as conn:
        entries = []
        for n in (1, 2, 3):
            entries += await booked(conn, store_id, n)
            await seal(conn, store_id=store_id, at=AT)
        assert await broken(conn, store_id) == []
        await conn.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers
        done = await conn.execute(text(TAMPERINGS[what]), {"s": store_id, "e": entries[1]})
        assert done.rowcount == 1
        found = await broken(conn, store_id)
        first = 3 if what == "a seal gone" else 2
        assert found[0].number == first
        await conn.rollback()


async def test_a_chain_made_anew_differs_from_what_was_published(owner: AsyncEngine) -> None:
    store_id = StoreId(new_id())
    async with owner.connect() as conn:
        await booked(conn, store_id, 1)
        one = await seal(conn, store_id=store_id, at=AT)
        await booked(conn, store_id, 2)
        two = await seal(conn, store_id=store_id, at=AT)
        assert one
        assert two
        await conn.execute(text("SET LOCAL session_replication_role = replica"))
        for table in ("ledger_rollups", "ledger_sealed_entries", "ledger_seals"):
            cut = "DELETE FROM " + table  # noqa: S608 (three names of ours)
            number = "number" if table == "ledger_seals" else "seal_number"
            await conn.execute(text(f"{cut} WHERE store_id = :s AND {number} = 2"), {"s": store_id})
        assert await broken(conn, store_id) == []  # the chain alone looks whole
        found = await verify_seals(conn, published=[one, two])
        assert found == [BrokenSeal(store_id, 2, "unpublished")]
        await conn.rollback()


async def test_the_job_seals_rolls_up_and_publishes() -> None:
    store_id = StoreId(new_id())
    async with db.transaction() as conn:
        await booked(conn, store_id, 1, 2)
    assert await seal_book(store_id) == 1
    assert await seal_book(store_id) == 0
    async with db.snapshot() as conn:
        rows = await conn.execute(
            text("""
                SELECT a.purpose, r.balance_minor FROM ledger_rollups r
                JOIN ledger_accounts a ON a.store_id = r.store_id AND a.id = r.account_id
                WHERE r.store_id = :s ORDER BY 1
            """),
            {"s": store_id},
        )
        assert [tuple(row) for row in rows] == [
            ("coupon_cost", -5),
            ("escrow", 205),
            ("gateway_clearing", -200),
        ]
        heads = [head for head in published_heads() if head.store_id == store_id]
        assert len(heads) == 1
        assert await verify_seals(conn, published=heads) == []
        forged = SealHead(store_id, 1, bytes(32))
        assert await verify_seals(conn, published=[forged]) == [
            BrokenSeal(store_id, 1, "unpublished")
        ]


def test_a_line_cut_off_by_a_crash_hides_no_other() -> None:
    log = seals_log().read_bytes() if seals_log().exists() else b""
    before = len(published_heads())
    head = PublishedHead("2026-03-01T00:00:00+00:00", str(new_id()), 1, "00" * 32)
    publish(head)
    seals_log().write_bytes(seals_log().read_bytes() + b'{"sealed_at":"2026')
    assert len(published_heads()) == before + 1
    publish(head)
    assert len(published_heads()) == before + 2
    seals_log().write_bytes(log)  # nothing of this is in the database
