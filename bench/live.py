"""Live media: what a room costs, how many rooms two cores carry, and how late viewers see it.

The publisher is a real one (WebRTC on loopback, a clock painted into its pictures), the reader a
player that loads a segment as soon as the playlist names it. CPU is of the room's process alone.
Its pictures are grey but for the clock, so both figures and floor are lower than with a camera's.
"""

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import av
import psutil
from tests.live.publisher import APublisher, clock_ms, painted, pictures, read_number

from dougong.infra.live_encoder import Encoder, LiveVideo
from dougong.infra.live_processes import Rooms, room_folder
from dougong.infra.live_segments import SEGMENT_S, Recorder, segments_of

WIDTH, HEIGHT, FPS = 720, 1280, 25
WARM_SEGMENTS, SEGMENTS = 2, 8
CORES = 2
WORKING_SHARE = 0.8  # of a core may be planned for: the rest is for bursts
# Players begin one segment before the newest (hls.js with liveSyncDurationCount 1).
HELD_BACK = 1


def live_times(home: Path) -> dict[str, Any]:
    """Seconds of CPU per second of a room, its floor, and how late its pictures are, in seconds."""
    floor = floor_cores(home)
    facts = asyncio.run(_room())
    facts["floor_cores"] = floor
    facts["rooms_on_two_cores"] = int(CORES * WORKING_SHARE / facts["cores"])
    return facts


def floor_cores(home: Path) -> float:
    """Merely decoding and encoding the same pictures, without WebRTC: CPU seconds a second."""
    packets = _encoded()
    recorder = Recorder(home / "floor")
    encoder = Encoder(recorder, LiveVideo(), size=(WIDTH, HEIGHT))
    decoder: Any = av.CodecContext.create("vp8", "r")
    began = time.process_time()
    number = 0
    for packet in packets:
        for frame in decoder.decode(packet):
            encoder.picture(frame, at_s=number / FPS)
            number += 1
    encoder.close()
    return (time.process_time() - began) / (number / FPS)


def _encoded() -> list[Any]:
    codec: Any = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.framerate, codec.bit_rate = FPS, 2_000_000
    codec.options = {"deadline": "realtime", "cpu-used": "-6"}
    made = []
    for number in range(SEGMENTS * SEGMENT_S * FPS):
        frame = painted(number, width=WIDTH, height=HEIGHT)
        frame.pts = number
        made += codec.encode(frame)
    return [*made, *codec.encode(None)]


async def _room() -> dict[str, Any]:
    rooms, room_id = Rooms(), uuid4()
    publisher = APublisher(width=WIDTH, height=HEIGHT, fps=FPS)
    try:
        said = await rooms.ask(room_id, do="offer", session="one", sdp=await publisher.offer())
        await publisher.take(said["sdp"])
        await publisher.connected()
        return await _measured(rooms, room_id)
    finally:
        await publisher.close()
        await rooms.stop_all()


async def _measured(rooms: Rooms, room_id: Any) -> dict[str, Any]:
    """`first_picture_s`: from glass to the moment the segment with it can be loaded; its last
    picture is SEGMENT_S fresher. `glass_to_glass_s`: as a player shows it that holds one segment
    back."""
    running = rooms.running(room_id)
    assert running is not None
    process, folder = psutil.Process(running.pid), room_folder(room_id)
    delays: list[float] = []
    known = 0
    began: tuple[float, float] | None = None
    while len(delays) < SEGMENTS:
        found = segments_of(folder)
        if len(found) == known:
            await asyncio.sleep(0.02)
            continue
        now, known = clock_ms(), len(found)
        if known <= WARM_SEGMENTS:
            continue
        if began is None:
            began = (_cpu_s(process), time.monotonic())
        first = await asyncio.to_thread(pictures, folder / found[-1].file)
        delays.append((now - read_number(first[0], width=WIDTH)) / 1000)
    assert began is not None
    cores = (_cpu_s(process) - began[0]) / (time.monotonic() - began[1])
    status = await running.ask(do="status")
    listed = statistics.median(delays)
    return {
        "cores": cores,
        "first_picture_s": listed,
        "glass_to_glass_s": listed + HELD_BACK * SEGMENT_S,
        "worst_first_picture_s": max(delays),
        "dropped": status["dropped"],
        "frames": status["frames"],
        "bitrate_kbps": status["bitrate_bps"] / 1000,
    }


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)
