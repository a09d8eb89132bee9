"""A live room: its page, all of its state for who comes late, and the list of rooms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra.files import public_url
from dougong.reads.live_shelf import selling_now

LAST_MESSAGES = 30
MOST_LISTED = 60


class Room(msgspec.Struct, frozen=True):
    """One room with its creator. Addresses begin with a slash. `is_reminded`, `following`: of the
    person who asks."""

    id: UUID
    creator_id: UUID
    handle: str
    creator_zh: str
    creator_en: str
    avatar: str | None
    title_zh: str
    title_en: str
    cover: str | None
    state: str
    announced_for: datetime
    started_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    chat: str
    slow_mode_s: int
    replay_video_id: UUID | None
    viewers: int
    likes: int
    following: bool = False
    is_reminded: bool = False

    @property
    def playlist(self) -> str:
        return f"/media/live/{self.id}/index.m3u8"


# `viewers`: of the last minute that counted any, while on air.
ROOMS = text("""
    SELECT r.*, o.handle, o.name, o.name_en, o.avatar_file,
      COALESCE((SELECT m.viewers FROM live_minutes m WHERE m.room_id = r.id
        AND m.minute > :at - interval '2 minutes' ORDER BY m.minute DESC LIMIT 1), 0) AS viewers,
      COALESCE((SELECT sum(m.likes) FROM live_minutes m WHERE m.room_id = r.id), 0)::bigint
        AS likes,
      EXISTS (SELECT FROM follows f WHERE f.person_id = :person_id AND f.creator_id = r.creator_id)
        AS following,
      EXISTS (SELECT FROM live_reminders m WHERE m.person_id = :person_id AND m.room_id = r.id)
        AS is_reminded
    FROM live_rooms r JOIN organisations o ON o.id = r.creator_id
    WHERE CASE WHEN CAST(:ids AS uuid[]) IS NULL
      THEN r.state <> 'ended'
        AND (r.state <> 'scheduled' OR r.announced_for < :at + interval '14 days')
      ELSE r.id = ANY(CAST(:ids AS uuid[])) END
    ORDER BY r.state = 'scheduled', CASE WHEN r.state = 'scheduled' THEN r.announced_for END,
      r.started_at DESC, r.id
    LIMIT :most
""")
REPLAYS = text("""
    SELECT r.id FROM live_rooms r
    JOIN videos v ON v.id = r.replay_video_id AND v.state = 'published'
    WHERE r.state = 'ended' ORDER BY r.ended_at DESC, r.id LIMIT :most
""")
OF_CREATOR = text("""
    SELECT id FROM live_rooms WHERE creator_id = :creator_id
    ORDER BY state = 'ended', announced_for DESC, id DESC LIMIT :most
""")
REMINDED = text("""
    SELECT m.room_id FROM live_reminders m JOIN live_rooms r ON r.id = m.room_id
    WHERE m.person_id = :person_id AND r.state <> 'ended' ORDER BY r.announced_for LIMIT 20
""")
CHAT = text("""
    SELECT m.id, m.at, m.body, p.name,
      CASE WHEN EXISTS (SELECT FROM grants g
          WHERE g.person_id = m.person_id AND g.org_id = r.creator_id) THEN 'creator'
        WHEN EXISTS (SELECT FROM live_moderators d
          WHERE d.person_id = m.person_id AND d.creator_id = r.creator_id) THEN 'moderator'
        ELSE 'viewer' END AS role
    FROM live_messages m JOIN people p ON p.id = m.person_id JOIN live_rooms r ON r.id = m.room_id
    WHERE m.room_id = :room_id AND m.removed_at IS NULL
    ORDER BY m.at DESC, m.id DESC LIMIT :most
