"""The sandbox carrier over HTTP (`dougong carrier-sandbox`), and its signed webhooks."""

import base64
import hashlib
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import Any

import msgspec
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from dougong.infra import clock
from dougong.infra.http import Answer, OutsideFailed, call, loopback_port, named_loopback
from dougong.infra.settings import settings
from dougong.supply.adapters.carrier import CarrierAway, CarrierRefused, Made, Parcel, Quote
from dougong.supply.tracking_rules import Status, Told, status_of


class Event(msgspec.Struct, frozen=True):
    id: str
    code: int
    words: str
    at: datetime
    place: str
    province: str


class News(msgspec.Struct, frozen=True):
    number: str
    event: Event


class Tracked(msgspec.Struct, frozen=True):
    number: str
    events: list[Event]


class Sandbox:
    """`callback_url` and `secret`: where and how the carrier tells what happens."""

    def __init__(self, *, callback_url: str, secret: str) -> None:
        self.callback = {"url": callback_url, "secret": secret}

    async def rate(self, parcel: Parcel, *, at: datetime) -> Quote:
        """By weight alone: 8.00 for the first kilogram, 2.00 for every further one."""
        steps = -(-max(0, parcel.weight_g - 1_000) // 1_000)
        return Quote(800 + 200 * steps, parcel.weight_g, f"1000 g + {steps} × 1000 g")

    async def create_waybill(self, parcel: Parcel, *, key: str) -> Made:
        asked = {
            "callback": self.callback,
            "sender": msgspec.to_builtins(parcel.sender),
            "receiver": msgspec.to_builtins(parcel.receiver),
            "weight_g": parcel.weight_g,
            "reference": parcel.reference,
            "at": clock.now().isoformat(),
        }
        made: Made = _read(await _ask("POST", "/v1/waybills", key=key, body=asked), Made)
        return made

    async def cancel(self, number: str, *, key: str) -> None:
        await _ask("POST", f"/v1/waybills/{number}/cancel", key=key)

    async def intercept(self, number: str, *, key: str) -> None:
        await _ask("POST", f"/v1/waybills/{number}/intercept", key=key)

    async def track(self, number: str) -> list[Told]:
        found = _read(await _ask("GET", f"/v1/waybills/{number}"), Tracked)
        return [told(event) for event in found.events]


async def _ask(method: str, path: str, *, key: str = "", body: Any = None) -> Answer:
    """Raises CarrierAway, CarrierRefused."""
    base = settings().carrier_sandbox_url
    if not base:
        raise CarrierRefused("not_connected")
    port = named_loopback(base)
    headers = {"content-type": "application/json", "idempotency-key": key}
    sent = msgspec.json.encode(body) if body is not None else b"{}"
    try:
        with nullcontext() if port is None else loopback_port(port):
            answer = await call(
                method, base + path, headers=headers, body=sent if method == "POST" else b""
            )
    except OutsideFailed as error:
        raise CarrierAway(str(error)) from error
    if answer.status >= 500:
        raise CarrierAway(str(answer.status))
    if answer.status >= 400:
        raise CarrierRefused(_read(answer, dict[str, str]).get("reason", str(answer.status)))
    return answer


def _read(answer: Answer, kind: Any) -> Any:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.MsgspecError as error:
        raise CarrierAway("unreadable answer") from error


def told(event: Event) -> Told:
    """In our words; a code that is not known means that something is the matter."""
    status = status_of("sandbox", str(event.code)) or Status.HELD
    return Told(event.id, event.at, status, str(event.code), event.place, event.province)


def read_news(*, body: bytes, headers: Mapping[str, str], secret: str) -> tuple[str, Told]:
    """Number and event of a webhook. Raises ValueError for one that is not the carrier's."""
    key = base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode()
    try:
        Webhook(key).verify(body.decode(), {k.lower(): v for k, v in headers.items()})
        news = msgspec.json.decode(body, type=News)
    except (WebhookVerificationError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError("not the carrier's") from error
    return news.number, told(news.event)
