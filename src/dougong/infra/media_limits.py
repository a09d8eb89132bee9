"""What one upload may cost, and the words for refusing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

MEBIBYTE = 1024 * 1024

MAX_SOURCE_BYTES = 512 * MEBIBYTE
MAX_SOURCE_SECONDS = 300.0
MAX_FRAME_PIXELS = 4096 * 2304  # the largest frame of H.264 level 5.1
MAX_TOTAL_PIXELS = 2_000_000_000  # about 72 s of 720p at 30 frames/s
MAX_STREAMS = 8
CPU_SECONDS = 60
MEMORY_BYTES = 1024 * MEBIBYTE
WALL_SECONDS = 90.0

RefusalCode = Literal[
    "unknown_container",
    "too_long",
    "too_big",
    "too_many_pixels",
    "no_video",
    "too_many_streams",
    "damaged",
    "took_too_long",
    "out_of_memory",
]
REFUSAL_CODES: dict[str, RefusalCode] = {code: code for code in get_args(RefusalCode)}


@dataclass(frozen=True)
class MediaLimits:
    """What one video may cost. Sizes in bytes, times in seconds, frames in pixels (w * h).

    max_total_pixels: all frames together, whether decoded or copied.
    cpu_s, memory_bytes: of the worker process (RLIMIT_CPU, RLIMIT_AS); wall_s ends its group.
    """

    max_bytes: int = MAX_SOURCE_BYTES
    max_seconds: float = MAX_SOURCE_SECONDS
    max_pixels: int = MAX_FRAME_PIXELS
    max_total_pixels: int = MAX_TOTAL_PIXELS
    max_streams: int = MAX_STREAMS
    cpu_s: int = CPU_SECONDS
    memory_bytes: int = MEMORY_BYTES
    wall_s: float = WALL_SECONDS


class MediaRefused(Exception):
    """This file is not taken. `code` is stable; `detail` is for a log, not for a page."""

    def __init__(self, code: RefusalCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code: RefusalCode = code
        self.detail = detail
