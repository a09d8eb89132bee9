"""Writing HLS by decoding everything and encoding it again.

Runs in the media worker only, with the target as its working directory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.filter import Graph
from av.packet import Packet
from av.video.frame import PictureType
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from dougong.infra.media_hls import (
    LONGEST_SIDE,
    SEGMENT_SECONDS,
    Report,
    Written,
    open_playlist,
)
from dougong.infra.media_limits import MediaRefused
from dougong.infra.media_poster import PosterPicker
from dougong.infra.media_source import Budget, Source

CLOCK = Fraction(1, 90_000)  # the clock of MPEG-TS
MIN_FRAME_TICKS = 1_490  # a little under 1/60 s: faster video loses frames, not speed
LAST_FRAME_TICKS = 3_600  # 1/25 s, where the last frame does not say how long it stays
AUDIO_RATE_HZ = 48_000
AUDIO_BIT_RATE = 128_000
VIDEO_OPTIONS = {
    "preset": "veryfast",
    "crf": "23",
    "maxrate": "4000k",
    "bufsize": "8000k",
    "sc_threshold": "0",
    "g": "600",  # the key frames that count are forced, by time
    "forced-idr": "1",
    "threads": "2",
}
TURNS = {90: ("cclock",), 180: ("clock", "clock"), 270: ("clock",)}


def first_frame(source: Source, budget: Budget) -> av.VideoFrame:
    """The first picture that can be read. Afterwards the source is used up."""
    for packet in source.packets(budget):
        if packet.stream_index == source.video.index:
            for frame in _decode(packet, budget):
                if isinstance(frame, av.VideoFrame) and frame.pts is not None:
                    return frame
    raise MediaRefused("damaged", "not one frame could be read")


def shown_size(
    width: int, height: int, *, aspect: Fraction | None, rotation: int
) -> tuple[int, int]:
    """Even width and height on the screen: square pixels, upright, longest side at most 1280."""
    wide = float(width)
    if aspect is not None and Fraction(1, 4) <= aspect <= 4:
        wide *= float(aspect)
    shown = (wide, float(height)) if rotation % 180 == 0 else (float(height), wide)
    scale = min(1.0, LONGEST_SIDE / max(shown))
    across, down = (min(LONGEST_SIDE, max(2, round(side * scale / 2) * 2)) for side in shown)
    return across, down


def _decode(packet: Packet[Any], budget: Budget) -> list[Any]:
    try:
        return packet.decode()
    except (av.error.InvalidDataError, av.error.EOFError) as error:
        budget.damage(str(error))
        return []


@dataclass
class Encoder:
    """Used once, by `write`."""

    source: Source
    budget: Budget
    poster: PosterPicker
    report: Report
    first: av.VideoFrame

    def write(self) -> Written:
        first, context = self.first, self.source.video.codec_context
        self._rotation = round(first.rotation / 90) * 90 % 360
        aspect = self.source.video.sample_aspect_ratio or context.sample_aspect_ratio
        self._size = shown_size(first.width, first.height, aspect=aspect, rotation=self._rotation)
        self._turn = _Turn(self._rotation, self._size)
        self._start_s = first.time
        self._last_pts, self._end_pts, self._next_key = -MIN_FRAME_TICKS, 0, 0
        self._stays: dict[int, int] = {}
        self._sound_s = 0.0
        with open_playlist() as out:
            video = self._video_stream(out)
            audio = self._audio_stream(out)
            for frame in self._frames():
                if isinstance(frame, av.VideoFrame):
                    self._encode_picture(out, video, frame)
                elif audio is not None:
                    self._encode_sound(out, audio, frame)
            if self._last_pts < 0:
                raise MediaRefused("damaged", "not one frame could be read")
            self._mux_pictures(out, video.encode(None))
            if audio is not None:
                out.mux(audio.encode(None))
        seconds = float(self._end_pts * CLOCK)
        return Written(self._size[0], self._size[1], seconds, self._rotation)

    def _frames(self) -> Iterator[Any]:
        for packet in self.source.packets(self.budget):
            yield from _decode(packet, self.budget)

    def _video_stream(self, out: OutputContainer) -> VideoStream:
        width, height = self._size
        stream = out.add_stream("libx264", options=VIDEO_OPTIONS, width=width, height=height)
        context = stream.codec_context
        context.pix_fmt = "yuv420p"
        context.time_base = CLOCK
        context.framerate = Fraction(30)
        context.color_range = ColorRange.MPEG
        context.colorspace = self.first.colorspace
        context.color_primaries = self.first.color_primaries
        context.color_trc = self.first.color_trc
        return stream

    def _audio_stream(self, out: OutputContainer) -> AudioStream | None:
        if self.source.audio is None:
            return None
        channels = self.source.audio.codec_context.layout.nb_channels
        layout = "mono" if channels == 1 else "stereo"
        self._resampler = av.AudioResampler(format="fltp", layout=layout, rate=AUDIO_RATE_HZ)
        return out.add_stream("aac", rate=AUDIO_RATE_HZ, layout=layout, bit_rate=AUDIO_BIT_RATE)

    def _encode_picture(
        self, out: OutputContainer, stream: VideoStream, frame: av.VideoFrame
    ) -> None:
        self.budget.take_frame(frame.width, frame.height)
        if frame.pts is None:
            self.budget.damage("a frame without a time")
            return
        at_s = frame.time - self._start_s
        self.budget.check_time(at_s)
        pts = round(at_s / CLOCK)
        if pts < self._last_pts + MIN_FRAME_TICKS:
            return
        self.poster.offer(frame, at_s=at_s)
        stays = round(frame.duration * (frame.time_base or 0) / CLOCK)
        self._end_pts = pts + (stays or LAST_FRAME_TICKS)
        self.budget.check_time(float(self._end_pts * CLOCK))
        for picture in self._turn.apply(frame):
            picture.pts, picture.time_base = pts, CLOCK
            picture.pict_type = PictureType.NONE
            if pts >= self._next_key:
                picture.pict_type = PictureType.I
                span = round(SEGMENT_SECONDS / CLOCK)
                self._next_key = (pts // span + 1) * span
            self._stays[pts] = self._end_pts - pts
            self._mux_pictures(out, stream.encode(picture))
        self._last_pts = pts
        self.report(at_s)

    def _mux_pictures(self, out: OutputContainer, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            # The encoder forgets it, and without it the last segment is declared too short.
            packet.duration = self._stays.pop(packet.pts or 0, LAST_FRAME_TICKS)
            out.mux_one(packet)

    def _encode_sound(
        self, out: OutputContainer, stream: AudioStream, frame: av.AudioFrame
    ) -> None:
        self._sound_s += frame.samples / max(frame.sample_rate, 1)
        self.budget.check_time(self._sound_s - 1)
        if frame.time is None:
            return
        at_s = frame.time - self._start_s
        if at_s < 0 or at_s > self.budget.limits.max_seconds:
            return
        frame.pts, frame.time_base = round(at_s * AUDIO_RATE_HZ), Fraction(1, AUDIO_RATE_HZ)
        for piece in self._resampler.resample(frame):
            out.mux(stream.encode(piece))


class _Turn:
    """Scales frames of any size to one, then turns them upright."""

    def __init__(self, rotation: int, size: tuple[int, int]) -> None:
        self._lying = size if rotation % 180 == 0 else (size[1], size[0])
        self._graph = None if rotation == 0 else self._chain(TURNS[rotation])

    def _chain(self, turns: tuple[str, ...]) -> Graph:
        graph = Graph()
        start = graph.add_buffer(
            width=self._lying[0],
            height=self._lying[1],
            format=av.VideoFormat("yuv420p"),
            time_base=CLOCK,
        )
        steps = [graph.add("transpose", turn) for turn in turns]
        graph.link_nodes(start, *steps, graph.add("buffersink")).configure()
        return graph

    def apply(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        scaled = frame.reformat(
            width=self._lying[0],
            height=self._lying[1],
            format="yuv420p",
            dst_color_range=ColorRange.MPEG,
        )
        if self._graph is None:
            yield scaled
            return
        scaled.pts, scaled.time_base = 0, CLOCK
        self._graph.vpush(scaled)
        yield self._graph.vpull()
