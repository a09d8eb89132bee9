"""Writes who came into rooms and left, and each minute's figures."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, RoomId


class Visit(msgspec.Struct, frozen=True):
    """One socket's stay. `visitor`: who it is without a name, as clicks have it."""

    room_id: RoomId
    id: UUID
    visitor: str
    person_id: PersonId | None
    came_from: str
    joined_at: datetime


JOIN = text("""
    WITH come AS (
      INSERT INTO live_visits (room_id, id, visitor, person_id, came_from, joined_at)
      SELECT * FROM unnest(CAST(:rooms AS uuid[]), CAST(:ids AS uuid[]), CAST(:visitors AS text[]),
        CAST(:people AS uuid[]), CAST(:froms AS text[]), CAST(:ats AS timestamptz[]))
      ON CONFLICT (room_id, id) DO NOTHING RETURNING room_id, joined_at
    )
    INSERT INTO live_minutes AS m (room_id, minute, joined)
    SELECT room_id, date_trunc('minute', joined_at, 'UTC'), count(*) FROM come
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (room_id, minute) DO UPDATE SET joined = m.joined + excluded.joined
""")
LEAVE = text("""
    UPDATE live_visits AS v SET left_at = GREATEST(v.joined_at, :at)
    FROM unnest(CAST(:rooms AS uuid[]), CAST(:ids AS uuid[])) AS gone (room_id, id)
    WHERE v.room_id = gone.room_id AND v.id = gone.id AND v.left_at IS NULL
""")
EVERYBODY_LEAVES = text("""
    UPDATE live_visits SET left_at = GREATEST(joined_at, :at)
    WHERE room_id = :room_id AND left_at IS NULL
""")
COUNT = text("""
    INSERT INTO live_minutes AS m (room_id, minute, viewers, likes)
    SELECT c.room_id, date_trunc('minute', CAST(:at AS timestamptz), 'UTC'), c.viewers, c.likes
    FROM unnest(CAST(:rooms AS uuid[]), CAST(:viewers AS int[]), CAST(:likes AS int[]))
      AS c (room_id, viewers, likes)
    ORDER BY 1
    ON CONFLICT (room_id, minute) DO UPDATE
    SET viewers = GREATEST(m.viewers, excluded.viewers), likes = m.likes + excluded.likes
""")
LIKES = text("""
    SELECT room_id, sum(likes)::bigint AS likes FROM live_minutes
    WHERE room_id = ANY(CAST(:rooms AS uuid[])) GROUP BY 1
""")


async def join(conn: AsyncConnection, visits: Sequence[Visit]) -> None:
    """Those who came, counted in their minute."""
    await conn.execute(
        JOIN,
        {
            "rooms": [one.room_id for one in visits],
            "ids": [one.id for one in visits],
            "visitors": [one.visitor for one in visits],
            "people": [one.person_id for one in visits],
            "froms": [one.came_from for one in visits],
            "ats": [one.joined_at for one in visits],
        },
    )


async def leave(conn: AsyncConnection, gone: Sequence[tuple[UUID, UUID]], *, at: datetime) -> None:
    """`gone`: room and visit of each."""
    rooms, ids = [room for room, _ in gone], [visit for _, visit in gone]
    await conn.execute(LEAVE, {"rooms": rooms, "ids": ids, "at": at})


async def everybody_leaves(conn: AsyncConnection, *, room_id: RoomId, at: datetime) -> None:
    """The room is over: whoever is still counted as inside, of a worker that died too, is not."""
    await conn.execute(EVERYBODY_LEAVES, {"room_id": room_id, "at": at})


async def count(
    conn: AsyncConnection, *, viewers: Mapping[UUID, int], likes: Mapping[UUID, int], at: datetime
) -> dict[UUID, int]:
    """Keep the most viewers of this minute, add likes to it. Answers all likes of the rooms that
    got some."""
    rooms = sorted(viewers.keys() | likes.keys())
    await conn.execute(
        COUNT,
        {
            "rooms": rooms,
            "viewers": [viewers.get(room, 0) for room in rooms],
            "likes": [likes.get(room, 0) for room in rooms],
            "at": at,
        },
    )
    if not likes:
        return {}
    found = await conn.execute(LIKES, {"rooms": list(likes)})
    return {row.room_id: int(row.likes) for row in found}
