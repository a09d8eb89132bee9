"""Named pause points: nothing in production; a race test installs a scheduler that decides, at
each of them, whose turn it is."""

from collections.abc import Awaitable, Callable

Scheduler = Callable[[str], Awaitable[None]]

_scheduler: Scheduler | None = None


async def point(name: str) -> None:
    """Between a read and the write that follows from it: what if another writes now?"""
    if _scheduler is not None:
        await _scheduler(name)


def install(scheduler: Scheduler | None) -> None:
    """Tests only: who is asked at every point; None ends that."""
    global _scheduler
    _scheduler = scheduler
