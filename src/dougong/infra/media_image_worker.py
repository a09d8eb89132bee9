"""The process in which a hostile picture is read: bytes on stdin, our WebP on stdout, then it ends.

What is refused is said as its code, with exit status 3.
"""

from __future__ import annotations

import os
import sys

from dougong.infra.media_image import normalise_image
from dougong.infra.media_limits import MediaRefused
from dougong.infra.media_sandbox import enter_sandbox

CPU_S = 10
MEMORY_BYTES = 768 * 1024 * 1024
REFUSED = 3


def main() -> None:
    """Arguments: the parent's process id, most pixels, longest side of the result."""
    parent, pixels, side = (int(one) for one in sys.argv[1:4])
    enter_sandbox(cpu_s=CPU_S, memory_bytes=MEMORY_BYTES, parent_pid=parent)
    data = sys.stdin.buffer.read()
    status = 0
    try:
        out = normalise_image(data, max_bytes=len(data), max_pixels=pixels, longest_side=side)
    except MediaRefused as refused:
        out, status = refused.code.encode(), REFUSED
    sys.stdout.buffer.write(out)
    sys.stdout.buffer.flush()
    os._exit(status)  # not by way of destructors: what is left in memory is a stranger's
