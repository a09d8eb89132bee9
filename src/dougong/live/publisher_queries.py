"""Reads what the supervisor of rooms watches, and what a studio shows of publishers and keys."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RoomId

# How long after its end a room's recording is still looked for.
REPLAY_WITHIN = timedelta(days=7)


class WatchedRoom(NamedTuple):
    """A room on air, one with a publisher, or one that has ended and has no replay yet."""

    id: RoomId
    creator_id: UUID
    state: str
    publisher_id: UUID | None
    protocol: str | None
    published_at: datetime | None


WATCHED = text("""
    SELECT r.id, r.creator_id, r.state, p.id AS publisher_id, p.protocol,
      p.started_at AS published_at
    FROM live_rooms AS r
    LEFT JOIN live_publishers AS p ON p.room_id = r.id AND p.ended_at IS NULL
    WHERE p.id IS NOT NULL OR r.state IN ('live', 'paused')
      OR r.state = 'ended' AND r.replay_video_id IS NULL AND r.ended_at > :since
        AND r.started_at IS NOT NULL
""")


async def watched_rooms(conn: AsyncConnection, *, at: datetime) -> list[WatchedRoom]:
    found = await conn.execute(WATCHED, {"since": at - REPLAY_WITHIN})
    return [WatchedRoom(*row) for row in found]


class Publisher(NamedTuple):
    """Who sends pictures into a room now, or did last."""

    id: UUID
    key_id: UUID
    protocol: str
    client: str
    started_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    bitrate_bps: int
    frames: int
    dropped: int


LAST = text("""
    SELECT id, key_id, protocol, client, started_at, seen_at, ended_at, end_reason, bitrate_bps,
      frames, dropped
    FROM live_publishers WHERE room_id = :room_id
    ORDER BY ended_at IS NULL DESC, started_at DESC, id DESC LIMIT 1
""")


async def last_publisher(conn: AsyncConnection, *, room_id: RoomId) -> Publisher | None:
    """The room's publisher, else the one before; None where there never was one."""
    found = (await conn.execute(LAST, {"room_id": room_id})).one_or_none()
    return Publisher(*found) if found else None


ENDED = text("SELECT ended_at FROM live_publishers WHERE id = :id AND room_id = :room_id")


async def is_publishing(conn: AsyncConnection, *, room_id: RoomId, publisher_id: UUID) -> bool:
    """Whether this publisher of this room is there and has not ended."""
    found = (await conn.execute(ENDED, {"id": publisher_id, "room_id": room_id})).one_or_none()
    return found is not None and found.ended_at is None
