"""The sandbox bank over HTTP (`dougong bank-sandbox`), and its signed answers."""

import base64
import hashlib
from collections.abc import Mapping
from contextlib import nullcontext
from uuid import UUID

import msgspec
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from dougong.infra.http import OutsideFailed, call, loopback_port, named_loopback
from dougong.infra.settings import settings
from dougong.settlement.adapters.bank import BankAway, PaymentOrder
from dougong.settlement.payout_rules import BankAnswer


class Told(msgspec.Struct, frozen=True):
    """How far a payment is, in the bank's words."""

    key: UUID
    state: str
    ref: str
    why: str = ""


def sandbox_secret() -> str:
    """What both sides sign with."""
    return hashlib.sha256(b"bank sandbox:" + settings().secret()).hexdigest()


class Sandbox:
    """`callback_url`: where the bank tells what became of a payment."""

    def __init__(self, *, callback_url: str) -> None:
        self.callback = {"url": callback_url, "secret": sandbox_secret()}

    async def pay(self, order: PaymentOrder, *, key: str) -> BankAnswer:
        base = settings().bank_sandbox_url
        port = named_loopback(base)
        headers = {"content-type": "application/json", "idempotency-key": key}
        body = msgspec.json.encode(
            msgspec.to_builtins(order) | {"callback": self.callback},
        )
        try:
            with nullcontext() if port is None else loopback_port(port):
                answer = await call("POST", base + "/v1/payments", headers=headers, body=body)
        except OutsideFailed as error:
            raise BankAway(str(error)) from error
        if answer.status >= 500:
            raise BankAway(str(answer.status))
        told = _answer(answer.body)
        if str(told.payout_id) != key:
            raise BankAway("an answer for another payout")
        return told


def _answer(body: bytes) -> BankAnswer:
    try:
        told = msgspec.json.decode(body, type=Told)
    except msgspec.MsgspecError as error:
        raise BankAway("unreadable answer") from error
    if told.state not in ("taken", "confirmed", "returned"):
        raise BankAway(f"unknown state {told.state[:20]}")
    return BankAnswer(told.key, told.state, told.ref[:100], told.why[:200])


def read_told(*, body: bytes, headers: Mapping[str, str]) -> BankAnswer:
    """A webhook's answer. Raises ValueError for one that is not the bank's."""
    key = base64.b64encode(hashlib.sha256(sandbox_secret().encode()).digest()).decode()
    try:
        Webhook(key).verify(body.decode(), {k.lower(): v for k, v in headers.items()})
        return _answer(body)
    except (WebhookVerificationError, BankAway, UnicodeDecodeError) as error:
        raise ValueError("not the bank's") from error
