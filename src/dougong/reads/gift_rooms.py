"""The room in which a gift is given."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId

ON_AIR = text("""
    SELECT r.id, r.creator_id FROM live_rooms r
    WHERE r.id = :room_id AND r.state IN ('live', 'paused')
      AND NOT EXISTS (SELECT FROM grants g
        WHERE g.org_id = r.creator_id AND g.person_id = :giver_id)
""")


async def room_on_air(conn: AsyncConnection, *, room_id: UUID, giver_id: PersonId) -> Any | None:
    """A room that is on air and not run by the giver's own organisation."""
    found = await conn.execute(ON_AIR, {"room_id": room_id, "giver_id": giver_id})
    return found.one_or_none()
