"""Writes the books of a whole history: entries and transfers in binary COPY form.

Entries of one kind of event move money in the same ways, with other amounts. The ways come from
the caller, who takes them from the entries that live orders book.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from psycopg.sql import SQL
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.infra.copy_in import (
    GAP,
    ID_GAP,
    begun_text_column,
    bigint_column,
    copy_in,
    form_of,
    instant_column,
    row_of,
    smallint_column,
    text_column,
    uuid_column,
)
from dougong.ledger.rules import AccountName, Transfer, account_id

ENTRIES = SQL("""
    COPY ledger_entries (store_id, id, kind, key, order_id, counts_at, written_at)
    FROM STDIN (FORMAT binary)
""")
TRANSFERS = SQL("""
    COPY ledger_transfers (store_id, entry_id, n, src, dst, currency, amount_minor, part, line_no)
    FROM STDIN (FORMAT binary)
""")
LETTERS_ABOUT = 36
UNSEALED = SQL("""
    COPY ledger_unsealed_ranges (store_id, first_id, last_id) FROM STDIN (FORMAT binary)
""")


class Ways:
    """How entries of one kind move money: their transfers, all but the amounts, and their keys,
    all but `about`, 36 letters of what the event happened to."""

    def __init__(
        self,
        kind: str,
        ways: Sequence[Transfer],
        *,
        key_before: str,
        store_id: StoreId,
        currency: str,
    ) -> None:
        if any(way.line_no is None for way in ways):
            raise ValueError("history is booked by line")
        self.names = [name for way in ways for name in (way.src, way.dst)]
        self._store = uuid_column(store_id)
        self._kind = text_column(kind)
        self._key_before = begun_text_column(key_before, gap_bytes=LETTERS_ABOUT)
        self._before = [
            uuid_column(account_id(store_id, way.src, currency))
            + uuid_column(account_id(store_id, way.dst, currency))
            + text_column(currency)
            for way in ways
        ]
        self._after = [
            text_column(str(way.part)) + smallint_column(way.line_no or 0) for way in ways
        ]
        # Prices come again and again.
        self.transfers = lru_cache(maxsize=16_384)(self._transfers)

    def entry(self, written_at: datetime) -> bytes:
        """The form of an entry: its id, what it is about, its order, when it counts."""
        return form_of(
            row_of(7), self._store, ID_GAP, self._kind, self._key_before, GAP, ID_GAP, GAP,
            instant_column(written_at),
        )  # fmt: skip

    def _transfers(self, amounts: tuple[int, ...]) -> tuple[int, bytes]:
        """How many transfers an entry with these amounts has, and the form of them all, in which
        only the entry's id is missing; they are numbered from 1, and there is none for 0.

        Raises ValueError for an amount below 0 and for an entry that would move nothing.
        """
        columns: list[bytes] = []
        n = 0
        for before, after, amount in zip(self._before, self._after, amounts, strict=True):
            if amount < 0:
                raise ValueError(amount)
            if amount:
                n += 1
                head = (row_of(9), self._store, ID_GAP, smallint_column(n))
                columns += (*head, before, bigint_column(amount), after)
        if not n:
            raise ValueError("an entry moves something")
        return n, form_of(*columns)


class EntryRows:
    """Entries of one store's book that wait to be written."""

    def __init__(self, *, store_id: StoreId, written_at: datetime) -> None:
        self._written_at = written_at
        self._range_form = form_of(row_of(3), uuid_column(store_id), ID_GAP, ID_GAP)
        self._forms: dict[Ways, bytes] = {}
        self._entries: list[bytes] = []
        self._transfers: list[bytes] = []
        self._first_id = self._last_id = b""

    def add(
        self,
        entry_id: bytes,
        ways: Ways,
        *,
        about: bytes,
        order_id: bytes,
        counts_at: bytes,
        amounts: tuple[int, ...],
    ) -> None:
        """`amounts`: of each way, in its order. Ids are 16 bytes, `about` is a uuid's letters,
        `counts_at` a column. Each entry's id is greater than the one's before, and nobody else's
        is between the first and the last: they wait for their seal as one range."""
        count, transfers = ways.transfers(amounts)
        self._transfers.append(transfers % ((entry_id,) * count))
        form = self._forms.get(ways)
        if form is None:
            form = self._forms[ways] = ways.entry(self._written_at)
        self._entries.append(form % (entry_id, about, order_id, counts_at))
        self._first_id = self._first_id or entry_id
        self._last_id = entry_id

    async def write(self, conn: AsyncConnection) -> None:
        """The accounts must be there. Raises IntegrityError (psycopg's) for a key that is."""
        await copy_in(conn, ENTRIES, self._entries)
        await copy_in(conn, TRANSFERS, self._transfers)
        if self._entries:
            await copy_in(conn, UNSEALED, [self._range_form % (self._first_id, self._last_id)])


async def open_accounts(
    conn: AsyncConnection, *, store_id: StoreId, currency: str, names: Sequence[AccountName]
) -> None:
    """Make the accounts of a book that are not there yet."""
    by_id = sorted({account_id(store_id, name, currency): name for name in names}.items())
    await conn.execute(
        text("""
            INSERT INTO ledger_accounts (store_id, id, owner_id, purpose, currency)
            SELECT :store_id, a.id, a.owner_id, a.purpose, :currency
            FROM unnest(CAST(:ids AS uuid[]), CAST(:owners AS uuid[]), CAST(:purposes AS text[]))
              AS a (id, owner_id, purpose)
            ON CONFLICT DO NOTHING
        """),
        {
            "store_id": store_id,
            "currency": currency,
            "ids": [key for key, _ in by_id],
            "owners": [name.owner_id for _, name in by_id],
            "purposes": [name.purpose.value for _, name in by_id],
        },
    )
