"""What the media worker gives up before it looks at a stranger's bytes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal

# linux/sched.h, linux/prctl.h, malloc.h
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
M_ARENA_MAX = -8

MAX_OUTPUT_FILE_BYTES = 64 * 1024 * 1024  # one segment; a real one is a hundredth of this
MAX_OPEN_FILES = 64
MAX_THREADS = 64
CPU_GRACE_S = 2  # between SIGXCPU and SIGKILL


def enter_sandbox(*, cpu_s: int, memory_bytes: int, parent_pid: int) -> bool:
    """Bound this process for good. True if it has no network left.

    Where the kernel refuses a namespace (some containers do) the process goes on with what it
    got: demuxers, protocols and further files are refused by the reader as well.
    Must run before any thread is started: a new user namespace needs a single one.
    """
    libc = leave_with_parent(parent_pid)
    offline, own_users = _leave_network(libc)
    # Each malloc arena takes 64 MiB of address space, used or not.
    libc.mallopt(M_ARENA_MAX, 2)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, MAX_OUTPUT_FILE_BYTES)
    _limit(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CPU, cpu_s, cpu_s + CPU_GRACE_S)
    if own_users:
        # Elsewhere this would count every process of the same user, the application's included.
        _limit(resource.RLIMIT_NPROC, MAX_THREADS)
    return offline


def leave_with_parent(parent_pid: int) -> ctypes.CDLL:
    """Be killed when the parent dies, gain no rights, and let nobody look into this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it went away before the line above
        os._exit(1)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    return libc


def _leave_network(libc: ctypes.CDLL) -> tuple[bool, bool]:
    """(has no network, has its own user namespace)."""
    if libc.unshare(CLONE_NEWNET) == 0:
        return True, False
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0:
        return True, True
    return False, False


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    _, ceiling = resource.getrlimit(what)
    wanted = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        wanted = min(wanted, ceiling)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (min(soft, wanted), wanted))
