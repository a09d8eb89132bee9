"""The flows that race, each in its own transaction as in the shop, and what must hold after."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from tests.books import balances
from tests.crash.invariants import violations
from tests.factories import ABuyer, ARequest, AStore, a_buyer, a_coupon, a_store, the_rules

from dougong.base.errors import Refusal
from dougong.base.ids import OrderId
from dougong.flows import place_orders
from dougong.flows.close_order import cancel_by_buyer, cancel_unpaid
from dougong.flows.deadlines import act_on_one
from dougong.flows.pay import start_payment
from dougong.flows.payment_arrived import receive
from dougong.flows.place_orders import Placed, PlaceOrder
from dougong.flows.receive_order import confirm_receipt
from dougong.flows.refund_lines import refund_lines
from dougong.flows.ship_order import ship_order
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.payments.adapters.sandbox import Outcome, SignedEvent, choose

PRICE = 9_900
Act = Callable[[], Awaitable[Any]]


@dataclass
class Scene:
    """One order of two units with its payment event ready to be delivered."""

    store: AStore
    buyer: ABuyer
    placed: Placed
    paying: list[SignedEvent]

    # what can happen to it, each once

    async def pay(self) -> str:
        for event in self.paying:
            await receive(code="sandbox", body=event.body, headers=event.headers)
        return "told"

    async def expire(self) -> str:
        async with transaction() as conn:
            await cancel_unpaid(
                conn, store_id=self.placed.store_id, order_id=self.placed.order_id,
                reason="not_paid_in_time", at=await clock.refresh(conn),
            )  # fmt: skip
        return "cancelled"

    async def cancel(self) -> str:
        async with transaction() as conn:
            await cancel_by_buyer(
                conn, buyer_id=self.buyer.person_id, store_id=self.placed.store_id,
                order_id=self.placed.order_id, at=await clock.refresh(conn),
            )  # fmt: skip
        return "cancelled"

    async def fall_due(self) -> str:
        """The job that acts on what is due, at the end of the order's time to pay or to be
        received."""
        return await self._act_at(clock.now() + timedelta(days=11))

    async def become_final(self) -> str:
        """The job again, when the after-sales window of a received order is over."""
        return await self._act_at(clock.now() + timedelta(days=8))

    async def _act_at(self, at: datetime) -> str:
        async with transaction() as conn:
            await act_on_one(conn, at=at)
        return "looked"

    async def ship(self) -> str:
        async with transaction() as conn:
            await ship_order(
                conn, store_id=self.placed.store_id, order_id=self.placed.order_id,
                carrier="顺丰", tracking_no="SF12345678", lines={1: 2},
                at=await clock.refresh(conn),
            )  # fmt: skip
        return "shipped"

    async def confirm(self) -> str:
        async with transaction() as conn:
            await confirm_receipt(
                conn, buyer_id=self.buyer.person_id, store_id=self.placed.store_id,
                order_id=self.placed.order_id, at=await clock.refresh(conn),
            )  # fmt: skip
        return "received"

    async def refund(self, amount_minor: int, key: str = "") -> UUID:
        async with transaction() as conn:
            made = await refund_lines(
                conn, store_id=self.placed.store_id, order_id=OrderId(self.placed.order_id),
                amounts={1: amount_minor}, reason="race", asked_by=None,
                key=key or uuid4().hex, at=await clock.refresh(conn),
            )  # fmt: skip
            return UUID(str(made.id))

    async def refund_most(self) -> UUID:
        return await self.refund(2 * PRICE - 100)

    async def refund_whole(self) -> UUID:
        return await self.refund(2 * PRICE)

    async def refund_with_one_key(self) -> UUID:
        return await self.refund(500, key="one-refund-of-this-scene")

    async def row(self) -> Any:
        async with transaction() as conn:
            found = await conn.execute(
                text("""
                    SELECT o.state, sum(l.refunded_minor) AS refunded,
                      (SELECT count(*) FROM refunds r
                       WHERE r.store_id = o.store_id AND r.order_id = o.id) AS refunds,
                      (SELECT COALESCE(sum(amount_minor), 0) FROM unallocated_money u
                       WHERE u.order_id = o.id) AS unallocated
                    FROM orders o JOIN order_lines l ON l.store_id = o.store_id
                      AND l.order_id = o.id
                    WHERE o.store_id = :s AND o.id = :o GROUP BY o.store_id, o.id
                """),
                {"s": self.placed.store_id, "o": self.placed.order_id},
            )
            return found.one()


async def a_shop(*, on_hand: int = 10_000, coupons: int = 0) -> tuple[AStore, ABuyer]:
    async with transaction() as conn:
        await the_rules(conn)
        store = await a_store(conn, prices=(PRICE,), on_hand=on_hand)
        if coupons:
            await a_coupon(
                conn, store, funder="platform", funder_org_id=store.org_id, quota=coupons
            )
        return store, await a_buyer(conn)


async def place(request: PlaceOrder) -> Placed:
    """As one of several web workers places it: a batch of its own."""
    (answer,) = await place_orders._place_batch([request])
    if isinstance(answer, Exception):
        raise answer
    return answer


async def a_scene(shop: tuple[AStore, ABuyer], *, state: str = "placed") -> Scene:
    """An order that is placed, paid, shipped, or received."""
    store, buyer = shop
    placed = await place(ARequest(store, buyer, 2 * PRICE, {0: 2}).build())
    started = await start_payment(
        checkout_id=placed.checkout_id, buyer_id=buyer.person_id, return_url="/"
    )
    charge_id = UUID(started.pay_url.rsplit("/", 1)[1])
    async with transaction() as conn:
        events = await choose(conn, charge_id=charge_id, outcome=Outcome.PAID)
    scene = Scene(store, buyer, placed, events)
    if state in ("paid", "shipped", "received"):
        await scene.pay()
    if state in ("shipped", "received"):
        await scene.ship()
    if state == "received":
        await scene.confirm()
    return scene


async def outcome(act: Act) -> Any:
    """What it answered, or the code it was refused with. A lock that another held for longer than
    two seconds is a refusal too (503); anything else is a fault."""
    try:
        return await act()
    except Refusal as refusal:
        return refusal.code
    except OperationalError as error:
        if "lock timeout" in str(error) or "deadlock" in str(error):
            raise AssertionError("two flows waited for each other") from error
        raise


async def assert_whole(store: AStore) -> None:
    """The books and the stock of a store, whatever has happened."""
    async with transaction() as conn:
        assert await violations(conn, [store.store_id]) == {}
        assert sum((await balances(conn, store.store_id)).values()) == 0
