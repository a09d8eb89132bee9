"""Video and pictures: what comes in is hostile, what goes out is our own encoding."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dougong.infra.media_image import normalise_image
from dougong.infra.media_limits import REFUSAL_CODES, MediaLimits, MediaRefused
from dougong.infra.media_sniff import SNIFF_BYTES, sniff_container

__all__ = [
    "HlsResult",
    "MediaLimits",
    "MediaRefused",
    "MediaWorkerFailed",
    "normalise_image",
    "sniff_container",
    "transcode_to_hls",
]

PLAYLIST_NAME = "index.m3u8"
POSTER_NAME = "poster.jpg"
LOG_NAME = "worker.log"
LOG_CHARACTERS = 2_000
KILL_SECONDS = 5.0
# -I ignores the environment and the working directory, so the package has to be pointed at.
PACKAGE_ROOT = Path(__file__).resolve().parents[2]
WORKER = (
    f"import sys; sys.path.insert(0, {str(PACKAGE_ROOT)!r}); "
    "from dougong.infra.media_worker import main; main()"
)

Progress = Callable[[float], Awaitable[None]]


class MediaWorkerFailed(RuntimeError):
    """The worker did not start: a fault of this installation, not of the file."""


@dataclass(frozen=True)
class HlsResult:
    """seconds: of the video; width, height: as shown; poster, playlist: file names in the
    target directory; bytes: of all its files; copied: packets were copied, not encoded again."""

    seconds: float
    width: int
    height: int
    poster: str
    playlist: str
    bytes: int
    copied: bool = False


async def transcode_to_hls(
    source: Path, target_dir: Path, *, limits: MediaLimits, progress: Progress | None = None
) -> HlsResult:
    """Turn an uploaded video into an HLS playlist, its segments and a poster.

    H.264 and AAC in MPEG-TS segments of 2 s, longest side at most 1280, upright. The file is
    read in a process of its own with bounded memory, time and files, and without a network.
    target_dir: must not exist; it appears complete or not at all.
    progress: awaited with a rising share from 0 to 1; the last call is 1.0.
    Raises MediaRefused, MediaWorkerFailed, and FileExistsError for the target.
    """
    work_dir = await asyncio.to_thread(_prepare, source, target_dir, limits)
    try:
        done = await _run_worker(source, work_dir, limits, progress)
        result = await asyncio.to_thread(_publish, work_dir, target_dir, done)
    finally:
        await asyncio.to_thread(shutil.rmtree, work_dir, ignore_errors=True)
    if progress is not None:
        await progress(1.0)
    return result


def _prepare(source: Path, target_dir: Path, limits: MediaLimits) -> Path:
    if target_dir.exists():
        raise FileExistsError(target_dir)
    size = source.stat().st_size
    if size > limits.max_bytes:
        raise MediaRefused("too_big", f"{size} bytes")
    with source.open("rb") as file:
        head = file.read(SNIFF_BYTES)
    if sniff_container(head) is None:
        raise MediaRefused("unknown_container", head[:16].hex())
    target_dir.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that a rename is enough.
    return Path(tempfile.mkdtemp(prefix=".media-", dir=target_dir.parent))


def _publish(work_dir: Path, target_dir: Path, done: dict[str, Any]) -> HlsResult:
    (work_dir / LOG_NAME).unlink(missing_ok=True)
    files = list(work_dir.iterdir())
    strange = [f.name for f in files if f.is_symlink() or f.suffix not in {".ts", ".m3u8", ".jpg"}]
    names = {file.name for file in files}
    if strange or not {PLAYLIST_NAME, POSTER_NAME} <= names:
        raise MediaRefused("damaged", f"not what was asked for: {sorted(names)[:5]}")
    result = HlsResult(
        seconds=float(done["seconds"]),
        width=int(done["width"]),
        height=int(done["height"]),
        poster=POSTER_NAME,
        playlist=PLAYLIST_NAME,
        bytes=sum(file.stat().st_size for file in files),
        copied=done["way"] == "copied",
    )
    work_dir.chmod(0o755)
    work_dir.rename(target_dir)
    return result


@dataclass
class _Said:
    """What the worker said so far."""

    started: bool = False
    share: float = 0.0
    done: dict[str, Any] | None = None
    refused: MediaRefused | None = None
    log: str = field(default="", repr=False)


async def _run_worker(
    source: Path, work_dir: Path, limits: MediaLimits, progress: Progress | None
) -> dict[str, Any]:
    said = _Said()
    process = await _start_worker(_job(source, work_dir, limits), work_dir / LOG_NAME)
    try:
        async with asyncio.timeout(limits.wall_s) as wall:
            await _listen(process, said, progress)
            if said.refused is None:
                await process.wait()
    except TimeoutError:
        if not wall.expired():
            raise
        raise MediaRefused("took_too_long", f"{limits.wall_s} s") from None
    finally:
        await _end_group(process)
    if said.refused is not None:
        raise said.refused
    if said.done is not None and process.returncode == 0:
        return said.done
    log = await asyncio.to_thread(_tail, work_dir / LOG_NAME)
    if not said.started and process.returncode != -signal.SIGXCPU:
        raise MediaWorkerFailed(f"exit {process.returncode}: {log}")
    raise _judge_exit(process.returncode or 0, log)


def _job(source: Path, work_dir: Path, limits: MediaLimits) -> str:
    job = {
        "source": str(source.absolute()),
        "work_dir": str(work_dir.absolute()),
        "limits": asdict(limits),
        "parent_pid": os.getpid(),
    }
    return json.dumps(job)


async def _start_worker(job: str, log_path: Path) -> asyncio.subprocess.Process:
    with log_path.open("wb") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-c",
            WORKER,
            job,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={},
            cwd="/",
            start_new_session=True,
        )


async def _listen(
    process: asyncio.subprocess.Process, said: _Said, progress: Progress | None
) -> None:
    assert process.stdout is not None  # noqa: S101
    while True:
        try:
            raw = await process.stdout.readline()
            share = _hear(said, json.loads(raw)) if raw else None
        except (ValueError, KeyError, TypeError) as error:
            # It speaks nonsense, or a line without end: something took it over.
            said.refused = MediaRefused("damaged", f"the worker said {error!r}")
            return
        if not raw:
            return
        if share is not None and progress is not None:
            await progress(share)


def _hear(said: _Said, line: dict[str, Any]) -> float | None:
    """Note one line; the new share where it is one, kept rising and below 1."""
    if "started" in line:
        said.started = True
    elif "refused" in line:
        code = REFUSAL_CODES[line["refused"]]
        said.refused = MediaRefused(code, str(line["detail"]))
    elif "done" in line:
        said.done = dict(line["done"])
    elif said.share < float(line["progress"]) < 1.0:
        said.share = float(line["progress"])
        return said.share
    return None


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of the worker and anything it started, then collect it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(KILL_SECONDS):
            while process.stdout is not None and await process.stdout.read(65_536):
                pass
            await process.wait()


def _judge_exit(returncode: int, log: str) -> MediaRefused:
    detail = f"exit {returncode}: {log}"
    if returncode == -signal.SIGXCPU:
        return MediaRefused("took_too_long", detail)
    if returncode == -signal.SIGKILL or "MemoryError" in log:
        return MediaRefused("out_of_memory", detail)
    return MediaRefused("damaged", detail)


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_bytes()[-LOG_CHARACTERS:].decode("utf-8", "replace").strip()
    return ""
