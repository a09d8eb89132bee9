"""Turns many concurrent single requests into few batches: one round trip for all who wait."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")


class Coalescer(Generic[Ask, Answer]):
    """Collects what is asked within `wait_s`, at most `most`, and runs it as one batch.

    One batch runs at a time: what is asked meanwhile is the next one, at once. So the busier it
    is, the larger the batches. `run` answers in the order of its list; an exception in an answer's
    place is raised for that asker alone. If `run` itself fails, everyone of the batch gets its
    exception.
    """

    def __init__(
        self,
        run: Callable[[list[Ask]], Awaitable[list[Answer | Exception]]],
        *,
        most: int,
        wait_s: float,
    ) -> None:
        self._run = run
        self._most = most
        self._wait_s = wait_s
        self._waiting: list[tuple[Ask, asyncio.Future[Answer]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Nobody waits for an answer."""
        return not self._waiting and self._running is None

    async def ask(self, what: Ask) -> Answer:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((what, future))
        if self._running is None:
            if len(self._waiting) >= self._most:
                self._start()
            elif self._timer is None:
                self._timer = loop.call_later(self._wait_s, self._start)
        return await future

    def _start(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        self._running = asyncio.create_task(self._answer(batch)) if batch else None

    async def _answer(self, batch: list[tuple[Ask, asyncio.Future[Answer]]]) -> None:
        answers: list[Answer | Exception] = []
        try:
            answers = await self._run([what for what, _ in batch])
        except Exception as error:  # every asker of the batch learns it
            answers = [error] * len(batch)
        finally:
            self._start()  # whoever hears the answer finds this batch over
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
