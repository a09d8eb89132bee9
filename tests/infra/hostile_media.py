"""Files made to hurt a video pipeline, written by code on the spot.

`corpus` gives (name, bytes): each must be refused with a code, or come out as a clean video.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import av
from PIL import Image

from dougong.infra.media_encode import encode_frames

GOOD_SIZE = (64, 48)
FLIPS = 18


def good_clip(path: Path, *, seconds: float = 1.0, fps: int = 10) -> bytes:
    """A small MP4 with moving colours, which is copied, not encoded again."""
    width, height = GOOD_SIZE
    encode_frames(moving(int(seconds * fps)), path=path, fps=fps, width=width, height=height)
    return path.read_bytes()


def moving(count: int, size: tuple[int, int] = GOOD_SIZE) -> Iterator[Image.Image]:
    """Frames with strong contrast: a red quarter on blue, and a green bar that moves."""
    for index in range(count):
        frame = Image.new("RGB", size, (20, 60, 220))
        frame.paste((250, 20, 20), (0, 0, size[0] // 2, size[1] // 2))
        left = index % size[0]
        frame.paste((20, 250, 20), (left, size[1] // 2, left + 6, size[1]))
        yield frame


def corpus(good: bytes, webm: bytes, *, canary: str) -> Iterator[tuple[str, bytes]]:
    """canary: an http address that must never be asked."""
    yield from _texts(canary)
    yield from _disguised_texts(canary)
    yield from _foreign_formats()
    yield from _cut(good, webm)
    yield from _flipped(good, webm)
    yield from _lying_boxes(good, canary)


def playlist(address: str, *tags: str) -> bytes:
    """One that FFmpeg takes for real."""
    lines = ("#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:5", "#EXT-X-MEDIA-SEQUENCE:0")
    return "\n".join((*lines, *tags, "#EXTINF:5,", address, "#EXT-X-ENDLIST", "")).encode()


def _texts(canary: str) -> Iterator[tuple[str, bytes]]:
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{canary}/key"'
    yield "hls", playlist(f"{canary}/a.ts")
    yield "hls_key", playlist(f"{canary}/b.ts", key)
    yield "hls_map", playlist(f"{canary}/c.m4s", f'#EXT-X-MAP:URI="{canary}/init.mp4"')
    yield "hls_bom", b"\xef\xbb\xbf" + playlist(f"{canary}/d.ts")
    yield "hls_local", playlist("file:///etc/passwd")
    yield "concat", f"file {canary}/d.mp4\n".encode()
    yield "ffconcat", f"ffconcat version 1.0\nfile '{canary}/e.mp4'\nduration 5\n".encode()
    yield "concat_protocol", playlist(f"concat:{canary}/f|file:/etc/passwd")
    yield (
        "sdp",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    )
    yield "dash", f"<?xml version='1.0'?><MPD><BaseURL>{canary}/</BaseURL></MPD>".encode()
    yield (
        "svg",
        f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{canary}/g'/></svg>".encode(),
    )
    yield "html", f"<html><video src='{canary}/h.mp4'></video></html>".encode()
    yield "asx", f"<asx version='3.0'><entry><ref href='{canary}/i'/></entry></asx>".encode()
    yield "ram", f"rtsp://{canary.removeprefix('http://')}/j.rm\n".encode()
    yield "image_sequence", b"frame-%05d.png\n"
    yield "glob", b"/etc/*.png\n"
    yield "empty", b""
    yield "one_byte", b"\0"


def _disguised_texts(canary: str) -> Iterator[tuple[str, bytes]]:
    """Text behind, inside and in front of what looks like a video."""
    text = playlist(f"{canary}/k.ts")
    yield "ftyp_then_hls", FTYP + text
    yield "ftyp_then_free_hls", FTYP + box(b"free", text)
    yield "ebml_then_hls", ebml_header(b"webm") + text
    yield "ebml_doc_type_hls", ebml_header(b"hls") + text
    yield "hls_then_ftyp", text + FTYP
    yield "size_is_text", b"#EXTftyp" + b"isom" * 4 + text


def _foreign_formats() -> Iterator[tuple[str, bytes]]:
    for kind in ("GIF", "PNG", "JPEG", "WEBP", "BMP"):
        out = io.BytesIO()
        Image.new("RGB", (16, 16), "red").save(out, kind)
        yield kind.lower(), out.getvalue()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil.mp4", "x" * 100)
    yield "zip", packed.getvalue()
    yield "heic", box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(64))
    yield "avif_sequence", box(b"ftyp", b"avis\0\0\0\0avifmsf1isom") + box(b"meta", bytes(64))
    yield "elf", b"\x7fELF" + bytes(200)
    yield "mpeg_ts", (b"\x47" + bytes(187)) * 20
    yield "avi", b"RIFF\x64\0\0\0AVI LIST" + bytes(80)
    yield "ogg", b"OggS" + bytes(80)
    yield "flv", b"FLV\x01\x05\0\0\0\x09" + bytes(80)


def _cut(good: bytes, webm: bytes) -> Iterator[tuple[str, bytes]]:
    for share in (2, 20, 50, 80):
        yield f"mp4_cut_{share}", good[: len(good) * share // 100]
        yield f"webm_cut_{share}", webm[: len(webm) * share // 100]
    yield "only_ftyp", FTYP
    yield "only_ebml", ebml_header(b"webm")
    yield "ftyp_and_noise", FTYP + random.Random(7).randbytes(4000)
    yield "ftyp_and_zeros", FTYP + bytes(4000)
    yield "zip_behind_video", good + b"PK\x05\x06" + bytes(18)


def _flipped(good: bytes, webm: bytes) -> Iterator[tuple[str, bytes]]:
    for seed in range(FLIPS):
        original = bytearray(webm if seed % 3 == 2 else good)
        dice = random.Random(seed)
        for _ in range(1 + seed * 2):
            original[dice.randrange(40, len(original))] ^= 1 << dice.randrange(8)
        yield f"flips_{seed}", bytes(original)


def _lying_boxes(good: bytes, canary: str) -> Iterator[tuple[str, bytes]]:
    yield "declares_16k", with_declared_size(good, 16_384, 16_384)
    yield "declares_65k", with_declared_size(good, 65_535, 65_535)
    yield "declares_nothing", with_declared_size(good, 0, 0)
    yield "lasts_for_years", with_declared_duration(good, 0xFFFF_FFF0)
    yield "stays_for_hours", with_table_entry(good, b"stts", 12, 0x0FFF_FFFF)
    yield "endless_times", with_table_entry(good, b"stts", 4, 0x7FFF_FFFF)
    yield "endless_samples", with_table_entry(good, b"stsz", 8, 0x7FFF_FFFF)
    yield "huge_samples", with_table_entry(good, b"stsz", 12, 0x7FFF_FFFF)
    yield "many_chunks", with_table_entry(good, b"stco", 4, 0x3FFF_FFFF)
    yield "box_of_4_gb", FTYP + struct.pack(">I4s", 0xFFFF_FFFF, b"moov") + bytes(100)
    yield "box_of_2_to_63", FTYP + struct.pack(">I4sQ", 1, b"moov", 2**63 - 1) + bytes(100)
    yield "deep_boxes", FTYP + nested(b"moov", b"trak", 3_000)
    yield "data_elsewhere", with_data_reference(good, f"{canary}/ref.mov".encode())
    yield "data_in_passwd", with_data_reference(good, b"file:///etc/passwd")
    yield "unknown_codec", good.replace(b"avc1", b"zzzz")
    yield "wrong_codec", good[:64] + good[64:].replace(b"avc1", b"vp09")


def ebml_header(doc_type: bytes) -> bytes:
    body = b"\x42\x82" + bytes([0x80 | len(doc_type)]) + doc_type
    return b"\x1a\x45\xdf\xa3" + bytes([0x80 | len(body)]) + body


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


FTYP = box(b"ftyp", b"isom\0\0\x02\0isomiso2avc1mp41")


def nested(outer: bytes, inner: bytes, depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = box(inner, content)
    return box(outer, content)


def with_declared_size(good: bytes, width: int, height: int) -> bytes:
    """Another size in the sample entry and the track header than in the stream."""
    data = bytearray(good)
    entry = data.index(b"avc1", data.index(b"stsd")) + 28
    data[entry : entry + 4] = struct.pack(">HH", width, height)
    track = data.index(b"tkhd") + 80
    data[track : track + 8] = struct.pack(">II", width << 16, height << 16)
    return bytes(data)


def with_declared_duration(good: bytes, ticks: int) -> bytes:
    data = bytearray(good)
    for kind, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        at = data.index(kind) + offset
        data[at : at + 4] = struct.pack(">I", ticks)
    return bytes(data)


def with_table_entry(good: bytes, kind: bytes, offset: int, value: int) -> bytes:
    """offset: from the box's version byte."""
    data = bytearray(good)
    at = data.index(kind) + 4 + offset
    data[at : at + 4] = struct.pack(">I", value)
    return bytes(data)


