"""A web worker of a live room is killed: sockets come back, what was confirmed is there, once."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.crash.chatters import Chatter
from tests.crash.server import Server, a_server
from tests.factories import a_person, an_org

from dougong.accounts.rules import token_hash
from dougong.flows.live_on_air import media_arrived
from dougong.flows.plan_room import plan_room
from dougong.infra.clock import wall_now
from dougong.infra.db import make_engine
from dougong.infra.embedded_postgres import APP

KILLS, CHATTERS = 4, 10
BACK_WITHIN_S = 30

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


async def a_full_room(engine: AsyncEngine, url: str) -> tuple[UUID, list[Chatter]]:
    async with engine.begin() as conn:
        at = wall_now()
        creator_id = await an_org(conn, kind="creator")
        room_id = await plan_room(
            conn, creator_id=creator_id, title_zh="晚间", title_en="", announced_for=at, at=at
        )
        await media_arrived(conn, room_id=room_id, at=at)
        tokens = []
        for _ in range(CHATTERS):
            token = uuid4().hex
            await conn.execute(
                text("""
                    INSERT INTO sessions (token_hash, person_id, created_at, expires_at)
                    VALUES (:hash, :person, :at, CAST(:at AS timestamptz) + interval '1 day')
                """),
                {"hash": token_hash(token), "person": await a_person(conn), "at": at},
            )
            tokens.append(token)
    path = f"/live/{room_id}/socket"
    return room_id, [Chatter(url, path, one, name=f"c{i}") for i, one in enumerate(tokens)]


async def until(is_so: Callable[[], bool]) -> None:
    """Look ten times a second, for as long as a room may take to be back."""
    for _ in range(10 * BACK_WITHIN_S):
        if is_so():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {BACK_WITHIN_S} s")


async def all_inside(chatters: list[Chatter]) -> None:
    await until(lambda: all(one.is_inside for one in chatters))


async def live_through(server: Server, engine: AsyncEngine) -> tuple[UUID, list[Chatter]]:
    room_id, chatters = await a_full_room(engine, server.url)
    acts = [one.stay() for one in chatters] + [one.talk(pause_s=1.3) for one in chatters]
    tasks = [asyncio.create_task(one) for one in acts]
    await all_inside(chatters)
    for number in range(KILLS):
        await asyncio.sleep(random.uniform(0.5, 2.0))
        # The workers of the server, and PostgreSQL's own in between: nobody asks who it was.
        server.kill_web_worker() if number % 2 == 0 else server.kill_postgres()
        await asyncio.sleep(1)
        await asyncio.to_thread(server.wait_ready)
        await all_inside(chatters)
    await until(lambda: not any(one.waiting for one in chatters))
    for one in chatters:
        one.stopping = True
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return room_id, chatters


async def written(engine: AsyncEngine, room_id: UUID) -> list[tuple[str, str]]:
    async with engine.connect() as conn:
        found = await conn.execute(
            text("SELECT id::text, body FROM live_messages WHERE room_id = :id"), {"id": room_id}
        )
        return [(row.id, row.body) for row in found]


def test_sockets_come_back_and_no_confirmed_message_is_lost(tmp_path: Path) -> None:
    with a_server(tmp_path / "live") as server:
        engine = make_engine(server.postgres.url(APP), pool_size=1)
        with asyncio.Runner() as runner:
            room_id, chatters = runner.run(live_through(server, engine))
            runner.run(engine.dispose())  # its connection has died with the database
            rows = runner.run(written(engine, room_id))
            runner.run(engine.dispose())
    confirmed = {its_id for one in chatters for its_id in one.confirmed.values()}
    assert len(confirmed) > CHATTERS
    assert confirmed <= {its_id for its_id, _ in rows}
    bodies = [body for _, body in rows]
    assert len(set(bodies)) == len(bodies)
    assert sum(one.joined for one in chatters) > CHATTERS  # some did come back
