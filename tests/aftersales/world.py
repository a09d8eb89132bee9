"""A store, a buyer with a paid order, and what both sides do with its cases."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import (
    ABuyer,
    ARequest,
    AStore,
    a_buyer,
    a_coupon,
    a_link,
    a_person,
    a_store,
    the_rules,
)

from dougong.aftersales.queries import Case, case_of
from dougong.aftersales.rules import CaseKind
from dougong.base.ids import OrderId, PersonId
from dougong.flows.answer_case import Act
from dougong.flows.deadlines import act_on_one
from dougong.flows.open_case import Wish, open_case
from dougong.flows.payment_arrived import book_paid
from dougong.flows.place_orders import Placed, place_in
from dougong.flows.receive_order import finalise_order, receive_order
from dougong.flows.ship_order import ship_order
from dougong.orders.commands import lock_order
from dougong.payments.commands import claim_part

DAY = timedelta(days=1)
START = datetime.fromisoformat("2020-09-01T00:00:00+00:00")


@dataclass
class World:
    """Everything happens in one transaction, at an instant of its own."""

    conn: AsyncConnection
    store: AStore
    buyer: ABuyer
    merchant: PersonId
    creator: UUID
    link: UUID
    now: datetime = START
    keys: list[str] = field(default_factory=list)

    async def an_order(
        self, quantities: dict[int, int] | None = None, *, total: int, coupon: str | None = None,
        linked: bool = False,
    ) -> Placed:  # fmt: skip
        """A paid order."""
        request = ARequest(
            self.store, self.buyer, total, quantities or {0: 1}, "", coupon,
            self.link if linked else None,
        ).build()  # fmt: skip
        (placed,) = await place_in(self.conn, requests=[request], at=self.now)
        assert isinstance(placed, Placed), placed
        await self.pay(placed)
        return placed

    async def pay(self, placed: Placed) -> None:
        payment = uuid4()
        row = {"id": payment, "checkout": placed.checkout_id, "ref": f"x_{payment.hex}",
               "amount": placed.total_minor, "at": self.now, "payer": self.buyer.person_id,
               "store": placed.store_id, "order": placed.order_id}  # fmt: skip
        await self.conn.execute(
            text("""
                INSERT INTO payments (id, checkout_id, payer_id, gateway, gateway_ref, currency,
                  amount_minor, state, started_at, captured_at)
                VALUES (:id, :checkout, :payer, 'sandbox', :ref, 'CNY', :amount, 'captured', :at,
                  :at)
            """),
            row,
        )
        await self.conn.execute(
            text("""
                INSERT INTO payment_parts (store_id, order_id, payment_id, amount_minor)
                VALUES (:store, :order, :id, :amount)
            """),
            row,
        )
        order = await lock_order(self.conn, store_id=placed.store_id, order_id=placed.order_id)
        await claim_part(
            self.conn, store_id=placed.store_id, order_id=placed.order_id, payment_id=payment,
            outcome="allocated", at=self.now,
        )  # fmt: skip
        await book_paid(self.conn, order=order, currency="CNY", at=self.now)

    async def shipped(self, placed: Placed, lines: dict[int, int]) -> None:
        await ship_order(
            self.conn, store_id=placed.store_id, order_id=placed.order_id, carrier="顺丰",
            tracking_no=uuid4().hex, lines=lines, at=self.now,
        )  # fmt: skip

    async def received(self, placed: Placed) -> None:
        await receive_order(
            self.conn, store_id=placed.store_id, order_id=placed.order_id, why="by_buyer",
            at=self.now,
        )  # fmt: skip

    async def final(self, placed: Placed) -> None:
        await finalise_order(
            self.conn, store_id=placed.store_id, order_id=placed.order_id, at=self.now
        )

    async def a_case(
        self, placed: Placed, kind: CaseKind, lines: dict[int, int] | None = None, *,
        amounts: dict[int, int] | None = None, reason: str = "not_as_described", key: str = "",
    ) -> Case:  # fmt: skip
        wish = Wish(kind=kind, reason=reason, body="", lines=lines or {1: 1}, amounts=amounts)
        return await open_case(
            self.conn, buyer_id=self.buyer.person_id, store_id=placed.store_id,
            order_id=placed.order_id, wish=wish, key=key or uuid4().hex, at=self.now,
        )  # fmt: skip

    def by_merchant(self, case: Case) -> Act:
        return Act(store_id=case.store_id, case_id=case.id, person_id=self.merchant, at=self.now)

    def by_buyer(self, case: Case) -> Act:
        buyer = self.buyer.person_id
        return Act(
            store_id=case.store_id, case_id=case.id, person_id=buyer, at=self.now, buyer_id=buyer
        )

    async def found(self, case: Case) -> Case:
        return await case_of(self.conn, store_id=case.store_id, case_id=case.id)

    async def until(self, at: datetime) -> None:
        """The clock goes on, and what is due happens."""
        self.now = at
        while await act_on_one(self.conn, at=at):
            pass

    async def order_state(self, placed: Placed) -> str:
        found: Any = await self.conn.scalar(
            text("SELECT state FROM orders WHERE store_id = :s AND id = :o"),
            {"s": placed.store_id, "o": placed.order_id},
        )
        return str(found)

    async def line(self, placed: Placed, line_no: int = 1) -> Any:
        found = await self.conn.execute(
            text("""
                SELECT * FROM order_lines
                WHERE store_id = :s AND order_id = :o AND line_no = :n
            """),
            {"s": placed.store_id, "o": OrderId(placed.order_id), "n": line_no},
        )
        return found.one()


async def a_world(conn: AsyncConnection, *, prices: tuple[int, ...] = (9_900,)) -> World:
    await the_rules(conn)
    store = await a_store(conn, prices=prices)
    link, creator = await a_link(conn, store)
    for funder, owner in (("platform", UUID(int=1)), ("creator", creator)):
        await a_coupon(
            conn, store, funder=funder, funder_org_id=owner, code=funder.upper(), quota=9
        )
    return World(conn, store, await a_buyer(conn), await a_person(conn), creator, link)
