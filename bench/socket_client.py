"""Thousands of open sockets in one process: `python socket_client.py '{"address": …}'`.

Says `ready` when all are open, and at the end one line of JSON: how long each message took to each
socket, in milliseconds. Raw asyncio protocols: a client that parses more would measure itself.
"""

import asyncio
import base64
import json
import os
import resource
import sys
import time
from typing import Any
from urllib.parse import urlsplit

AT_ONCE = 100  # handshakes
MARK = b'"body":"m'
UPGRADED = b"\r\n\r\n"


class Socket(asyncio.Protocol):
    """One viewer. `got`: message number to the instant at which it arrived."""

    def __init__(self, path: str, host: str, token: str) -> None:
        self.is_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.got: dict[int, float] = {}
        self.echoed_at = 0.0
        self.is_lost = False
        self._request = (path, host, token)
        self._head = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        path, host, token = self._request
        key = base64.b64encode(os.urandom(16)).decode()
        cookie = f"Cookie: dougong_session={token}\r\n" if token else ""
        transport.write(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{cookie}\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if not self.is_open.done():
            self._head += data
            if UPGRADED not in self._head:
                return
            if b" 101 " not in self._head[:20]:
                self.is_open.set_exception(ConnectionError(self._head[:200]))
                return
            self.is_open.set_result(None)
        self.echoed_at = time.perf_counter()
        at = data.find(MARK)
        while at >= 0:
            start = at + len(MARK)
            self.got.setdefault(int(data[start : start + 4]), self.echoed_at)
            at = data.find(MARK, start)

    def connection_lost(self, _: Exception | None) -> None:
        self.is_lost = True
        if not self.is_open.done():
            self.is_open.set_exception(ConnectionError("lost"))

    def send(self, text: str) -> None:
        payload, mask = text.encode(), os.urandom(4)
        size = len(payload)
        head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.transport.write(head + mask + masked)


async def opened(asked: dict[str, Any], tokens: list[str]) -> list[Socket]:
    """All sockets, the first ones with the tokens; a few handshakes at a time."""
    where = urlsplit(asked["address"])
    gate = asyncio.Semaphore(AT_ONCE)
    loop = asyncio.get_running_loop()

    async def one(token: str) -> Socket:
        async with gate:
            _, made = await loop.create_connection(
                lambda: Socket(asked["path"], where.netloc, token), where.hostname, where.port
            )
            await asyncio.wait_for(made.is_open, 60)
            return made

    names = tokens + [""] * (asked["sockets"] - len(tokens))
    return list(await asyncio.gather(*(one(token) for token in names)))


async def fan_out(asked: dict[str, Any]) -> dict[str, Any]:
    """Messages one after the other, each timed to every socket."""
    began = time.perf_counter()
    sockets = await opened(asked, asked["tokens"])
    joined_s = time.perf_counter() - began
    await asyncio.sleep(asked["settle_s"])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    times: list[float] = []
    missing = 0
    for number in range(asked["messages"]):
        sent = time.perf_counter()
        body = f"m{number:04}"
        told = json.dumps({"do": "chat", "key": body, "body": body}, separators=(",", ":"))
        sockets[number % len(asked["tokens"])].send(told)
        for _ in range(200):
            await asyncio.sleep(0.05)
            if all(number in one.got for one in sockets):
                break
        took = [(one.got[number] - sent) * 1000 for one in sockets if number in one.got]
        missing += len(sockets) - len(took)
        times += took
    lost = sum(one.is_lost for one in sockets)
    return {"ms": times, "missing": missing, "lost": lost, "joined_s": joined_s}


async def echo(asked: dict[str, Any]) -> dict[str, Any]:
    """Every socket sends a frame at the same instant, and hears it again."""
    sockets = await opened(asked, [])
    await asyncio.sleep(asked["settle_s"])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    times: list[float] = []
    for _ in range(asked["messages"]):
        for one in sockets:
            one.echoed_at = 0.0
        sent = time.perf_counter()
        for one in sockets:
            one.send('{"body":"echo"}')
        for _ in range(400):
            await asyncio.sleep(0.05)
            if all(one.echoed_at for one in sockets):
                break
        times += [(one.echoed_at - sent) * 1000 for one in sockets]
    lost = sum(one.is_lost for one in sockets)
    return {"ms": times, "missing": 0, "lost": lost, "joined_s": 0.0}


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asked = json.loads(sys.argv[1])
    run = echo if asked["kind"] == "echo" else fan_out
    sys.stdout.write(json.dumps(asyncio.run(run(asked))) + "\n")


if __name__ == "__main__":
    main()
