"""How web workers and the supervisor of rooms talk: JSON lines over loopback, with a secret.

The supervisor writes its port into the data directory; who can read the data directory's secret may
ask. A question that comes while the supervisor is being started again waits some seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from dougong.base.errors import Unavailable
from dougong.infra.settings import settings

MAX_LINE_BYTES = 262_144
AWAY_FOR_S = 8.0
AGAIN_AFTER_S = 0.2
ANSWER_WITHIN_S = 30.0
HEAR_WITHIN_S = 10.0

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class IngestAway(Unavailable):
    """Nobody takes live media at the moment; the publisher may come again soon."""

    code = "live_ingest_away"


def _mark(body: str) -> str:
    """What only those can write who know the data directory's secret."""
    return hmac.new(settings().secret(), b"live ingest" + body.encode(), hashlib.sha256).hexdigest()


def _port_file() -> Path:
    return settings().data_dir / "live_ingest.port"


async def listen(handler: Handler) -> asyncio.Server:
    """Answer questions until the server is closed."""
    server = await asyncio.start_server(
        lambda reader, writer: _hear(handler, reader, writer),
        host="127.0.0.1",
        port=0,
        limit=MAX_LINE_BYTES,
    )
    port = server.sockets[0].getsockname()[1]
    path = _port_file()
    draft = path.with_suffix(".part")
    draft.write_text(str(port))
    draft.replace(path)
    return server


async def _hear(
    handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        if (asked := await _heard(reader)) is not None:
            writer.write(json.dumps(await handler(asked)).encode() + b"\n")
            await writer.drain()
    except ConnectionError:
        return  # who asked has gone
    finally:
        writer.close()


async def _heard(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """A question; None for what is none of ours."""
    try:
        async with asyncio.timeout(HEAR_WITHIN_S):
            mark, _, body = (await reader.readline()).decode().strip().partition(" ")
    except (ValueError, TimeoutError, ConnectionError):
        return None
    if not hmac.compare_digest(mark.encode(), _mark(body).encode()):
        return None
    return dict(json.loads(body))


async def ask(**what: Any) -> dict[str, Any]:
    """Ask the supervisor. Raises IngestAway."""
    body = json.dumps(what)
    line = f"{_mark(body)} {body}\n".encode()
    until = time.monotonic() + AWAY_FOR_S
    while True:
        with suppress(OSError, ValueError, TimeoutError):
            async with asyncio.timeout(ANSWER_WITHIN_S):
                if answer := await _once(line):
                    return answer
        if time.monotonic() > until:
            raise IngestAway
        await asyncio.sleep(AGAIN_AFTER_S)


async def _once(line: bytes) -> dict[str, Any] | None:
    """The answer; None where the connection ended without one."""
    port = int(_port_file().read_text())
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=MAX_LINE_BYTES)
    try:
        writer.write(line)
        await writer.drain()
        said = await reader.readline()
        return dict(json.loads(said)) if said else None
    finally:
        writer.close()
