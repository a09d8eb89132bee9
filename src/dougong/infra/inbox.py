"""What outside parties have told us: kept before it is acted on, once per event."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def keep(
    conn: AsyncConnection, *, source: str, event_id: str, body: Mapping[str, Any], at: datetime
) -> bool:
    """False when this event was here before."""
    done = await conn.execute(
        text("""
            INSERT INTO inbox (source, event_id, received_at, body)
            VALUES (:source, :event_id, :at, CAST(:body AS jsonb))
            ON CONFLICT (source, event_id) DO NOTHING
        """),
        {
            "source": source,
            "event_id": event_id,
            "at": at,
            "body": msgspec.json.encode(body).decode(),
        },
    )
    return done.rowcount == 1


async def finish(
    conn: AsyncConnection, *, source: str, event_id: str, outcome: str, at: datetime
) -> None:
    await conn.execute(
        text("""
            UPDATE inbox SET done_at = :at, outcome = :outcome
            WHERE source = :source AND event_id = :event_id AND done_at IS NULL
        """),
        {"source": source, "event_id": event_id, "outcome": outcome, "at": at},
    )


async def waiting(
    conn: AsyncConnection, *, before: datetime, most: int
) -> list[tuple[str, dict[str, Any]]]:
    """(source, body) of events that came before an instant and are not finished."""
    found = await conn.execute(
        text("""
            SELECT source, body FROM inbox WHERE done_at IS NULL AND received_at < :before
            ORDER BY received_at LIMIT :most
        """),
        {"before": before, "most": most},
    )
    return [(row.source, row.body) for row in found]
