"""A room to publish into, a supervisor that takes its pictures, and a publisher over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from sqlalchemy import text
from tests.factories import a_person, an_org
from tests.live.publisher import APublisher

from dougong.base.ids import PersonId, RoomId
from dougong.flows.plan_room import plan_room
from dougong.flows.publish_live import give_key
from dougong.flows.run_ingest import Ingest
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.live.publisher_commands import MadeKey
from dougong.web.app import create_app

Client = AsyncClient


@dataclass
class ARoom:
    id: RoomId
    creator_id: UUID
    person_id: PersonId
    key: MadeKey

    @property
    def whip(self) -> str:
        return f"/whip/{self.id}"


async def a_room(*, creator: "ARoom | None" = None) -> ARoom:
    """A room that begins with its first pictures, committed; `creator`: whose, else a new one's."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        person_id = creator.person_id if creator else await a_person(conn)
        org_id = (
            creator.creator_id
            if creator
            else await an_org(conn, kind="creator", person_id=person_id)
        )
        room_id = await plan_room(
            conn, creator_id=org_id, title_zh="直播", title_en="Live", announced_for=at, at=at
        )
        key = await give_key(conn, room_id=room_id, creator_id=org_id, made_by=person_id, at=at)
        return ARoom(room_id, org_id, person_id, key)


@cache
def app() -> Litestar:
    return create_app()


@asynccontextmanager
async def a_caller() -> AsyncIterator[Client]:
    """Calls the site in this event loop, where the supervisor runs as well."""
    transport = ASGITransport(app=app())
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as made:
        yield made


@asynccontextmanager
async def an_ingest() -> AsyncIterator[Ingest]:
    """A supervisor that runs until the end of the block."""
    stopping, made = asyncio.Event(), Ingest()
    running = asyncio.ensure_future(made.run(stopping))
    try:
        yield made
    finally:
        stopping.set()
        await running


def bearer(key: str, kind: str = "application/sdp", **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Content-Type": kind} | more


async def offer(client: Client, room: ARoom, publisher: APublisher, *, key: str = "") -> Any:
    """Post the publisher's offer; the answer of the server."""
    sdp = await publisher.offer()
    return await client.post(room.whip, content=sdp, headers=bearer(key or room.key.key))


async def publish(client: Client, room: ARoom, **of_track: Any) -> tuple[APublisher, str]:
    """A publisher that is connected, and the address of its session."""
    publisher = APublisher(**of_track)
    answered = await offer(client, room, publisher)
    assert answered.status_code == 201, answered.text
    await publisher.take(answered.text)
    await publisher.connected()
    return publisher, answered.headers["location"]


async def state_of(room: ARoom) -> tuple[str, str | None]:
    async with transaction() as conn:
        row = await conn.execute(
            text("SELECT state, end_reason FROM live_rooms WHERE id = :id"), {"id": room.id}
        )
        return tuple(row.one())


async def becomes(room: ARoom, state: str, *, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while (await state_of(room))[0] != state:  # noqa: ASYNC110 (of another process)
            await asyncio.sleep(0.1)


async def publishers_of(room: ARoom) -> list[Any]:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT * FROM live_publishers WHERE room_id = :id ORDER BY id"), {"id": room.id}
        )
        return list(found)
