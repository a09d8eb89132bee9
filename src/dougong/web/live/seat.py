"""One viewer's socket: a bounded queue out, a budget in. Nobody waits for anybody else.

A seat has no task of its own. The server's `send` begins at once and answers something that is
done later: until then what comes is kept here, and the hub looks again a little later.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
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


class Batch:
    """What a whole room is told at once: put together once, shared by all seats.

    lines: each seat gets every one. latest: kind to line, of which only the last one counts.
    """

    def __init__(self, lines: Iterable[str], latest: Mapping[str, str]) -> None:
        self.lines, self.latest = list(lines), dict(latest)
        self.event = _event([*self.lines, *self.latest.values()])


def _event(lines: list[str]) -> dict[str, str]:
    return {"type": "websocket.send", "text": "\n".join(lines)}


def _look_at(sent: asyncio.Future[None]) -> None:
    if not sent.cancelled():
        sent.exception()  # seen: asyncio need not tell of it


class Seat:
    """`closed` holds the code with which the socket is to be closed. `is_backstage`: the host's own
    studio, which is no viewer. `later` is told when something waits here."""

    def __init__(
        self,
        send: Send,
        *,
        visit_id: UUID,
        later: Callable[["Seat"], None],
        is_backstage: bool = False,
    ) -> None:
        self.visit_id = visit_id
        self.is_backstage = is_backstage
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._send, self._later = send, later
        self._sending: asyncio.Future[None] | None = None
        self._since = 0.0  # when that began
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._latest: dict[str, str] = {}
        self._budget, self._budget_at = BURST, time.monotonic()
        self._refused = 0
        self.heard_at = time.monotonic()

    def put(self, *lines: str) -> None:
        """Send it as soon as the socket takes it, in one frame. Never waits."""
        self.take(Batch(lines, {}), time.monotonic())

    def take(self, batch: Batch, now: float) -> None:
        """`put`, of what others get too. now: `time.monotonic`, once for all of them."""
        sending = self._sending
        if self._waiting or self._latest or (sending is not None and not sending.done()):
            self._keep(batch)
        elif not self.closed.done():
            self._begin(batch.event, now)

    def _is_busy(self) -> bool:
        return self._sending is not None and not self._sending.done()

    def _begin(self, event: dict[str, str], now: float) -> None:
        """One that fails says that the page has gone, which whoever listens to it learns too."""
        begun: Any = self._send(event)
        if not hasattr(begun, "done"):  # of a server whose sends begin only when awaited
            begun = asyncio.ensure_future(begun)
            begun.add_done_callback(_look_at)
        self._sending, self._since = begun, now

    def _keep(self, batch: Batch) -> None:
        self._waiting += batch.lines
        self._characters += sum(map(len, batch.lines))
        self._latest |= batch.latest
        if len(self._waiting) > MOST_WAITING or self._characters > MOST_WAITING_CHARACTERS:
            self.close(SLOW)
        else:
            self._later(self)

    def go_on(self, now: float) -> bool:
        """Send what waits, all in one frame, a line each. False: the socket takes nothing yet."""
        if self.closed.done():
            return True
        if self._is_busy():
            self.close_if_stuck(now)
            return False
        self._begin(_event([*self._waiting, *self._latest.values()]), now)
        self._waiting.clear()
        self._latest.clear()
        self._characters = 0
        return True

    def close_if_stuck(self, now: float) -> None:
        """Who takes nothing for so long is put out."""
        if self._is_busy() and now - self._since > SEND_TIMEOUT_S:
            self.close(SLOW)

    def close(self, code: int) -> None:
        if not self.closed.done():
            self.closed.set_result(code)

    def stop(self) -> None:
        """Nothing is sent any more: what is half sent is given up."""
        self.close(AWAY)
        if self._sending is not None and self._is_busy():
            self._sending.cancel()

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
