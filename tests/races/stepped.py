"""Runs two flows step by step in a given order: at a pause point one can overtake the other."""

import asyncio
from contextvars import ContextVar
from itertools import combinations
from typing import Any

from tests.races.flows import Act, outcome

from dougong.infra import pause

# A flow that does not reach its next point within this waits for a lock that the other holds.
LOCK_WAIT_S = 0.06

_runner: ContextVar["Steps | None"] = ContextVar("_runner", default=None)
_who: ContextVar[int] = ContextVar("_who")


def interleavings(first: int, second: int) -> list[tuple[int, ...]]:
    """Every order of `first` steps of flow 0 and `second` steps of flow 1."""
    whole = range(first + second)
    return [
        tuple(0 if n in places else 1 for n in whole)
        for places in map(set, combinations(whole, first))
    ]


class Steps:
    """Gives turns. A turn ends at the next pause point, at the end, or where it must wait."""

    def __init__(self) -> None:
        self.turns = [asyncio.Semaphore(0), asyncio.Semaphore(0)]
        self.rested = [asyncio.Event(), asyncio.Event()]
        self.points: list[list[str]] = [[], []]

    async def at(self, name: str) -> None:
        who = _who.get()
        self.points[who].append(name)
        self.rested[who].set()
        await self.turns[who].acquire()

    async def _flow(self, who: int, act: Act) -> Any:
        _who.set(who)
        _runner.set(self)
        await self.turns[who].acquire()
        try:
            return await outcome(act)
        finally:
            self.rested[who].set()

    async def run(self, acts: tuple[Act, Act], order: tuple[int, ...]) -> list[Any]:
        """Both outcomes, after this order of turns; whoever has points left then runs on."""
        flows = [asyncio.create_task(self._flow(n, act)) for n, act in enumerate(acts)]
        for who in order:
            if flows[who].done():
                continue
            self.rested[who].clear()
            self.turns[who].release()
            try:
                await asyncio.wait_for(self.rested[who].wait(), LOCK_WAIT_S)
            except TimeoutError:
                continue
        for turn in self.turns:
            for _ in range(20):
                turn.release()
        return await asyncio.gather(*flows)


async def _schedule(name: str) -> None:
    runner = _runner.get()
    if runner is not None:
        await runner.at(name)


async def run_steps(acts: tuple[Act, Act], order: tuple[int, ...]) -> tuple[list[Any], Steps]:
    steps = Steps()
    pause.install(_schedule)
    try:
        return await steps.run(acts, order), steps
    finally:
        pause.install(None)
