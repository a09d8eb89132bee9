"""A room on air: its pictures stop, come back, are cut off; its processes are killed; it ends."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.live.opening import (
    ARoom,
    Client,
    a_caller,
    a_room,
    an_ingest,
    becomes,
    offer,
    publish,
    publishers_of,
    state_of,
)
from tests.live.publisher import APublisher, pictures, until

from dougong.flows.deadlines import act_on_due
from dougong.flows.live_on_air import end_room
from dougong.flows.make_replay import make_replay
from dougong.flows.publish_live import take_key_back
from dougong.flows.run_ingest import Ingest
from dougong.infra import clock, files
from dougong.infra.db import transaction
from dougong.infra.live_processes import room_folder
from dougong.infra.live_segments import PLAYLIST, segments_of
from dougong.infra.settings import settings
from dougong.live.rules import EndReason

pytestmark = pytest.mark.slow


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with a_caller() as made:
        yield made


@pytest.fixture
async def ingest() -> AsyncIterator[Ingest]:
    async with an_ingest() as made:
        yield made


async def segments(room: ARoom, count: int) -> int:
    """Wait for so many segments; how many there are."""
    folder = room_folder(room.id)
    await until(lambda: len(segments_of(folder)) >= count, within_s=30)
    return len(segments_of(folder))


async def after_the_window() -> None:
    """Let what is due act, as if the time to come back were over."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
    later = timedelta(seconds=settings().live_return_s + 1)
    with suppress(ExceptionGroup):  # deadlines of other tests that cannot act
        await act_on_due(at=at + later)


async def ended(room: ARoom) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await end_room(
            conn, room_id=room.id, creator_id=room.creator_id, reason=EndReason.CREATOR, at=at
        )


async def reason_of(room: ARoom) -> str:
    """Why the first publisher left, as soon as it has."""
    async with asyncio.timeout(25):
        while not (found := (await publishers_of(room))[0].end_reason):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return str(found)


async def test_figures_of_a_publisher_are_kept(client: Client, ingest: Ingest) -> None:
    room = await a_room()
    await publish(client, room)
    await becomes(room, "live")
    await asyncio.sleep(5)
    (found,) = await publishers_of(room)
    assert found.bitrate_bps > 20_000
    assert found.frames > 40
    assert found.dropped == 0
    assert found.seen_at > found.started_at


async def test_a_stalled_publisher_pauses_the_room_and_goes_on(
    client: Client, ingest: Ingest
) -> None:
    room = await a_room()
    publisher, _ = await publish(client, room)
    await becomes(room, "live")
    publisher.video.runs.clear()
    await becomes(room, "paused")
    publisher.video.runs.set()
    await becomes(room, "live")
    assert [one.end_reason for one in await publishers_of(room)] == [None]


async def test_a_publisher_that_stays_silent_ends_the_room(client: Client, ingest: Ingest) -> None:
    room = await a_room()
    publisher, _ = await publish(client, room)
    await becomes(room, "live")
    publisher.video.runs.clear()
    await becomes(room, "paused")
    await after_the_window()
    assert await state_of(room) == ("ended", "silent")
    assert await reason_of(room) == "room_ended"


async def test_garbage_for_pictures_never_starts_a_room(
    client: Client, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dougong.flows.run_ingest.FIRST_PICTURE_WITHIN_S", 8)
    room = await a_room()
    publisher = APublisher()
    publisher.video.sends_garbage()
    answered = await offer(client, room, publisher)
    await publisher.take(answered.text)
    await publisher.connected()
    assert await reason_of(room) == "no_pictures"
    assert (await state_of(room))[0] == "scheduled"
    assert segments_of(room_folder(room.id)) == []


async def test_a_revoked_key_cuts_its_publisher_off_at_once(client: Client, ingest: Ingest) -> None:
    room = await a_room()
    publisher, _ = await publish(client, room)
    await becomes(room, "live")
    await take_key_back(room_id=room.id, creator_id=room.creator_id, key_id=room.key.id)
    await until(lambda: publisher.peer.connectionState == "closed", within_s=5)
    await becomes(room, "paused")
    assert await reason_of(room) == "revoked"
    assert (await offer(client, room, APublisher())).status_code == 401


async def test_the_same_key_goes_on_in_the_same_playlist(client: Client, ingest: Ingest) -> None:
    room = await a_room()
    first, _ = await publish(client, room)
    await becomes(room, "live")
    before = await segments(room, 2)
    first.video.runs.clear()  # a browser that crashed: its session is still there
    await asyncio.sleep(3.5)
    await publish(client, room)
    await becomes(room, "live")
    await segments(room, before + 2)
    assert [one.end_reason for one in await publishers_of(room)] == ["replaced", None]
    found = segments_of(room_folder(room.id))
    assert [one.number for one in found] == list(range(len(found)))
    assert sum(one.is_new for one in found) == 2
    text_ = (room_folder(room.id) / PLAYLIST).read_text()
    assert text_.count("#EXT-X-DISCONTINUITY\n") == 1


async def test_after_the_window_the_room_is_over(client: Client, ingest: Ingest) -> None:
    room = await a_room()
    _, place = await publish(client, room)
    await becomes(room, "live")
    headers = {"Authorization": f"Bearer {room.key.key}"}
    assert (await client.delete(place, headers=headers)).status_code == 200
    await becomes(room, "paused")
    await after_the_window()
    answered = await offer(client, room, APublisher())
    assert (answered.status_code, await state_of(room)) == (410, ("ended", "silent"))


async def test_a_killed_room_process_comes_back_by_itself(client: Client, ingest: Ingest) -> None:
    room = await a_room()
    await publish(client, room)
    await becomes(room, "live")
    before = await segments(room, 2)
    process = ingest.rooms.running(room.id)
    assert process
    os.kill(process.pid, signal.SIGKILL)
    await until(lambda: _another(ingest, room.id, process.pid), within_s=15)
    await becomes(room, "paused")
    assert await reason_of(room) == "lost"
    await publish(client, room)
    await becomes(room, "live")
    await segments(room, before + 1)
    found = segments_of(room_folder(room.id))
    assert [one.number for one in found] == list(range(len(found)))


def _another(ingest: Ingest, room_id: UUID, pid: int) -> bool:
    running = ingest.rooms.running(room_id)
    return running is not None and running.pid != pid


async def test_the_end_of_a_room_makes_a_replay_as_long_as_the_room(
    client: Client, ingest: Ingest
) -> None:
    room = await a_room()
    await publish(client, room)
    await becomes(room, "live")
    await segments(room, 3)
    await ended(room)
    folder = room_folder(room.id)
    await until(lambda: (folder / PLAYLIST).read_text().endswith("#EXT-X-ENDLIST\n"))
    await make_replay(room_id=str(room.id))
    async with transaction() as conn:
        video = (
            await conn.execute(
                text("""
                    SELECT v.* FROM videos AS v JOIN live_rooms AS r ON r.replay_video_id = v.id
                    WHERE r.id = :id
                """),
                {"id": room.id},
            )
        ).one()
    recorded = sum(one.duration_ms for one in segments_of(folder)) / 1000
    assert (video.state, video.creator_id) == ("published", room.creator_id)
    assert (video.caption_zh, video.caption_en) == ("直播", "Live")
    assert (video.seconds, video.width, video.height) == (recorded, 960, 720)
    playlist: Path = files.media_path(video.media) / PLAYLIST
    assert len(pictures(playlist)) == round(recorded * 25)
    assert (playlist.parent / "poster.jpg").exists()
    await make_replay(room_id=str(room.id))  # again: nothing more comes of it
    assert len(list(playlist.parents[1].iterdir())) == 1
