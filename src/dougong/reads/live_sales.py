"""Who bought in which room, for the words that the room sees."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def room_and_name(
    conn: AsyncConnection, *, creator_id: UUID, person_id: UUID
) -> tuple[UUID, str] | None:
    """The creator's room on air and the buyer's name; None without such a room."""
    row = (
        await conn.execute(
            text("""
                SELECT r.id, p.name FROM live_rooms r JOIN people p ON p.id = :person_id
                WHERE r.creator_id = :creator_id AND r.state IN ('live', 'paused')
            """),
            {"creator_id": creator_id, "person_id": person_id},
        )
    ).one_or_none()
    return (row.id, row.name) if row else None


async def names_of(conn: AsyncConnection, *, person_ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await conn.execute(
        text("SELECT id, name FROM people WHERE id = ANY(CAST(:ids AS uuid[]))"),
        {"ids": list(person_ids)},
    )
    return {row.id: row.name for row in rows}
