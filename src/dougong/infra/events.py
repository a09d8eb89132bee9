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


class Happened(msgspec.Struct, frozen=True):
    """One event, as `record_each` writes many."""

    kind: str
    store_id: UUID | None
    subject_id: UUID
    facts: Mapping[str, Any]


async def record_each(conn: AsyncConnection, *, at: datetime, events: Sequence[Happened]) -> None:
    """Write events of one instant, each with its kind, store, subject and facts."""
    if not events:
        return
    await conn.execute(
        text("""
            INSERT INTO events (kind, store_id, subject_id, at, facts)
            SELECT e.kind, e.store_id, e.subject_id, :at, e.facts
            FROM json_to_recordset(CAST(:events AS json))
              AS e (kind text, store_id uuid, subject_id uuid, facts jsonb)
        """),
        {"at": at, "events": msgspec.json.encode(events).decode()},
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


async def renew_deadlines(
    conn: AsyncConnection, *, due: Sequence[tuple["Deadline", datetime]]
) -> None:
    """`renew_deadline` of many, by one statement."""
    if not due:
        return
    await conn.execute(
        text("""
            INSERT INTO deadlines (store_id, kind, subject_id, due_at)
            SELECT * FROM unnest(CAST(:stores AS uuid[]), CAST(:kinds AS text[]),
              CAST(:subjects AS uuid[]), CAST(:dues AS timestamptz[]))
            ON CONFLICT (store_id, kind, subject_id)
            DO UPDATE SET due_at = excluded.due_at, done_at = NULL, outcome = NULL
        """),
        _columns([one for one, _ in due]) | {"dues": [due_at for _, due_at in due]},
    )


async def drop_deadlines(
    conn: AsyncConnection, *, done: Sequence[tuple["Deadline", str]], at: datetime
) -> None:
    """`drop_deadline` of many, each with its outcome, by one statement."""
    if not done:
        return
    await conn.execute(
        text("""
            UPDATE deadlines d SET done_at = :at, outcome = x.outcome
            FROM unnest(CAST(:stores AS uuid[]), CAST(:kinds AS text[]),
              CAST(:subjects AS uuid[]), CAST(:outcomes AS text[]))
              AS x (store_id, kind, subject_id, outcome)
            WHERE d.store_id = x.store_id AND d.kind = x.kind AND d.subject_id = x.subject_id
              AND d.done_at IS NULL
        """),
        _columns([one for one, _ in done]) | {"outcomes": [why for _, why in done], "at": at},
    )


def _columns(deadlines: Sequence["Deadline"]) -> dict[str, Any]:
    return {
        "stores": [deadline.store_id for deadline in deadlines],
        "kinds": [deadline.kind for deadline in deadlines],
        "subjects": [deadline.subject_id for deadline in deadlines],
    }


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
