"""Pictures to a small MP4. For frames drawn by this program only: it runs in-process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from PIL import Image

AUDIO_RATE_HZ = 44_100
GROUP_SECONDS = 2  # one key frame per HLS segment, so that such a clip is remuxed, not re-encoded
BYTES_PER_SAMPLE = 4


def encode_frames(
    frames: Iterable[Image.Image],
    *,
    path: Path,
    fps: int,
    width: int,
    height: int,
    audio: Iterable[bytes] | None = None,
) -> None:
    """Encode pictures to an MP4: H.264 yuv420p, a key frame every 2 s, index at the front.

    width, height: even; a frame of another size is scaled to it.
    audio: chunks of native-endian float32 samples, mono, 44 100 Hz, any length; becomes AAC.
        What goes beyond the last frame is left out.
    Raises ValueError for odd or empty sizes, for no frames, and for chunks with half a sample.
    """
    if fps < 1 or width < 2 or height < 2 or width % 2 or height % 2:
        raise ValueError(f"cannot encode {width}x{height} at {fps} frames/s")
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as out:
        picture = _video_stream(out, fps=fps, width=width, height=height)
        sound = None if audio is None else _audio_stream(out)
        samples = _Samples(audio or ())
        count = 0
        for count, image in enumerate(frames, start=1):
            drawn: av.VideoFrame = av.VideoFrame.from_image(image.convert("RGB"))  # type: ignore[no-untyped-call]
            frame = drawn.reformat(
                width=width,
                height=height,
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )
            frame.pts, frame.time_base = count - 1, Fraction(1, fps)
            out.mux(picture.encode(frame))
            if sound is not None:
                _encode_sound(out, sound, samples, upto=count * AUDIO_RATE_HZ // fps)
        if not count:
            raise ValueError("no frames to encode")
        out.mux(picture.encode(None))
        if sound is not None:
            out.mux(sound.encode(None))


def _video_stream(out: OutputContainer, *, fps: int, width: int, height: int) -> VideoStream:
    group = str(GROUP_SECONDS * fps)
    colours = "colorprim=bt709:transfer=bt709:colormatrix=bt709"
    stream = out.add_stream(
        "libx264",
        rate=fps,
        options={
            "preset": "veryfast",
            "crf": "26",
            "g": group,
            "keyint_min": group,
            "sc_threshold": "0",
            "x264-params": colours,
        },
        width=width,
        height=height,
        pix_fmt="yuv420p",
    )
    stream.codec_context.time_base = Fraction(1, fps)
    return stream


def _audio_stream(out: OutputContainer) -> AudioStream:
    return out.add_stream("aac", rate=AUDIO_RATE_HZ, layout="mono", bit_rate=96_000)


def _encode_sound(
    out: OutputContainer, stream: AudioStream, samples: _Samples, *, upto: int
) -> None:
    data = samples.take(upto - samples.taken)
    if not data:
        return
    frame = av.AudioFrame(format="flt", layout="mono", samples=len(data) // BYTES_PER_SAMPLE)
    # The plane may be padded beyond the samples.
    frame.planes[0].update(data.ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate = AUDIO_RATE_HZ
    frame.pts = samples.taken - frame.samples
    frame.time_base = Fraction(1, AUDIO_RATE_HZ)
    out.mux(stream.encode(frame))


class _Samples:
    """Cuts chunks of any length into the lengths asked for."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks: Iterator[bytes] = iter(chunks)
        self._buffer = bytearray()
        self.taken = 0

    def take(self, count: int) -> bytes:
        """Up to `count` samples, fewer only at the end."""
        wanted = count * BYTES_PER_SAMPLE
        while len(self._buffer) < wanted:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            if len(chunk) % BYTES_PER_SAMPLE:
                raise ValueError("a chunk of audio holds whole float32 samples")
            self._buffer += chunk
        data = bytes(self._buffer[:wanted])
        del self._buffer[:wanted]
        self.taken += len(data) // BYTES_PER_SAMPLE
        return data
