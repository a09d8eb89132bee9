"""The sandbox bank as a process of its own, one that is mixed up, and where they tell us."""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from litestar.testing import AsyncTestClient

from dougong.infra.sandbox_webhooks import sign
from dougong.reads.payouts import PayoutRow
from dougong.settlement.adapters.sandbox import sandbox_secret


class Bank:
    """A running bank; `control` switches its faults on and lets things happen."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, **asked: Any) -> list[dict[str, Any]]:
        """Answers the webhooks that this made it send."""
        data = json.dumps(asked).encode()
        request = urllib.request.Request(f"{self.url}/control", data)  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return list(json.load(answer)["webhooks"])

    def books(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/v1/payments") as answer:  # noqa: S310
            return dict(json.load(answer))

    def of(self, payout: PayoutRow) -> list[dict[str, Any]]:
        """What it has paid, or is to pay, for one payout."""
        return [one for one in self.books()["payments"] if one["key"] == str(payout.id)]


@contextmanager
def running_bank() -> Iterator[Bank]:
    command = [sys.executable, "-m", "dougong", "bank-sandbox", "--port", "0", "--step-s", "0"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert run.stdout is not None
        yield Bank(run.stdout.readline().strip())
    finally:
        run.terminate()
        run.wait(timeout=10)
        run.stdout.close()  # type: ignore[union-attr]


@contextmanager
def answering(body: dict[str, Any]) -> Iterator[str]:
    """A bank that says the same whatever it is asked."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{made.server_port}"
    finally:
        made.shutdown()
        made.server_close()


class Webhooks:
    """Where the bank tells what became of a payment, signed as the bank signs."""

    def __init__(self, client: AsyncTestClient[Any]) -> None:
        self.client = client

    async def send(self, body: dict[str, Any], *, secret: str = "") -> Any:
        data = json.dumps(body, ensure_ascii=False).encode()
        headers = sign(data, secret=secret or sandbox_secret())
        return await self.client.post(
            "/gateways/banks/sandbox/events", content=data, headers=headers
        )

    async def news(self, bodies: list[dict[str, Any]]) -> list[bool]:
        return [(await self.send(body)).json()["news"] for body in bodies]
