"""Writes who wants to be reminded of a room, and that they were."""

from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, RoomId
from dougong.infra import events
from dougong.live.rules import RoomGone, RoomState, WrongRoomState
from dougong.live.tables import live_reminders, live_rooms

TELL = text("""
    UPDATE live_reminders AS m SET told_at = :at FROM live_rooms AS r
    WHERE m.room_id = :room_id AND m.told_at IS NULL AND r.id = m.room_id AND r.state <> 'ended'
    RETURNING m.person_id, r.announced_for
""")


async def remind(
    conn: AsyncConnection, *, room_id: RoomId, person_id: PersonId, at: datetime
) -> None:
    """Asking twice is asking once. Raises RoomGone, WrongRoomState (it has begun)."""
    state = await conn.scalar(select(live_rooms.c.state).where(live_rooms.c.id == room_id))
    if state is None:
        raise RoomGone
    if state != RoomState.SCHEDULED:
        raise WrongRoomState(state=state)
    row = {"room_id": room_id, "person_id": person_id, "at": at}
    await conn.execute(upsert(live_reminders).values(**row).on_conflict_do_nothing())


async def forget(conn: AsyncConnection, *, room_id: RoomId, person_id: PersonId) -> None:
    """No reminder, please; also when there was none."""
    mine = live_reminders.c.person_id == person_id
    await conn.execute(delete(live_reminders).where(live_reminders.c.room_id == room_id, mine))


async def tell_reminders(conn: AsyncConnection, *, room_id: RoomId, at: datetime) -> int:
    """Tell whoever asked and was not told: an event each, and a notice on their page. Answers how
    many they were; nobody is told of a room that has ended."""
    told = (await conn.execute(TELL, {"room_id": room_id, "at": at})).all()
    subjects = [
        (room_id, {"person_id": str(one.person_id), "announced_for": one.announced_for.isoformat()})
        for one in told
    ]
    if subjects:
        await events.record_many(conn, "live.reminder_due", at=at, subjects=subjects)
    return len(told)
