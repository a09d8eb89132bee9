"""A publisher by RTMP: an external media server takes its stream, and we read it from there."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import av
import structlog

from dougong.infra.live_encoder import LiveVideo
from dougong.infra.live_segments import Recorder
from dougong.infra.live_session import Feed, Figures

OPEN_WITHIN_S = 10.0
READ_WITHIN_S = 10.0
LEAVE_WITHIN_S = 0.5
# The address is the operator's setting; a playlist or redirect behind it must not lead elsewhere.
OPTIONS = {"protocol_whitelist": "rtmp,rtmps,tcp,tls,http,https,crypto,hls"}

log = structlog.get_logger("live")


class PulledPublisher:
    """Reads one stream in a thread of its own until it ends or is closed."""

    def __init__(self, recorder: Recorder, video: LiveVideo, url: str) -> None:
        self._url = url
        self._feed = Feed(recorder, video)
        self._stopping = threading.Event()
        self._bytes = 0
        self._measured = (time.monotonic(), 0)
        self.is_over = False
        self._thread = threading.Thread(target=self._run, name="pull", daemon=True)
        self._thread.start()

    @property
    def figures(self) -> Figures:
        return self._feed.figures

    def _run(self) -> None:
        try:
            with av.open(
                self._url, timeout=(OPEN_WITHIN_S, READ_WITHIN_S), options=OPTIONS
            ) as source:
                self._read(source)
        except (av.FFmpegError, OSError, ValueError) as error:
            log.warning("live_pull_ended", error=str(error)[:300])
        self.is_over = True

    def _read(self, source: av.container.InputContainer) -> None:
        origin_s: float | None = None
        for packet in source.demux(*[*source.streams.video[:1], *source.streams.audio[:1]]):
            if self._stopping.is_set():
                return
            self._bytes += packet.size
            with contextlib.suppress(av.error.InvalidDataError):
                for frame in packet.decode():
                    if not isinstance(frame, av.VideoFrame | av.AudioFrame) or frame.time is None:
                        continue
                    if origin_s is None:
                        origin_s = frame.time
                    self._feed.take(frame, at_s=frame.time - origin_s)

    async def measure(self) -> None:
        then, before = self._measured
        now = time.monotonic()
        if now - then >= 1:
            self.figures.bitrate_bps = round((self._bytes - before) * 8 / (now - then))
            self._measured = (now, self._bytes)

    async def close(self) -> None:
        self.is_over = True
        self._stopping.set()
        # A thread that waits for the server is left to its time limit: it writes nothing any more.
        await asyncio.to_thread(self._thread.join, LEAVE_WITHIN_S)
        await asyncio.to_thread(self._feed.close)
