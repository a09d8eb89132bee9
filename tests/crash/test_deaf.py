"""Sockets of a real server that never read: they are put out, and who reads misses nothing."""

import asyncio
import socket
import time
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.crash.server import a_server
from tests.crash.test_room import a_full_room

from dougong.infra import broadcast
from dougong.infra.db import make_engine
from dougong.infra.embedded_postgres import APP

DEAF = 5
MESSAGES, CHARACTERS = 1_500, 6_500  # more than the system keeps for a socket
AT_ONCE = 25
ALL_WITHIN_S = 60
HEAD_END = b"\r\n\r\n"
NUMBER = b'"number":'

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def opened(url: str, room_id: UUID, *, takes_bytes: int) -> socket.socket:
    """A socket of the room, with so much room of its own for what it has not read."""
    host, port = url.removeprefix("http://").split(":")
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, takes_bytes)
    made.connect((host, int(port)))
    made.sendall(
        f"GET /live/{room_id}/socket HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while HEAD_END not in head:
        head += made.recv(1)
    assert b" 101 " in head[:20]
    made.setblocking(False)
    return made


async def told(engine: AsyncEngine, room_id: UUID) -> None:
    for start in range(0, MESSAGES, AT_ONCE):
        async with engine.begin() as conn:
            for number in range(start, start + AT_ONCE):
                facts = {"filling": "x" * CHARACTERS, "number": number}
                await broadcast.say(conn, room_id, "notice", facts)
        await asyncio.sleep(0.1)  # who reads can keep up


async def heard(mine: socket.socket) -> int:
    """How many messages it has read once all are told."""
    loop, count, rest = asyncio.get_running_loop(), 0, b""
    until = time.monotonic() + ALL_WITHIN_S
    while count < MESSAGES and time.monotonic() < until:
        data = rest + await asyncio.wait_for(loop.sock_recv(mine, 1 << 20), ALL_WITHIN_S)
        count += data.count(NUMBER)
        rest = data[-len(NUMBER) + 1 :]
    return count


async def is_put_out(mine: socket.socket) -> bool:
    """Whether the server has closed it: what it had sent before is still there to be read."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(ALL_WITHIN_S):
            while await loop.sock_recv(mine, 1 << 20):
                pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


async def live_through(url: str, engine: AsyncEngine) -> tuple[int, list[bool]]:
    room_id, _ = await a_full_room(engine, url)
    deaf = [opened(url, room_id, takes_bytes=4_096) for _ in range(DEAF)]
    reader = opened(url, room_id, takes_bytes=1 << 20)
    count, _ = await asyncio.gather(heard(reader), told(engine, room_id))
    gone = [await is_put_out(one) for one in deaf]
    for one in [reader, *deaf]:
        one.close()
    return count, gone


def test_who_never_reads_is_put_out_and_the_others_hear_everything(tmp_path: Path) -> None:
    with a_server(tmp_path / "live") as server:
        engine = make_engine(server.postgres.url(APP), pool_size=1)
        with asyncio.Runner() as runner:
            count, gone = runner.run(live_through(server.url, engine))
            runner.run(engine.dispose())
    assert count == MESSAGES
    assert gone == [True] * DEAF
