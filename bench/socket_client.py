"""Thousands of open sockets in one process: `python socket_client.py '{"address": …}'`.

Says `ready` when all are open, and at the end one line of JSON: how long each message took to each
socket, in milliseconds, and the CPU that this process itself has used meanwhile. One loop over
epoll and no event loop above it: a client that does more per frame would measure itself, since it
shares the cores with the server. It takes no frame apart, but looks for the message's mark.
"""

import base64
import json
import os
import resource
import select
import socket
import sys
import time
from typing import Any
from urllib.parse import urlsplit

AT_ONCE = 100  # handshakes
OPEN_WITHIN_S, HEAR_WITHIN_S = 60.0, 20.0
PAUSE_S = 0.1  # between two messages: both sides are idle again
MARK, DIGITS = b'"body":"m', 4
UPGRADED = b"\r\n\r\n"
ECHO = b'{"body":"m%04d"}'
READ_BYTES = 65_536


def frame(payload: bytes) -> bytes:
    """As a client sends it. One mask for all: what it is there for is not asked here."""
    mask = b"\x37\xfa\x21\x3d"
    size = len(payload)
    head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class Crowd:
    """All sockets. `ms`: how long each message took to each of them."""

    def __init__(self, asked: dict[str, Any]) -> None:
        where = urlsplit(asked["address"])
        self._path, self._host = asked["path"], where.netloc
        self._address = (where.hostname, where.port)
        self._poll = select.epoll()
        self.sockets: list[socket.socket] = []
        self._by_fd: dict[int, socket.socket] = {}
        self._seen: dict[int, set[int]] = {}
        self.sent: list[float] = []
        self.ms: list[list[float]] = []
        self.lost = 0

    def open(self, tokens: list[str], count: int) -> None:
        """The first ones with the tokens; a few handshakes at a time."""
        names = tokens + [""] * (count - len(tokens))
        for start in range(0, count, AT_ONCE):
            made = [self._ask(token) for token in names[start : start + AT_ONCE]]
            for one in made:
                self._be_let_in(one)
                one.setblocking(False)
                self._by_fd[one.fileno()], self._seen[one.fileno()] = one, set()
                self._poll.register(one.fileno(), select.EPOLLIN)
                self.sockets.append(one)

    def _ask(self, token: str) -> socket.socket:
        one = socket.create_connection(self._address, timeout=OPEN_WITHIN_S)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        cookie = f"Cookie: dougong_session={token}\r\n" if token else ""
        one.sendall(
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Version: 13\r\n{cookie}\r\n".encode()
        )
        return one

    @staticmethod
    def _be_let_in(one: socket.socket) -> None:
        head = b""
        while UPGRADED not in head:
            data = one.recv(READ_BYTES)
            head += data
            if not data or b" 101 " not in head[:20]:
                raise ConnectionError(head[:200])

    def begin(self) -> None:
        """From now on the next message is under way."""
        self.sent.append(time.perf_counter())
        self.ms.append([])

    def hear(self, for_s: float) -> None:
        """Until every socket has the last message, or so long; 0 messages: just so long."""
        until = time.perf_counter() + for_s
        while (left_s := until - time.perf_counter()) > 0:
            for fd, _ in self._poll.poll(left_s, maxevents=len(self.sockets)):
                self._read(fd)
            if self.ms and len(self.ms[-1]) >= len(self.sockets):
                return

    def _read(self, fd: int) -> None:
        try:
            data = self._by_fd[fd].recv(READ_BYTES)
        except ConnectionError:
            data = b""
        now = time.perf_counter()
        if not data:
            self.lost += 1
            self._poll.unregister(fd)
            return
        at = data.find(MARK)
        while at >= 0:
            start = at + len(MARK)
            number = int(data[start : start + DIGITS])
            seen = self._seen[fd]
            if number not in seen:
                seen.add(number)
                self.ms[number].append((now - self.sent[number]) * 1000)
            at = data.find(MARK, start)


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Messages one after the other: said by one and heard by all, or each heard by its own."""
    crowd, tokens = Crowd(asked), asked.get("tokens", [])
    began = time.perf_counter()
    crowd.open(tokens, asked["sockets"])
    joined_s = time.perf_counter() - began
    crowd.hear(asked["settle_s"])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    cpu = time.process_time()
    for number in range(asked["messages"]):
        if asked["kind"] == "echo":
            told, speakers = frame(ECHO % number), crowd.sockets
        else:
            body = f"m{number:04}"
            said = json.dumps({"do": "chat", "key": body, "body": body}, separators=(",", ":"))
            told, speakers = frame(said.encode()), [crowd.sockets[number % len(tokens)]]
        crowd.begin()
        for one in speakers:
            one.send(told)
        crowd.hear(HEAR_WITHIN_S)
        time.sleep(PAUSE_S)
    ms = [took for one in crowd.ms for took in one]
    missing = asked["messages"] * asked["sockets"] - len(ms)
    return {"ms": ms, "missing": missing, "lost": crowd.lost, "joined_s": joined_s,
            "client_cpu_s": time.process_time() - cpu}  # fmt: skip


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sys.stdout.write(json.dumps(run(json.loads(sys.argv[1]))) + "\n")


if __name__ == "__main__":
    main()
