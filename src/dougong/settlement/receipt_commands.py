"""Writes money received: files, their payments, and the rows that were not taken."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, new_id
from dougong.settlement.payment_rules import Payment, Problem
from dougong.settlement.tables import receipt_files, receipt_problems


class Taken(msgspec.Struct, frozen=True):
    """A payment that was not there before, and whose receivable it pays."""

    id: UUID
    payment: Payment
    owner_id: UUID


async def begin_file(
    conn: AsyncConnection,
    *,
    source: str,
    mapping: str,
    file_name: str,
    file_hash: bytes,
    started_by: PersonId | None,
    at: datetime,
) -> UUID:
    file_id = new_id()
    name = "".join(c if c.isprintable() else " " for c in file_name).strip()[-200:] or "-"
    row = {"id": file_id, "source": source, "mapping": mapping, "file_name": name}
    row |= {"file_hash": file_hash, "state": "waiting", "started_by": started_by}
    await conn.execute(insert(receipt_files).values(**row, started_at=at))
    return file_id


async def note_file(conn: AsyncConnection, *, file_id: UUID, values: Mapping[str, Any]) -> None:
    """How it goes, or how it ended."""
    change = (
        update(receipt_files)
        .where(receipt_files.c.id == file_id)
        .where(receipt_files.c.state.in_(("waiting", "running")))
        .values(dict(values))
    )
    await conn.execute(change)


async def file_of(conn: AsyncConnection, *, file_id: UUID) -> Any:
    """One file's row. Raises NotFound."""
    row = (
        await conn.execute(select(receipt_files).where(receipt_files.c.id == file_id))
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


TAKE = text("""
    INSERT INTO receipts (id, source, file_id, line, payment_ref, order_ref, period_starts_at,
      period_ends_at, currency, amount_minor, received_at, fingerprint, owner_id)
    SELECT p.id, :source, :file_id, p.line, p.payment_ref, p.order_ref, p.starts, p.ends,
      p.currency, p.amount_minor, p.received_at, p.fingerprint, p.owner_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:lines AS integer[]), CAST(:payment_refs AS text[]),
      CAST(:order_refs AS text[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]),
      CAST(:currencies AS text[]), CAST(:amounts AS bigint[]), CAST(:received AS timestamptz[]),
      CAST(:fingerprints AS bytea[]), CAST(:owners AS uuid[])) AS p (id, line, payment_ref,
        order_ref, starts, ends, currency, amount_minor, received_at, fingerprint, owner_id)
    ON CONFLICT DO NOTHING
    RETURNING id
""")


async def take_payments(
    conn: AsyncConnection,
    *,
    source: str,
    file_id: UUID,
    payments: Sequence[tuple[Payment, UUID]],
) -> list[Taken]:
    """Keep payments with the owners of the receivables that they pay; those that were told before
    are not kept again and not answered."""
    rows = [Taken(new_id(), payment, owner) for payment, owner in payments]
    values = {
        "source": source,
        "file_id": file_id,
        "ids": [row.id for row in rows],
        "lines": [row.payment.line for row in rows],
        "payment_refs": [row.payment.payment_ref for row in rows],
        "order_refs": [row.payment.order_ref for row in rows],
        "starts": [row.payment.period_starts for row in rows],
        "ends": [row.payment.period_ends for row in rows],
        "currencies": [row.payment.currency for row in rows],
        "amounts": [row.payment.amount_minor for row in rows],
        "received": [row.payment.received_at for row in rows],
        "fingerprints": [row.payment.fingerprint() for row in rows],
        "owners": [row.owner_id for row in rows],
    }
    made = set((await conn.scalars(TAKE, values)).all())
    return [row for row in rows if row.id in made]


async def keep_problems(
    conn: AsyncConnection, *, file_id: UUID, problems: Sequence[Problem]
) -> None:
    if problems:
        rows = [{"file_id": file_id, **msgspec.structs.asdict(one)} for one in problems]
        await conn.execute(insert(receipt_problems), rows)
