"""The process of a room: real WebRTC on loopback comes in, and FFmpeg reads what comes out."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import av
import pytest
from tests.live.publisher import APublisher, clock_ms, pictures, read_number, until

from dougong.infra.live_processes import RoomAway, Rooms, room_folder
from dougong.infra.live_segments import PLAYLIST, POSTER, playlist, segments_of

pytestmark = pytest.mark.slow


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    made = Rooms()
    yield made
    await made.stop_all()


async def on_air(rooms: Rooms, room_id: UUID, **of_track: object) -> APublisher:
    publisher = APublisher(**of_track)
    said = await rooms.ask(room_id, do="offer", session="one", sdp=await publisher.offer())
    await publisher.take(said["sdp"])
    await publisher.connected()
    return publisher


async def segments(room_id: UUID, count: int) -> Path:
    folder = room_folder(room_id)
    await until(lambda: len(segments_of(folder)) >= count)
    return folder


async def test_a_publisher_becomes_segments_of_two_seconds(rooms: Rooms) -> None:
    room_id = uuid4()
    publisher = await on_air(rooms, room_id)
    folder = await segments(room_id, 3)
    await publisher.close()
    assert [one.duration_ms for one in segments_of(folder)[:3]] == [2000, 2000, 2000]
    first = pictures(folder / "000000.ts")
    assert (len(first), first[0].key_frame, first[0].width, first[0].height) == (50, True, 960, 720)
    lines = (folder / PLAYLIST).read_text().splitlines()
    assert lines[:6] == [
        "#EXTM3U",
        "#EXT-X-VERSION:6",
        "#EXT-X-TARGETDURATION:2",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-DISCONTINUITY-SEQUENCE:0",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    assert (folder / POSTER).read_bytes()[:3] == b"\xff\xd8\xff"


async def test_pictures_keep_their_order_and_their_clock(rooms: Rooms) -> None:
    room_id = uuid4()
    publisher = await on_air(rooms, room_id)
    folder = await segments(room_id, 2)
    now = clock_ms()
    await publisher.close()
    read = [read_number(frame, width=320) for frame in pictures(folder / "000001.ts")]
    steps = [after - before for before, after in pairwise(read)]
    assert all(0 <= step <= 200 for step in steps), steps
    assert 1900 <= read[-1] - read[0] <= 2100
    assert now - read[-1] < 2_500


async def test_sound_is_there_and_as_long_as_the_picture(rooms: Rooms) -> None:
    room_id = uuid4()
    publisher = await on_air(rooms, room_id)
    folder = await segments(room_id, 3)
    await publisher.close()
    assert_sound_goes_through(folder)


async def test_a_publisher_without_sound_is_silent(rooms: Rooms) -> None:
    room_id = uuid4()
    publisher = await on_air(rooms, room_id, with_sound=False)
    folder = await segments(room_id, 3)
    await publisher.close()
    assert_sound_goes_through(folder)


def assert_sound_goes_through(folder: Path) -> None:
    """The second and the third segment have four seconds of sound without a hole: give or take
    what came in late for its own and is in the next."""
    heard: list[tuple[float, float]] = []
    for n in (1, 2):
        with av.open(str(folder / f"{n:06}.ts")) as source:
            stream = source.streams.audio[0]
            heard += [
                (float(frame.pts * frame.time_base), frame.samples / stream.rate)
                for frame in source.decode(stream)
            ]
    long = sum(seconds for _, seconds in heard)
    (first, _), (last, seconds) = heard[0], heard[-1]
    assert abs(last + seconds - first - long) < 0.05
    assert 3.4 < long < 4.6


async def test_status_tells_bits_and_frames_and_silence(rooms: Rooms) -> None:
    room_id = uuid4()
    publisher = await on_air(rooms, room_id)
    await segments(room_id, 1)
    await asyncio.sleep(1.2)
    running = await rooms.ask(room_id, do="status")
    publisher.video.runs.clear()
    await asyncio.sleep(1.5)
    stalled = await rooms.ask(room_id, do="status")
    await publisher.close()
    assert (running["session"], running["has_media"], running["is_over"]) == ("one", True, False)
    assert running["bitrate_bps"] > 20_000
    assert running["frames"] >= 50
    assert running["silent_s"] < 0.5 < 1 < stalled["silent_s"]


@pytest.mark.parametrize(
    ("sdp", "reason", "was_read"),
    [
        ("garbage", "no_sdp", False),
        ("v=0\r\nm=video", "unreadable", False),
        ("v=0\r\ns=-\r\n", "no_video", True),
        ("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=recvonly\r\n", "not_sending", True),
    ],
)
async def test_a_broken_offer_is_refused(
    rooms: Rooms, sdp: str, reason: str, was_read: bool
) -> None:
    said = await rooms.ask(uuid4(), do="offer", session="one", sdp=sdp)
    assert (said["error"], said["reason"], said["read"]) == ("bad_offer", reason, was_read)


async def test_a_killed_process_comes_back_and_the_playlist_goes_on(rooms: Rooms) -> None:
    room_id = uuid4()
    before = await on_air(rooms, room_id)
    folder = await segments(room_id, 2)
    room = rooms.running(room_id)
    assert room
    os.kill(room.pid, signal.SIGKILL)
    await before.close()
    known = len(segments_of(folder))
    with pytest.raises(RoomAway):
        await room.ask(do="status")
    after = await on_air(rooms, room_id)
    await segments(room_id, known + 2)
    await after.close()
    found = segments_of(folder)
    assert [one.number for one in found] == list(range(len(found)))
    assert [one.is_new for one in found[: known + 2]] == [True, *[False] * (known - 1), True, False]
    text = (folder / PLAYLIST).read_text()
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert "#EXT-X-ENDLIST" not in text


async def test_end_says_that_nothing_more_comes(rooms: Rooms) -> None:
    room_id = uuid4()
    publisher = await on_air(rooms, room_id)
    folder = await segments(room_id, 2)
    ended = await rooms.ask(room_id, do="end")
    await publisher.close()
    assert ended["seconds"] == sum(one.duration_ms for one in segments_of(folder)) / 1000
    assert (folder / PLAYLIST).read_text().endswith("#EXT-X-ENDLIST\n")
    whole = folder / "all.m3u8"
    whole.write_text(playlist(segments_of(folder), over=True, whole=True))
    assert len(pictures(whole)) == round(ended["seconds"] * 25)
