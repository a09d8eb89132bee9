"""The sandbox bank: a small server of its own that takes payments and says what became of them.

It knows nothing of the platform. What becomes of a payment is chosen by the last four digits of its
account number (STORIES); faults are switched on by `POST /control`: replies that never come,
answers that come twice or out of order. It keeps its books in memory.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dougong.infra.sandbox_webhooks import send

PAID, BACK = "confirmed", "returned"
NOTHING = ""
# Last four digits of the account to what happens, a step at a time.
STORIES: dict[str, tuple[str, ...]] = {
    "9001": (NOTHING, NOTHING, NOTHING, PAID),  # takes its time
    "9002": (BACK,),  # the account is closed
    "9003": (PAID, NOTHING, BACK),  # paid, and sent back days after
    "9004": (),  # taken, and never heard of again
}
DEFAULT = (PAID,)
WHY = {BACK: "account_closed"}


class Books:
    """Payments by key, and what is still to happen to them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.payments: dict[str, dict[str, Any]] = {}
        self.asked = 0
        self.cut = 0
        self.twice = self.shuffle = False
        self.serial = 50_000_000

    def pay(self, key: str, asked: dict[str, Any]) -> dict[str, Any]:
        """One payment a key, however often it is asked for."""
        with self.lock:
            self.asked += 1
            if key not in self.payments:
                self.serial += 1
                number = str(asked["account"]["number"])
                self.payments[key] = {
                    "key": key, "state": "taken", "ref": f"BK{self.serial}", "why": "",
                    "amount_minor": asked["amount_minor"], "number": number,
                    "story": list(STORIES.get(number[-4:], DEFAULT)),
                    "callback": asked.get("callback"),
                }  # fmt: skip
            return self.told(self.payments[key])

    def told(self, payment: dict[str, Any]) -> dict[str, Any]:
        return {name: payment[name] for name in ("key", "state", "ref", "why")}

    def advance(self, steps: int) -> list[tuple[dict[str, Any], Any]]:
        """Let the next things happen; answers the webhooks: body and where it goes."""
        out: list[tuple[dict[str, Any], Any]] = []
        with self.lock:
            for payment in self.payments.values():
                for _ in range(steps):
                    if payment["story"] and (state := payment["story"].pop(0)):
                        payment["state"], payment["why"] = state, WHY.get(state, "")
                        out.append((self.told(payment), payment["callback"]))
        if self.twice:
            out = [one for one in out for _ in range(2)]
        return out[::-1] if self.shuffle else out


class Handler(BaseHTTPRequestHandler):
    """POST /v1/payments and /control; GET /v1/payments tells all that there are."""

    books: Books
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with self.books.lock:
            told = [
                self.books.told(one) | {"amount_minor": one["amount_minor"]}
                for one in self.books.payments.values()
            ]
        self._answer({"asked": self.books.asked, "payments": told})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if self.path == "/control":
            self._answer(self._control(body))
        elif self.path == "/v1/payments":
            told = self.books.pay(self.headers.get("idempotency-key", ""), body)
            if self.books.cut > 0:
                self.books.cut -= 1  # done, and never said so
                self.close_connection = True
                return
            self._answer(told)
        else:
            self.send_error(404)

    def _control(self, asked: dict[str, Any]) -> dict[str, Any]:
        for name in ("cut", "twice", "shuffle"):
            if name in asked:
                setattr(self.books, name, asked[name])
        told = self.books.advance(asked.get("advance", 0))
        return {"sent": send(told), "webhooks": [body for body, _ in told]}

    def _answer(self, made: dict[str, Any]) -> None:
        data = json.dumps(made, ensure_ascii=False).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: what matters is in the answers."""


def serve(*, host: str, port: int, step_s: float) -> ThreadingHTTPServer:
    """A server that is bound and not started; with `step_s` > 0 something happens by itself."""
    books = Books()
    server = ThreadingHTTPServer((host, port), type("Bound", (Handler,), {"books": books}))
    if step_s > 0:
        threading.Thread(target=_tick, args=(books, step_s), daemon=True).start()
    return server


def _tick(books: Books, step_s: float) -> None:
    pause = threading.Event()
    while not pause.wait(step_s):
        send(books.advance(1))
