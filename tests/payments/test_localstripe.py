"""The Stripe adapter against `localstripe`, a double that runs as a process on loopback.

The double knows PaymentIntents and refunds; it has no hosted page, ignores idempotency keys and
sends no refund events. What it cannot show is checked at its webhook instead (test_webhooks.py).
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import msgspec
import pytest
from tests.crash.server import free_port

from dougong.base.ids import PaymentId
from dougong.infra.settings import settings
from dougong.payments.adapters import stripe as stripe_adapter
from dougong.payments.adapters.stripe import Stripe
from dougong.payments.rules import EventKind, GatewayDown

SECRET = "whsec_of_localstripe"
CARD = {
    "type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12",
    "card[exp_year]": "2030", "card[cvc]": "123",
}  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    # Stripe's SDK hands its body to httpx in a way that httpx no longer likes.
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


@pytest.fixture
async def double(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the double, which the adapter uses too."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    run = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    mine = msgspec.structs.replace(
        settings(), stripe_api_base=base, stripe_api_key="sk_test_1", stripe_webhook_secret=SECRET
    )
    monkeypatch.setattr(stripe_adapter, "settings", lambda: mine)
    try:
        async with httpx.AsyncClient(
            base_url=base, auth=("sk_test_1", ""), trust_env=False, timeout=20
        ) as client:
            started = time.monotonic()
            while True:
                try:
                    await client.get("/v1/payment_intents")
                    break
                except httpx.TransportError:
                    assert time.monotonic() - started < 60
                    await asyncio.sleep(0.2)
            yield client
    finally:
        run.kill()
        run.wait()


async def paid(double: httpx.AsyncClient, intent: str) -> None:
    """What the payer does on the page: a card, then confirm."""
    method = (await double.post("/v1/payment_methods", data=CARD)).json()["id"]
    done = await double.post(f"/v1/payment_intents/{intent}", data={"payment_method": method})
    assert done.status_code == 200, done.text
    done = await double.post(f"/v1/payment_intents/{intent}/confirm")
    assert done.json()["status"] == "succeeded", done.text


async def test_pay_hear_of_it_and_refund(double: httpx.AsyncClient) -> None:
    heard: asyncio.Queue[tuple[bytes, dict[str, str]]] = asyncio.Queue()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        lower = {k.lower(): v for k, v in headers.items()}
        await heard.put((await reader.readexactly(int(lower["content-length"])), lower))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hook = {"url": f"http://127.0.0.1:{port}/", "secret": SECRET}
    await double.post("/_config/webhooks/ours", data=hook)
    gateway, payment_id = Stripe(), PaymentId(uuid4())
    started = await gateway.start(
        payment_id=payment_id, amount_minor=9_900, currency="CNY", return_url="/"
    )
    await paid(double, started.gateway_ref)
    body, headers = await asyncio.wait_for(heard.get(), 20)
    event = gateway.read_event(body=body, headers=headers)
    assert event is not None
    assert (event.kind, event.gateway_ref) == (EventKind.CAPTURED, started.gateway_ref)
    assert (event.amount_minor, event.currency) == (9_900, "CNY")
    reference = await gateway.refund(
        gateway_ref=started.gateway_ref, refund_id=uuid4(), amount_minor=900, currency="CNY"
    )
    refund = (await double.get(f"/v1/refunds/{reference}")).json()
    assert (refund["amount"], refund["status"]) == (900, "succeeded")
    server.close()
    await server.wait_closed()


async def test_refusal_of_the_gateway_is_told_as_gateway_down(double: httpx.AsyncClient) -> None:
    with pytest.raises(GatewayDown):
        await Stripe().refund(
            gateway_ref="pi_nowhere", refund_id=uuid4(), amount_minor=1, currency="CNY"
        )
