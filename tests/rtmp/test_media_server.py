"""RTMP through a real nginx that is told what `dougong live nginx-config` prints: encoders come and
go, strangers are kept out, and what arrives is the room's stream."""

from collections.abc import AsyncIterator, Iterator
from itertools import pairwise

import av
import pytest
from tests.live.publisher import clock_ms, pictures, read_number
from tests.rtmp.encoder import WIDTH
from tests.rtmp.media_server import a_media_server
from tests.rtmp.site import ARoom, Site, a_room, until

pytestmark = [pytest.mark.slow, pytest.mark.rtmp, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("rtmp")
    made = Site(home / "data")
    made.start()
    try:
        made.wait_ready()
        printed = made.run("-m", "dougong", "live", "nginx-config")
        assert printed.returncode == 0, printed.stderr
        with a_media_server(home / "nginx", block=printed.stdout, port=made.rtmp_port):
            yield made
    finally:
        made.stop()


@pytest.fixture
async def room(site: Site) -> AsyncIterator[ARoom]:
    made = await a_room(site)
    yield made
    made.client.close()


def is_refused(room: ARoom, *, key: str = "") -> bool:
    """Whether an encoder is sent away before it could send anything."""
    tried = room.encoder(key=key)
    tried.join(timeout=40)
    assert not tried.is_alive()
    return tried.error is not None and not tried.is_taken.is_set()


def test_what_an_encoder_sends_is_the_room_s_stream(room: ARoom) -> None:
    encoder = room.encoder()
    room.becomes("live")
    found = room.segments(3)
    now = clock_ms()
    newest = [read_number(one, width=WIDTH) for one in pictures(room.folder / found[2].file)]
    encoder.stop()
    assert encoder.error is None
    assert [one.duration_ms for one in found[1:3]] == [2000, 2000]
    assert all(after >= before for before, after in pairwise(newest))
    assert now - newest[-1] < 3_000  # milliseconds from the encoder's clock to a whole segment
    with av.open(str(room.folder / found[1].file)) as segment:
        names = {stream.codec_context.name for stream in segment.streams}
        sound = segment.streams.audio[0]
        seconds = sum(one.samples for one in segment.decode(sound)) / sound.rate
    assert names == {"h264", "aac"}
    assert 1.8 < seconds < 2.2
    shown = room.client.get(f"/media/live/{room.id}/index.m3u8").text
    assert "000001.ts" in shown
    assert room.publishers()[0][0] == "rtmp"


def test_a_stranger_s_key_is_refused(room: ARoom) -> None:
    assert is_refused(room, key="live_nobody-made-this")
    assert (room.state, room.publishers()) == ("scheduled", [])


def test_a_second_publisher_is_refused_and_the_first_goes_on(room: ARoom) -> None:
    first = room.encoder()
    before = len(room.segments(1))
    assert is_refused(room)
    room.segments(before + 2)
    assert room.state == "live"
    first.stop()
    assert first.error is None
    until(lambda: room.publishers() == [("rtmp", "left")])


def test_an_encoder_that_stops_is_noticed_and_may_come_back(room: ARoom) -> None:
    first = room.encoder()
    room.becomes("live")
    first.stop()
    room.becomes("paused")
    assert room.publishers() == [("rtmp", "left")]
    known = len(room.segments(1))
    second = room.encoder()
    room.becomes("live")
    found = room.segments(known + 1)
    second.stop()
    assert [one.number for one in found] == list(range(len(found)))
    assert sum(one.is_new for one in found) == 2


def test_a_stalled_encoder_is_dropped(room: ARoom) -> None:
    encoder = room.encoder()
    room.becomes("live")
    encoder.stalls.set()
    room.becomes("paused")
    until(lambda: room.publishers() == [("rtmp", "left")])
    encoder.stop()


def test_a_revoked_key_cuts_its_encoder_off_and_leaves_the_place_to_another(room: ARoom) -> None:
    mine = room.post("/keys").json()
    theirs = room.encoder()
    room.becomes("live")
    (key_id,) = room.site.rows(
        "SELECT key_id FROM live_publishers WHERE room_id = %s AND ended_at IS NULL", room.id
    )[0]
    room.post(f"/keys/{key_id}/revoke")
    room.becomes("paused")
    theirs.join(timeout=40)
    assert (theirs.is_alive(), theirs.error is None) == (False, False)
    assert is_refused(room)
    another = room.encoder(key=mine["key"])
    room.becomes("live")
    another.stop()
    until(lambda: room.publishers() == [("rtmp", "revoked"), ("rtmp", "left")])


def test_a_killed_room_process_reads_the_same_stream_again(room: ARoom) -> None:
    encoder = room.encoder()
    before = len(room.segments(1))
    mine = [one for one in room.site.room_processes() if room.id in " ".join(one.cmdline())]
    assert len(mine) == 1
    mine[0].kill()
    found = room.segments(before + 2)
    room.becomes("live")
    assert encoder.is_alive()
    encoder.stop()
    assert encoder.error is None
    assert [one.number for one in found] == list(range(len(found)))
    until(lambda: room.publishers() == [("rtmp", "left")])


def test_the_end_of_a_room_sends_its_encoder_away(room: ARoom) -> None:
    encoder = room.encoder()
    room.segments(1)
    room.post("/end")
    encoder.join(timeout=40)
    assert (encoder.is_alive(), encoder.error is None) == (False, False)
    assert is_refused(room)
    assert (room.state, room.publishers()) == ("ended", [("rtmp", "room_ended")])
