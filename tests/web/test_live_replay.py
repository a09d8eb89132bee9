"""The replay's timeline: what was explained when, in the recording's own time."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, a_store
from tests.flows.test_pin_product import pin
from tests.live.rooms import MINUTE, a_room

from dougong.base.ids import new_id
from dougong.flows.live_on_air import end_room, media_arrived, media_lost
from dougong.live.commands import keep_replay
from dougong.live.rules import EndReason
from dougong.reads.live_replay import replay_of


async def test_breaks_are_left_out(conn: AsyncConnection) -> None:
    """Explained in minute 1 and in minute 5, with a break of two minutes between."""
    room = await a_room(conn, await a_store(conn, prices=(9_900, 5_000), on_hand=7))
    await pin(conn, room, 0, T0 + MINUTE)
    await media_lost(conn, room_id=room.room_id, at=T0 + 2 * MINUTE)
    await media_arrived(conn, room_id=room.room_id, at=T0 + 4 * MINUTE)
    await pin(conn, room, 1, T0 + 5 * MINUTE)
    await end_room(
        conn, room_id=room.room_id, creator_id=None, reason=EndReason.CREATOR, at=T0 + 6 * MINUTE
    )
    assert await replay_of(conn, room_id=room.room_id) is None
    video_id = new_id()
    await conn.execute(
        text("""
            INSERT INTO videos (id, creator_id, state, media, created_at, published_at, seconds)
            VALUES (:id, :creator, 'published', 'replays/x', :at, :at, 240)
        """),
        {"id": video_id, "creator": room.creator_id, "at": T0},
    )
    await keep_replay(conn, room_id=room.room_id, video_id=video_id)
    found = await replay_of(conn, room_id=room.room_id)
    assert found is not None
    assert [(one.seconds, one.until, one.price_minor, one.stock) for one in found.markers] == [
        (60, 180, 9_900, 7), (180, 240, 5_000, 7),
    ]  # fmt: skip
