"""Writes the books of a whole history: entries and transfers in binary COPY form.

Entries of one kind of event move money in the same ways, with other amounts. The ways come from
the caller, who takes them from the entries that live orders book.
"""

from collections.abc import Sequence
from datetime import datetime

from psycopg.sql import SQL
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.infra.copy_in import (
    bigint_column,
    copy_in,
    id_column,
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
UNSEALED = SQL("COPY ledger_unsealed (store_id, entry_id) FROM STDIN (FORMAT binary)")


class Ways:
    """How entries of one kind move money: their transfers, all but the amounts."""

    def __init__(
        self, kind: str, ways: Sequence[Transfer], *, store_id: StoreId, currency: str
    ) -> None:
        self.kind = text_column(kind)
        self.names = [name for way in ways for name in (way.src, way.dst)]
        self._before = [
            uuid_column(account_id(store_id, way.src, currency))
            + uuid_column(account_id(store_id, way.dst, currency))
            + text_column(currency)
            for way in ways
        ]
        self._after = [
            text_column(str(way.part)) + smallint_column(way.line_no or 0) for way in ways
        ]
        if any(way.line_no is None for way in ways):
            raise ValueError("history is booked by line")

    def transfers(self, head: bytes, entry: bytes, amounts: Sequence[int]) -> list[bytes]:
        """Transfers of one entry, numbered from 1; none for an amount of 0.

        Raises ValueError for an amount below 0 and for an entry that would move nothing.
        """
        made: list[bytes] = []
        n = 0
        for before, after, amount in zip(self._before, self._after, amounts, strict=True):
            if amount:
                if amount < 0:
                    raise ValueError(amount)
                n += 1
                made += (head, entry, smallint_column(n), before, bigint_column(amount), after)
        if not made:
            raise ValueError("an entry moves something")
        return made


class EntryRows:
    """Entries of one store's book that wait to be written."""

    def __init__(self, *, store_id: StoreId, written_at: datetime) -> None:
        store = uuid_column(store_id)
        self._entry_head, self._transfer_head = row_of(7) + store, row_of(9) + store
        self._unsealed_head = row_of(2) + store
        self._written = instant_column(written_at)
        self._entries: list[bytes] = []
        self._transfers: list[bytes] = []
        self._unsealed: list[bytes] = []

    def add(
        self,
        entry_id: bytes,
        ways: Ways,
        *,
        key: str,
        order_id: bytes,
        counts_at: datetime,
        amounts: Sequence[int],
    ) -> None:
        """`amounts`: of each way, in its order. Ids are 16 bytes."""
        entry = id_column(entry_id)
        self._transfers += ways.transfers(self._transfer_head, entry, amounts)
        self._entries += (
            self._entry_head, entry, ways.kind, text_column(key), id_column(order_id),
            instant_column(counts_at), self._written,
        )  # fmt: skip
        self._unsealed += (self._unsealed_head, entry)

    async def write(self, conn: AsyncConnection) -> None:
        """The accounts must be there. Raises IntegrityError (psycopg's) for a key that is."""
        await copy_in(conn, ENTRIES, self._entries)
        await copy_in(conn, TRANSFERS, self._transfers)
        await copy_in(conn, UNSEALED, self._unsealed)


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
