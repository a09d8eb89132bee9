"""Writes stream keys and publishers: who sends pictures into a room, and how well they arrive."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, RoomId, new_id
from dougong.infra import events
from dougong.live.publisher_rules import (
    MOST_KEYS,
    StrangeKey,
    TooManyKeys,
    new_stream_key,
    stream_key_hash,
)
from dougong.live.tables import live_publishers, live_stream_keys


class MadeKey(NamedTuple):
    """`key` is shown once: only its hash is kept."""

    id: UUID
    key: str


async def make_stream_key(
    conn: AsyncConnection, *, room_id: RoomId, made_by: PersonId, at: datetime
) -> MadeKey:
    """One more key for a room, which the caller has locked. Raises TooManyKeys."""
    standing = select(func.count()).select_from(live_stream_keys)
    standing = standing.where(live_stream_keys.c.room_id == room_id)
    if int(await conn.scalar(standing.where(live_stream_keys.c.revoked_at.is_(None))) or 0) >= (
        MOST_KEYS
    ):
        raise TooManyKeys(most=MOST_KEYS)
    made = MadeKey(new_id(), new_stream_key())
    row = {"id": made.id, "room_id": room_id, "key_hash": stream_key_hash(made.key)}
    await conn.execute(insert(live_stream_keys).values(**row, made_by=made_by, made_at=at))
    facts = {"key_id": str(made.id), "made_by": str(made_by)}
    await events.record(conn, "live.stream_key_made", subject_id=room_id, at=at, facts=facts)
    return made


async def revoke_stream_key(
    conn: AsyncConnection, *, room_id: RoomId, key_id: UUID, at: datetime
) -> UUID | None:
    """Nobody publishes with it any more; the publisher that did, if one was there. Revoking twice
    is revoking once. Raises NotFound."""
    where = (live_stream_keys.c.room_id == room_id, live_stream_keys.c.id == key_id)
    change = update(live_stream_keys).where(*where)
    change = change.values(revoked_at=func.coalesce(live_stream_keys.c.revoked_at, at))
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
    mine = select(live_publishers.c.id).where(live_publishers.c.key_id == key_id)
    publisher_id = await conn.scalar(mine.where(live_publishers.c.ended_at.is_(None)))
    if publisher_id:
        await end_publisher(conn, publisher_id=publisher_id, reason="revoked", at=at)
    facts = {"key_id": str(key_id)}
    await events.record(conn, "live.stream_key_revoked", subject_id=room_id, at=at, facts=facts)
    return UUID(str(publisher_id)) if publisher_id else None


async def key_id_of(conn: AsyncConnection, *, room_id: RoomId, key: str) -> UUID:
    """The key's id. Raises StrangeKey for a revoked one and for another room's."""
    found = await conn.scalar(
        select(live_stream_keys.c.id)
        .where(live_stream_keys.c.key_hash == stream_key_hash(key))
        .where(live_stream_keys.c.room_id == room_id)
        .where(live_stream_keys.c.revoked_at.is_(None))
    )
    if found is None:
        raise StrangeKey
    return UUID(str(found))


async def start_publisher(
    conn: AsyncConnection,
    *,
    room_id: RoomId,
    key_id: UUID,
    protocol: str,
    client: str,
    at: datetime,
) -> UUID | None:
    """A new publisher; None when the room has one already. `client`: as its media server calls the
    connection, empty without one."""
    row = {"id": new_id(), "room_id": room_id, "key_id": key_id, "protocol": protocol}
    row["client"] = client
    taken = await conn.scalar(
        upsert(live_publishers)
        .values(**row, started_at=at, seen_at=at)
        .on_conflict_do_nothing()
        .returning(live_publishers.c.id)
    )
    if taken is None:
        return None
    facts = {"publisher_id": str(taken), "protocol": protocol}
    await events.record(conn, "live.publisher_came", subject_id=room_id, at=at, facts=facts)
    return UUID(str(taken))


async def end_publisher(
    conn: AsyncConnection, *, publisher_id: UUID, reason: str, at: datetime
) -> bool:
    """False when it was over already."""
    change = update(live_publishers).where(live_publishers.c.id == publisher_id)
    change = change.where(live_publishers.c.ended_at.is_(None))
    room_id = await conn.scalar(
        change.values(ended_at=at, end_reason=reason).returning(live_publishers.c.room_id)
    )
    if room_id is None:
        return False
    facts = {"publisher_id": str(publisher_id), "reason": reason}
    await events.record(conn, "live.publisher_left", subject_id=room_id, at=at, facts=facts)
    return True


class Heard(NamedTuple):
    """How a publisher's media arrives."""

    publisher_id: UUID
    bitrate_bps: int
    frames: int
    dropped: int


NOTE = text("""
    UPDATE live_publishers AS p
    SET seen_at = :at, bitrate_bps = h.bitrate_bps, frames = h.frames, dropped = h.dropped
    FROM unnest(CAST(:ids AS uuid[]), CAST(:bitrates AS bigint[]), CAST(:frames AS bigint[]),
      CAST(:dropped AS bigint[])) AS h (id, bitrate_bps, frames, dropped)
    WHERE p.id = h.id AND p.ended_at IS NULL
""")


async def note_heard(conn: AsyncConnection, *, heard: Sequence[Heard], at: datetime) -> None:
    asked: dict[str, Any] = {
        "at": at,
        "ids": [one.publisher_id for one in heard],
        "bitrates": [one.bitrate_bps for one in heard],
        "frames": [one.frames for one in heard],
        "dropped": [one.dropped for one in heard],
    }
    await conn.execute(NOTE, asked)
