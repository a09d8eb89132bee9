"""The outside world of a crash run: 64 buyers in a process of their own, over HTTP only.

Run as `python -m tests.crash.buyers PLAN`. Whatever was answered goes to an append-only file that
is flushed to the disk before the buyer does the next thing: what stands there, the shop has said.
"""

import asyncio
import os
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec

from dougong.payments.adapters.sandbox import sign
from dougong.payments.rules import EventKind, GatewayEvent

ANSWER_WITHIN_S = 4.0
TRY_AGAIN_S = 0.15


class Buyer(msgspec.Struct):
    token: str
    address_id: UUID


class Plan(msgspec.Struct):
    """What the test tells its buyers. `hurry`: once this file is there, buy all that is left.
    `offer_id`: of a flash offer, at whose price they buy. `link_id`: of a video's link, by which
    every second buyer comes."""

    url: str
    store_id: UUID
    skus: list[UUID]
    price_minor: int
    buyers: list[Buyer]
    acks: str
    hurry: str
    think_s: float
    seed: int
    offer_id: UUID | None = None
    link_id: UUID | None = None


class Ack(msgspec.Struct, omit_defaults=True):
    """One line of the ack log: what the shop has answered to one key."""

    what: str  # placed, sold_out, cancelled, paid, fault, done
    buyer: int
    key: str = ""
    order_id: UUID | None = None
    number: str = ""
    total_minor: int = 0
    quantity: int = 0
    tries: int = 1
    note: str = ""


class Log:
    def __init__(self, path: str) -> None:
        self.handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, ack: Ack) -> None:
        os.write(self.handle, msgspec.json.encode(ack) + b"\n")
        os.fsync(self.handle)


class World:
    def __init__(self, plan: Plan, client: httpx.AsyncClient) -> None:
        self.plan = plan
        self.client = client
        self.log = Log(plan.acks)
        self.started = time.monotonic()

    def in_a_hurry(self) -> bool:
        return Path(self.plan.hurry).exists()

    async def until_answered(
        self, buyer: int, method: str, path: str, **sent: Any
    ) -> tuple[int, Any, int]:
        """(status, body, tries): the same request again until the shop says yes or no.

        A refused connection, a cut answer, silence and 503 are no answer. A 500 is a fault that
        the test will find in the log; it is no answer either.
        """
        tries = 0
        while True:
            tries += 1
            try:
                answer = await self.client.request(method, self.plan.url + path, **sent)
            except httpx.HTTPError:
                await asyncio.sleep(TRY_AGAIN_S * random.uniform(0.5, 1.5))
                continue
            if answer.status_code < 500:
                return answer.status_code, answer.json(), tries
            is_away = answer.status_code == 503 and answer.json().get("code") == "unavailable"
            if not is_away:
                note = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
                self.log.write(Ack("fault", buyer, note=note))
            await asyncio.sleep(TRY_AGAIN_S * random.uniform(0.5, 1.5))


class Customer:
    """One buyer: buys again and again, sometimes pays, sometimes gives up an order."""

    def __init__(self, world: World, n: int) -> None:
        self.world = world
        self.n = n
        me = world.plan.buyers[n]
        self.address_id = me.address_id
        self.headers = {"Authorization": f"Bearer {me.token}"}

    async def run(self) -> None:
        most = 3
        while True:
            hurried = self.world.in_a_hurry()
            placed = await self.buy(quantity=random.randint(1, most) if not hurried else most)
            if placed is None and most > 1:
                most = 1
                continue
            if placed is None and hurried:
                self.world.log.write(Ack("done", self.n))
                return
            if placed is not None and not hurried:
                chance = random.random()
                if chance < 0.15:
                    await self.pay(placed)
                elif chance < 0.20:
                    await self.cancel(placed)
            if not hurried:
                await asyncio.sleep(random.expovariate(1 / self.world.plan.think_s))

    async def buy(self, *, quantity: int) -> Any | None:
        """The order, or None for "sold out"."""
        plan, key = self.world.plan, uuid4().hex
        line = {"sku_id": str(random.choice(plan.skus)), "quantity": quantity}
        if plan.offer_id:
            line["offer_id"] = str(plan.offer_id)
        if plan.link_id and self.n % 2:
            line["link_id"] = str(plan.link_id)
        total = plan.price_minor * quantity
        part = {"store_id": str(plan.store_id), "lines": [line], "expected_total_minor": total}
        status, body, tries = await self.world.until_answered(
            self.n, "POST", "/api/v1/orders",
            headers=self.headers | {"Idempotency-Key": key},
            json={"address_id": str(self.address_id), "parts": [part]},
        )  # fmt: skip
        if status == 201:
            made = body["placed"][0]
            self.world.log.write(
                Ack(
                    "placed", self.n, key, UUID(made["order_id"]), made["number"],
                    made["total"]["minor"], quantity, tries,
                )
            )  # fmt: skip
            return body
        is_over = body.get("code") == "offer_refused" and body["facts"]["why"] == "sold_out"
        if is_over or body.get("code") == "sold_out":
            self.world.log.write(Ack("sold_out", self.n, key, quantity=quantity, tries=tries))
            return None
        self.world.log.write(Ack("fault", self.n, key, note=f"{status} {body}"))
        return None

    async def cancel(self, placed: Any) -> None:
        made = placed["placed"][0]
        path = f"/api/v1/orders/{made['store_id']}/{made['order_id']}/cancellation"
        status, body, tries = await self.world.until_answered(
            self.n, "POST", path, headers=self.headers
        )
        # A cut answer may have been a yes: the repeat then finds it cancelled already.
        if status == 200 or (status == 409 and tries > 1):
            self.world.log.write(Ack("cancelled", self.n, order_id=UUID(made["order_id"])))
        else:
            self.world.log.write(Ack("fault", self.n, note=f"cancel: {status} {body}"))

    async def pay(self, placed: Any) -> None:
        """Pay at the gateway, which tells the shop until it answers; sometimes twice at once."""
        path = f"/api/v1/checkouts/{placed['checkout_id']}/payments"
        status, body, _ = await self.world.until_answered(
            self.n, "POST", path, headers=self.headers
        )
        if status != 201:
            self.world.log.write(Ack("fault", self.n, note=f"pay: {status} {body}"))
            return
        charge = UUID(body["pay_url"].rsplit("/", 1)[1])
        amount, at = body["amount"], datetime.now(UTC)
        event = GatewayEvent(
            f"evt_captured_{charge.hex}", EventKind.CAPTURED, f"sb_{charge.hex}",
            amount["minor"], amount["currency"], at,
        )  # fmt: skip
        tellings = random.choice((1, 1, 2))
        answers = await asyncio.gather(*(self.tell(event) for _ in range(tellings)))
        if set(answers) == {200}:
            order_id = UUID(placed["placed"][0]["order_id"])
            self.world.log.write(Ack("paid", self.n, order_id=order_id))
        else:
            self.world.log.write(Ack("fault", self.n, note=f"webhook: {answers}"))

    async def tell(self, event: GatewayEvent) -> int:
        signed = sign(event)
        status, _, _ = await self.world.until_answered(
            self.n, "POST", "/gateways/sandbox/events",
            headers=signed.headers, content=signed.body,
        )  # fmt: skip
        return status


async def main(plan: Plan) -> None:
    random.seed(plan.seed)
    limits = httpx.Limits(max_connections=128, max_keepalive_connections=64)
    async with httpx.AsyncClient(timeout=ANSWER_WITHIN_S, limits=limits, trust_env=False) as client:
        world = World(plan, client)
        await asyncio.gather(*(Customer(world, n).run() for n in range(len(plan.buyers))))


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)))
