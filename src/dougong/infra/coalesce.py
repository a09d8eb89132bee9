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
    place is that asker's alone. If `run` itself fails, its exception is raised for everyone of the
    batch.
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
        self._waiting: list[tuple[Ask, asyncio.Future[Answer | Exception]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Nobody waits for an answer."""
        return not self._waiting and self._running is None

    async def ask(self, what: Ask) -> Answer:
        """The answer; an exception in its place is raised."""
        answer = await self.answer(what)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def answer(self, what: Ask) -> Answer | Exception:
        """What stands in the answer's place, as it is: for where a refusal is an everyday answer,
        and raising it through every caller costs more than finding it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer | Exception] = loop.create_future()
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

    async def _answer(self, batch: list[tuple[Ask, asyncio.Future[Answer | Exception]]]) -> None:
        waiting = [future for _, future in batch]
        try:
            answers = await self._run([what for what, _ in batch])
        except Exception as error:  # every asker of the batch learns it
            self._start()
            for future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        self._start()  # whoever hears the answer finds this batch over
        for future, answer in zip(waiting, answers, strict=True):
            if not future.done():
                future.set_result(answer)
