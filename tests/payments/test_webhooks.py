"""One contract for every gateway: only what it signed, just now, with our secret, is an event."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest

from dougong.infra.settings import settings
from dougong.payments.adapters import sandbox
from dougong.payments.adapters import stripe as stripe_adapter
from dougong.payments.adapters.sandbox import Sandbox
from dougong.payments.adapters.stripe import Stripe
from dougong.payments.rules import BadSignature, EventKind, Gateway, GatewayEvent

SECRET = "whsec_of_this_test"
REFUND_ID = uuid4()
Signed = tuple[bytes, dict[str, str]]


class SandboxSide:
    """Signs as the sandbox does."""

    gateway: Gateway = Sandbox()
    signature = "webhook-signature"

    def event(self, amount: int = 9_900) -> Signed:
        made = GatewayEvent(
            "evt_1", EventKind.CAPTURED, "sb_1", amount, "CNY", datetime(2020, 8, 20, tzinfo=UTC)
        )
        signed = sandbox.sign(made)
        return signed.body, signed.headers

    def at(self, seconds: int, body: bytes) -> dict[str, str]:
        at = datetime.fromtimestamp(time.time() + seconds, UTC)
        return {
            "webhook-id": "evt_1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": sandbox._webhook().sign("evt_1", at, body.decode()),
        }


class StripeSide:
    """Signs as Stripe documents it: HMAC-SHA256 over `timestamp.body`."""

    gateway: Gateway = Stripe()
    signature = "stripe-signature"

    def event(self, amount: int = 9_900) -> Signed:
        body = json.dumps(an_intent("payment_intent.succeeded", amount=amount)).encode()
        return body, self.at(0, body)

    def at(self, seconds: int, body: bytes, secret: str = SECRET) -> dict[str, str]:
        stamp = int(time.time()) + seconds
        mac = hmac.new(secret.encode(), b"%d.%s" % (stamp, body), hashlib.sha256).hexdigest()
        return {"stripe-signature": f"t={stamp},v1={mac}"}


def an_intent(kind: str, **facts: object) -> dict[str, object]:
    intent = {"id": "pi_1", "object": "payment_intent", "currency": "cny", "amount": 9_900}
    return an_event(kind, intent | facts)


def an_event(kind: str, found: dict[str, object]) -> dict[str, object]:
    made = {"id": "evt_1", "object": "event", "type": kind, "created": 1_597_896_000}
    return made | {"data": {"object": found}}


SIDES = {"sandbox": SandboxSide(), "stripe": StripeSide()}


@pytest.fixture(autouse=True)
def stripe_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = msgspec.structs.replace(settings(), stripe_webhook_secret=SECRET)
    monkeypatch.setattr(stripe_adapter, "settings", lambda: mine)


def _other_case(text: str) -> str:
    return text.swapcase()


def forgeries() -> dict[str, Callable[[Signed, str], Signed]]:
    """Ways to change what was signed; each answers another body or other headers."""

    def header(change: Callable[[str], str]) -> Callable[[Signed, str], Signed]:
        return lambda s, name: (s[0], s[1] | {name: change(s[1][name])})

    def body(change: Callable[[bytes], bytes]) -> Callable[[Signed, str], Signed]:
        return lambda s, name: (change(s[0]), s[1])

    return {
        "no headers": lambda s, name: (s[0], {}),
        "no signature": lambda s, name: (s[0], {k: v for k, v in s[1].items() if k != name}),
        "empty signature": header(lambda v: ""),
        "only the scheme": header(lambda v: v.split("v1")[0] + "v1"),
        # Not the last one: in base64 some of its bits say nothing.
        "a late digit": header(lambda v: v[:-4] + ("a" if v[-4] != "a" else "b") + v[-3:]),
        "cut short": header(lambda v: v[:-4]),
        "other case": header(_other_case),
        "other scheme": header(lambda v: v.replace("v1", "v0")),
        "another amount": body(lambda b: b.replace(b"9900", b"9901")),
        "another currency": body(lambda b: b.replace(b"CNY", b"USD").replace(b"cny", b"usd")),
        "re-serialised": body(lambda b: json.dumps(json.loads(b), indent=1).encode()),
        "a space more": body(lambda b: b + b" "),
        "a byte less": body(lambda b: b[:-1]),
        "empty body": body(lambda b: b""),
        "not JSON": body(lambda b: b"amount=9900"),
        "not UTF-8": body(lambda b: b"\xff" + b),
        "twice in one body": body(lambda b: b + b),
        "another key order": body(
            lambda b: json.dumps(dict(reversed(json.loads(b).items()))).encode()
        ),
    }


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("how", forgeries())
def test_forged_webhook_is_refused(side: str, how: str) -> None:
    signs = SIDES[side]
    body, headers = forgeries()[how](signs.event(), signs.signature)
    with pytest.raises(BadSignature):
        signs.gateway.read_event(body=body, headers=headers)


@pytest.mark.parametrize("side", SIDES)
def test_stale_webhook_is_refused(side: str) -> None:
    signs = SIDES[side]
    body, _ = signs.event()
    with pytest.raises(BadSignature):
        signs.gateway.read_event(body=body, headers=signs.at(-310, body))
    assert signs.gateway.read_event(body=body, headers=signs.at(-290, body))


@pytest.mark.parametrize("side", SIDES)
def test_signature_of_one_body_does_not_fit_another(side: str) -> None:
    signs = SIDES[side]
    with pytest.raises(BadSignature):
        signs.gateway.read_event(body=signs.event(1)[0], headers=signs.event(2)[1])


def test_other_gateways_and_other_secrets_are_refused() -> None:
    sand, card = SandboxSide(), StripeSide()
    with pytest.raises(BadSignature):
        card.gateway.read_event(body=sand.event()[0], headers=sand.event()[1])
    with pytest.raises(BadSignature):
        sand.gateway.read_event(body=card.event()[0], headers=card.event()[1])
    body, _ = card.event()
    with pytest.raises(BadSignature):
        card.gateway.read_event(body=body, headers=card.at(0, body, secret="whsec_other"))


@pytest.mark.parametrize("side", SIDES)
def test_replayed_webhook_is_the_same_event(side: str) -> None:
    signs = SIDES[side]
    body, headers = signs.event()
    read = [signs.gateway.read_event(body=body, headers=headers) for _ in range(10)]
    assert read[0] is not None
    assert (read[0].kind, read[0].amount_minor, read[0].currency) == ("captured", 9_900, "CNY")
    assert all(one == read[0] for one in read)


def _read(kind: str, found: dict[str, object]) -> GatewayEvent | None:
    side = StripeSide()
    body = json.dumps(an_event(kind, found)).encode()
    return side.gateway.read_event(body=body, headers=side.at(0, body))


@pytest.mark.parametrize(
    ("kind", "status", "want"),
    [
        ("refund.updated", "succeeded", EventKind.REFUNDED),
        ("charge.refund.updated", "succeeded", EventKind.REFUNDED),
        ("refund.updated", "failed", EventKind.REFUND_FAILED),
        ("refund.failed", "failed", EventKind.REFUND_FAILED),
    ],
)
def test_stripe_refund_events_name_our_refund(kind: str, status: str, want: EventKind) -> None:
    found = {
        "id": "re_1", "object": "refund", "status": status, "amount": 500, "currency": "cny",
        "payment_intent": "pi_1", "metadata": {"refund_id": str(REFUND_ID)},
    }  # fmt: skip
    event = _read(kind, found)
    assert event is not None
    assert (event.kind, event.refund_id, event.gateway_ref) == (want, REFUND_ID, "pi_1")


def test_stripe_events_that_are_not_ours_are_no_events() -> None:
    assert _read("customer.created", {"id": "cus_1", "object": "customer"}) is None
    pending = {"id": "re_1", "object": "refund", "status": "pending", "metadata": {}}
    assert _read("refund.updated", pending | {"amount": 1, "currency": "cny"}) is None


def test_stripe_refund_made_by_hand_has_no_name_of_ours() -> None:
    found = {
        "id": "re_1", "object": "refund", "status": "succeeded", "amount": 500, "currency": "cny",
        "payment_intent": "pi_1", "metadata": {"refund_id": "made in the dashboard"},
    }  # fmt: skip
    event = _read("refund.updated", found)
    assert event is not None and event.refund_id is None
