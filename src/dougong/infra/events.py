"""Domain events: one row in the transaction of the change, read by a `done` mark, never by id.

Deadlines and the inbox of outside events live here too: rows that something must act on.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
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


async def record_many(
    conn: AsyncConnection,
    kind: str,
    *,
    at: datetime,
    subjects: Sequence[tuple[UUID, Mapping[str, Any]]],
) -> None:
    """Write one event for each subject, with its facts, by one statement."""
    if not subjects:
        return
    await conn.execute(
        text("""
            INSERT INTO events (kind, subject_id, at, facts)
            SELECT :kind, CAST(e.value->>0 AS uuid), :at, CAST(e.value->1 AS jsonb)
            FROM json_array_elements(CAST(:subjects AS json)) AS e
        """),
        {
            "kind": kind,
            "at": at,
            "subjects": msgspec.json.encode(list(subjects)).decode(),
        },
    )


async def set_deadline(
    conn: AsyncConnection, *, store_id: UUID, kind: str, subject_id: UUID, due_at: datetime
) -> None:
    """Make something happen at `due_at` (business time), once: `flows/deadlines.py` acts on it."""
    row = {"store_id": store_id, "kind": kind, "subject_id": subject_id, "due_at": due_at}
    await conn.execute(insert(deadlines).values(**row))


async def renew_deadline(
    conn: AsyncConnection, *, store_id: UUID, kind: str, subject_id: UUID, due_at: datetime
) -> None:
    """Set a deadline, also one that has acted or was dropped before: what can come about again."""
    await conn.execute(
        text("""
            INSERT INTO deadlines (store_id, kind, subject_id, due_at)
            VALUES (:store_id, :kind, :subject_id, :due_at)
            ON CONFLICT (store_id, kind, subject_id)
            DO UPDATE SET due_at = excluded.due_at, done_at = NULL, outcome = NULL
        """),
        {"store_id": store_id, "kind": kind, "subject_id": subject_id, "due_at": due_at},
    )


async def move_deadline(
    conn: AsyncConnection, *, store_id: UUID, kind: str, subject_id: UUID, due_at: datetime
) -> None:
    """Let a deadline that has not acted yet act at another instant."""
    await conn.execute(
        text("""
            UPDATE deadlines SET due_at = :due_at
            WHERE store_id = :store_id AND kind = :kind AND subject_id = :subject_id
              AND done_at IS NULL
        """),
        {"store_id": store_id, "kind": kind, "subject_id": subject_id, "due_at": due_at},
    )


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


class Deadline(NamedTuple):
    """Something that happens at an instant of business time, once."""

    store_id: UUID
    kind: str
    subject_id: UUID


async def due_deadlines(
    conn: AsyncConnection, *, at: datetime, most: int, but_not: Collection[Deadline]
) -> Sequence[Deadline]:
    """Up to `most` deadlines that are due, the most overdue first; none is locked.

    Lock what a deadline is about, then the deadline (`lock_deadline`), then act.
    """
    found = await conn.execute(
        text("""
            SELECT store_id, kind, subject_id FROM deadlines
            WHERE done_at IS NULL AND due_at <= :at AND (store_id, kind, subject_id) NOT IN (
              SELECT * FROM unnest(CAST(:stores AS uuid[]), CAST(:kinds AS text[]),
                CAST(:subjects AS uuid[])))
            ORDER BY due_at LIMIT :most
        """),
        {
            "at": at,
            "most": most,
            "stores": [deadline.store_id for deadline in but_not],
            "kinds": [deadline.kind for deadline in but_not],
            "subjects": [deadline.subject_id for deadline in but_not],
        },
    )
    return [Deadline(*row) for row in found]


async def lock_deadline(conn: AsyncConnection, deadline: Deadline) -> bool:
    """Keep a deadline for this transaction; False when somebody has acted on it already."""
    found = await conn.scalar(
        text("""
            SELECT true FROM deadlines
            WHERE store_id = :store_id AND kind = :kind AND subject_id = :subject_id
              AND done_at IS NULL
            FOR UPDATE
        """),
        deadline._asdict(),
    )
    return bool(found)
