"""The Stripe adapter against `localstripe`, a double that runs as a process on loopback.

The double knows PaymentIntents, webhooks and refunds. Its hosted page is ours (hosted_page.py); it
ignores idempotency keys and sends no refund events: those are signed here as Stripe signs them.
"""

import asyncio
import hashlib
import hmac
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from sqlalchemy import text
from tests.books import balances
from tests.crash.server import free_port
from tests.factories import ABuyer, ARequest, AStore
from tests.payments.hosted_page import HostedPage
from tests.races.flows import PRICE, a_shop, place

from dougong.base.ids import OrderId
from dougong.flows import pay
from dougong.flows.payment_arrived import receive
from dougong.flows.place_orders import Placed
from dougong.flows.refund_lines import refund_lines
from dougong.flows.send_refunds import send_refund
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.payments.adapters import stripe as stripe_adapter
from dougong.payments.adapters.stripe import Stripe
from dougong.payments.rules import GatewayRefused

SECRET = "whsec_of_localstripe"
Heard = tuple[bytes, dict[str, str]]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    # Stripe's SDK hands its body to httpx in a way that httpx no longer likes.
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


@pytest.fixture
async def double() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the double, which the adapter uses too."""
    port = free_port()
    run = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
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


@pytest.fixture
async def page(
    double: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[HostedPage]:
    """Stripe as the platform's gateway."""
    async with HostedPage(double) as made:
        mine = msgspec.structs.replace(
            settings(), stripe_api_base=f"http://127.0.0.1:{made.port}",
            stripe_api_key="sk_test_1", stripe_webhook_secret=SECRET,
        )  # fmt: skip
        monkeypatch.setattr(stripe_adapter, "settings", lambda: mine)
        monkeypatch.setattr(pay, "default_gateway", Stripe)
        yield made


@pytest.fixture
async def heard(double: httpx.AsyncClient) -> AsyncIterator["asyncio.Queue[Heard]"]:
    """The webhooks that the double sends."""
    queue: asyncio.Queue[Heard] = asyncio.Queue()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, v in (ln.split(": ", 1) for ln in head[1:] if ": " in ln)}
        await queue.put((await reader.readexactly(int(headers["content-length"])), headers))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    hook = {"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", "secret": SECRET}
    await double.post("/_config/webhooks/ours", data=hook)
    yield queue
    server.close()
    await server.wait_closed()


async def said(heard: "asyncio.Queue[Heard]", kind: str) -> Heard:
    """The next webhook of a kind; others are passed over."""
    while True:
        body, headers = await asyncio.wait_for(heard.get(), 20)
        if msgspec.json.decode(body)["type"] == kind:
            return body, headers


def signed(kind: str, found: dict[str, Any]) -> Heard:
    """A webhook that the double does not send, signed as Stripe signs."""
    event = {"id": f"evt_{uuid4().hex}", "object": "event", "type": kind, "created": 1_597_896_000}
    body, at = msgspec.json.encode(event | {"data": {"object": found}}), int(time.time())
    mac = hmac.new(SECRET.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    return body, {"stripe-signature": f"t={at},v1={mac}"}


async def told(one: Heard, times: int = 1) -> None:
    for _ in range(times):
        await receive(code="stripe", body=one[0], headers=one[1])


async def an_order(page: HostedPage) -> tuple[tuple[AStore, ABuyer], Placed, str]:
    """A placed order, asked to be paid twice; its one session at Stripe."""
    shop = await a_shop()
    placed = await place(ARequest(*shop, PRICE).build())
    urls = set()
    for _ in range(2):
        started = await pay.start_payment(
            checkout_id=placed.checkout_id, buyer_id=shop[1].person_id, return_url="/back"
        )
        urls.add(started.pay_url)
    (url,) = urls
    session_id = url.rsplit("/", 1)[1]
    assert page.sessions[session_id]["success_url"] == settings().public_url + "/back"
    return shop, placed, session_id


async def escrow_of(store: AStore) -> int:
    async with transaction() as conn:
        return (await balances(conn, store.store_id)).get((store.store_id, "escrow"), 0)


async def refund_of(placed: Placed, amount: int) -> UUID:
    async with transaction() as conn:
        made = await refund_lines(
            conn, store_id=placed.store_id, order_id=OrderId(placed.order_id),
            amounts={1: amount}, reason="test", asked_by=None, key=uuid4().hex,
            at=await clock.refresh(conn),
        )  # fmt: skip
    await send_refund(str(placed.store_id), str(made.id))
    return UUID(str(made.id))


async def row_of(refund_id: UUID) -> Any:
    async with transaction() as conn:
        found = await conn.execute(text("SELECT * FROM refunds WHERE id = :r"), {"r": refund_id})
        return found.one()


async def test_pay_hear_of_it_ten_times_and_refund(
    page: HostedPage, heard: "asyncio.Queue[Heard]", double: httpx.AsyncClient
) -> None:
    (store, _), placed, session_id = await an_order(page)
    assert (await page.pay(session_id)).json()["status"] == "succeeded"
    await told(await said(heard, "payment_intent.succeeded"), times=10)
    assert await escrow_of(store) == PRICE
    refund_id = await refund_of(placed, 900)
    row = await row_of(refund_id)
    assert (row.state, row.failure) == ("done", None)
    at_stripe = (await double.get(f"/v1/refunds/{row.gateway_ref}")).json()
    assert (at_stripe["amount"], at_stripe["status"]) == (900, "succeeded")
    assert at_stripe["metadata"] == {"refund_id": str(refund_id), "attempt": "1"}
    assert await escrow_of(store) == PRICE - 900


async def test_events_out_of_order(page: HostedPage, heard: "asyncio.Queue[Heard]") -> None:
    """The refusal of the first card is heard after the second one has paid."""
    (store, _), placed, session_id = await an_order(page)
    await page.pay(session_id, card="declined")
    declined = await said(heard, "payment_intent.payment_failed")
    await page.pay(session_id)
    await told(await said(heard, "payment_intent.succeeded"))
    await told(declined, times=2)
    assert await escrow_of(store) == PRICE
    refund_id = await refund_of(placed, 900)
    row = await row_of(refund_id)
    refund = {
        "id": row.gateway_ref, "object": "refund", "amount": 900, "currency": "cny",
        "payment_intent": "pi_of_this_payment",
        "metadata": {"refund_id": str(refund_id), "attempt": "1"},
    }  # fmt: skip
    async with transaction() as conn:
        refund["payment_intent"] = await conn.scalar(
            text("SELECT gateway_ref FROM payments WHERE id = :p"), {"p": row.payment_id}
        )
    await told(signed("refund.failed", refund | {"status": "failed"}), times=2)
    await told(signed("refund.updated", refund | {"status": "succeeded"}))
    assert (await row_of(refund_id)).state == "failed"


async def test_a_refund_that_stripe_refuses_is_failed_and_shown(
    page: HostedPage, heard: "asyncio.Queue[Heard]", double: httpx.AsyncClient
) -> None:
    """The double is emptied: it knows the payment no more, and says so each time it is asked."""
    _, placed, session_id = await an_order(page)
    await page.pay(session_id)
    await told(await said(heard, "payment_intent.succeeded"))
    await double.delete("/_config/data")
    row = await row_of(await refund_of(placed, 900))
    assert row.state == "failed"
    assert row.failure
    with pytest.raises(GatewayRefused):
        await Stripe().refund(
            gateway_ref="pi_nowhere", refund_id=uuid4(), attempt=1, amount_minor=1, currency="CNY"
        )
