"""Creators as somebody on the command line calls them."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId


class Creator(NamedTuple):
    """A creator, and a person who acts for it."""

    id: UUID
    name: str
    person_id: PersonId


NAMED = text("""
    SELECT o.id, o.name, min(g.person_id::text)::uuid AS person_id
    FROM organisations AS o JOIN grants AS g ON g.org_id = o.id
    WHERE o.kind = 'creator' AND (o.handle = lower(:name) OR o.name = :name)
    GROUP BY o.id, o.name, o.handle
    ORDER BY o.handle = lower(:name) DESC
""")


async def creator_named(conn: AsyncConnection, *, name: str) -> list[Creator]:
    """Every creator of this handle or name."""
    return [Creator(*row) for row in await conn.execute(NAMED, {"name": name})]


SHOWS = text("""
    SELECT EXISTS (SELECT FROM videos WHERE creator_id = :id AND state = 'published')
      OR EXISTS (SELECT FROM live_rooms WHERE creator_id = :id
        AND end_reason IS DISTINCT FROM 'cancelled')
""")


async def shows_something(conn: AsyncConnection, *, creator_id: UUID) -> bool:
    """Whether the creator has a public video, or a live room that was not called off."""
    return bool(await conn.scalar(SHOWS, {"id": creator_id}))