""")


async def _rooms(
    conn: AsyncConnection, *, ids: Sequence[UUID] | None, person_id: UUID | None, at: datetime
) -> list[Room]:
    asked = {"ids": ids, "person_id": person_id, "at": at, "most": MOST_LISTED}
    rows = (await conn.execute(ROOMS, asked)).all()
    found = [
        Room(
            id=row.id, creator_id=row.creator_id, handle=row.handle, creator_zh=row.name,
            creator_en=row.name_en or row.name,
            avatar=public_url(row.avatar_file) if row.avatar_file else None,
            title_zh=row.title_zh or row.title_en, title_en=row.title_en or row.title_zh,
            cover=public_url(row.cover_file) if row.cover_file else None, state=row.state,
            announced_for=row.announced_for, started_at=row.started_at, ended_at=row.ended_at,
            end_reason=row.end_reason, chat=row.chat, slow_mode_s=row.slow_mode_s,
            replay_video_id=row.replay_video_id, viewers=row.viewers, likes=row.likes,
            following=row.following, is_reminded=row.is_reminded,
        )
        for row in rows
    ]  # fmt: skip
    if ids is None:
        return found
    order = {one: i for i, one in enumerate(ids)}
    return sorted(found, key=lambda room: order[room.id])


async def room_by_id(
    conn: AsyncConnection, *, room_id: UUID, person_id: UUID | None, at: datetime
) -> Room | None:
    found = await _rooms(conn, ids=[room_id], person_id=person_id, at=at)
    return found[0] if found else None


async def standing_rooms(
    conn: AsyncConnection, *, person_id: UUID | None, at: datetime
) -> list[Room]:
    """On air, the latest first; then announced ones of the next two weeks, the soonest first."""
    return await _rooms(conn, ids=None, person_id=person_id, at=at)


async def replays(conn: AsyncConnection, *, person_id: UUID | None, at: datetime) -> list[Room]:
    """Rooms that are over and can be watched again."""
    ids = list(await conn.scalars(REPLAYS, {"most": 12}))
    return await _rooms(conn, ids=ids, person_id=person_id, at=at) if ids else []


async def rooms_of_creator(conn: AsyncConnection, *, creator_id: UUID, at: datetime) -> list[Room]:
    """What stands first, then what is over; the latest first."""
    ids = list(await conn.scalars(OF_CREATOR, {"creator_id": creator_id, "most": MOST_LISTED}))
    return await _rooms(conn, ids=ids, person_id=None, at=at) if ids else []


async def reminded_rooms(conn: AsyncConnection, *, person_id: UUID, at: datetime) -> list[Room]:
    """Rooms that this person wants to be told of, until they are over."""
    ids = list(await conn.scalars(REMINDED, {"person_id": person_id}))
    return await _rooms(conn, ids=ids, person_id=person_id, at=at) if ids else []


class Helpers(msgspec.Struct, frozen=True):
    """Who helps in a creator's rooms (id and name each), and the words that are refused there."""

    moderators: list[tuple[UUID, str]]
    words: list[str]


async def helpers_of(conn: AsyncConnection, *, creator_id: UUID) -> Helpers:
    asked = {"creator_id": creator_id}
    people = await conn.execute(
        text("""
            SELECT p.id, p.name FROM live_moderators m JOIN people p ON p.id = m.person_id
            WHERE m.creator_id = :creator_id ORDER BY p.name, p.id
        """),
        asked,
    )
    words = await conn.scalars(
        text("SELECT word FROM live_keywords WHERE creator_id = :creator_id ORDER BY word"), asked
    )
    return Helpers([(row.id, row.name) for row in people], list(words))


async def last_messages(conn: AsyncConnection, *, room_id: UUID) -> list[dict[str, Any]]:
    """The newest messages that stand, the oldest of them first."""
    rows = await conn.execute(CHAT, {"room_id": room_id, "most": LAST_MESSAGES})
    return [
        {"id": str(row.id), "at": row.at.isoformat(), "name": row.name, "body": row.body,
         "role": row.role}
        for row in reversed(rows.all())
    ]  # fmt: skip


async def room_state(
    conn: AsyncConnection, *, room_id: UUID, at: datetime
) -> dict[str, Any] | None:
    """All that somebody who comes late has to know, as the messages of the room would have told it.
    None: no such room."""
    room = await room_by_id(conn, room_id=room_id, person_id=None, at=at)
    if room is None:
        return None
    return {
        "room": {
            "state": room.state,
            "title_zh": room.title_zh,
            "title_en": room.title_en,
            "announced_for": room.announced_for.isoformat(),
            "started_at": room.started_at.isoformat() if room.started_at else None,
            "end_reason": room.end_reason,
            "chat": room.chat,
            "slow_mode_s": room.slow_mode_s,
            "replay_video_id": str(room.replay_video_id) if room.replay_video_id else None,
        },
        "likes": room.likes,
        "chat": await last_messages(conn, room_id=room_id),
        **await selling_now(conn, room_id=room_id, creator_id=room.creator_id),
    }