def with_data_reference(good: bytes, url: bytes) -> bytes:
    """The samples are said to be in another file (`url ` without the self-contained flag)."""
    data = bytearray(good)
    at = data.index(b"url ", data.index(b"dref"))
    new = box(b"url ", b"\0\0\0\0" + url + b"\0")
    grown = len(new) - 12
    data[at - 4 : at + 8] = new
    for kind in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        start = data.index(kind) - 4
        size = int.from_bytes(data[start : start + 4], "big") + grown
        data[start : start + 4] = struct.pack(">I", size)
    return bytes(data)


def audio_only(path: Path) -> bytes:
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=44_100, layout="mono")
        frame = av.AudioFrame(format="fltp", layout="mono", samples=4096)
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.sample_rate, frame.pts = 44_100, 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


def many_streams(path: Path, count: int) -> bytes:
    with av.open(str(path), "w", format="matroska") as out:
        streams = [
            out.add_stream("mpeg4", rate=10, width=32, height=32, pix_fmt="yuv420p")
            for _ in range(count)
        ]
        frame = av.VideoFrame.from_image(Image.new("RGB", (32, 32), "red"))
        for stream in streams:
            frame.pts = 0
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    return path.read_bytes()


def inflating(path: Path, *, side: int, frames: int, times: int = 1) -> bytes:
    """Few bytes, very many pixels: black frames, each group of which is repeated."""
    black = Image.new("RGB", (side, side))
    once = path.with_name("once")
    encode_frames((black for _ in range(frames)), path=once, fps=30, width=side, height=side)
    with av.open(str(path), "w", format="mp4") as out:
        for number in range(times):
            with av.open(str(once)) as opened:
                if not number:
                    stream = out.add_stream_from_template(opened.streams.video[0], opaque=True)
                for packet in opened.demux(video=0):
                    if packet.size:
                        shift = round(number * frames / 30 / packet.time_base)
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = stream
                        out.mux_one(packet)
    return path.read_bytes()


def png_with_declared_size(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (
        png_chunk(b"IHDR", header),
        png_chunk(b"IDAT", zlib.compress(bytes(4096))),
        png_chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def png_with_chunk(kind: bytes, content: bytes) -> bytes:
    """A good PNG with one more chunk after its header."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "PNG")
    data = out.getvalue()
    return data[:33] + png_chunk(kind, content) + data[33:]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
