"""A viewer's end of a room's socket, spoken to the application itself; and rooms to sit in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self
from uuid import UUID

import msgspec
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import a_person, an_org

from dougong.accounts.commands import start_session
from dougong.base.ids import OrgId, PersonId, RoomId
from dougong.flows.live_on_air import media_arrived
from dougong.flows.plan_room import plan_room
from dougong.infra import clock
from dougong.infra.db import transaction

WITHIN_S = 10.0


class ARoom(msgspec.Struct):
    """A room on air, committed. `owner`: who runs it."""

    id: RoomId
    creator_id: OrgId
    owner: PersonId


async def a_room(*, is_on_air: bool = True) -> ARoom:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        owner = await a_person(conn, name="主播")
        creator_id = await an_org(conn, kind="creator", person_id=owner)
        room_id = await plan_room(
            conn, creator_id=creator_id, title_zh="晚间好物", title_en="", announced_for=at, at=at
        )
        if is_on_air:
            await media_arrived(conn, room_id=room_id, at=at)
    return ARoom(room_id, creator_id, owner)


async def a_token(person_id: PersonId | None = None) -> str:
    """A session of this person, or of a new one."""

    async def of(conn: AsyncConnection) -> str:
        at = await clock.refresh(conn)
        who = person_id or await a_person(conn)
        return await start_session(conn, person_id=who, at=at, user_agent="")

    async with transaction() as conn:
        return await of(conn)


class AViewer:
    """One open socket. `reads` False: whatever is sent to it is never taken."""

    def __init__(self, *, reads: bool = True) -> None:
        self.reads = reads
        self.heard: list[dict[str, Any]] = []
        self.frames: list[int] = []  # lines of each
        self.closed: int | None = None
        self.is_accepted = False
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._news = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def open(
        self,
        app: Litestar,
        room_id: UUID,
        *,
        token: str = "",
        origin: str | None = None,
        came_from: str = "feed",
    ) -> Self:
        headers = [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"test")]
        if token:
            headers.append((b"cookie", f"dougong_session={token}".encode()))
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        path = f"/live/{room_id}/socket"
        scope: Any = {
            "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws",
            "path": path, "raw_path": path.encode(), "query_string": f"from={came_from}".encode(),
            "headers": headers, "subprotocols": [], "client": ("127.0.0.1", 5), "state": {},
            "server": ("127.0.0.1", 8000), "root_path": "", "extensions": {},
        }  # fmt: skip
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._running = asyncio.create_task(app(scope, self._receive, self._send))
        await self.until(lambda: self.is_accepted or self.closed is not None)
        return self

    async def _receive(self) -> Any:
        return await self._to_app.get()

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.accept":
            self.is_accepted = True
        elif message["type"] == "websocket.close":
            self.closed = message["code"]
        elif not self.reads:
            await asyncio.Event().wait()
        else:
            lines = message["text"].split("\n")
            self.heard += [msgspec.json.decode(line) for line in lines]
            self.frames.append(len(lines))
        self._news.set()

    def say(self, **told: Any) -> None:
        self.say_text(msgspec.json.encode(told).decode())

    def say_text(self, text: str) -> None:
        self._to_app.put_nowait({"type": "websocket.receive", "text": text, "bytes": None})

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.heard if one["kind"] == kind]

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def hears(self, kind: str, *, count: int = 1) -> dict[str, Any]:
        """The last of so many of a kind."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    async def leave(self) -> None:
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1000})
        if self._running is not None:
            await asyncio.wait_for(self._running, WITHIN_S)


@asynccontextmanager
async def viewer(app: Litestar, room_id: UUID, **how: Any) -> AsyncIterator[AViewer]:
    one = await AViewer(reads=how.pop("reads", True)).open(app, room_id, **how)
    try:
        yield one
    finally:
        await one.leave()
