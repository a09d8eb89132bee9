"""The supervisor of live media: `dougong ingest`. It starts a process for each room that has a
publisher, hands on what web workers ask, and tells the rooms whether their pictures come.

It keeps nothing that it could not find again: what it watches is in the database, and its rooms'
processes end with it and are started anew with the next pictures.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from dougong.base.errors import Refusal
from dougong.base.ids import RoomId
from dougong.flows.live_on_air import media_arrived, media_lost
from dougong.flows.make_replay import queue_replay
from dougong.infra import clock, live_control
from dougong.infra.db import transaction
from dougong.infra.jobs import is_away
from dougong.infra.live_processes import RoomAway, Rooms, finish_recording, rtmp_url
from dougong.infra.settings import settings
from dougong.live.publisher_commands import Heard, end_publisher, note_heard
from dougong.live.publisher_queries import WatchedRoom, watched_rooms
from dougong.live.rules import ON_AIR, RoomState

LOOK_EVERY_S = 1.0
NOTE_EVERY = 3  # looks
# A publisher whose pictures do not come at all has so long: a handshake, a first key frame.
FIRST_PICTURE_WITHIN_S = 15
# A process that nobody needs is kept for so long: the next try of a publisher finds it.
IDLE_AFTER_S = 30
# A stream that an RTMP server has announced is looked for so long.
PULL_FOR = timedelta(minutes=1)

log = structlog.get_logger("live")


class Ingest:
    def __init__(self) -> None:
        self.rooms = Rooms()
        self._seen: set[UUID] = set()  # publishers whose pictures have arrived, and come
        self._finished: set[UUID] = set()
        self._heard: list[Heard] = []
        self._looks = 0
        self._asked_at: dict[UUID, float] = {}

    async def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What a web worker asks of a room."""
        told = dict(asked)
        room_id = UUID(told.pop("room"))
        needs_process = told["do"] in ("offer", "pull")
        if not needs_process and self.rooms.running(room_id) is None:
            return {"error": "not_running"}
        self._asked_at[room_id] = time.monotonic()
        try:
            return await self.rooms.ask(room_id, **told)
        except RoomAway as error:
            log.warning("live_room_away", room_id=str(room_id), error=str(error))
            return {"error": "away"}

    async def run(self, stopping: asyncio.Event) -> None:
        """Watch until told to stop."""
        server = await live_control.listen(self.answer)
        try:
            while not stopping.is_set():
                await self._look_safely()
                await _wait(stopping, LOOK_EVERY_S)
        finally:
            server.close()
            await self.rooms.stop_all()

    async def _look_safely(self) -> None:
        try:
            await self.look()
        except Exception as error:  # the next look may find it mended
            if not is_away(error):
                log.exception("live_look_failed")
            else:
                log.warning("live_look_missed", error=str(error)[:300])

    async def look(self) -> None:
        """Once over every room that is on air, has a publisher, or has just ended."""
        async with transaction() as conn:
            at = await clock.refresh(conn)
            watched = await watched_rooms(conn, at=at)
        self._heard = []
        results = await asyncio.gather(
            *(self._look_at(room, at) for room in watched), return_exceptions=True
        )
        self._looks += 1
        if self._heard and self._looks % NOTE_EVERY == 0:
            async with transaction() as conn:
                await note_heard(conn, heard=self._heard, at=await clock.refresh(conn))
        await self._stop_idle({room.id for room in watched})
        for failure in results:
            if isinstance(failure, BaseException):
                raise failure

    async def _stop_idle(self, watched: set[RoomId]) -> None:
        """End the processes of rooms whose publisher has left before the room began."""
        now = time.monotonic()
        for room_id in set(self.rooms.known()) - watched:
            if now - self._asked_at.get(room_id, 0) > IDLE_AFTER_S:
                self._asked_at.pop(room_id, None)
                await self.rooms.stop(room_id)

    async def _look_at(self, room: WatchedRoom, at: datetime) -> None:
        if room.state == RoomState.ENDED:
            await self._finish(room)
            return
        if room.state in ON_AIR:
            await self.rooms.ensure(room.id)  # also one whose process was killed
        if room.publisher_id is not None:
            await self._look_at_publisher(room, room.publisher_id, at)
        elif room.state == RoomState.LIVE:
            await self._media_lost(room)

    async def _look_at_publisher(self, room: WatchedRoom, publisher_id: UUID, at: datetime) -> None:
        running = self.rooms.running(room.id)
        status = await _status(running.ask) if running else {}
        if status.get("session") != str(publisher_id) or status["is_over"]:
            await self._look_for(room, publisher_id, at, is_over=bool(status.get("is_over")))
        elif not status["has_media"]:
            if status["silent_s"] > FIRST_PICTURE_WITHIN_S:
                await self._end(room, publisher_id, "no_pictures")
        elif status["silent_s"] > settings().live_stall_s:
            self._seen.discard(publisher_id)
            if room.state == RoomState.LIVE:
                await self._media_lost(room)
        else:
            self._heard.append(_heard(publisher_id, status))
            if publisher_id not in self._seen:
                await self._media_arrived(room, publisher_id)

    async def _look_for(
        self, room: WatchedRoom, publisher_id: UUID, at: datetime, *, is_over: bool
    ) -> None:
        """A publisher that the room's process does not have, or no longer."""
        age = at - (room.published_at or at)
        # Its offer may be on the way; an RTMP server may have the stream a moment later.
        knew = publisher_id in self._seen
        if room.protocol == "rtmp" and (knew or room.state in ON_AIR or age < PULL_FOR):
            self._seen.discard(publisher_id)
            if room.state == RoomState.LIVE:
                await self._media_lost(room)
            await self.rooms.ask(
                room.id, do="pull", session=str(publisher_id), url=rtmp_url(room.id)
            )
        elif is_over or knew or age > timedelta(seconds=FIRST_PICTURE_WITHIN_S):
            await self._end(room, publisher_id, "lost")

    async def _media_arrived(self, room: WatchedRoom, publisher_id: UUID) -> None:
        try:
            async with transaction() as conn:
                await media_arrived(conn, room_id=room.id, at=await clock.refresh(conn))
        except Refusal as refusal:  # it has ended, or another room of the creator is on air
            log.info("live_pictures_refused", room_id=str(room.id), code=refusal.code)
            await self._end(room, publisher_id, "refused")
            return
        self._seen.add(publisher_id)

    async def _media_lost(self, room: WatchedRoom) -> None:
        async with transaction() as conn:
            await media_lost(conn, room_id=room.id, at=await clock.refresh(conn))

    async def _end(self, room: WatchedRoom, publisher_id: UUID, reason: str) -> None:
        self._seen.discard(publisher_id)
        async with transaction() as conn:
            at = await clock.refresh(conn)
            await end_publisher(conn, publisher_id=publisher_id, reason=reason, at=at)
        if room.state == RoomState.LIVE:
            await self._media_lost(room)
        await self.answer({"do": "close", "room": str(room.id), "session": str(publisher_id)})

    async def _finish(self, room: WatchedRoom) -> None:
        """The room has ended: its publisher is sent away, its recording becomes a replay."""
        if room.publisher_id:
            await self._end(room, room.publisher_id, "room_ended")
        if room.id in self._finished:
            return
        running = self.rooms.running(room.id)
        if running:
            await running.ask(do="end")
            await self.rooms.stop(room.id)
        seconds = await asyncio.to_thread(finish_recording, room.id)
        if seconds:
            async with transaction() as conn:
                await queue_replay(conn, room_id=room.id)
        self._finished.add(room.id)


def _heard(publisher_id: UUID, status: dict[str, Any]) -> Heard:
    return Heard(publisher_id, status["bitrate_bps"], status["frames"], status["dropped"])


async def _status(ask: Callable[..., Any]) -> dict[str, Any]:
    try:
        return dict(await ask(do="status"))
    except RoomAway:
        return {}


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
