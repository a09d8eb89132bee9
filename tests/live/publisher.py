"""A real publisher for tests: WebRTC from this process, with a clock painted into its pictures."""

from __future__ import annotations

import asyncio
import os
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack

BITS = 24
BLOCK = 16  # a block of so many pixels survives any encoding
DARK, BRIGHT = 40, 220


def painted(number: int, *, width: int, height: int) -> av.VideoFrame:
    """A grey picture with a number in blocks along its top: three rows of eight bits."""
    frame = av.VideoFrame(width, height, "yuv420p")
    luma = frame.planes[0]
    line = luma.line_size
    rows = []
    for row in range(BITS // 8):
        bits = [number >> (row * 8 + bit) & 1 for bit in range(8)]
        one = b"".join(bytes([BRIGHT if bit else DARK]) * BLOCK for bit in bits)
        rows.append((one + bytes([128]) * (line - len(one))) * BLOCK)
    top = b"".join(rows)
    luma.update(top + bytes([128]) * (luma.buffer_size - len(top)))
    for plane in frame.planes[1:]:
        plane.update(bytes([128]) * plane.buffer_size)
    return frame


def read_number(frame: av.VideoFrame, *, width: int) -> int:
    """The number painted into a picture that was `width` pixels wide when it was painted."""
    grey = frame.reformat(format="gray")
    data, line = bytes(grey.planes[0]), grey.planes[0].line_size
    scale = frame.width / width
    number = 0
    for bit in range(BITS):
        row, column = divmod(bit, 8)
        x = int((column + 0.5) * BLOCK * scale)
        y = int((row + 0.5) * BLOCK * scale)
        number |= (data[y * line + x] > 128) << bit
    return number


def clock_ms() -> int:
    """The clock that is painted: milliseconds, begun anew every four hours."""
    return int(time.monotonic() * 1000) % (1 << BITS)


class ClockTrack(MediaStreamTrack):
    """A camera that sees a clock; it can be held still, which is what a stalled publisher is."""

    kind = "video"

    def __init__(self, *, width: int = 320, height: int = 240, fps: int = 25) -> None:
        super().__init__()
        self.width, self.height, self.fps = width, height, fps
        self.is_garbage = False
        self.runs = asyncio.Event()
        self.runs.set()
        self._began_at: float | None = None
        self._number = 0

    def sends_garbage(self) -> None:
        """Packets that look like VP8, and hold nothing that anybody could decode."""
        self.is_garbage = True

    async def recv(self) -> av.VideoFrame | av.Packet[Any]:
        if self._began_at is None:
            self._began_at = time.monotonic()
        due = self._began_at + self._number / self.fps
        await asyncio.sleep(max(0, due - time.monotonic()))
        await self.runs.wait()
        if self.is_garbage:
            packet = av.Packet(os.urandom(3_000))
            packet.pts, packet.time_base = self._number * 90_000 // self.fps, Fraction(1, 90_000)
            self._number += 1
            return packet
        frame = painted(clock_ms(), width=self.width, height=self.height)
        frame.pts, frame.time_base = self._number * 90_000 // self.fps, Fraction(1, 90_000)
        self._number += 1
        return frame


MADE: list[APublisher] = []


class APublisher:
    """One peer connection that sends a clock and silence; the test's end closes it."""

    def __init__(self, *, with_sound: bool = True, **of_track: Any) -> None:
        MADE.append(self)
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.video = ClockTrack(**of_track)
        self.peer.addTrack(self.video)
        self.tracks: list[MediaStreamTrack] = [self.video]
        if with_sound:
            self.tracks.append(AudioStreamTrack())
            self.peer.addTrack(self.tracks[-1])

    async def offer(self) -> str:
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def take(self, answer: str) -> None:
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))

    async def connected(self, *, within_s: float = 10) -> None:
        await until(lambda: self.peer.connectionState == "connected", within_s=within_s)

    async def close(self) -> None:
        for track in self.tracks:
            track.stop()
        await self.peer.close()


async def until(condition: Any, *, within_s: float = 20, every_s: float = 0.1) -> Any:
    """What `condition()` answers as soon as it is true."""
    async with asyncio.timeout(within_s):
        while not (found := condition()):  # noqa: ASYNC110 (of files and of other processes)
            await asyncio.sleep(every_s)
        return found


def pictures(path: Path) -> list[av.VideoFrame]:
    """All pictures of a segment or a playlist."""
    with av.open(str(path), options={"allowed_extensions": "ALL"}) as source:
        return list(source.decode(source.streams.video[0]))
