"""Opening and checking a hostile video. Runs in the media worker only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from dougong.infra.media_limits import MediaLimits, MediaRefused
from dougong.infra.media_sniff import SNIFF_BYTES, sniff_container

DECODERS = (
    "h264,hevc,vp8,libvpx,vp9,libvpx-vp9,av1,libdav1d,mpeg4,h263,prores,mjpeg,"
    "aac,mp3float,mp3,opus,libopus,vorbis,flac,alac,ac3,eac3,amrnb,amrwb,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_f32le"
)
# The demuxer stops here by itself, long before our own, smaller limit could be counted.
MAX_DEMUXED_STREAMS = 256
MAX_DAMAGED_PACKETS = 10
DECODER_THREADS = 2
# A file that promises more than it holds by both of these was cut off.
MISSING_SECONDS = 0.5
MISSING_SHARE = 0.1


@dataclass
class Budget:
    """What is left of the limits while a file is read."""

    limits: MediaLimits
    pixels: int = 0
    damaged: int = 0

    def take_frame(self, width: int, height: int) -> None:
        """One more frame, decoded or copied."""
        if width < 1 or height < 1:
            raise MediaRefused("damaged", f"a frame of {width}x{height}")
        if width * height > self.limits.max_pixels:
            raise MediaRefused("too_many_pixels", f"{width}x{height}")
        self.pixels += width * height
        if self.pixels > self.limits.max_total_pixels:
            raise MediaRefused("too_many_pixels", f"{self.pixels} pixels in all")

    def check_time(self, seconds: float) -> None:
        if seconds > self.limits.max_seconds:
            raise MediaRefused("too_long", f"{seconds:.1f} s")

    def damage(self, detail: str) -> None:
        """One packet is lost; a few may be."""
        self.damaged += 1
        if self.damaged > MAX_DAMAGED_PACKETS:
            raise MediaRefused("damaged", detail)


@dataclass
class Source:
    container: InputContainer
    video: VideoStream
    audio: AudioStream | None
    declared_s: float  # 0 where the file does not say
    size_bytes: int

    def packets(self, budget: Budget) -> Iterator[Packet[Any]]:
        """All packets of the two streams, in file order, with the flushing ones at the end."""
        chosen = (self.video,) if self.audio is None else (self.video, self.audio)
        for packet in self.container.demux(chosen):
            if packet.is_corrupt:
                budget.damage("a packet is cut short")
            yield packet

    def check_complete(self, seconds: float) -> None:
        missing = self.declared_s - seconds
        if missing > max(MISSING_SECONDS, self.declared_s * MISSING_SHARE):
            raise MediaRefused("damaged", f"{seconds:.1f} s of {self.declared_s:.1f} s")


def open_source(path: Path, limits: MediaLimits) -> Source:
    """Open with the demuxer its first bytes allow, and check what the file says of itself."""
    file = path.open("rb")
    head = file.read(SNIFF_BYTES)
    file.seek(0)
    demuxer = sniff_container(head)
    if demuxer is None:
        raise MediaRefused("unknown_container", head[:16].hex())
    container = av.open(
        _Nameless(file),
        "r",
        format=demuxer,
        metadata_errors="replace",
        # The native reader would take further files from the name; there is none.
        io_open=_refuse_to_open,
        options={
            "format_whitelist": "mp4" if demuxer == "mp4" else "matroska,webm",
            "protocol_whitelist": "file",
            "codec_whitelist": DECODERS,
            "max_streams": str(MAX_DEMUXED_STREAMS),
            "max_pixels": str(limits.max_pixels),
            "threads": "1",
        },
    )
    return _check(container, limits, size_bytes=path.stat().st_size)


def _check(container: InputContainer, limits: MediaLimits, *, size_bytes: int) -> Source:
    streams = container.streams
    if len(streams) > limits.max_streams:
        raise MediaRefused("too_many_streams", str(len(streams)))
    video = next((s for s in streams.video if _is_moving(s)), None)
    if video is None:
        raise MediaRefused("no_video", ", ".join(s.type for s in streams))
    width, height = video.codec_context.width, video.codec_context.height
    if width * height > limits.max_pixels:
        raise MediaRefused("too_many_pixels", f"{width}x{height}")
    if width < 1 or height < 1:
        raise MediaRefused("damaged", f"a picture of {width}x{height}")
    declared_s = max(_declared_s(container.duration, Fraction(1, av.time_base)), 0.0)
    for stream in (video, *streams.audio):
        if max(declared_s, _declared_s(stream.duration, stream.time_base)) > limits.max_seconds:
            raise MediaRefused("too_long", f"{declared_s:.1f} s declared")
    # Only what will be read is opened.
    audio = next((s for s in streams.audio if _can_decode(s)), None)
    for chosen in (video, audio):
        if chosen is not None:
            context = chosen.codec_context
            context.options = {"max_pixels": str(limits.max_pixels), "codec_whitelist": DECODERS}
            context.thread_count = DECODER_THREADS
    return Source(container, video, audio, declared_s, size_bytes)


def _is_moving(stream: VideoStream) -> bool:
    return _can_decode(stream) and not stream.disposition & Disposition.attached_pic


def _can_decode(stream: Stream) -> bool:
    context: object = stream.codec_context
    return context is not None and stream.codec_context.name in DECODERS.split(",")


def _declared_s(duration: int | None, time_base: Fraction | None) -> float:
    return 0.0 if duration is None or time_base is None else float(duration * time_base)


def _refuse_to_open(url: str, flags: int, options: dict[str, Any]) -> NoReturn:
    raise MediaRefused("damaged", "the file asks for another file")


class _Nameless:
    """A file without a name, so that no demuxer can read anything into it."""

    def __init__(self, file: Any) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable
        self.readable = file.readable
        self.close = file.close
