"""A merchant's server on loopback, in a thread of its own, which keeps what it was sent."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Received(NamedTuple):
    headers: dict[str, str]
    body: bytes


class Receiver:
    """`answer(n)` gives the status of the n-th request, counted from 1; below 100 is garbage."""

    def __init__(self, answer: Callable[[int], int], delay_s: float) -> None:
        self.answer = answer
        self.delay_s = delay_s
        self.received: list[Received] = []
        self.url = ""


@contextmanager
def a_receiver(
    answer: Callable[[int], int] = lambda n: 204, *, delay_s: float = 0, said: str = ""
) -> Iterator[Receiver]:
    receiver = Receiver(answer, delay_s)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.received.append(
                Received({k.lower(): v for k, v in self.headers.items()}, body)
            )
            time.sleep(receiver.delay_s)
            status = receiver.answer(len(receiver.received))
            if status < 100:
                self.wfile.write(b"\x00\x01 not http at all\r\n\r\n")
                return
            self.send_response(status)
            content = said.encode()
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hooks"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
