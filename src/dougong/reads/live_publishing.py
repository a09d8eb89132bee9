"""What the studio's publishing part shows: the room, its publisher, its stream keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RoomId
from dougong.live.publisher_queries import Publisher, last_publisher


class PublishedRoom(NamedTuple):
    """A room as its creator's studio names it."""

    id: RoomId
    creator_id: UUID
    title_zh: str
    title_en: str
    state: str
    announced_for: datetime
    started_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    replay_video_id: UUID | None


ROOM = text("""
    SELECT id, creator_id, title_zh, title_en, state, announced_for, started_at, ended_at,
      end_reason, replay_video_id
    FROM live_rooms WHERE id = :room_id AND creator_id = :creator_id
""")


async def room_to_publish(
    conn: AsyncConnection, *, room_id: RoomId, creator_id: UUID
) -> PublishedRoom | None:
    """None where it is another creator's."""
    asked = {"room_id": room_id, "creator_id": creator_id}
    found = (await conn.execute(ROOM, asked)).one_or_none()
    return PublishedRoom(*found) if found else None


class KeyRow(NamedTuple):
    id: UUID
    made_by: str
    made_at: datetime
    in_use: bool


KEYS = text("""
    SELECT k.id, p.name, k.made_at, EXISTS (
      SELECT FROM live_publishers AS l WHERE l.key_id = k.id AND l.ended_at IS NULL) AS in_use
    FROM live_stream_keys AS k JOIN people AS p ON p.id = k.made_by
    WHERE k.room_id = :room_id AND k.revoked_at IS NULL
    ORDER BY k.made_at DESC, k.id DESC
""")


async def keys_of_room(conn: AsyncConnection, *, room_id: RoomId) -> Sequence[KeyRow]:
    """The stream keys that are not revoked, newest first."""
    return [KeyRow(*row) for row in await conn.execute(KEYS, {"room_id": room_id})]


async def publisher_of_room(conn: AsyncConnection, *, room_id: RoomId) -> Publisher | None:
    """Who sends pictures now; None while nobody does."""
    last = await last_publisher(conn, room_id=room_id)
    return last if last and last.ended_at is None else None
