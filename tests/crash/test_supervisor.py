"""The supervisor of live media is killed on air: its rooms are found again, and nothing is left."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.crash.server import Server, a_server
from tests.factories import a_person, an_org
from tests.live.opening import bearer
from tests.live.publisher import APublisher

from dougong.base.ids import RoomId
from dougong.flows.plan_room import plan_room
from dougong.flows.publish_live import give_key
from dougong.infra.clock import wall_now
from dougong.infra.db import make_engine
from dougong.infra.embedded_postgres import APP
from dougong.infra.live_segments import segments_of

ROOMS = 2
BACK_WITHIN_S = 30
ON_AIR_WITHIN_S = 60  # at first: the server has only just begun

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class OnAir:
    """A room and who broadcasts into it, again whenever that ends."""

    server: Server
    id: RoomId
    key: str
    publishers: list[APublisher] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.server.data_dir / "media/live" / str(self.id)

    async def publish(self, client: httpx.AsyncClient) -> None:
        """Offer until the site takes it, as a browser does."""
        while True:
            publisher = APublisher()
            self.publishers.append(publisher)
            sdp = await publisher.offer()
            try:
                answered = await client.post(
                    f"{self.server.url}/whip/{self.id}", content=sdp, headers=bearer(self.key)
                )
            except httpx.HTTPError:
                await asyncio.sleep(0.5)
                continue
            if answered.status_code == 201:
                await publisher.take(answered.text)
                await publisher.connected(within_s=BACK_WITHIN_S)
                return
            assert answered.status_code == 503, answered.text
            await asyncio.sleep(0.5)


async def planned(engine: AsyncEngine, server: Server) -> OnAir:
    async with engine.begin() as conn:
        at = wall_now()
        person_id = await a_person(conn)
        creator_id = await an_org(conn, kind="creator", person_id=person_id)
        room_id = await plan_room(
            conn, creator_id=creator_id, title_zh="晚间", title_en="", announced_for=at, at=at
        )
        made = await give_key(
            conn, room_id=room_id, creator_id=creator_id, made_by=person_id, at=at
        )
    return OnAir(server, room_id, made.key)


async def states(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as conn:
        return set(await conn.scalars(text("SELECT state FROM live_rooms")))


async def until(is_so: Callable[[], Awaitable[bool]], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not await is_so():  # noqa: ASYNC110 (of other processes)
            await asyncio.sleep(0.2)


def of_this_server(server: Server, word: str) -> list[psutil.Process]:
    """Every process whose arguments name both, wherever it hangs."""
    return [
        one
        for one in psutil.process_iter(["cmdline"])
        if (said := " ".join(one.info["cmdline"] or [])) and word in said
        and str(server.data_dir) in said
    ]  # fmt: skip


async def on_air_with(engine: AsyncEngine, rooms: list[OnAir], more: dict[RoomId, int]) -> None:
    """All rooms are live, with so many segments more than that."""

    async def is_so() -> bool:
        grown = all(len(segments_of(room.folder)) >= more[room.id] for room in rooms)
        return grown and await states(engine) == {"live"}

    await until(is_so, ON_AIR_WITHIN_S)


async def live_through(server: Server, engine: AsyncEngine) -> float:
    """Seconds from the kill until every room is on air again, with new pictures."""
    rooms = [await planned(engine, server) for _ in range(ROOMS)]
    async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
        await asyncio.gather(*(room.publish(client) for room in rooms))
        await on_air_with(engine, rooms, {room.id: 2 for room in rooms})
        before = {room.id: len(segments_of(room.folder)) for room in rooms}
        old = of_this_server(server, "live_room_process")
        assert len(old) == ROOMS
        killed_at = time.monotonic()
        server.kill_ingest()

        async def are_gone() -> bool:
            return not any(one.is_running() for one in old)

        await until(are_gone, 5)
        await asyncio.gather(*(room.publish(client) for room in rooms))
        await on_air_with(engine, rooms, {room_id: n + 1 for room_id, n in before.items()})
        took_s = time.monotonic() - killed_at
    for room in rooms:
        found = segments_of(room.folder)
        assert [one.number for one in found] == list(range(len(found)))
        for publisher in room.publishers:
            await publisher.close()
    [ingest] = server.ingest()
    running = of_this_server(server, "live_room_process")
    assert [one.parent() for one in running] == [ingest] * ROOMS
    return took_s


def test_a_killed_supervisor_finds_its_rooms_again_and_leaves_no_orphan(tmp_path: Path) -> None:
    with a_server(tmp_path / "live") as server:
        engine = make_engine(server.postgres.url(APP), pool_size=1)
        with asyncio.Runner() as runner:
            took_s = runner.run(live_through(server, engine))
            runner.run(engine.dispose())
    assert took_s < BACK_WITHIN_S
    assert of_this_server(server, "live_room_process") == []
