"""People who chat over real sockets and come back when their worker dies."""

import asyncio
import base64
import json
import os
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

WAIT_S, LONGEST_WAIT_S = 0.2, 2.0


class Chatter:
    """One signed-in viewer: says a message at a time, again with the same key until confirmed."""

    def __init__(self, url: str, path: str, token: str, *, name: str) -> None:
        self.host = urlsplit(url).netloc
        self.path, self.token, self.name = path, token, name
        self.confirmed: dict[str, str] = {}  # key to id
        self.seen: set[str] = set()
        self.joined = 0
        self.is_inside = False
        self.stopping = False
        self.waiting: str | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def stay(self) -> None:
        """Come in, and come back, until told to stop."""
        wait_s = WAIT_S
        while not self.stopping:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                await self._visit()
                wait_s = WAIT_S
            self.is_inside = False
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _visit(self) -> None:
        where = urlsplit(f"http://{self.host}")
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Cookie: dougong_session={self.token}\r\n\r\n".encode()
        )
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            if b" 101 " not in head[:20]:
                raise OSError(head[:60])
            self._writer = writer
            while True:
                for told in await _frame(reader):
                    self._hear(told)
        finally:
            self._writer = None
            writer.close()

    def _hear(self, told: dict[str, Any]) -> None:
        match told["kind"]:
            case "state":
                self.is_inside = True
                self.joined += 1
                self.seen |= {one["id"] for one in told["chat"]}
                if self.waiting:
                    self._send(self.waiting)
            case "chat":
                self.seen.add(told["id"])
            case "said":
                self.confirmed[told["key"]] = told["id"]
                if told["key"] == self.waiting:
                    self.waiting = None
            case "refused" if told["code"] == "unavailable" and self.waiting:
                asyncio.get_running_loop().call_later(0.5, self._again)
            case "refused":
                self.waiting = None

    def _again(self) -> None:
        if self.waiting:
            self._send(self.waiting)

    def _send(self, key: str) -> None:
        if self._writer is None:
            return
        body = f"{self.name} {key}"
        payload = json.dumps({"do": "chat", "key": key, "body": body}).encode()
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        size = bytes([0x80 | len(payload)])
        self._writer.write(b"\x81" + size + mask + masked)

    async def talk(self, *, pause_s: float) -> None:
        """A new message when the last one is confirmed."""
        number = 0
        while not self.stopping:
            if self.waiting is None:
                number += 1
                self.waiting = f"{self.name}-{number}"
                self._send(self.waiting)
            await asyncio.sleep(pause_s)


async def _frame(reader: asyncio.StreamReader) -> list[dict[str, Any]]:
    """The lines of one frame of text. Raises OSError when the server closes."""
    first, size = await reader.readexactly(2)
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8), "big")
    payload = await reader.readexactly(size)
    if first & 0x0F == 8:
        raise OSError("closed")
    return [json.loads(line) for line in payload.decode().split("\n")] if first & 0x0F == 1 else []
