"""The picture shown before a video plays. Runs in the media worker only."""

from __future__ import annotations

from pathlib import Path

import av
from PIL import Image, ImageStat

POSTER_NAME = "poster.jpg"
POSTER_WIDTH = 720
JPEG_QUALITY = 82
SAMPLE_EVERY_S = 1.0
MAX_SAMPLES = 30
THUMBNAIL_SIDE = 64
MID_GREY = 128


class PosterPicker:
    """Keeps the best of the frames offered: much contrast, neither black nor white."""

    def __init__(self) -> None:
        self._best: Image.Image | None = None
        self._best_score = float("-inf")
        self._next_s = 0.0
        self._samples = 0

    def offer(self, frame: av.VideoFrame, *, at_s: float) -> None:
        """Look at a frame, at most one a second and thirty in all."""
        if at_s < self._next_s or self._samples >= MAX_SAMPLES:
            return
        self._next_s = at_s + SAMPLE_EVERY_S
        self._samples += 1
        thumbnail = _picture(frame.reformat(width=THUMBNAIL_SIDE, height=THUMBNAIL_SIDE))
        stat = ImageStat.Stat(thumbnail.convert("L"))
        score = stat.stddev[0] - abs(stat.mean[0] - MID_GREY) / 2
        if score > self._best_score:
            self._best_score = score
            self._best = _picture(frame)

    def save(self, path: Path, *, size: tuple[int, int], rotation: int) -> None:
        """Write a JPEG without metadata.

        size: width and height as shown, after turning by `rotation` degrees anticlockwise.
        Raises LookupError where no frame was offered.
        """
        if self._best is None:
            raise LookupError("no frame to make a poster of")
        width, height = size
        if width > POSTER_WIDTH:
            width, height = POSTER_WIDTH, max(1, round(height * POSTER_WIDTH / width))
        turned = self._best.rotate(rotation, expand=True)
        turned.resize((width, height), Image.Resampling.LANCZOS).save(
            path, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True
        )


def _picture(frame: av.VideoFrame) -> Image.Image:
    picture = frame.to_image()  # type: ignore[no-untyped-call]
    assert isinstance(picture, Image.Image)  # noqa: S101
    return picture
