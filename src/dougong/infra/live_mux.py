"""Encoded pictures and sound to MPEG-TS segments."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
from av.packet import Packet

AUDIO_RATE_HZ = 48_000
# mpegts moves everything by itself where a time is below zero: ours never are.
TS_OPTIONS = {"avoid_negative_ts": "disabled"}


def mux(pictures: Sequence[Packet[Any]], sounds: Sequence[Packet[Any]], *, fps: int) -> bytes:
    """One MPEG-TS segment of encoded packets, in the order of their times."""
    held = io.BytesIO()
    with av.open(held, "w", format="mpegts", options=TS_OPTIONS) as out:
        video = out.add_mux_stream("h264", rate=fps, time_base=Fraction(1, fps))
        audio = out.add_mux_stream("aac", rate=AUDIO_RATE_HZ, time_base=Fraction(1, AUDIO_RATE_HZ))
        stream_of = [(packet, video) for packet in pictures]
        stream_of += [(packet, audio) for packet in sounds]
        for packet, stream in sorted(stream_of, key=lambda one: _time_of(one[0])):
            packet.stream = stream
            out.mux_one(packet)
    return held.getvalue()


def _time_of(packet: Packet[Any]) -> Fraction:
    return Fraction((packet.dts or 0) * packet.time_base)


def adts(packet: Packet[Any]) -> Packet[Any]:
    """An AAC packet with the header that MPEG-TS wants (AAC LC, 48 kHz, stereo; ISO 13818-7)."""
    n = packet.size + 7
    head = bytes([0xFF, 0xF1, 0x4C, 0x80 | n >> 11, n >> 3 & 0xFF, (n & 7) << 5 | 0x1F, 0xFC])
    made: Packet[Any] = Packet(head + bytes(packet))
    made.pts, made.dts = packet.pts, packet.dts
    made.time_base, made.duration = packet.time_base, packet.duration
    return made
