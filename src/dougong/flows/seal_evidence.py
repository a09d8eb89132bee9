"""What a room has shown is sealed each minute, and at once when it ends."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RoomId
from dougong.infra import broadcast, clock
from dougong.infra.db import transaction
from dougong.infra.jobs import task
from dougong.live.drop_commands import end_drops_of
from dougong.live.evidence_rules import SETTLED
from dougong.live.offer_commands import stop_offers_of
from dougong.live.pin_commands import end_explanation, end_shelf_facts, not_sealed
from dougong.live.seal_commands import rooms_to_seal, seal_room


@task("live.seal", every="* * * * * 30")
async def seal_evidence() -> None:
    """Every room that has begun, a transaction each."""
    async with transaction() as conn:
        rooms = await rooms_to_seal(conn, at=await clock.refresh(conn))
    for room_id in rooms:
        async with transaction() as conn:
            upto = await clock.refresh(conn) - SETTLED
            await seal_room(conn, room_id=RoomId(room_id), upto=upto, sealed_at=clock.wall_now())


async def close_selling(conn: AsyncConnection, *, room_id: RoomId, at: datetime) -> None:
    """The room is over, and locked: nothing is explained or offered any more, and what was is
    sealed. A draw that is open is drawn when it closes."""
    at = await not_sealed(conn, room_id=room_id, at=at)
    if await end_explanation(conn, room_id=room_id, reason="room_ended", at=at):
        await broadcast.say(conn, room_id, "unpin", {"why": "room_ended"})
    await end_shelf_facts(conn, room_id=room_id, link_ids=None, at=at)
    await stop_offers_of(conn, room_id=room_id, at=at)
    await end_drops_of(conn, room_id=room_id, at=at)
    await seal_room(conn, room_id=room_id, upto=at, sealed_at=clock.wall_now())
