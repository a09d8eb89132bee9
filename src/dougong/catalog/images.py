"""Keeps pictures: our own encoding, three sizes, named by what is in them."""

import asyncio
import hashlib
import io
import os
from pathlib import Path

import msgspec
from PIL import Image

from dougong.catalog.rules import ImageRefused
from dougong.infra.media import MediaRefused, normalise_image
from dougong.infra.settings import settings

MAX_UPLOAD_BYTES = 10_000_000
MAX_PIXELS = 40_000_000
# Longest sides in pixels. The largest one is the file that rows name.
LADDER = (1080, 480, 160)


class StoredImage(msgspec.Struct, frozen=True):
    """`file`: below the media directory, the largest of the ladder; the others by `sized`."""

    file: str
    width: int
    height: int


def sized(file: str, side: int) -> str:
    """The name of the same picture with another longest side: 160, 480 or 1080 pixels."""
    return file.replace(f"-{LADDER[0]}.webp", f"-{side}.webp")


async def keep_image(data: bytes) -> StoredImage:
    """Re-encode an uploaded JPEG, PNG or WebP and keep it under data_dir/media/images.

    The same bytes give the same file. Raises ImageRefused with the media reader's code in `why`.
    """
    try:
        return await asyncio.to_thread(_keep, data, settings().data_dir / "media")
    except MediaRefused as error:
        raise ImageRefused(field="image", why=error.code) from error


def _keep(data: bytes, media_dir: Path) -> StoredImage:
    largest = normalise_image(
        data, max_bytes=MAX_UPLOAD_BYTES, max_pixels=MAX_PIXELS, longest_side=LADDER[0]
    )
    digest = hashlib.sha256(largest).hexdigest()[:40]
    file = f"images/{digest[:2]}/{digest}-{LADDER[0]}.webp"
    for side in LADDER[1:]:
        target = media_dir / sized(file, side)
        if not target.exists():
            smaller = normalise_image(
                largest, max_bytes=MAX_UPLOAD_BYTES, max_pixels=MAX_PIXELS, longest_side=side
            )
            _write(target, smaller)
    _write(media_dir / file, largest)
    with Image.open(io.BytesIO(largest), formats=("WEBP",)) as opened:
        return StoredImage(file, opened.width, opened.height)


def _write(target: Path, data: bytes) -> None:
    """The file appears whole or not at all."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(f".{os.getpid()}.{os.urandom(4).hex()}")
    draft.write_bytes(data)
    draft.replace(target)
