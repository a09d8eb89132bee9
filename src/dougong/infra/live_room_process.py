"""The process of one room: takes its publisher's media and writes its stream.

Told what to do by its supervisor in JSON lines on standard input; answers on standard output. It
knows no database and no secret, and ends when its supervisor goes away.
"""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from dougong.infra.live_encoder import LiveVideo
from dougong.infra.live_processes import MAX_LINE_BYTES
from dougong.infra.live_sdp import BadOffer
from dougong.infra.live_segments import Recorder
from dougong.infra.live_session import Publishing
from dougong.infra.live_webrtc import (
    IceAddresses,
    PortRangeLoop,
    WebRtcPublisher,
    listen_on,
)
from dougong.infra.logs import configure_logs
from dougong.infra.media_sandbox import leave_with_parent

MEASURE_EVERY_S = 1.0
ANSWER_WITHIN_S = 10.0
MAX_MEMORY_BYTES = 3 * 1024 * 1024 * 1024
MAX_FILES = 256


class Work(msgspec.Struct, frozen=True):
    """What the process is started with."""

    folder: str
    parent_pid: int
    video: dict[str, Any]
    bound: list[str]
    announced: dict[str, str]
    ports: list[int]


class RoomProcess:
    def __init__(self, work: Work) -> None:
        self.recorder = Recorder(Path(work.folder))
        self.video = LiveVideo(**work.video)
        self.addresses = IceAddresses(
            tuple(work.bound), work.announced, (work.ports[0], work.ports[1])
        )
        self.publisher: Publishing | None = None
        self.session = ""
        self.began_at = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def do(self, told: dict[str, Any]) -> dict[str, Any]:
        match told["do"]:
            case "offer":
                return await self._offer(told["session"], told["sdp"])
            case "pull":
                return await self._pull(told["session"], told["url"])
            case "close":
                return await self._close(told.get("session"))
            case "end":
                await self._close(None)
                return {"seconds": await asyncio.to_thread(self.recorder.end)}
            case "status":
                return self.status()
        return {"error": "unknown"}

    async def _offer(self, session: str, sdp: str) -> dict[str, Any]:
        async with self._one_at_a_time:
            await self._leave()
            made = WebRtcPublisher(self.recorder, self.video, self.addresses)
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    answer = await made.answer(sdp)
            except (BadOffer, TimeoutError) as error:
                await made.close()
                if isinstance(error, BadOffer):
                    return {"error": "bad_offer", "reason": error.reason, "read": error.was_read}
                return {"error": "no_answer"}
            self._begin(session, made)
            return {"sdp": answer}

    async def _pull(self, session: str, url: str) -> dict[str, Any]:
        """Both the media server's hook and the supervisor may ask for the same stream."""
        from dougong.infra.live_pull import PulledPublisher

        async with self._one_at_a_time:
            if session == self.session and self.publisher and not self.publisher.is_over:
                return {}
            await self._leave()
            self._begin(session, PulledPublisher(self.recorder, self.video, url))
            return {}

    def _begin(self, session: str, publisher: Publishing) -> None:
        self.publisher, self.session, self.began_at = publisher, session, time.monotonic()

    async def _close(self, session: str | None) -> dict[str, Any]:
        async with self._one_at_a_time:
            if session in (None, self.session):
                await self._leave()
            return {}

    async def _leave(self) -> None:
        publisher, self.publisher, self.session = self.publisher, None, ""
        if publisher:
            await publisher.close()

    def status(self) -> dict[str, Any]:
        """Times in seconds; `silent_s` since the last picture, or since the session began."""
        now = time.monotonic()
        told: dict[str, Any] = {"session": self.session, "seconds": self.recorder.seconds}
        if self.publisher:
            figures = self.publisher.figures
            heard_at = figures.picture_at
            told |= {
                "is_over": self.publisher.is_over,
                "has_media": heard_at is not None,
                "silent_s": now - (self.began_at if heard_at is None else heard_at),
                "bitrate_bps": figures.bitrate_bps,
                "frames": figures.frames,
                "dropped": figures.dropped,
            }
        return told

    async def measure(self) -> None:
        while True:
            await asyncio.sleep(MEASURE_EVERY_S)
            if self.publisher and not self.publisher.is_over:
                await self.publisher.measure()


async def serve(room: RoomProcess) -> None:
    """Do what is told, until standard input ends."""
    loop = asyncio.get_running_loop()
    told = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), sys.stdin)
    measuring = asyncio.ensure_future(room.measure())
    doing: set[asyncio.Task[None]] = set()
    say({"ready": True})
    while line := await told.readline():
        task = asyncio.ensure_future(_answer(room, json.loads(line)))
        doing.add(task)
        task.add_done_callback(doing.discard)
    measuring.cancel()
    with suppress(OSError):  # nobody listens any more
        await room.do({"do": "close"})


async def _answer(room: RoomProcess, told: dict[str, Any]) -> None:
    try:
        answer = await room.do(told)
    except Exception as error:  # whatever a publisher brought about, the room goes on
        logging.getLogger("live").exception("room process")
        answer = {"error": "fault", "reason": type(error).__name__}
    say(answer | {"id": told["id"]})


def say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    work = msgspec.json.decode(sys.argv[1], type=Work)
    leave_with_parent(work.parent_pid)
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_NOFILE, MAX_FILES),
    ):
        resource.setrlimit(what, (most, most))
    # Standard output is for answers: a line of anything else there would end this process.
    configure_logs(to=sys.stderr)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    for noisy in ("aiortc", "aioice"):  # one line for every frame that cannot be decoded
        logging.getLogger(noisy).setLevel(logging.ERROR)
    room = RoomProcess(work)
    listen_on(room.addresses)
    PortRangeLoop.ports = room.addresses.ports
    with asyncio.Runner(loop_factory=PortRangeLoop) as runner:
        runner.run(serve(room))


if __name__ == "__main__":
    main()
