"""The process in which a hostile video is read: one job, then it ends.

Takes the job as JSON in its first argument, and says what happens as JSON lines on stdout:
{"started": …}, {"progress": 0.25}, then {"done": …} or {"refused": code, "detail": …}.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

from dougong.infra.media_limits import MediaLimits, MediaRefused, RefusalCode
from dougong.infra.media_sandbox import enter_sandbox

PROGRESS_STEP = 0.04
DETAIL_CHARACTERS = 300
CODE_OF_ERRNO: dict[int | None, RefusalCode] = {
    errno.EFBIG: "too_big",
    errno.ENOMEM: "out_of_memory",
    errno.EAGAIN: "out_of_memory",  # no room for the stack of another thread
}


def main() -> None:
    job = json.loads(sys.argv[1])
    limits = MediaLimits(**job["limits"])
    offline = enter_sandbox(
        cpu_s=limits.cpu_s, memory_bytes=limits.memory_bytes, parent_pid=job["parent_pid"]
    )
    # FFmpeg's first byte of a stranger's is read after the line above, so it is loaded after it.
    import av.error

    _say(started=True, offline=offline)
    try:
        os.chdir(job["work_dir"])
        done = _transcode(Path(job["source"]), limits)
    except MediaRefused as refusal:
        _refuse(refusal.code, refusal.detail)
    except MemoryError as error:
        _refuse("out_of_memory", str(error))
    except (av.error.FFmpegError, OSError, ValueError, ArithmeticError) as error:
        code = CODE_OF_ERRNO.get(getattr(error, "errno", None), "damaged")
        _refuse(code, f"{type(error).__name__}: {error}")
    else:
        _say(done=done)
    # Not by way of destructors: what is left in memory is a stranger's.
    sys.stdout.flush()
    os._exit(0)


def _transcode(path: Path, limits: MediaLimits) -> dict[str, Any]:
    from dougong.infra.media_hls import could_be_copied
    from dougong.infra.media_poster import POSTER_NAME
    from dougong.infra.media_source import open_source

    source = open_source(path, limits)
    report = _Progress(source.declared_s)
    written, poster, way = None, None, "copied"
    if could_be_copied(source):
        written, poster = _copy(path, limits, report)
    if written is None or poster is None:
        way = "encoded"
        written, poster = _encode(path, limits, report)
    source.check_complete(written.seconds)
    size = (written.width, written.height)
    poster.save(Path(POSTER_NAME), size=size, rotation=written.rotation)
    return {"width": size[0], "height": size[1], "seconds": written.seconds, "way": way}


def _copy(path: Path, limits: MediaLimits, report: _Progress) -> tuple[Any, Any]:
    """(None, None) where the packets turn out not to be fit for copying."""
    import av.error

    from dougong.infra.media_hls import copy_packets, survey
    from dougong.infra.media_poster import PosterPicker
    from dougong.infra.media_source import Budget, open_source

    poster = PosterPicker()
    with contextlib.suppress(av.error.InvalidDataError):
        found = survey(open_source(path, limits), Budget(limits), poster)
        if found.copyable:
            again = open_source(path, limits)
            start_s = found.start_s
            return copy_packets(again, Budget(limits), start_s=start_s, report=report), poster
    return None, None


def _encode(path: Path, limits: MediaLimits, report: _Progress) -> tuple[Any, Any]:
    from dougong.infra.media_poster import PosterPicker
    from dougong.infra.media_reencode import Encoder, first_frame
    from dougong.infra.media_source import Budget, open_source

    poster = PosterPicker()
    first = first_frame(open_source(path, limits), Budget(limits))
    source = open_source(path, limits)
    encoder = Encoder(source, Budget(limits), poster, report, first)
    return encoder.write(), poster


class _Progress:
    """Says how far it is, in steps of four hundredths, never backwards."""

    def __init__(self, total_s: float) -> None:
        self._total_s = total_s
        self._next = PROGRESS_STEP

    def __call__(self, at_s: float) -> None:
        share = at_s / self._total_s if self._total_s else 0.0
        if self._next <= share < 1.0:
            self._next = share + PROGRESS_STEP
            _say(progress=round(share, 4))


def _refuse(code: RefusalCode, detail: str) -> None:
    _say(refused=code, detail=detail[:DETAIL_CHARACTERS])


def _say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
