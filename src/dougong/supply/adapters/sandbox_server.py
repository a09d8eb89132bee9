"""The sandbox carrier: a small server of its own that takes waybills and sends news of parcels.

It knows nothing of the platform. What becomes of a parcel is chosen by the last four digits of its
receiver's telephone (STORIES); faults are switched on by `POST /control`: replies that never come,
webhooks that come twice or out of order. It keeps its books in memory.
"""

import json
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dougong.infra.clock import wall_now
from dougong.infra.sandbox_webhooks import send

HOUR = timedelta(hours=1)
DELIVERED = (
    (20, 1), (30, 6), (30, 20), (40, 30), (50, 33),
)  # fmt: skip
# Last four digits of the receiver's telephone to what happens: codes, and hours since the waybill.
STORIES: dict[str, tuple[tuple[int, int], ...]] = {
    "9001": ((20, 1), (30, 6), (35, 90), (30, 120), (40, 130), (50, 133)),  # held up for days
    "9002": ((20, 1), (30, 6), (90, 200)),  # lost
    "9003": ((20, 1), (30, 6), (40, 30), (62, 33), (80, 40), (85, 70)),  # refused
    "9004": ((20, 1), (30, 6), (61, 30), (80, 40), (85, 70)),  # wrong address
    "9005": ((20, 1), (30, 6), (40, 30), (60, 33), (40, 54), (50, 57)),  # nobody there, then home
    "9006": (),  # no waybill: refused by the carrier
}
WORDS = {
    10: "已下单", 20: "已揽收", 30: "运输中", 35: "滞留", 40: "派送中", 50: "已签收",
    60: "派送失败", 61: "地址错误", 62: "拒收", 70: "已拦截", 80: "退回中", 85: "已退回",
    90: "丢失",
}  # fmt: skip


class Refused(Exception):
    """What the carrier will not do; its reason is the answer."""


class Books:
    """Parcels, what has happened to them, and what is still to be told."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.parcels: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, str] = {}
        self.done: set[str] = set()
        self.cut = 0
        self.twice = self.shuffle = False
        self.serial = 70_000_000
        self.by_clock = False  # things happen now, instead of at their hour of the story

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One waybill a key, however often it is asked for. Raises Refused."""
        with self.lock:
            if (number := self.by_key.get(asked["key"])) is not None:
                return self._waybill(number)
            story = STORIES.get(str(asked["receiver"]["phone"])[-4:], DELIVERED)
            if not story:
                raise Refused("address_out_of_area")
            self.serial += 1
            number = f"SB{self.serial}"
            minor = 800 + 200 * -(-max(0, int(asked["weight_g"]) - 1_000) // 1_000)
            self.parcels[number] = {
                "number": number, "minor": minor, "story": list(story), "told": 0, "events": [],
                "callback": asked.get("callback"), "from": asked["sender"], "to": asked["receiver"],
                "at": asked["at"], "since": wall_now(), "state": "made",
            }  # fmt: skip
            self.by_key[asked["key"]] = number
            return self._waybill(number)

    def _waybill(self, number: str) -> dict[str, Any]:
        return {"number": number, "minor": self.parcels[number]["minor"]}

    def cancel(self, number: str, key: str) -> dict[str, Any]:
        """Before it was picked up only. Raises Refused."""
        with self.lock:
            parcel = self._parcel(number)
            if key not in self.done:
                if parcel["events"]:
                    raise Refused("already_picked_up")
                parcel["state"], parcel["story"] = "cancelled", []
                self.done.add(key)
            return {"number": number, "state": parcel["state"]}

    def intercept(self, number: str, key: str) -> dict[str, Any]:
        """Turn a parcel round on its way. Raises Refused."""
        with self.lock:
            parcel = self._parcel(number)
            if key not in self.done:
                last = parcel["events"][-1]["code"] if parcel["events"] else 0
                if last not in (20, 30, 35, 40, 60):
                    raise Refused("not_on_the_way")
                hours = parcel["story"][parcel["told"] - 1][1]
                told = parcel["story"][: parcel["told"]]
                parcel["story"] = [*told, (70, hours + 1), (80, hours + 2), (85, hours + 30)]
                parcel["state"] = "intercepted"
                self.done.add(key)
            return {"number": number, "state": parcel["state"]}

    def _parcel(self, number: str) -> dict[str, Any]:
        if number not in self.parcels:
            raise Refused("unknown_number")
        return self.parcels[number]

    def track(self, number: str) -> dict[str, Any]:
        with self.lock:
            return {"number": number, "events": self._parcel(number)["events"]}

    def advance(self, steps: int, *, number: str = "") -> list[tuple[dict[str, Any], Any]]:
        """Let the next things happen; answers the webhooks: body and where it goes."""
        out: list[tuple[dict[str, Any], Any]] = []
        with self.lock:
            for parcel in self.parcels.values():
                if number in ("", parcel["number"]):
                    for _ in range(steps):
                        out.extend(self._happen(parcel))
        if self.twice:
            out = [one for one in out for _ in range(2)]
        return out[::-1] if self.shuffle else out

    def _happen(self, parcel: dict[str, Any]) -> list[tuple[dict[str, Any], Any]]:
        if parcel["told"] >= len(parcel["story"]):
            return []
        code, hours = parcel["story"][parcel["told"]]
        parcel["told"] += 1
        side = parcel["from"] if code in (20, 85) else parcel["to"]
        passed = wall_now() - parcel["since"] if self.by_clock else hours * HOUR
        at = datetime.fromisoformat(parcel["at"]) + passed
        event = {
            "id": f"{parcel['number']}-{parcel['told']}", "code": code, "words": WORDS[code],
            "at": at.isoformat(), "place": f"{side['city']}转运中心", "province": side["province"],
        }  # fmt: skip
        parcel["events"].append(event)
        return [({"number": parcel["number"], "event": event}, parcel["callback"])]


class Handler(BaseHTTPRequestHandler):
    """POST /v1/waybills, /v1/waybills/{number}/cancel|intercept, GET /v1/waybills/{number}."""

    books: Books
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(lambda: self.books.track(self.path.rsplit("/", 1)[1]))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        key = self.headers.get("idempotency-key", "")
        parts = self.path.strip("/").split("/")
        if self.path == "/control":
            self._answer(lambda: self._control(body))
        elif parts == ["v1", "waybills"]:
            self._answer(lambda: self.books.create(body | {"key": key}))
        elif len(parts) == 4 and parts[3] in ("cancel", "intercept"):
            act = self.books.cancel if parts[3] == "cancel" else self.books.intercept
            self._answer(lambda: act(parts[2], f"{parts[3]}:{key}"))
        else:
            self.send_error(404)

    def _control(self, asked: dict[str, Any]) -> dict[str, Any]:
        for name in ("cut", "twice", "shuffle"):
            if name in asked:
                setattr(self.books, name, asked[name])
        told = self.books.advance(asked.get("advance", 0), number=asked.get("number", ""))
        return {"sent": send(told), "webhooks": [body for body, _ in told]}

    def _answer(self, make: Any) -> None:
        try:
            status, made = 200, make()
        except Refused as refused:
            status, made = 409, {"reason": str(refused)}
        if self.path != "/control" and self.books.cut > 0:
            self.books.cut -= 1  # done, and never said so
            self.close_connection = True
            return
        data = json.dumps(made, ensure_ascii=False).encode()
        self.send_response(status)
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
        books.by_clock = True
        threading.Thread(target=_tick, args=(books, step_s), daemon=True).start()
    return server


def _tick(books: Books, step_s: float) -> None:
    pause = threading.Event()
    while not pause.wait(step_s):
        send(books.advance(1))
