"""H1: random lives of orders, in the real database and in a small model, compared at every step.

A fixed seed in the slow part; DOUGONG_TORTURE_EXAMPLES asks for more runs, then at random.
"""

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import text
from tests.books import balances, stock_of
from tests.crash.invariants import violations
from tests.factories import T0, ARequest, a_buyer, a_coupon, a_link, a_person, a_store, the_rules
from tests.model.shop_model import ModelLine, ModelOrder

from dougong.base.errors import Refusal
from dougong.base.ids import PLATFORM_BOOK, RuleId, new_id
from dougong.flows.close_order import cancel_by_buyer
from dougong.flows.deadlines import _act
from dougong.flows.order_for_books import line_money
from dougong.flows.pay import start_payment
from dougong.flows.payment_arrived import receive
from dougong.flows.place_orders import Placed, PlaceOrder, place_in
from dougong.flows.receive_order import confirm_receipt
from dougong.flows.refund_lines import refund_lines
from dougong.flows.ship_order import ship_order
from dougong.infra import clock, db
from dougong.infra.events import Deadline
from dougong.orders.rules import OrderState
from dougong.payments.adapters.sandbox import sign
from dougong.payments.rules import EventKind, GatewayEvent
from dougong.policy.commands import approve_rule, draft_rule
from dougong.policy.defaults import default_rules
from dougong.policy.queries import forget_book

PRICES = (9_900, 101, 333)
FUNDERS = ("merchant", "platform", "creator")
EXAMPLES = int(os.environ.get("DOUGONG_TORTURE_EXAMPLES", "0"))
Answer = TypeVar("Answer")


class Live:
    """One order in the database, beside its model."""

    def __init__(self, request: PlaceOrder, placed: Placed, model: ModelOrder, frozen: str) -> None:
        self.request, self.placed, self.model, self.frozen = request, placed, model, frozen
        self.charge: UUID | None = None
        self.refunds: dict[str, dict[int, int]] = {}


