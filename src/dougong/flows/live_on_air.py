"""A room's time on air, as the media and people decide it.

Who takes the pictures in calls, each in a transaction of its own:

    media_arrived(conn, room_id=…, at=…)   the first pictures of a publisher are there
    media_lost(conn, room_id=…, at=…)      they have stopped, and no other publisher has come
    end_room(conn, room_id=…, creator_id=…, reason=…, at=…)   for good
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RoomId
from dougong.flows.end_quotas import end_quotas_of
from dougong.flows.seal_evidence import close_selling
from dougong.live.commands import close_room, go_on_air, pause_room
from dougong.live.reminder_commands import tell_reminders
from dougong.live.rules import EndReason, WrongRoomState


async def media_arrived(conn: AsyncConnection, *, room_id: RoomId, at: datetime) -> None:
    """A room begins, or goes on after a break; one that is on air stays so.

    Raises RoomGone, WrongRoomState (it has ended: take no more pictures), OnAirAlready.
    """
    if await go_on_air(conn, room_id=room_id, at=at):
        await tell_reminders(conn, room_id=room_id, at=at)


async def media_lost(conn: AsyncConnection, *, room_id: RoomId, at: datetime) -> None:
    """The room has a break: it goes on with the next pictures, or ends by its deadline.

    Raises RoomGone. A room that is not on air is left as it is.
    """
    try:
        await pause_room(conn, room_id=room_id, creator_id=None, at=at)
    except WrongRoomState:
        return


async def end_room(
    conn: AsyncConnection,
    *,
    room_id: RoomId,
    creator_id: UUID | None,
    reason: EndReason,
    at: datetime,
) -> None:
    """End a room for good. `creator_id`: whose it must be; None for the operator and deadlines.

    Raises RoomGone, WrongRoomState (it has ended already).
    """
    await close_room(conn, room_id=room_id, creator_id=creator_id, reason=reason, at=at)
    await close_selling(conn, room_id=room_id, at=at)
    await end_quotas_of(conn, room_id=room_id, at=at)
