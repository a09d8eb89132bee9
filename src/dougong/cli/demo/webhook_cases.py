"""A merchant's endpoint and its log: it answered for days, was lost, and was switched off.

Nothing is called. Its address ends in `.example`, which no name server knows, so what the log says
of the last days is what the guarded client would have found.
"""

import random
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.cli.demo.acts import pay, place_one, ship
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.flows.place_orders import Placed
from dougong.flows.receive_order import receive_order
from dougong.infra.db import transaction
from dougong.reads.order_books import lines_of
from dougong.webhooks.commands import add_endpoint, switch_endpoint
from dougong.webhooks.delivery_commands import claim, fan_out, finish, send_test

STORE = "mist-tea"
URL = "https://erp.yunxiu-tea.example/hooks/dougong"
KINDS = ("order.paid", "order.package_shipped", "order.received", "order.refunded")
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
ADDED, LOST, SWITCHED_OFF = 9 * 24 * HOUR, 3 * 24 * HOUR, 30 * HOUR  # ago
ORDERED_DAYS_AGO = (8.6, 8.1, 7.4, 6.3, 5.2, 4.4, 3.9, 2.8, 2.1, 1.6)
FIRST_NUMBER = 4_000
EVERYTHING = 100_000

NEXT = text("""
    SELECT min(next_at) FROM webhook_deliveries
    WHERE store_id = :store_id AND done_at IS NULL AND next_at > :after AND next_at <= :until
""")


class Said(NamedTuple):
    """What came of one call."""

    status: int | None
    error: str | None
    answer: str | None


TAKEN = Said(200, None, '{"accepted":true}')
BUSY = Said(503, None, "upstream is restarting")
AWAY = Said(None, "name not found", None)


class Step(NamedTuple):
    """One act of the `nth` order."""

    at: datetime
    nth: int
    act: Literal["order", "ship", "receive"]


async def write_webhooks(market: Market, *, now: datetime) -> None:
    store_id, person_id = market.stores[STORE], market.people["merchant"]
    async with transaction(slow=True) as conn:
        if not await begin_piece(conn, "webhooks", at=now):
            return
        # What happened before there was an endpoint is told to nobody.
        at = now - ADDED
        await fan_out(conn, at=at, most=EVERYTHING)
        endpoint_id = await add_endpoint(conn, store_id=store_id, url=URL, kinds=KINDS, at=at)
        await audit(
            conn,
            at=at,
            person_id=person_id,
            action="webhooks.endpoint_added",
            owner_id=store_id,
            subject=URL,
            facts={"kinds": list(KINDS)},
        )
        await send_test(conn, store_id=store_id, endpoint_id=endpoint_id, at=at + SECOND)
        days = await _Days(conn, market, now=now).live(at)
        off_at = now - SWITCHED_OFF
        await days.call(until=off_at)
        await switch_endpoint(conn, store_id=store_id, endpoint_id=endpoint_id, on=False, at=off_at)


class _Days:
    """The days on which the endpoint was on, act after act, with the calls between them."""

    def __init__(self, conn: AsyncConnection, market: Market, *, now: datetime) -> None:
        self.conn = conn
        self.market = market
        self.now = now
        self.store_id = market.stores[STORE]
        self.chance = random.Random("webhooks")
        self.placed: dict[int, Placed] = {}
        self.called = now - ADDED

    async def live(self, start: datetime) -> "_Days":
        self.called = start
        for step in self.steps():
            await self.call(until=step.at)
            await self.act(step)
            await fan_out(self.conn, at=step.at + SECOND, most=EVERYTHING)
        return self

    def steps(self) -> list[Step]:
        """Shipped within a day, received within three: what is over before the switching off."""
        found = []
        for nth, days in enumerate(ORDERED_DAYS_AGO):
            ordered_at = self.now - days * 24 * HOUR
            shipped_at = ordered_at + self.chance.randrange(8, 22) * HOUR
            received_at = shipped_at + self.chance.randrange(34, 52) * HOUR
            found.append(Step(ordered_at, nth, "order"))
            found.append(Step(shipped_at, nth, "ship"))
            found.append(Step(received_at, nth, "receive"))
        return sorted(step for step in found if step.at < self.now - SWITCHED_OFF)

    async def act(self, step: Step) -> None:
        if step.act == "order":
            plan, placed = await place_one(
                self.conn,
                self.market,
                store=STORE,
                number=FIRST_NUMBER + step.nth,
                shopper=self.market.shoppers[120 + step.nth],
                at=step.at - 2 * MINUTE,
            )
            await pay(self.conn, plan, placed, at=step.at)
            self.placed[step.nth] = placed
            return
        placed = self.placed[step.nth]
        store_id, order_id = placed.store_id, placed.order_id
        if step.act == "ship":
            rows = await lines_of(self.conn, store_id=store_id, order_id=order_id)
            units = {line.line_no: line.quantity for line in rows if line.kind == "goods"}
            await ship(self.conn, placed, units, chance=self.chance, at=step.at)
        else:
            why: Literal["by_buyer"] = "by_buyer"
            await receive_order(
                self.conn, store_id=store_id, order_id=order_id, why=why, at=step.at
            )

    async def call(self, *, until: datetime) -> None:
        """Every call that was due until then, each at its own instant."""
        while at := await self.conn.scalar(NEXT, self._window(until)):
            self.called = at
            for one in await claim(self.conn, at=at, most=EVERYTHING, most_each=EVERYTHING):
                said = self.answer(one, at)
                await finish(
                    self.conn,
                    store_id=self.store_id,
                    delivery_id=one.id,
                    attempts=one.attempts,
                    status=said.status,
                    error=said.error,
                    answer=said.answer,
                    at=at + SECOND,
                )
        self.called = until

    def _window(self, until: datetime) -> dict[str, Any]:
        return {"store_id": self.store_id, "after": self.called, "until": until}

    def answer(self, one: Any, at: datetime) -> Said:
        if at >= self.now - LOST:
            return AWAY
        is_busy = one.attempts < 3 and self.chance.random() < 0.2
        return BUSY if is_busy else TAKEN
