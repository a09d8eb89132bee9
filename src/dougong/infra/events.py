"""Domain events: one row in the transaction of the change, read by a `done` mark, never by id.

Deadlines and the inbox of outside events live here too: rows that something must act on.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra.tables import deadlines, events


async def record(
    conn: AsyncConnection,
    kind: str,
    *,
    subject_id: UUID,
    at: datetime,
    facts: Mapping[str, Any],
    store_id: UUID | None = None,
) -> None:
    """Write one event. `kind` is `area.what_happened` (docs/reference/events.md)."""
    row = {"kind": kind, "store_id": store_id, "subject_id": subject_id, "at": at}
    await conn.execute(insert(events).values(**row, facts=dict(facts)))


async def set_deadline(
    conn: AsyncConnection, *, store_id: UUID, kind: str, subject_id: UUID, due_at: datetime
) -> None:
    """Make something happen at `due_at` (business time), once: `flows/deadlines.py` acts on it."""
    row = {"store_id": store_id, "kind": kind, "subject_id": subject_id, "due_at": due_at}
    await conn.execute(insert(deadlines).values(**row))


async def drop_deadline(
    conn: AsyncConnection, *, store_id: UUID, kind: str, subject_id: UUID, at: datetime, why: str
) -> None:
    """Mark a deadline as done because what it waited for has happened."""
    await conn.execute(
        text("""
            UPDATE deadlines SET done_at = :at, outcome = :why
            WHERE store_id = :store_id AND kind = :kind AND subject_id = :subject_id
              AND done_at IS NULL
        """),
        {"store_id": store_id, "kind": kind, "subject_id": subject_id, "at": at, "why": why},
    )


async def due_deadlines(conn: AsyncConnection, *, at: datetime, most: int) -> Sequence[Any]:
    """Up to `most` deadlines that are due, locked for this transaction, none that another has."""
    found = await conn.execute(
        text("""
            SELECT store_id, kind, subject_id, due_at FROM deadlines
            WHERE done_at IS NULL AND due_at <= :at
            ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
        """),
        {"at": at, "most": most},
    )
    return found.all()
