"""An RTMP server says that its encoder has gone: why, and whose goodbye counts."""

from typing import Any

import pytest
from tests.live.opening import ARoom, a_room, publishers_of

from dougong.flows.live_on_air import end_room
from dougong.flows.publish_live import rtmp_is_over
from dougong.infra import clock, live_control
from dougong.infra.db import transaction
from dougong.live.publisher_commands import start_publisher
from dougong.live.rules import EndReason

MINE, ANOTHER = "127.0.0.1/7", "127.0.0.1/8"


async def a_room_with_an_encoder() -> ARoom:
    room = await a_room()
    async with transaction() as conn:
        await start_publisher(
            conn,
            room_id=room.id,
            key_id=room.key.id,
            protocol="rtmp",
            client=MINE,
            at=await clock.refresh(conn),
        )
    return room


async def nothing_to_close(_asked: dict[str, Any]) -> dict[str, Any]:
    """A supervisor's answer that looks at no room by itself."""
    return {"error": "not_running"}


@pytest.mark.parametrize(
    ("client", "has_ended", "reason"),
    [(MINE, False, "left"), (MINE, True, "room_ended"), (ANOTHER, False, None)],
)
async def test_a_goodbye_is_the_encoder_s_or_the_room_s(
    client: str, *, has_ended: bool, reason: str | None
) -> None:
    room = await a_room_with_an_encoder()
    if has_ended:  # the server asked whether to go on, and sent its encoder away before we did
        async with transaction() as conn:
            at = await clock.refresh(conn)
            await end_room(conn, room_id=room.id, creator_id=None, reason=EndReason.CREATOR, at=at)
    supervisor = await live_control.listen(nothing_to_close)
    await rtmp_is_over(room_id=room.id, client=client)
    supervisor.close()
    assert [one.end_reason for one in await publishers_of(room)] == [reason]
