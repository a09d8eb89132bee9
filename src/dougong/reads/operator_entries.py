"""One entry of the books with its transfers, what reverses it, and the seal that holds it."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import EntryId, StoreId
from dougong.ledger.rules import FIRST_HASH, SealedEntry, SealedTransfer, seal_hash

MOST_CHECKED = 2_000


class Move(msgspec.Struct, frozen=True):
    """A transfer with both its accounts."""

    n: int
    part: str
    line_no: int | None
    currency: str
    amount_minor: int
    src: UUID
    src_owner: UUID
    src_purpose: str
    dst: UUID
    dst_owner: UUID
    dst_purpose: str


class Seal(msgspec.Struct, frozen=True):
    """`holds`: computed again from the books and found equal; None where it holds more entries
    than a page computes (the doctor does)."""

    number: int
    sealed_at: datetime
    entries: int
    hash: bytes
    previous: bytes
    holds: bool | None


class EntryShown(msgspec.Struct, frozen=True):
    id: EntryId
    kind: str
    key: str
    order_id: UUID | None
    reverses: UUID | None
    reversed_by: UUID | None
    counts_at: datetime
    written_at: datetime
    moves: list[Move]
    seal: Seal | None


ENTRY = text("""
    SELECT e.id, e.kind, e.key, e.order_id, e.reverses, e.counts_at, e.written_at,
      (SELECT r.id FROM ledger_entries r
        WHERE r.store_id = e.store_id AND r.reverses = e.id) AS reversed_by
    FROM ledger_entries e WHERE e.store_id = :store_id AND e.id = :entry_id
""")
MOVES = text("""
    SELECT t.n, t.part, t.line_no, t.currency::text, t.amount_minor,
      t.src, s.owner_id AS src_owner, s.purpose AS src_purpose,
      t.dst, d.owner_id AS dst_owner, d.purpose AS dst_purpose
    FROM ledger_transfers t
    JOIN ledger_accounts s ON s.store_id = t.store_id AND s.id = t.src
    JOIN ledger_accounts d ON d.store_id = t.store_id AND d.id = t.dst
    WHERE t.store_id = :store_id AND t.entry_id = :entry_id ORDER BY t.n
""")
SEAL = text("""
    SELECT s.number, s.sealed_at, s.entries, s.hash, p.hash AS previous
    FROM ledger_sealed_entries m
    JOIN ledger_seals s ON s.store_id = m.store_id AND s.number = m.seal_number
    LEFT JOIN ledger_seals p ON p.store_id = s.store_id AND p.number = s.number - 1
    WHERE m.store_id = :store_id AND m.entry_id = :entry_id
""")
SEALED_ENTRIES = text("""
    SELECT e.id, e.kind, e.key, e.order_id, e.reverses, e.counts_at, e.written_at
    FROM ledger_sealed_entries m
    JOIN ledger_entries e ON e.store_id = m.store_id AND e.id = m.entry_id
    WHERE m.store_id = :store_id AND m.seal_number = :number
""")
SEALED_TRANSFERS = text("""
    SELECT t.entry_id, t.n, t.src, t.dst, t.currency::text, t.amount_minor, t.part, t.line_no
    FROM ledger_sealed_entries m
    JOIN ledger_transfers t ON t.store_id = m.store_id AND t.entry_id = m.entry_id
    WHERE m.store_id = :store_id AND m.seal_number = :number
""")


async def entry_shown(conn: AsyncConnection, *, store_id: StoreId, entry_id: EntryId) -> EntryShown:
    """Raises NotFound."""
    where = {"store_id": store_id, "entry_id": entry_id}
    entry = (await conn.execute(ENTRY, where)).mappings().one_or_none()
    if entry is None:
        raise NotFound
    moves = [Move(**row) for row in (await conn.execute(MOVES, where)).mappings()]
    seal = (await conn.execute(SEAL, where)).mappings().one_or_none()
    shown = None
    if seal is not None:
        number, entries = int(seal["number"]), int(seal["entries"])
        kept, previous = bytes(seal["hash"]), bytes(seal["previous"] or FIRST_HASH)
        holds = None
        if entries <= MOST_CHECKED:
            again = await _computed(conn, store_id, number=number, previous=previous)
            holds = again == (entries, kept)
        shown = Seal(number, seal["sealed_at"], entries, kept, previous, holds)
    return EntryShown(**entry, moves=moves, seal=shown)


async def _computed(
    conn: AsyncConnection, store_id: StoreId, *, number: int, previous: bytes
) -> tuple[int, bytes]:
    """How many entries a seal holds, and its hash, from the books as they are now."""
    where = {"store_id": store_id, "number": number}
    moves: dict[UUID, list[SealedTransfer]] = defaultdict(list)
    for row in (await conn.execute(SEALED_TRANSFERS, where)).mappings():
        fields = dict(row)
        moves[fields.pop("entry_id")].append(SealedTransfer(**fields))
    entries = [
        SealedEntry(**row, transfers=tuple(moves[row["id"]]))
        for row in (await conn.execute(SEALED_ENTRIES, where)).mappings()
    ]
    return len(entries), seal_hash(previous, entries)
