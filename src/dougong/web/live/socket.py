"""The one socket of a room: all state at once, then whatever happens; chat and likes the other way.

Out: lines of JSON, one or more a frame, each with `kind` and `at`. In: one JSON object a frame:
`{"do": "chat", "key": …, "body": …}`, `{"do": "like", "count": …}`, `{"do": "here"}`. Who is not
signed in may watch and read. What costs money or stock never goes this way.
"""

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec
import structlog
from litestar import WebSocket, websocket
from litestar.handlers import WebsocketRouteHandler
from litestar.params import FromPath
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput, Refusal, SignInNeeded, Unavailable
from dougong.base.ids import RoomId
from dougong.flows.say_in_room import Asked, say_many
from dougong.infra import clock
from dougong.infra.coalesce import Coalescer
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.links.rules import visitor_of
from dougong.live.presence_commands import Visit
from dougong.live.rules import CameFrom, TooFast
from dougong.web.live.hub import Hub
from dougong.web.live.seat import Seat
from dougong.web.raw_send import servers_send
from dougong.web.refusals import UNKNOWN
from dougong.web.security import subject_of
from dougong.web.words import refusal_words

MOST_SEATS = 20_000  # of one worker: more find another, or try again
BACKSTAGE = "backstage"  # whence the studio comes
MOST_CHARACTERS = 4_096
MOST_LIKES = 10
CLOSE_WITHIN_S = 2.0
FOREIGN, FULL, NO_ROOM, TOO_BIG = 4403, 4503, 4404, 1009

Socket = WebSocket[Any, Any, Any]


class Told(msgspec.Struct):
    """What a page says. `key`: of a chat message, the same when it is sent again."""

    do: str
    key: str = ""
    body: str = ""
    count: int = 1


_read = msgspec.json.Decoder(Told)


async def _say(asked: list[Asked]) -> list[UUID | Exception]:
    async with transaction() as conn:
        return [*await say_many(conn, asked, at=await clock.refresh(conn))]


_saying: Coalescer[Asked, UUID] = Coalescer(_say, most=200, wait_s=0.005)


def is_ours(socket: Socket) -> bool:
    """A page of this site, or no page at all: browsers name the page that opens a socket, and no
    other site may open one with our cookies."""
    origin = socket.headers.get("origin")
    if origin is None:
        return True
    ours = {urlsplit(settings().public_url).netloc, socket.headers.get("host", "")}
    return urlsplit(origin).netloc in ours - {""}


class Visitor:
    """One open socket and what it may do."""

    def __init__(self, socket: Socket, room_id: RoomId, hub: Hub) -> None:
        self.socket, self.room_id, self.hub = socket, room_id, hub
        self.actor: Access | None = socket.scope.get("user")
        self.person_id = self.actor.person_id if self.actor else None
        is_backstage = socket.query_params.get("from") == BACKSTAGE
        self.seat = Seat(
            servers_send(socket),
            visit_id=uuid4(),
            later=hub.look_again,
            is_backstage=is_backstage,
        )

    async def stay(self) -> None:
        """Until the page leaves, or is put out."""
        if not await self.hub.sit_down(self.room_id, self.seat):
            await self.socket.close(NO_ROOM)
            return
        joining = asyncio.create_task(self._join())
        listening = asyncio.create_task(self._listen())
        try:
            over: list[asyncio.Future[Any]] = [listening, self.seat.closed]
            await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.hub.leave(self.room_id, self.seat)
            is_put_out = self.seat.closed.done()
            self.seat.stop()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        if is_put_out:
            with suppress(
                RuntimeError, OSError, TimeoutError
            ):  # it may be gone already, or take nothing any more
                await asyncio.wait_for(self.socket.close(self.seat.closed.result()), CLOSE_WITHIN_S)
        await self._leave(joining)

    async def _join(self) -> None:
        if self.seat.is_backstage:
            return
        asked = self.socket.query_params.get("from", "")
        came_from = asked if asked in set(CameFrom) else CameFrom.UNKNOWN.value
        client = self.socket.client
        key = visitor_of(
            person_id=self.person_id,
            address=client.host if client else "",
            agent=self.socket.headers.get("user-agent", ""),
            secret=settings().secret(),
        )
        await self.hub.joins.ask(
            Visit(self.room_id, self.seat.visit_id, key, self.person_id, came_from, clock.now())
        )

    async def _leave(self, joining: asyncio.Task[None]) -> None:
        try:
            await joining
            if not self.seat.is_backstage:
                await self.hub.leaves.ask((self.room_id, self.seat.visit_id))
        except (DBAPIError, PoolTimeout) as error:
            structlog.get_logger().warning("visit_unwritten", error=str(error))

    async def _listen(self) -> None:
        while True:
            message: Any = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or message.get("bytes") or ""
            if len(text) > MOST_CHARACTERS:
                self.seat.close(TOO_BIG)
                return
            try:
                told = _read.decode(text)
            except msgspec.DecodeError:
                self.seat.spend(5)
                self._refuse("", BadInput(reason="no_json"))
                continue
            await self._take(told)

    async def _take(self, told: Told) -> None:
        if told.do == "here":
            self.seat.spend(0.2)
            return
        key = told.key[:100]
        if not self.seat.spend():
            if told.do != "like":
                self._refuse(key, TooFast(retry_after_s=1))
            return
        try:
            await self._do(told, key)
        except Refusal as refusal:
            self._refuse(key, refusal)
        except (DBAPIError, PoolTimeout):
            self._refuse(key, Unavailable())

    async def _do(self, told: Told, key: str) -> None:
        """Raises Refusal."""
        if told.do not in ("chat", "like"):
            raise BadInput(field="do", reason="unknown")
        if self.actor is None:
            raise SignInNeeded
        if told.do == "like":
            self.hub.like(self.room_id, max(1, min(told.count, MOST_LIKES)))
            return
        if not key:
            raise BadInput(field="key", reason="empty")
        # A session may have ended, or a person been suspended, since the socket was opened.
        self.actor = await subject_of(self.socket)
        if self.actor is None:
            raise SignInNeeded
        asked = Asked(self.room_id, self.actor.person_id, key, told.body)
        its_id = await _saying.ask(asked)
        self._answer({"kind": "said", "key": key, "id": str(its_id)})

    def _refuse(self, key: str, refusal: Refusal) -> None:
        words = refusal_words(refusal.code, refusal.facts, unknown=UNKNOWN)
        facts = {"kind": "refused", "key": key, "code": refusal.code, "text": words}
        if "retry_after_s" in refusal.facts:
            facts["retry_after_s"] = refusal.facts["retry_after_s"]
        self._answer(facts)

    def _answer(self, facts: dict[str, Any]) -> None:
        at = clock.now().isoformat()
        self.seat.put(msgspec.json.encode({"at": at, **facts}).decode())


@websocket("/live/{room_id:uuid}/socket", permission=Permission.PUBLIC)
async def room_socket(socket: Socket, room_id: FromPath[UUID]) -> None:
    hub: Hub = socket.app.state.hub
    if not is_ours(socket):
        await socket.close(FOREIGN)
        return
    await socket.accept()
    if sum(len(room.seats) for room in hub.rooms.values()) >= MOST_SEATS:
        await socket.close(FULL)
        return
    await Visitor(socket, RoomId(room_id), hub).stay()


SOCKETS: list[WebsocketRouteHandler] = [room_socket]
