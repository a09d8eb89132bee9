"""What one web worker knows of its rooms: who sits in them, what was said just now, how many like.

A message is heard once from the broadcast. What a room hears within a moment becomes one batch,
which is put together once and which all its seats share. How many watch in all is known because
each worker tells the others its own count (`here`), which they forget when they do not hear it
again.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import msgspec
import structlog
from sqlalchemy.exc import DBAPIError

from dougong.base.ids import RoomId
from dougong.infra import broadcast, clock
from dougong.infra.coalesce import Coalescer
from dougong.infra.db import transaction
from dougong.live import presence_commands
from dougong.live.presence_commands import Visit
from dougong.reads.live_room import room_state
from dougong.web.live.seat import AWAY, Batch, Seat

TICK_S = 1.0
STATE_LIFE_S = 1.0
TELL_EVERY_S, FORGET_AFTER_S = 5.0, 15.0
SILENT_AFTER_S = 90.0  # a page says every half minute that it is there
HERE = '{"kind":"here"'
LIKES, VIEWERS = '{"kind":"likes"', '{"kind":"viewers"'  # only the last one of each counts
# How long a room is quiet after a batch: a seat costs 12 µs of CPU, so a full one collects more.
QUIET_S, QUIET_A_SEAT_S = 0.005, 0.000_02
LOOK_AGAIN_S = 0.02  # at seats whose socket was busy


class RoomOnWorker:
    """A room with at least one seat on this worker."""

    def __init__(self) -> None:
        self.seats: set[Seat] = set()
        self.backstage = 0  # seats that are no viewers
        self.state = ""
        self.read_at = float("-inf")
        self.since: list[str] = []  # heard since the state began to be read
        self.was_read_at = float("-inf")
        self.reading: asyncio.Task[None] | None = None
        self.likes = 0  # not written yet
        self.elsewhere: dict[str, tuple[int, float]] = {}  # worker to (viewers, heard at)
        self.told, self.told_at = -1, float("-inf")
        self.lines: list[str] = []  # heard, and not told yet
        self.latest: dict[str, str] = {}
        self.telling: asyncio.TimerHandle | None = None
        self.quiet_until = float("-inf")
        self.shown = -1

    def viewers(self) -> int:
        now = time.monotonic()
        others = [n for n, at in self.elsewhere.values() if now - at < FORGET_AFTER_S]
        return self.watching() + sum(others)

    def watching(self) -> int:
        """Viewers on this worker."""
        return len(self.seats) - self.backstage

    def tell_soon(self, message: str) -> None:
        """Every seat gets it: at once, or when the moment after the last batch is over."""
        kind = next((kind for kind in (LIKES, VIEWERS) if message.startswith(kind)), "")
        if kind:
            self.latest[kind] = message
        else:
            self.lines.append(message)
        if self.telling is None:
            loop = asyncio.get_running_loop()
            self.telling = loop.call_at(max(loop.time(), self.quiet_until), self.tell)

    def tell(self) -> None:
        """All that was heard and not told yet, to every seat."""
        if self.telling is None:
            return
        self.telling.cancel()
        self.telling = None
        batch, now = Batch(self.lines, self.latest), time.monotonic()
        self.lines, self.latest = [], {}
        for seat in self.seats:
            seat.take(batch, now)
        quiet_s = max(QUIET_S, QUIET_A_SEAT_S * len(self.seats))
        self.quiet_until = asyncio.get_running_loop().time() + quiet_s


async def _join(visits: list[Visit]) -> list[Exception | None]:
    async with transaction() as conn:
        await presence_commands.join(conn, visits)
    return [None] * len(visits)


async def _leave(gone: list[tuple[UUID, UUID]]) -> list[Exception | None]:
    async with transaction() as conn:
        await presence_commands.leave(conn, gone, at=await clock.refresh(conn))
    return [None] * len(gone)


class Hub:
    """All rooms of this worker. Starts to listen with its first seat."""

    def __init__(self) -> None:
        self.name = uuid4().hex[:12]
        self.rooms: dict[str, RoomOnWorker] = {}
        self._listener = broadcast.Listener(self.hear, self._missed)
        self._ticker: asyncio.Task[None] | None = None
        self._behind: set[Seat] = set()
        self._looking: asyncio.TimerHandle | None = None
        self.joins: Coalescer[Visit, None] = Coalescer(_join, most=500, wait_s=0.05)
        self.leaves: Coalescer[tuple[UUID, UUID], None] = Coalescer(_leave, most=500, wait_s=0.05)

    async def start(self) -> None:
        """Does nothing twice. Afterwards nothing that is committed is missed."""
        if self._ticker is None:
            self._listener.start()
            self._ticker = asyncio.create_task(self._tick_for_ever())
        await self._listener.is_listening.wait()

    async def stop(self) -> None:
        """Ask every page to come back: another worker, or this one again, will have it."""
        for room in self.rooms.values():
            for seat in room.seats:
                seat.close(AWAY)
        if self._ticker is not None:
            self._ticker.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticker
            await self._listener.stop()
            self._ticker = None

    async def sit_down(self, room_id: RoomId, seat: Seat) -> bool:
        """Give the seat the whole state, and from then on all that is said. False: no such room."""
        await self.start()
        room = self.rooms.setdefault(str(room_id), RoomOnWorker())
        if time.monotonic() - room.read_at > STATE_LIFE_S:
            await self._read_once(room_id, room)
        if not room.state:
            if not room.seats:
                self.rooms.pop(str(room_id), None)
            return False
        room.tell()  # what it has not told yet is among what it has heard
        seat.put(room.state, *room.since, _viewers(room.viewers()))
        self.rooms[str(room_id)] = room  # the last seat may have left while the state was read
        room.seats.add(seat)
        room.backstage += seat.is_backstage
        return True

    def leave(self, room_id: RoomId, seat: Seat) -> None:
        room = self.rooms.get(str(room_id))
        if room is not None and seat in room.seats:
            room.seats.discard(seat)
            room.backstage -= seat.is_backstage
        self._behind.discard(seat)

    def look_again(self, seat: Seat) -> None:
        """Something waits there: one timer for all seats whose sockets are busy."""
        self._behind.add(seat)
        if self._looking is None:
            loop = asyncio.get_running_loop()
            self._looking = loop.call_later(LOOK_AGAIN_S, self._look)

    def _look(self) -> None:
        self._looking, now = None, time.monotonic()
        behind, self._behind = self._behind, set()
        for seat in behind:
            if not seat.go_on(now):
                self.look_again(seat)

    def like(self, room_id: RoomId, count: int) -> None:
        """Likes are summed, and told once a second."""
        room = self.rooms.get(str(room_id))
        if room is not None:
            room.likes += count

    def hear(self, topic: str, message: str) -> None:
        room = self.rooms.get(topic)
        if room is None:
            return
        if message.startswith(HERE):
            told = msgspec.json.decode(message)
            if told["worker"] != self.name:
                room.elsewhere[told["worker"]] = (told["viewers"], time.monotonic())
            return
        if room.reading is None and time.monotonic() - room.was_read_at > 2 * STATE_LIFE_S:
            room.since.clear()  # whoever comes now reads the state anew
        else:
            room.since.append(message)
        room.tell_soon(message)

    def _missed(self) -> None:
        """The broadcast was away: every seat gets the state anew."""
        for room in self.rooms.values():
            room.read_at = float("-inf")
        self._again = asyncio.create_task(self._tell_state_again())

    async def _tell_state_again(self) -> None:
        for room_id, room in list(self.rooms.items()):
            try:
                await self._read_once(RoomId(UUID(room_id)), room)
            except DBAPIError as error:
                structlog.get_logger().warning("room_state_unread", error=str(error.orig))
                for seat in room.seats:
                    seat.close(AWAY)  # they ask again when they come back
                continue
            room.tell()
            batch, now = Batch([room.state], {}), time.monotonic()
            for seat in room.seats:
                seat.take(batch, now)

    async def _read_once(self, room_id: RoomId, room: RoomOnWorker) -> None:
        """Read the state once for everybody who waits for it."""
        if room.reading is None:
            room.reading = asyncio.create_task(self._read(room_id, room))
        try:
            await asyncio.shield(room.reading)
        finally:
            if room.reading is not None and room.reading.done():
                room.reading = None

    async def _read(self, room_id: RoomId, room: RoomOnWorker) -> None:
        room.since = []  # what is heard from here on may be newer than what is read
        began = time.monotonic()
        async with transaction() as conn:
            at = await clock.refresh(conn)
            state = await room_state(conn, room_id=room_id, at=at)
        if state is None:
            room.state = ""
            return
        told = {"kind": "state", "at": at.isoformat(), **state}
        room.state, room.read_at = msgspec.json.encode(told).decode(), began
        room.was_read_at = time.monotonic()

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.tick()
            except DBAPIError as error:  # the likes are still there: the next tick writes them
                structlog.get_logger().warning("room_tick_failed", error=str(error.orig))

    async def tick(self) -> None:
        """Once a second: likes and viewers are written, counts are told, the silent are put out."""
        self._put_out_silent()
        now = time.monotonic()
        tell = {
            room_id: room.watching()
            for room_id, room in self.rooms.items()
            if room.watching() != room.told or now - room.told_at > TELL_EVERY_S
        }
        likes = {UUID(room_id): room.likes for room_id, room in self.rooms.items() if room.likes}
        if tell or likes:
            await self._write(tell, likes)
        for room_id, count in tell.items():
            room = self.rooms[room_id]
            room.told, room.told_at = count, now
        for room_id, room in list(self.rooms.items()):
            count = room.viewers()
            if count != room.shown:
                room.shown = count
                room.tell_soon(_viewers(count))
            if not room.seats and room.told == 0 and not room.likes:
                del self.rooms[room_id]

    async def _write(self, tell: dict[str, int], likes: dict[UUID, int]) -> None:
        viewers = {UUID(room_id): self.rooms[room_id].viewers() for room_id in tell}
        async with transaction() as conn:
            at = await clock.refresh(conn)
            sums = await presence_commands.count(conn, viewers=viewers, likes=likes, at=at)
            for room_id, count in tell.items():
                facts: dict[str, Any] = {"worker": self.name, "viewers": count}
                await broadcast.say(conn, UUID(room_id), "here", facts)
            for liked, total in sums.items():
                facts = {"count": total, "added": likes[liked]}
                await broadcast.say(conn, liked, "likes", facts)
        for liked, count in likes.items():
            self.rooms[str(liked)].likes -= count

    def _put_out_silent(self) -> None:
        now = time.monotonic()
        before = now - SILENT_AFTER_S
        for room in self.rooms.values():
            for seat in room.seats:
                if seat.heard_at < before:
                    seat.close(AWAY)
                seat.close_if_stuck(now)


def _viewers(count: int) -> str:
    return f'{{"kind":"viewers","at":"{clock.now().isoformat()}","count":{count}}}'