class Shop(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.orders: list[Live] = []
        self.unallocated = 0
        self.moved = timedelta(0)

    def run(self, act: Coroutine[Any, Any, Answer]) -> Answer:
        return self.runner.run(act)

    def teardown(self) -> None:
        self.run(db.dispose())
        clock.pin(timedelta(0))
        self.runner.close()

    @initialize()
    def open(self) -> None:
        self.run(self._open())

    async def _open(self) -> None:
        async with db.transaction() as conn:
            await the_rules(conn)
            self.store = await a_store(
                conn, prices=PRICES, on_hand=60, shipping_fee_minor=800, free_from_minor=20_000
            )
            self.buyer = await a_buyer(conn)
            self.link, self.creator = await a_link(conn, self.store)
            self.author, self.approver = await a_person(conn), await a_person(conn)
            owners = (self.store.org_id, PLATFORM_BOOK, self.creator)
            for funder, owner in zip(FUNDERS, owners, strict=True):
                await a_coupon(
                    conn, self.store, funder=funder, funder_org_id=owner, code=funder.upper(),
                    amount_off_minor=97, quota=3,
                )  # fmt: skip

    # acts --------------------------------------------------------------------------------

    @rule(
        quantities=st.dictionaries(st.integers(0, 2), st.integers(1, 4), min_size=1),
        coupon=st.sampled_from((None, "MERCHANT", "PLATFORM", "CREATOR")),
        linked=st.booleans(),
    )
    def place(self, quantities: dict[int, int], coupon: str | None, linked: bool) -> None:
        gross = sum(PRICES[n] * q for n, q in quantities.items())
        off = min(97, sum(PRICES[n] * q - 1 for n, q in quantities.items())) if coupon else 0
        total = gross - off + (0 if gross - off >= 20_000 else 800)
        link = self.link if linked else None
        made = ARequest(self.store, self.buyer, total, quantities, "", coupon, link).build()
        self.run(self._place(made))

    async def _place(self, request: PlaceOrder) -> None:
        async with db.transaction() as conn:
            (answer,) = await place_in(conn, requests=[request], at=await clock.refresh(conn))
        if not isinstance(answer, Placed):
            # Once a person for a coupon, and the stock has an end: nothing else refuses here.
            assert isinstance(answer, Refusal) and answer.code in ("sold_out", "coupon_refused")
            return
        frozen, rows = await self._facts(answer)
        lines = {
            row.line_no: ModelLine(
                line_money(row),
                self.store.skus.index(row.sku_id) if row.sku_id else None,
                row.quantity,
            )
            for row in rows
        }
        self.orders.append(Live(request, answer, ModelOrder(lines), frozen))

    @precondition(lambda self: self.orders)
    @rule(which=st.integers(0, 99), how=st.sampled_from(("once", "twice", "declined", "wrong")))
    def pay(self, which: int, how: str) -> None:
        live = self.orders[which % len(self.orders)]
        self.run(self._pay(live, how))

    async def _pay(self, live: Live, how: str) -> None:
        placed = live.placed
        if live.charge is None:
            try:
                started = await start_payment(
                    checkout_id=placed.checkout_id, buyer_id=self.buyer.person_id, return_url="/"
                )
            except Refusal as refusal:
                assert refusal.code == "nothing_to_pay" and live.model.state != OrderState.PLACED
                return
            live.charge = UUID(started.pay_url.rsplit("/", 1)[1])
        total = placed.total_minor
        if how == "wrong":
            await self._told(live, EventKind.CAPTURED, total - 1, "wrong")
            return
        if how == "declined":
            await self._told(live, EventKind.DECLINED, total, "declined")
        for _ in range(2 if how == "twice" else 1):
            await self._told(live, EventKind.CAPTURED, total, "captured")

    async def _told(self, live: Live, kind: EventKind, amount: int, name: str) -> None:
        assert live.charge is not None
        reference = f"sb_{live.charge.hex}"
        event = GatewayEvent(f"evt_{name}_{reference}", kind, reference, amount, "CNY", clock.now())
        signed = sign(event)
        await receive(code="sandbox", body=signed.body, headers=signed.headers)
        if name == "wrong" and "wrong" not in live.model.keys:
            live.model.keys.add("wrong")
            self.unallocated += amount
        if name == "captured" and "captured" not in live.model.keys:
            live.model.keys.add("captured")
            if not live.model.pay():
                self.unallocated += amount

    @precondition(lambda self: self.orders)
    @rule(which=st.integers(0, 99), act=st.sampled_from(("cancel", "confirm")))
    def buyer_acts(self, which: int, act: str) -> None:
        live = self.orders[which % len(self.orders)]
        flow = {"cancel": cancel_by_buyer, "confirm": confirm_receipt}[act]
        needed = {"cancel": OrderState.PLACED, "confirm": OrderState.SHIPPED}[act]

        async def run() -> None:
            async with db.transaction() as conn:
                await flow(
                    conn, buyer_id=self.buyer.person_id, store_id=self.store.store_id,
                    order_id=live.placed.order_id, at=await clock.refresh(conn),
                )  # fmt: skip

        if self.is_done(run(), live.model.state is needed):
            live.model.move({"cancel": OrderState.CANCELLED, "confirm": OrderState.RECEIVED}[act])

    def is_done(self, act: Coroutine[Any, Any, None], expected: bool) -> bool:
        """Run it; it must be refused exactly when the model says so."""
        try:
            self.run(act)
        except Refusal:
            assert not expected
            return False
        assert expected
        return True

    @precondition(lambda self: self.orders)
    @rule(which=st.integers(0, 99), most=st.integers(1, 5))
    def ship(self, which: int, most: int) -> None:
        live = self.orders[which % len(self.orders)]
        left = {n: min(most, li.to_ship) for n, li in live.model.lines.items() if li.to_ship}
        assume(left)

        async def run() -> None:
            async with db.transaction() as conn:
                await ship_order(
                    conn, store_id=self.store.store_id, order_id=live.placed.order_id,
                    carrier="顺丰", tracking_no=new_id().hex, lines=left,
                    at=await clock.refresh(conn),
                )  # fmt: skip

        may = live.model.state in (OrderState.PAID, OrderState.PART_SHIPPED)
        if self.is_done(run(), may):
            live.model.ship(left)

    @precondition(lambda self: self.orders)
    @rule(which=st.integers(0, 99), bp=st.integers(1, 11_000), key=st.sampled_from("abc"))
    def refund(self, which: int, bp: int, key: str) -> None:
        """Of every line with money left, a share (above 100 %: too much); a key may come back."""
        live = self.orders[which % len(self.orders)]
        left = {n: li.left_minor for n, li in live.model.lines.items() if li.left_minor}
        amounts = {n: max(1, minor * bp // 10_000) for n, minor in left.items()}
        assume(amounts)
        if key in live.refunds:
            amounts = live.refunds[key]
        may = key in live.refunds or (
            live.model.was_paid and all(a <= left[n] for n, a in amounts.items())
            and live.model.state not in (OrderState.REFUNDED, OrderState.CANCELLED)
        )  # fmt: skip

        async def run() -> None:
            async with db.transaction() as conn:
                await refund_lines(
                    conn, store_id=self.store.store_id, order_id=live.placed.order_id,
                    amounts=amounts, reason="model", asked_by=None,
                    key=f"{live.placed.order_id}-{key}", at=await clock.refresh(conn),
                )  # fmt: skip

        if self.is_done(run(), may) and key not in live.refunds:
            live.refunds[key] = amounts
            live.model.refund(amounts)

    @precondition(lambda self: self.orders)
    @rule(which=st.integers(0, 99))
    def ask_again(self, which: int) -> None:
        """Any earlier request comes back: the same answer, whatever has happened since."""
        live = self.orders[which % len(self.orders)]

        async def run() -> None:
            async with db.transaction() as conn:
                (answer,) = await place_in(
                    conn, requests=[live.request], at=await clock.refresh(conn)
                )
                assert answer == live.placed

        self.run(run())

    @rule(rate_bp=st.integers(0, 2_000))
    def change_a_rule(self, rate_bp: int) -> None:
        """A fee rule for this store alone, from now on: what was agreed before stays."""
        self.run(self._change_a_rule(rate_bp))

    async def _change_a_rule(self, rate_bp: int) -> None:
        template = next(r for r in default_rules() if r.kind == "platform_service_fee")
        facts = {f: getattr(template, f) for f in template.__struct_fields__}
        rule_id, starts = RuleId(new_id()), clock.now()
        facts |= {"id": rule_id, "value": rate_bp, "party": str(self.store.org_id)}
        facts |= {"starts": starts, "ends": starts + timedelta(hours=1), "announced_at": starts}
        try:
            async with db.transaction() as conn:
                draft = type(template)(**facts)
                await draft_rule(conn, rule=draft, author_id=self.author, at=starts)
                await approve_rule(conn, rule_id=rule_id, approver_id=self.approver, at=starts)
        except Refusal as refusal:
            assert refusal.code == "rule_overlaps", refusal.code
        forget_book()

    @rule(hours=st.sampled_from((0, 1, 24 * 4, 24 * 16)))
    def time_passes(self, hours: int) -> None:
        """The clock jumps, and what was due happens, each once."""
        self.moved += timedelta(hours=hours, minutes=20)
        clock.pin(self.moved)
        for live in self.orders:
            self.run(self._due(live))

    async def _due(self, live: Live) -> None:
        to = {"pay_by": OrderState.CANCELLED, "receive_by": OrderState.RECEIVED}
        to["final_at"] = OrderState.FINAL
        store_id, order_id = self.store.store_id, live.placed.order_id
        for _ in range(3):
            async with db.transaction() as conn:
                kind = await conn.scalar(DUE, {"s": store_id, "o": order_id, "at": clock.now()})
                if kind is None:
                    return
                await _act(conn, Deadline(store_id, kind, order_id), at=clock.now())
                await conn.execute(DONE, {"s": store_id, "o": order_id, "k": kind, "at": T0})
            live.model.move(to[kind])

    # what must hold after every step -------------------------------------------------------

    @invariant()
    def books_stock_and_facts(self) -> None:
        if hasattr(self, "store"):
            self.run(self._check())

    async def _check(self) -> None:
        async with db.transaction() as conn:
            assert await violations(conn, [self.store.store_id]) == {}
            found = await balances(conn, self.store.store_id)
            stock = [await stock_of(conn, self.store.store_id, s) for s in self.store.skus]
            states = {r.id: r.state for r in await conn.execute(STATES, self._own())}
            kept = int(await conn.scalar(UNALLOCATED, self._own()) or 0)
        assert sum(found.values()) == 0
        by_purpose: Counter[str] = Counter()
        for (_, purpose), minor in found.items():
            by_purpose[purpose] += minor
        expected: Counter[str] = Counter()
        reserved: Counter[int] = Counter()
        shipped: Counter[int] = Counter()
        for live in self.orders:
            for purpose, minor in live.model.balances().items():
                expected[purpose] += minor
            reserved.update(live.model.reserved())
            for line in live.model.lines.values():
                if line.sku is not None:
                    shipped[line.sku] += line.shipped
        assert {k: v for k, v in by_purpose.items() if v} == {
            k: v for k, v in expected.items() if v
        }
        assert stock == [(60 - shipped[n], reserved[n]) for n in range(len(PRICES))]
        assert states == {o.placed.order_id: o.model.state for o in self.orders}
        assert kept == self.unallocated
        for live in self.orders[-3:]:
            assert (await self._facts(live.placed))[0] == live.frozen

    def _own(self) -> dict[str, Any]:
        return {"s": self.store.store_id, "b": self.buyer.person_id}

    async def _facts(self, placed: Placed) -> tuple[str, list[Any]]:
        """Digest of what was frozen, and the lines."""
        async with db.transaction() as conn:
            order = (await conn.execute(FROZEN, {"s": placed.store_id, "o": placed.order_id})).one()
            rows = (await conn.execute(LINES, {"s": placed.store_id, "o": placed.order_id})).all()
        still = [tuple(v for k, v in row._mapping.items() if k not in CHANGING) for row in rows]
        return hashlib.sha256(repr((tuple(order), still)).encode()).hexdigest(), list(rows)


CHANGING = {"refunded_minor", "shipped_quantity", "returned_quantity"}
FROZEN = text("""
    SELECT number, checkout_id, buyer_id, idempotency_key, currency, goods_minor, discount_minor,
      shipping_minor, total_minor, address, coupon_id, receive_within_s, after_sales_window_s,
      placed_at, pay_by
    FROM orders WHERE store_id = :s AND id = :o
""")
LINES = text("SELECT * FROM order_lines WHERE store_id = :s AND order_id = :o ORDER BY line_no")
STATES = text("SELECT id, state FROM orders WHERE store_id = :s AND buyer_id = :b")
UNALLOCATED = text("""
    SELECT sum(u.amount_minor) FROM unallocated_money u
    JOIN payments p ON p.id = u.payment_id WHERE p.payer_id = :b
""")
DUE = text("""
    SELECT kind FROM deadlines WHERE store_id = :s AND subject_id = :o AND done_at IS NULL
      AND due_at <= :at
""")
DONE = text("""
    UPDATE deadlines SET done_at = :at, outcome = 'acted'
    WHERE store_id = :s AND subject_id = :o AND kind = :k AND done_at IS NULL
""")

Shop.TestCase.settings = settings(
    max_examples=EXAMPLES or 25,
    stateful_step_count=30,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
@pytest.mark.money
@pytest.mark.timeout(600 + 10 * EXAMPLES)
def test_every_life_of_an_order_agrees_with_the_model(own_database: None) -> None:
    Shop.TestCase().runTest()
