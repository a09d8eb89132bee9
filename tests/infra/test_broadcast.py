"""What is said in a transaction is heard after its commit, in order, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from dougong.base.ids import new_id
from dougong.infra import broadcast, db


class Heard:
    """A listener that keeps what it hears of one topic."""

    def __init__(self) -> None:
        self.topic = new_id()
        self.messages: list[dict[str, Any]] = []
        self.came = asyncio.Event()
        self.missed = asyncio.Event()
        self.listener = broadcast.Listener(self._hear, self.missed.set)

    def _hear(self, topic: str, message: str) -> None:
        if topic == str(self.topic):
            self.messages.append(msgspec.json.decode(message))
            self.came.set()

    async def until(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(10):
            while len(self.messages) < count:
                self.came.clear()
                await self.came.wait()
        return self.messages


@pytest.fixture
async def heard() -> AsyncIterator[Heard]:
    one = Heard()
    one.listener.start()
    async with asyncio.timeout(10):
        await one.listener.is_listening.wait()
    yield one
    await one.listener.stop()


async def say(topic: UUID, *numbers: int) -> None:
    async with db.transaction() as conn:
        for number in numbers:
            await broadcast.say(conn, topic, "count", {"number": number})


async def test_what_is_committed_is_heard_in_order(heard: Heard) -> None:
    await say(heard.topic, 1, 2)
    await say(heard.topic, 3)
    assert [one["number"] for one in await heard.until(3)] == [1, 2, 3]
    assert heard.messages[0]["kind"] == "count"


async def test_nothing_is_heard_of_a_transaction_that_was_rolled_back(heard: Heard) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as conn:
            await broadcast.say(conn, heard.topic, "count", {"number": 1})
            raise ZeroDivisionError
    await say(heard.topic, 2)
    assert [one["number"] for one in await heard.until(1)] == [2]


async def test_a_listener_comes_back_and_says_that_it_missed_something(
    heard: Heard, all_rights_url: str
) -> None:
    async with await psycopg.AsyncConnection.connect(all_rights_url, autocommit=True) as conn:
        ended = await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = %s",
            (broadcast.LISTEN,),
        )
        assert ended.rowcount == 1
    async with asyncio.timeout(10):
        await heard.missed.wait()
    await say(heard.topic, 1)
    assert [one["number"] for one in await heard.until(1)] == [1]


async def test_a_message_that_is_too_long_is_refused() -> None:
    with pytest.raises(broadcast.TooLong):
        async with db.transaction() as conn:
            await broadcast.say(conn, new_id(), "all", {"text": "长" * 2_400})
