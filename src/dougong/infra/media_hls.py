"""Writing HLS by copying the packets of a video that is good enough as it is.

Runs in the media worker only, with the target as its working directory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet

from dougong.infra.media_poster import PosterPicker
from dougong.infra.media_source import Budget, Source

PLAYLIST_NAME = "index.m3u8"
SEGMENT_PATTERN = "%05d.ts"
SEGMENT_SECONDS = 2
LONGEST_SIDE = 1280
# What a copied video may be; anything else is encoded again.
MAX_KEY_GAP_S = 2.5
MAX_COPIED_BIT_RATE = 6_000_000
MAX_COPIED_FRAME_RATE = 61
COPIED_PROFILES = frozenset({"Constrained Baseline", "Baseline", "Main", "High"})
# Slices, parameter sets, key frames. What else a stream carries (SEI: a place, anything) stays out.
COPIED_NAL_UNITS = "filter_units=pass_types=1|5|7|8"

Report = Callable[[float], None]  # takes the seconds written so far


@dataclass
class Written:
    """What is in the playlist. width, height: as shown."""

    width: int
    height: int
    seconds: float
    rotation: int  # degrees anticlockwise that were applied, so for the poster as well


@dataclass
class Survey:
    """One pass over all packets, decoding the key frames."""

    start_s: float = 0.0
    end_s: float = 0.0
    frames: int = 0
    video_bytes: int = 0
    copyable: bool = True
    _key_s: float = field(default=0.0, repr=False)
    _last_dts: int | None = field(default=None, repr=False)


def open_playlist() -> OutputContainer:
    return av.open(
        PLAYLIST_NAME,
        "w",
        format="hls",
        options={
            "hls_time": str(SEGMENT_SECONDS),
            "hls_playlist_type": "vod",
            "hls_segment_type": "mpegts",
            "hls_segment_filename": SEGMENT_PATTERN,
            "hls_flags": "independent_segments",
        },
    )


def could_be_copied(source: Source) -> bool:
    """By what the file says of itself; `survey` then looks."""
    video, context = source.video, source.video.codec_context
    aspect = video.sample_aspect_ratio or context.sample_aspect_ratio
    fits = max(context.width, context.height) <= LONGEST_SIDE
    even = context.width % 2 == 0 and context.height % 2 == 0
    plain = context.name == "h264" and context.pix_fmt == "yuv420p" and bool(context.extradata)
    if not (fits and even and plain and context.profile in COPIED_PROFILES and aspect in (None, 1)):
        return False
    if source.audio is None:
        return not source.container.streams.audio
    sound = source.audio.codec_context
    return sound.name == "aac" and sound.profile == "LC" and sound.layout.nb_channels <= 2


def survey(source: Source, budget: Budget, poster: PosterPicker) -> Survey:
    """Look at every packet and decode every key frame.

    Not copyable: key frames that are none, more than 2.5 s apart or of another size; a picture
    that is turned; times that go backwards; too many bits or frames a second.
    """
    found = Survey()
    size = (source.video.codec_context.width, source.video.codec_context.height)
    keys = decoded = 0
    for packet in source.packets(budget):
        if packet.stream_index != source.video.index:
            continue
        if packet.size:
            budget.take_frame(*size)
            _note(found, packet, budget)
        if packet.is_keyframe or not packet.size:
            keys += bool(packet.size)
            for frame in packet.decode():
                decoded += 1
                upright = frame.rotation == 0 and not frame.interlaced_frame
                if (frame.width, frame.height) != size or not upright:
                    found.copyable = False
                poster.offer(frame, at_s=frame.time - found.start_s)
        if not found.copyable:
            break
    seconds = max(found.end_s - found.start_s, 0.04)
    found.copyable &= keys == decoded > 0 and found.end_s - found._key_s <= MAX_KEY_GAP_S
    found.copyable &= found.frames / seconds <= MAX_COPIED_FRAME_RATE
    found.copyable &= found.video_bytes * 8 / seconds <= MAX_COPIED_BIT_RATE
    return found


def _note(found: Survey, packet: Packet[Any], budget: Budget) -> None:
    broken = packet.is_corrupt or packet.is_discard or packet.has_sidedata("new_extradata")
    if packet.pts is None or packet.dts is None or broken:
        found.copyable = False
        return
    if found._last_dts is not None and packet.dts <= found._last_dts:
        found.copyable = False
    found._last_dts = packet.dts
    at_s = float(packet.pts * packet.time_base)
    if not found.frames:
        found.start_s = found._key_s = at_s
        found.copyable &= packet.is_keyframe
    if packet.is_keyframe:
        found.copyable &= 0 <= at_s - found._key_s <= MAX_KEY_GAP_S
        found._key_s = at_s
    found.copyable &= at_s >= found.start_s
    found.frames += 1
    found.video_bytes += packet.size
    found.end_s = max(found.end_s, at_s + float((packet.duration or 0) * packet.time_base))
    budget.check_time(found.end_s - found.start_s)


def copy_packets(source: Source, budget: Budget, *, start_s: float, report: Report) -> Written:
    """Write the source's own packets, shifted to begin at zero."""
    end_s = 0.0
    with open_playlist() as out:
        video = out.add_stream_from_template(source.video, opaque=True)
        audio = None if source.audio is None else out.add_stream_from_template(source.audio)
        units = BitStreamFilterContext(COPIED_NAL_UNITS, source.video, video)
        for packet in source.packets(budget):
            if packet.dts is None or packet.pts is None:
                continue
            shift = round(start_s / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            at_s = float(packet.pts * packet.time_base)
            budget.check_time(at_s)
            if packet.stream_index == source.video.index:
                end_s = max(end_s, at_s + float((packet.duration or 0) * packet.time_base))
                report(at_s)
                _mux(out, units.filter(packet), video)
            elif audio is not None and at_s >= 0:
                _mux(out, [packet], audio)
        _mux(out, units.filter(None), video)
    context = source.video.codec_context
    return Written(context.width, context.height, end_s, 0)


def _mux(out: OutputContainer, packets: list[Packet[Any]], stream: Any) -> None:
    for packet in packets:
        packet.stream = stream
        out.mux_one(packet)
