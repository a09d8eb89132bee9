"""Pictures and sound of a publisher to H.264 and AAC in segments of exactly two seconds.

Pictures come out at a constant rate: a source that is faster loses some, one that is slower has its
last one repeated. So every segment begins with a key frame and is as long as the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.resampler import AudioResampler
from av.filter import Graph
from av.packet import Packet
from av.video.frame import PictureType

from dougong.infra.clock import wall_now
from dougong.infra.live_mux import AUDIO_RATE_HZ, adts, mux
from dougong.infra.live_segments import POSTER, SEGMENT_S, Recorder

# Times begin here: the AAC encoder starts a little before zero.
OFFSET_S = 1
MAX_FILL_S = 4  # a longer gap between two pictures is a new beginning
POSTER_EVERY_S = 30
POSTER_WIDTH = 720
# Sound may come this much later than the picture; what comes after is late, and silence was put in.
SOUND_LATENESS_S = 0.5
SOUND_TOLERANCE_S = 0.06
SILENCE_SAMPLES = 1_024


@dataclass(frozen=True)
class LiveVideo:
    """What viewers get. longest_px, shortest_px: bounds of the picture, upright or lying;
    bitrate_kbps: the most; preset: of x264."""

    longest_px: int = 1280
    shortest_px: int = 720
    fps: int = 25
    bitrate_kbps: int = 2_500
    preset: str = "superfast"


def fitting(width: int, height: int, video: LiveVideo) -> tuple[int, int]:
    """The size of the stream for pictures of this shape: even, as large as the bounds allow.

    A browser starts small and grows with its bandwidth: only the shape of the first picture counts.
    """
    long, short = max(width, height), min(width, height)
    scale = min(video.longest_px / long, video.shortest_px / short)
    sides = (round(width * scale / 2) * 2, round(height * scale / 2) * 2)
    return max(2, sides[0]), max(2, sides[1])


class Encoder:
    """One unbroken stretch of a stream, used by one thread."""

    def __init__(self, recorder: Recorder, video: LiveVideo, *, size: tuple[int, int]) -> None:
        self.recorder, self.size, self.fps = recorder, size, video.fps
        self.frames = 0
        self._is_new = True
        self._first: int | None = None
        self._last = -1
        self._shown: av.VideoFrame | None = None
        self._fit = _Fit(size)
        self._picture_packets: list[Packet[Any]] = []
        self._sound_packets: list[Packet[Any]] = []
        self._picture_codec = _picture_codec(video, size)
        self._sound_codec: Any = av.CodecContext.create("aac", "w")
        self._sound_codec.sample_rate = AUDIO_RATE_HZ
        self._sound_codec.layout = "stereo"
        self._sound_codec.format = "fltp"
        self._sound_codec.bit_rate = 96_000
        self._sound_codec.time_base = Fraction(1, AUDIO_RATE_HZ)
        self._resampler = AudioResampler(format="fltp", layout="stereo", rate=AUDIO_RATE_HZ)
        self._sound_next: int | None = None
        self._segment_at = wall_now()
        self._poster_due = 0

    def goes_on(self, at_s: float) -> bool:
        """Whether a picture of this time (seconds since the publisher began) belongs here."""
        number = round(at_s * self.fps)
        return self._first is None or abs(number - self._last) <= MAX_FILL_S * self.fps

    def picture(self, frame: av.VideoFrame, *, at_s: float) -> None:
        number = round(at_s * self.fps)
        if self._first is None:
            self._first, self._last = number, number - 1
        if number <= self._last:
            return  # faster than we go
        fitted = self._fit.apply(frame)
        for filled in range(self._last + 1, number):
            self._encode(self._shown or fitted, filled)
        self._encode(fitted, number)
        self._shown = fitted

    def _encode(self, frame: av.VideoFrame, number: int) -> None:
        since = number - (self._first or 0)
        is_key = since % (SEGMENT_S * self.fps) == 0
        frame.pts = number + OFFSET_S * self.fps
        frame.time_base = Fraction(1, self.fps)
        frame.pict_type = PictureType.I if is_key else PictureType.NONE
        self._fill_silence(upto=round((number / self.fps - SOUND_LATENESS_S) * AUDIO_RATE_HZ))
        for packet in self._picture_codec.encode(frame):
            self._take(packet)
        if since >= self._poster_due:
            save_poster(frame, self.recorder.folder / POSTER)
            self._poster_due = since + POSTER_EVERY_S * self.fps
        self._last = number
        self.frames += 1

    def _take(self, packet: Packet[Any]) -> None:
        if packet.is_keyframe and self._picture_packets:
            self._cut()
        if not self._picture_packets:
            self._segment_at = wall_now()
        packet.duration = 1
        self._picture_packets.append(packet)

    def _cut(self) -> None:
        """Write what there is as one segment."""
        frames = len(self._picture_packets)
        data = mux(self._picture_packets, self._sound_packets, fps=self.fps)
        self.recorder.add(
            data,
            duration_ms=frames * 1000 // self.fps,
            is_new=self._is_new,
            started_at=self._segment_at,
        )
        self._picture_packets, self._sound_packets, self._is_new = [], [], False

    def sound(self, frame: av.AudioFrame, *, at_s: float) -> None:
        """Sound before the first picture, and what comes too late, is left out."""
        if self._first is None:
            return
        if self._sound_next is None:
            self._sound_next = round(self._first / self.fps * AUDIO_RATE_HZ)
        starts = round(at_s * AUDIO_RATE_HZ)
        gap = starts - self._sound_next
        if gap > MAX_FILL_S * AUDIO_RATE_HZ or gap < -SOUND_TOLERANCE_S * AUDIO_RATE_HZ:
            return
        if gap > SOUND_TOLERANCE_S * AUDIO_RATE_HZ:
            self._fill_silence(upto=starts)
        frame.pts = None
        for piece in self._resampler.resample(frame):
            self._encode_sound(piece)

    def _encode_sound(self, piece: av.AudioFrame) -> None:
        assert self._sound_next is not None  # noqa: S101
        piece.pts = self._sound_next + OFFSET_S * AUDIO_RATE_HZ
        piece.time_base = Fraction(1, AUDIO_RATE_HZ)
        self._sound_next += piece.samples
        for packet in self._sound_codec.encode(piece):
            self._sound_packets.append(adts(packet))

    def _fill_silence(self, *, upto: int) -> None:
        """A publisher without sound, or whose sound is late, gets silence: players want both."""
        if self._first is None:
            return
        if self._sound_next is None:
            self._sound_next = round(self._first / self.fps * AUDIO_RATE_HZ)
        while self._sound_next + SILENCE_SAMPLES <= upto:
            self._encode_sound(_silence())

    def close(self) -> None:
        """Write what is left. The encoder is used up afterwards."""
        if self._first is None:
            return
        for packet in self._picture_codec.encode(None):
            self._take(packet)
        self._fill_silence(upto=round((self._last + 1) / self.fps * AUDIO_RATE_HZ))
        if self._picture_packets:
            self._cut()


def _picture_codec(video: LiveVideo, size: tuple[int, int]) -> Any:
    codec: Any = av.CodecContext.create("libx264", "w")
    codec.width, codec.height = size
    codec.pix_fmt = "yuv420p"
    codec.time_base = Fraction(1, video.fps)
    codec.framerate = Fraction(video.fps, 1)
    codec.options = {
        "preset": video.preset,
        "tune": "zerolatency",
        "forced-idr": "1",
        "g": str(10 * SEGMENT_S * video.fps),  # the key frames that count are forced
        "sc_threshold": "0",
        "crf": "25",
        "maxrate": f"{video.bitrate_kbps}k",
        "bufsize": f"{video.bitrate_kbps * 2}k",
        "threads": "1",
    }
    return codec


def _silence() -> av.AudioFrame:
    made = av.AudioFrame(format="fltp", layout="stereo", samples=SILENCE_SAMPLES)
    for plane in made.planes:
        plane.update(bytes(plane.buffer_size))
    made.sample_rate = AUDIO_RATE_HZ
    return made


def save_poster(frame: av.VideoFrame, path: Path) -> None:
    """A JPEG of this picture, without metadata."""
    height = round(frame.height * min(1, POSTER_WIDTH / frame.width))
    image = frame.reformat(width=min(POSTER_WIDTH, frame.width), height=height).to_image()  # type: ignore[no-untyped-call]
    draft = path.with_suffix(".part")
    image.save(draft, "JPEG", quality=82)
    draft.replace(path)


class _Fit:
    """Scales pictures of any size into one, with bars where the shape differs."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._graph: Graph | None = None
        self._graph_of: tuple[int, int, str] | None = None

    def apply(self, frame: av.VideoFrame) -> av.VideoFrame:
        form = (frame.width, frame.height, frame.format.name)
        if form == (*self.size, "yuv420p"):
            return frame
        if form != self._graph_of:
            self._graph, self._graph_of = self._chain(frame), form
        assert self._graph is not None  # noqa: S101
        frame.pts, frame.time_base = 0, Fraction(1, 90_000)
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _chain(self, frame: av.VideoFrame) -> Graph:
        wide, high = self.size
        graph = Graph()
        start = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=Fraction(1, 90_000),
        )
        keep = "force_original_aspect_ratio=decrease:force_divisible_by=2:flags=bilinear"
        steps = [
            graph.add("scale", f"{wide}:{high}:{keep}"),
            graph.add("pad", f"{wide}:{high}:(ow-iw)/2:(oh-ih)/2"),
            graph.add("format", "yuv420p"),
        ]
        graph.link_nodes(start, *steps, graph.add("buffersink")).configure()
        return graph
