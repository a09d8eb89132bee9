"""What a live room's deadlines do: remind, and end what nobody started or came back to."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RoomId
from dougong.flows.live_on_air import end_room
from dougong.live.commands import REMINDS
from dougong.live.reminder_commands import tell_reminders
from dougong.live.rules import EndReason, WrongRoomState


async def act(conn: AsyncConnection, *, kind: str, room_id: RoomId, at: datetime) -> str:
    """Answers what came of it: `acted`, or `not_needed` when the room has ended before."""
    if kind == REMINDS:
        told = await tell_reminders(conn, room_id=room_id, at=at)
        return "acted" if told else "not_needed"
    try:
        await end_room(conn, room_id=room_id, creator_id=None, reason=EndReason.SILENT, at=at)
    except WrongRoomState:
        return "not_needed"
    return "acted"
