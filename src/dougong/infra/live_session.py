"""One publisher's stream into a room: frames that arrive are encoded by a thread of their own."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import av
import structlog

from dougong.infra.live_encoder import Encoder, LiveVideo, fitting
from dougong.infra.live_segments import Recorder

# A second of pictures may wait for the encoder; where it is that far behind, pictures are dropped.
MOST_WAITING = 30
CLOSE_WITHIN_S = 10

log = structlog.get_logger("live")


class Arrived(NamedTuple):
    """A picture or some sound, and when it was, in seconds since the publisher's first one."""

    frame: av.VideoFrame | av.AudioFrame
    at_s: float


@dataclass
class Figures:
    """What is told of a publisher. `picture_at`: of the monotonic clock."""

    frames: int = 0
    dropped: int = 0
    picture_at: float | None = None
    bitrate_bps: int = 0


class Publishing(Protocol):
    """A publisher, by whatever way its frames come."""

    is_over: bool

    @property
    def figures(self) -> Figures: ...

    async def close(self) -> None: ...

    async def measure(self) -> None: ...


@dataclass
class Feed:
    """Takes frames from the event loop and encodes them in a thread, until it is closed."""

    recorder: Recorder
    video: LiveVideo
    figures: Figures = field(default_factory=Figures)

    def __post_init__(self) -> None:
        self._waiting: queue.Queue[Arrived | None] = queue.Queue()
        self._encoder: Encoder | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    def take(self, frame: av.VideoFrame | av.AudioFrame, *, at_s: float) -> None:
        if self._is_closed:
            return
        if isinstance(frame, av.VideoFrame):
            if self._waiting.qsize() > MOST_WAITING * 2:  # sound waits in the same queue
                self.figures.dropped += 1
                return
            self.figures.picture_at = time.monotonic()
            self.figures.frames += 1
        self._waiting.put(Arrived(frame, at_s))

    def _run(self) -> None:
        while (arrived := self._waiting.get()) is not None:
            try:
                self._encode(arrived)
            except (av.FFmpegError, ValueError, OSError) as error:
                # A picture that cannot be encoded is dropped; the next one begins anew.
                log.warning("live_frame_refused", error=str(error)[:300])
                self.figures.dropped += 1
                self._encoder = None
        self._end_stretch()

    def _encode(self, arrived: Arrived) -> None:
        frame, at_s = arrived
        if isinstance(frame, av.AudioFrame):
            if self._encoder:
                self._encoder.sound(frame, at_s=at_s)
            return
        if self._encoder and not self._encoder.goes_on(at_s):
            self._end_stretch()
        if self._encoder is None:
            size = fitting(frame.width, frame.height, self.video)
            self._encoder = Encoder(self.recorder, self.video, size=size)
        self._encoder.picture(frame, at_s=at_s)

    def _end_stretch(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder:
            try:
                encoder.close()
            except (av.FFmpegError, ValueError, OSError) as error:
                log.warning("live_end_refused", error=str(error)[:300])

    def close(self) -> None:
        """Encode what waits, write the last segment, end the thread. Blocks: not for the loop."""
        self._is_closed = True
        self._waiting.put(None)
        self._thread.join(timeout=CLOSE_WITHIN_S)
