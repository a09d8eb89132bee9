"""One viewer's socket: a bounded queue out, a budget in. Nobody waits for anybody else."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

Send = Callable[[Any], Awaitable[None]]

# Who has so much waiting has not read for long: the place is given up.
MOST_WAITING = 256
MOST_WAITING_CHARACTERS = 512_000
SEND_TIMEOUT_S = 20.0
# What one socket may ask: a burst, and so many a second after it.
BURST, A_SECOND = 20.0, 5.0
MOST_REFUSED = 100  # who goes on all the same is put out

SLOW, FLOOD, AWAY, OVER = 4008, 4029, 4000, 1000


class Seat:
    """`closed` holds the code with which the socket is to be closed. `is_backstage`: the host's own
    studio, which is no viewer."""

    def __init__(self, send: Send, *, visit_id: UUID, is_backstage: bool = False) -> None:
        self.visit_id = visit_id
        self.is_backstage = is_backstage
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._send = send
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._wake: asyncio.Future[None] | None = None
        self._budget, self._budget_at = BURST, time.monotonic()
        self._refused = 0
        self.heard_at = time.monotonic()

    def put(self, message: str) -> None:
        """Send it as soon as the socket takes it. Never waits."""
        if self.closed.done():
            return
        self._waiting.append(message)
        self._characters += len(message)
        if len(self._waiting) > MOST_WAITING or self._characters > MOST_WAITING_CHARACTERS:
            self.close(SLOW)
        elif self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def close(self, code: int) -> None:
        if not self.closed.done():
            self.closed.set_result(code)

    async def write(self) -> None:
        """Send what waits, for ever: one frame for all there is, a line each."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._waiting:
                self._wake = loop.create_future()
                await self._wake
            text = self._waiting.popleft() if len(self._waiting) == 1 else self._all()
            self._characters = 0
            timer = loop.call_later(SEND_TIMEOUT_S, self.close, SLOW)
            try:
                await self._send({"type": "websocket.send", "text": text})
            finally:
                timer.cancel()

    def _all(self) -> str:
        text = "\n".join(self._waiting)
        self._waiting.clear()
        return text

    def spend(self, cost: float = 1.0) -> bool:
        """Whether this socket may ask for something now; whoever never stops is put out."""
        at = time.monotonic()
        self.heard_at = at
        self._budget = min(BURST, self._budget + (at - self._budget_at) * A_SECOND)
        self._budget_at = at
        if self._budget >= cost:
            self._budget -= cost
            return True
        self._refused += 1
        if self._refused > MOST_REFUSED:
            self.close(FLOOD)
        return False
