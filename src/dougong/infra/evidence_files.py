"""Keeps what people show as evidence: outside the public directory, under names that we choose.

A picture is encoded again and a film cut into our own segments, each in a process of its own with
bounded memory and time; a PDF is not decoded here at all, and handed out as a download only.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from dougong.infra.media import PACKAGE_ROOT, transcode_to_hls
from dougong.infra.media_limits import REFUSAL_CODES, MediaLimits, MediaRefused
from dougong.infra.media_sniff import SNIFF_BYTES, sniff_container
from dougong.infra.settings import settings

MAX_BYTES = 20 * 1024 * 1024
MAX_IMAGE_BYTES = 10_000_000
MAX_PIXELS = 40_000_000
LONGEST_SIDE = 1600
IMAGE_WALL_S = 20.0
FILM = MediaLimits(
    max_bytes=MAX_BYTES, max_seconds=60.0, max_total_pixels=600_000_000, cpu_s=30, wall_s=45.0
)
# What a PDF does by itself when it is opened, or carries along.
ACTIVE = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA|GoToE)\b")
WORKER = (
    f"import sys; sys.path.insert(0, {str(PACKAGE_ROOT)!r}); "
    "from dougong.infra.media_image_worker import main; main()"
)


def folder_of(kept: str) -> Path:
    return settings().data_dir / "evidence" / kept


def remove(kept: str) -> None:
    shutil.rmtree(folder_of(kept), ignore_errors=True)


async def keep(data: bytes, kept: str) -> tuple[str, int]:
    """Keep a file in a folder of its own; answers image, video or pdf, and its size in bytes.

    Raises MediaRefused for what is too big, unknown, damaged, or costs too much to read.
    """
    if len(data) > MAX_BYTES:
        raise MediaRefused("too_big", f"{len(data)} bytes")
    folder = folder_of(kept)
    if data.startswith(b"%PDF-"):
        await asyncio.to_thread(_write, folder, "file.pdf", _checked_pdf(data))
        return "pdf", len(data)
    if sniff_container(data[:SNIFF_BYTES]) is not None:
        return "video", await _keep_film(data, folder)
    picture = await picture_apart(data)
    await asyncio.to_thread(_write, folder, "picture.webp", picture)
    return "image", len(picture)


def _checked_pdf(data: bytes) -> bytes:
    if b"%%EOF" not in data[-2048:]:
        raise MediaRefused("damaged", "no end of file")
    if found := ACTIVE.search(data):
        raise MediaRefused("unknown_container", found[0].decode())
    return data


def _write(folder: Path, name: str, data: bytes) -> None:
    """The folder appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    (draft / name).write_bytes(data)
    draft.rename(folder)


async def _keep_film(data: bytes, folder: Path) -> int:
    await asyncio.to_thread(folder.parent.mkdir, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".film-", dir=folder.parent)
    source = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return (await transcode_to_hls(source, folder, limits=FILM)).bytes
    finally:
        await asyncio.to_thread(source.unlink, missing_ok=True)


async def picture_apart(data: bytes) -> bytes:
    """A JPEG, PNG or WebP as our own WebP, decoded in a guarded process. Raises MediaRefused."""
    if len(data) > MAX_IMAGE_BYTES:
        raise MediaRefused("too_big", f"{len(data)} bytes")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", WORKER, str(os.getpid()), str(MAX_PIXELS), str(LONGEST_SIDE),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(data), IMAGE_WALL_S)
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise MediaRefused("took_too_long") from error
    if process.returncode == 0 and out:
        return out
    code = REFUSAL_CODES.get(out.decode("ascii", "replace").strip(), "damaged")
    raise MediaRefused(code, f"worker ended with {process.returncode}")
