"""Writing to the books: set-based, once per key, and never changing what is there."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import EntryId, StoreId, new_id, new_ids
from dougong.infra.db import constraint_of
from dougong.ledger.rules import (
    AccountName,
    Entry,
    EntryKind,
    EntryNotFound,
    ReversedAlready,
    Transfer,
    account_id,
    check,
)

BOOK = text("""
    WITH named AS (
      INSERT INTO ledger_accounts (store_id, id, owner_id, purpose, currency)
      SELECT :store_id, a.id, a.owner_id, a.purpose, :currency
      FROM unnest(CAST(:account_ids AS uuid[]), CAST(:owner_ids AS uuid[]),
        CAST(:purposes AS text[])) AS a (id, owner_id, purpose)
      ON CONFLICT DO NOTHING
    ), made AS (
      INSERT INTO ledger_entries (store_id, id, kind, key, order_id, counts_at, written_at)
      SELECT :store_id, e.id, e.kind, e.key, e.order_id, e.counts_at, :written_at
      FROM unnest(CAST(:entry_ids AS uuid[]), CAST(:kinds AS text[]), CAST(:keys AS text[]),
        CAST(:order_ids AS uuid[]), CAST(:counts_at AS timestamptz[]))
        AS e (id, kind, key, order_id, counts_at)
      ON CONFLICT (store_id, key) DO NOTHING
      RETURNING id
    ), moved AS (
      INSERT INTO ledger_transfers
        (store_id, entry_id, n, src, dst, currency, amount_minor, part, line_no)
      SELECT :store_id, t.entry_id, t.n, t.src, t.dst, :currency, t.amount_minor, t.part, t.line_no
      FROM unnest(CAST(:transfer_entry_ids AS uuid[]), CAST(:ns AS smallint[]),
        CAST(:srcs AS uuid[]), CAST(:dsts AS uuid[]), CAST(:amounts AS bigint[]),
        CAST(:parts AS text[]), CAST(:line_nos AS smallint[]))
        AS t (entry_id, n, src, dst, amount_minor, part, line_no)
      JOIN made ON made.id = t.entry_id
    ), waiting AS (
      INSERT INTO ledger_unsealed (store_id, entry_id) SELECT :store_id, id FROM made
    )
    SELECT id FROM made ORDER BY id
""")


async def book(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    currency: str,
    entries: Sequence[Entry],
    written_at: datetime,
) -> list[EntryId]:
    """Write entries into one store's book, all in `currency`; accounts are made as needed.

    Answers the ids that this call has written: an entry whose key is already there is not written
    again. Raises BadEntry before anything is written.
    """
    if not entries:
        return []
    ids = map(EntryId, new_ids(len(entries)))
    drafts = [(entry_id, check(entry)) for entry_id, entry in zip(ids, entries, strict=True)]
    values = {
        "store_id": store_id,
        "currency": currency,
        "written_at": written_at,
        **_account_columns(store_id, currency, entries),
        **_entry_columns(drafts),
        **_transfer_columns(store_id, currency, drafts),
    }
    return list((await conn.scalars(BOOK, values)).all())


def _account_columns(store_id: StoreId, currency: str, entries: Sequence[Entry]) -> dict[str, Any]:
    names: dict[UUID, AccountName] = {}
    for entry in entries:
        for transfer in entry.transfers:
            for name in (transfer.src, transfer.dst):
                names[account_id(store_id, name, currency)] = name
    in_order = sorted(names.items())  # two batches that make the same accounts never deadlock
    return {
        "account_ids": [key for key, _ in in_order],
        "owner_ids": [name.owner_id for _, name in in_order],
        "purposes": [name.purpose.value for _, name in in_order],
    }


def _entry_columns(drafts: Sequence[tuple[EntryId, Entry]]) -> dict[str, Any]:
    return {
        "entry_ids": [key for key, _ in drafts],
        "kinds": [entry.kind for _, entry in drafts],
        "keys": [entry.key for _, entry in drafts],
        "order_ids": [entry.order_id for _, entry in drafts],
        "counts_at": [entry.counts_at for _, entry in drafts],
    }


def _transfer_columns(
    store_id: StoreId, currency: str, drafts: Sequence[tuple[EntryId, Entry]]
) -> dict[str, Any]:
    rows = list(_numbered(drafts))
    moves = [transfer for _, _, transfer in rows]
    return {
        "transfer_entry_ids": [key for key, _, _ in rows],
        "ns": [n for _, n, _ in rows],
        "srcs": [account_id(store_id, move.src, currency) for move in moves],
        "dsts": [account_id(store_id, move.dst, currency) for move in moves],
        "amounts": [move.amount_minor for move in moves],
        "parts": [str(move.part) for move in moves],
        "line_nos": [move.line_no for move in moves],
    }


def _numbered(drafts: Sequence[tuple[EntryId, Entry]]) -> Iterator[tuple[EntryId, int, Transfer]]:
    for key, entry in drafts:
        for n, transfer in enumerate(entry.transfers, start=1):
            yield key, n, transfer


REVERSE = text("""
    WITH made AS (
      INSERT INTO ledger_entries
        (store_id, id, kind, key, order_id, reverses, counts_at, written_at)
      SELECT store_id, :id, :kind, :key, order_id, id, :counts_at, :written_at
      FROM ledger_entries WHERE store_id = :store_id AND id = :entry_id AND reverses IS NULL
      ON CONFLICT (store_id, key) DO NOTHING
      RETURNING id
    ), moved AS (
      INSERT INTO ledger_transfers
        (store_id, entry_id, n, src, dst, currency, amount_minor, part, line_no)
      SELECT t.store_id, made.id, t.n, t.dst, t.src, t.currency, t.amount_minor, t.part, t.line_no
      FROM ledger_transfers t CROSS JOIN made
      WHERE t.store_id = :store_id AND t.entry_id = :entry_id
    ), waiting AS (
      INSERT INTO ledger_unsealed (store_id, entry_id) SELECT :store_id, id FROM made
    )
    SELECT id FROM made
""")


async def reverse(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    entry_id: EntryId,
    key: str,
    counts_at: datetime,
    written_at: datetime,
    kind: str = EntryKind.REVERSAL,
) -> EntryId:
    """Book an entry's transfers the other way round. The same key finds its first answer.

    Raises EntryNotFound (also for a reversal, which cannot be reversed) and ReversedAlready.
    """
    values = {"store_id": store_id, "entry_id": entry_id, "id": new_id(), "key": key}
    values |= {"kind": kind, "counts_at": counts_at, "written_at": written_at}
    try:
        async with conn.begin_nested():
            made = (await conn.execute(REVERSE, values)).scalar_one_or_none()
    except IntegrityError as error:
        if constraint_of(error) == "ledger_entries_one_reversal":
            raise ReversedAlready from error
        raise
    if made is None:
        made = await conn.scalar(
            text("""
                SELECT id FROM ledger_entries
                WHERE store_id = :store_id AND key = :key AND reverses = :entry_id
            """),
            {"store_id": store_id, "key": key, "entry_id": entry_id},
        )
    if made is None:
        raise EntryNotFound(entry_id=entry_id)
    return EntryId(made)
