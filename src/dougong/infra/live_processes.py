"""The processes of rooms: started, asked, watched, and started again."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from dougong.infra.files import media_path
from dougong.infra.live_segments import Recorder
from dougong.infra.settings import Settings, settings

MAX_LINE_BYTES = 262_144
READY_WITHIN_S = 20.0
ASK_WITHIN_S = 15.0
STOP_WITHIN_S = 12.0

log = structlog.get_logger("live")


class RoomAway(RuntimeError):
    """The room's process died, or does not answer: it is started again."""


def room_folder(room_id: UUID) -> Path:
    """Where a room's stream is, below the public media directory."""
    return media_path(f"live/{room_id}")


def rtmp_url(room_id: UUID) -> str:
    """Where the stream of a room is read that an RTMP server takes."""
    return settings().rtmp_pull_url.replace("{room_id}", str(room_id))


def finish_recording(room_id: UUID) -> float:
    """Say in a room's playlist that nothing more comes, where no process did; the seconds in all.

    Nothing may be writing there any more.
    """
    folder = room_folder(room_id)
    return Recorder(folder).end() if folder.exists() else 0.0


def work_of(room_id: UUID, chosen: Settings) -> str:
    """The argument of a room's process."""
    bound, announced = chosen.ice_addresses()
    video = {
        "longest_px": chosen.live_longest_px,
        "shortest_px": chosen.live_longest_px * 9 // 16,
        "fps": chosen.live_fps,
        "bitrate_kbps": chosen.live_bitrate_kbps,
        "preset": chosen.live_preset,
    }
    work = {
        "folder": str(room_folder(room_id).absolute()),
        "parent_pid": os.getpid(),
        "video": video,
        "bound": bound,
        "announced": announced,
        "ports": chosen.ice_ports(),
    }
    return json.dumps(work)


class Room:
    """A running process of a room."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.ensure_future(self._listen())

    @classmethod
    async def start(cls, room_id: UUID) -> Room:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "dougong.infra.live_room_process",
            work_of(room_id, settings()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE_BYTES,
            start_new_session=True,
        )
        room = cls(process)
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await room._ready
        except TimeoutError as error:
            await room.kill()
            raise RoomAway("not ready") from error
        return room

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return not self._listening.done()

    async def ask(self, **what: Any) -> dict[str, Any]:
        """Raises RoomAway."""
        if not self.is_running:
            raise RoomAway("ended")
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        assert self._process.stdin is not None  # noqa: S101
        try:
            self._process.stdin.write(json.dumps(what | {"id": number}).encode() + b"\n")
            async with asyncio.timeout(ASK_WITHIN_S):
                await self._process.stdin.drain()
                return await answer
        except (TimeoutError, OSError) as error:
            raise RoomAway(type(error).__name__) from error
        finally:
            self._asked.pop(number, None)

    async def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101
        with suppress(ValueError, OSError):  # a line without end: something took it over
            while line := await self._process.stdout.readline():
                said = json.loads(line)
                if "ready" in said and not self._ready.done():
                    self._ready.set_result(None)
                waiting = self._asked.get(said.get("id", 0))
                if waiting and not waiting.done():
                    waiting.set_result(said)
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        died = RoomAway(f"exit {self._process.returncode}")
        if not self._ready.done():
            self._ready.set_exception(died)
        for unanswered in self._asked.values():
            if not unanswered.done():
                unanswered.set_exception(died)

    async def stop(self) -> None:
        """Let it write its last segment, then end it."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await asyncio.shield(self._listening)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._listening


class Rooms:
    """The rooms whose processes run here."""

    def __init__(self) -> None:
        self._rooms: dict[UUID, Room] = {}
        self._starting: dict[UUID, asyncio.Lock] = {}

    async def ensure(self, room_id: UUID) -> Room:
        """The room's process, started if it is not there. Raises RoomAway."""
        async with self._starting.setdefault(room_id, asyncio.Lock()):
            room = self._rooms.get(room_id)
            if room is None or not room.is_running:
                if room is not None:
                    log.warning("live_room_process_died", room_id=str(room_id))
                room = self._rooms[room_id] = await Room.start(room_id)
            return room

    def running(self, room_id: UUID) -> Room | None:
        room = self._rooms.get(room_id)
        return room if room and room.is_running else None

    def known(self) -> list[UUID]:
        return list(self._rooms)

    async def ask(self, room_id: UUID, **what: Any) -> dict[str, Any]:
        """Raises RoomAway."""
        return await (await self.ensure(room_id)).ask(**what)

    async def stop(self, room_id: UUID) -> None:
        room = self._rooms.pop(room_id, None)
        self._starting.pop(room_id, None)
        if room:
            await room.stop()

    async def stop_all(self) -> None:
        await asyncio.gather(*(self.stop(room_id) for room_id in self.known()))
