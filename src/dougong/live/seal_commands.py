"""Seals what has ended in a room: one link more of its chain."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RoomId
from dougong.live.commands import lock_room
from dougong.live.evidence_rules import FIRST_HASH, Seal, chained, contents_of
from dougong.live.rules import RoomState, WrongRoomState
from dougong.live.seal_queries import facts_of, last_seal, seals_of
from dougong.live.tables import live_rooms, live_seals


async def seal_room(
    conn: AsyncConnection, *, room_id: RoomId, upto: datetime, sealed_at: datetime
) -> Seal | None:
    """Seal what ended up to an instant; None where nothing has since the last seal.

    The room is locked: whoever writes a fact into it waits, and then writes a later one. Raises
    RoomGone.
    """
    await lock_room(conn, room_id=room_id, creator_id=None)
    last = await last_seal(conn, room_id=room_id)
    facts = await facts_of(conn, room_id=room_id, since=last.upto if last else None, upto=upto)
    if not facts or (last and last.upto >= upto):
        return None
    number, previous = (last.number + 1, last.hash) if last else (1, FIRST_HASH)
    contents = contents_of(facts)
    made = Seal(room_id, number, upto, len(facts), contents, chained(previous, contents))
    row = {**made._asdict(), "sealed_at": sealed_at}
    await conn.execute(insert(live_seals).values(row))
    return made


async def rooms_to_seal(conn: AsyncConnection, *, at: datetime) -> Sequence[UUID]:
    """Rooms that have begun, until a week after their end: the last figures, and a draw that closes
    later, come behind it."""
    found = await conn.scalars(
        text("""
            SELECT id FROM live_rooms WHERE started_at IS NOT NULL
              AND (ended_at IS NULL OR ended_at > CAST(:at AS timestamptz) - interval '7 days')
            ORDER BY id
        """),
        {"at": at},
    )
    return found.all()


async def forget_room(conn: AsyncConnection, *, room_id: RoomId, at: datetime) -> int:
    """Delete what a room showed and who was there, when its time is over. Its seals stay, and what
    was sold in it. Answers how many facts its seals count.

    Raises RoomGone, WrongRoomState (it has not ended, or is to be kept longer).
    """
    room = await lock_room(conn, room_id=room_id, creator_id=None)
    if room.state != RoomState.ENDED or room.keep_until > at:
        raise WrongRoomState(state=room.state)
    await conn.execute(text("SELECT forget_live_room(:room_id)"), {"room_id": room_id})
    change = update(live_rooms).where(live_rooms.c.id == room_id).values(forgotten_at=at)
    await conn.execute(change)
    seals = await seals_of(conn, room_id=room_id)
    return sum(one.facts for one in seals)
