"""A person follows a creator that has something to show: a public video, or a live room."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId
from dougong.content.reaction_commands import follow
from dougong.reads.live_creators import shows_something


async def follow_creator(
    conn: AsyncConnection, *, creator_id: UUID, person_id: PersonId, at: datetime
) -> None:
    """Twice is once. Raises NotFound where there is no such creator, or it has shown nothing."""
    if not await shows_something(conn, creator_id=creator_id):
        raise NotFound
    await follow(conn, creator_id=creator_id, person_id=person_id, at=at)
