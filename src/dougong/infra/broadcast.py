"""What happens is told to everybody who listens, by PostgreSQL's NOTIFY: after the commit, in the
order of commits, never of a transaction that was rolled back.

`say` belongs to the transaction of the change. Each web worker has one `Listener` and hands what
it hears to its own sockets, so any number of workers hear each other. A worker whose connection
was away has missed something: it is told so (`missed`), and asks for the whole state again.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra import clock
from dougong.infra.db import session_options
from dougong.infra.db_server import app_url

CHANNEL = "dougong_broadcast"
MOST_BYTES = 7_000  # PostgreSQL takes 8 000, the topic among them
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
TOPIC_CHARACTERS = 36  # what a message begins with: a UUID

LISTEN = "LISTEN dougong_broadcast"
SAY = text("SELECT pg_notify(:channel, :message)")

Hear = Callable[[str, str], None]
Missed = Callable[[], None]


class TooLong(ValueError):
    """A message of more than MOST_BYTES: tell what has changed, not all there is."""


async def say(conn: AsyncConnection, topic: UUID, kind: str, facts: Mapping[str, Any]) -> None:
    """Tell who listens to a topic (a room), when this transaction commits.

    Heard as JSON: `kind`, `at` (business time) and the facts beside them. Raises TooLong.
    """
    message = msgspec.json.encode({"kind": kind, "at": clock.now().isoformat(), **facts})
    if len(message) > MOST_BYTES:
        raise TooLong(f"{kind}: {len(message)} bytes")
    await conn.execute(SAY, {"channel": CHANNEL, "message": f"{topic}{message.decode()}"})


class Listener:
    """One connection that hears every topic, and comes back by itself.

    `hear` gets a topic and the message as it goes out; it must not block. `missed` is called when
    the connection is there again after it was away.
    """

    def __init__(self, hear: Hear, missed: Missed) -> None:
        self._hear, self._missed = hear, missed
        self._task: asyncio.Task[None] | None = None
        self.is_listening = asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        wait_s, was_away = FIRST_WAIT_S, False
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    app_url(), autocommit=True, options=session_options()
                ) as conn:
                    await conn.execute(LISTEN)
                    self.is_listening.set()
                    wait_s = FIRST_WAIT_S
                    if was_away:
                        self._missed()
                    async for one in conn.notifies():
                        message = one.payload
                        self._hear(message[:TOPIC_CHARACTERS], message[TOPIC_CHARACTERS:])
            except psycopg.OperationalError as error:
                structlog.get_logger().warning("broadcast_away", wait_s=wait_s, error=str(error))
            self.is_listening.clear()
            was_away = True
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)
