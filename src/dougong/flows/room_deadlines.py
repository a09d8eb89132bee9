"""What a live room's deadlines do: remind, end what nobody started or came back to, and forget
what was kept for its time."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RoomId
from dougong.flows.live_on_air import end_room
from dougong.infra import events
from dougong.live.commands import FORGETS, REMINDS
from dougong.live.reminder_commands import tell_reminders
from dougong.live.rules import EndReason, WrongRoomState
from dougong.live.seal_commands import forget_room


async def act(conn: AsyncConnection, *, kind: str, room_id: RoomId, at: datetime) -> str:
    """Answers what came of it: `acted`, or `not_needed` when the room has ended before."""
    if kind == REMINDS:
        people = await tell_reminders(conn, room_id=room_id, at=at)
        return "acted" if people else "not_needed"
    if kind == FORGETS:
        told = {"facts": await forget_room(conn, room_id=room_id, at=at)}
        await events.record(conn, "live.room_forgotten", subject_id=room_id, at=at, facts=told)
        return "acted"
    try:
        await end_room(conn, room_id=room_id, creator_id=None, reason=EndReason.SILENT, at=at)
    except WrongRoomState:
        return "not_needed"
    return "acted"
