"""Random lives of orders with their cases, refunds and payouts, in the real database. After every
sequence the books sum to zero, every fen is explained, each open case has its deadline and a closed
one none, and a repeat has made nothing new (promises 1, 2, 4, 7 and 12).

Sequences run one after another over one store, each on orders of its own and rolled back, so that
thousands of them fit into minutes. Always the same ones in the slow part; DOUGONG_TORTURE_EXAMPLES
asks for more, then at random.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.aftersales.world import DAY, START, World, a_world
from tests.books import balances
from tests.factories import a_person
from tests.settlement.payout_world import at_the_bank, pay_payee

from dougong.aftersales.queries import Case
from dougong.aftersales.rules import (
    MOVES,
    Bearer,
    CaseKind,
    CaseState,
    Inspection,
    RulingOutcome,
    Side,
)
from dougong.aftersales.ruling_commands import Ruling
from dougong.base.errors import Refusal
from dougong.flows import answer_case, pay_out, return_case, rule_case
from dougong.flows.place_orders import Placed
from dougong.flows.refund_lines import refund_lines
from dougong.infra import db
from dougong.reads import doctor_payouts_sql as payouts_sql
from dougong.reads.doctor_cases_sql import MONEY, RESENT, WRONG
from dougong.reads.doctor_sql import ESCROW, UNEXPLAINED
from dougong.reads.explain import explain_order
from dougong.settlement.payout_rules import BankAnswer
from dougong.supply.stock_commands import receive_units
from dougong.supply.stock_rules import Received
from dougong.supply.warehouse_commands import default_warehouse

EXAMPLES = int(os.environ.get("DOUGONG_TORTURE_EXAMPLES", "0"))
SEQUENCES = EXAMPLES or 400
STEPS = 7
KINDS = list(CaseKind)
COUPONS = ("PLATFORM", "CREATOR")
SHIP = {"carrier": "顺丰", "tracking_no": "SF000001"}


class Sequence:
    """One sequence of acts on one or two orders."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.orders: list[Placed] = []
        self.cases: list[Case] = []
        self.done: list[Callable[[], Awaitable[object]]] = []
        self.payouts: list[UUID] = []
        self.coupons: set[str] = set()

    async def run(self) -> None:
        await self.order()
        acts = (
            self.ship, self.ship, self.receive, self.open, self.open, self.open, self.answer,
            self.answer, self.answer, self.answer, self.refund, self.wait, self.wait, self.pay,
            self.bank, self.operate, self.again, self.order,
        )  # fmt: skip
        for _ in range(STEPS):
            await self.chance.choice(acts)()

    async def attempt(self, act: Callable[[], Awaitable[Any]], *, keyed: bool = False) -> Any:
        """A refusal changes nothing. `keyed`: the same again must change nothing either."""
        try:
            async with self.world.conn.begin_nested():
                found = await act()
        except Refusal:
            return None
        if keyed:
            self.done.append(act)
        return found

    async def order(self) -> None:
        if len(self.orders) == 2:
            return
        quantity = self.chance.randint(1, 3)
        left = [code for code in COUPONS if code not in self.coupons]  # one a person
        coupon = self.chance.choice((None, None, *left))
        total = 3_333 * quantity - (1_000 if coupon else 0)
        made = await self.attempt(
            lambda: self.world.an_order(
                {0: quantity}, total=total, coupon=coupon, linked=self.chance.random() < 0.5
            )
        )
        if made:
            self.orders.append(made)
            self.coupons.add(coupon or "")

    async def ship(self) -> None:
        placed = self.chance.choice(self.orders)
        await self.attempt(lambda: self.world.shipped(placed, {1: self.chance.randint(1, 2)}))

    async def receive(self) -> None:
        placed = self.chance.choice(self.orders)
        await self.attempt(lambda: self.world.received(placed))

    async def open(self) -> None:
        placed, kind = self.chance.choice(self.orders), self.chance.choice(KINDS)
        units, key = self.chance.randint(1, 2), f"case-{self.chance.random()}"
        amounts = {1: self.chance.randint(1, 3_000)} if self.chance.random() < 0.3 else None
        case = await self.attempt(
            lambda: self.world.a_case(placed, kind, {1: units}, amounts=amounts, key=key),
            keyed=True,
        )
        if case and case.id not in [one.id for one in self.cases]:
            self.cases.append(case)

    async def answer(self) -> None:
        if not self.cases:
            return
        case = await self.world.found(self.chance.choice(self.cases))
        m, b = self.world.by_merchant(case), self.world.by_buyer(case)
        conn, part = self.world.conn, self.chance.randint(1, max(1, case.asked_minor))
        finding = self.chance.choice((Inspection.AS_NEW, Inspection.DAMAGED))
        ways: dict[CaseState, list[Callable[[], Awaitable[object]]]] = {
            CaseState.ASKED: [
                lambda: answer_case.approve(conn, m),
                lambda: answer_case.approve(conn, m),
                lambda: answer_case.refuse(conn, m, note="x"),
                lambda: answer_case.offer_part(conn, m, amount_minor=part, note="x"),
                lambda: answer_case.withdraw(conn, b),
            ],
            CaseState.OFFERED: [
                lambda: answer_case.take_offer(conn, b),
                lambda: answer_case.ask_platform(conn, b, question="x"),
            ],
            CaseState.REFUSED: [
                lambda: answer_case.ask_platform(conn, b, question="x"),
                lambda: answer_case.approve(conn, m),
            ],
            CaseState.TO_SHIP_BACK: [lambda: return_case.ship_back(conn, b, **SHIP)],
            CaseState.SHIPPED_BACK: [lambda: return_case.receive_back(conn, m)],
            CaseState.RECEIVED: [
                lambda: return_case.accept_goods(conn, m, inspection=finding),
                lambda: return_case.reject_goods(
                    conn, m, inspection=Inspection.WRONG_GOODS, note="x"
                ),
            ],
            CaseState.TO_RESEND: [
                lambda: return_case.send_again(conn, m, **SHIP),
                lambda: return_case.refund_instead(conn, m),
            ],
            CaseState.RESENT: [lambda: return_case.confirm_sent(conn, b)],
            CaseState.ARBITRATION: [lambda: rule_case.rule(conn, m, self.ruling(case))],
            CaseState.RULED: [lambda: rule_case.appeal(conn, b, side=Side.BUYER, note="x")],
            CaseState.APPEALED: [lambda: rule_case.rule_again(conn, m, self.ruling(case))],
        }
        if possible := ways.get(case.state):
            await self.attempt(self.chance.choice(possible))

    def ruling(self, case: Case) -> Ruling:
        granted = self.chance.choice((0, 1, max(1, case.asked_minor)))
        outcome = RulingOutcome.REFUND if granted else RulingOutcome.NOTHING
        bearer = self.chance.choice((Bearer.MERCHANT, Bearer.PLATFORM, Bearer.CARRIER))
        return Ruling(
            question="x", outcome=outcome, granted_minor=granted, bearer=bearer, reason="x"
        )

    async def refund(self) -> None:
        placed, minor = self.chance.choice(self.orders), self.chance.randint(1, 4_000)
        key = f"refund-{self.chance.random()}"
        await self.attempt(
            lambda: refund_lines(
                self.world.conn, store_id=placed.store_id, order_id=placed.order_id,
                amounts={1: minor}, reason="", asked_by=None, key=key, at=self.world.now,
            ),
            keyed=True,
        )  # fmt: skip

    async def wait(self) -> None:
        await self.world.until(self.world.now + self.chance.choice((1, 2, 3, 7)) * DAY)

    async def pay(self) -> None:
        payee, now = (
            self.chance.choice((self.world.store.org_id, self.world.creator)),
            self.world.now,
        )
        store_id = self.world.store.store_id

        def act() -> Awaitable[list[UUID]]:
            return pay_payee(
                self.world.conn, store_id=store_id, payee_id=payee, day=now.date(), at=now
            )

        if made := await self.attempt(act):
            self.payouts += made
            self.done.append(act)

    async def bank(self) -> None:
        if not self.payouts:
            return
        payout, conn = self.chance.choice(self.payouts), self.world.conn
        store, now = self.world.store.store_id, self.world.now
        await at_the_bank(conn, payout, at=now)
        state = self.chance.choice(("confirmed", "returned"))
        answer = BankAnswer(payout, state, payout.hex if state == "confirmed" else "", "x")
        await self.attempt(
            lambda: pay_out.bank_says(conn, store_id=store, answer=answer, at=now), keyed=True
        )

    async def operate(self) -> None:
        """An operator holds, releases, gives up or tries again."""
        if not self.payouts:
            return
        payout, conn = self.chance.choice(self.payouts), self.world.conn
        by = await a_person(conn)
        act = self.chance.choice((pay_out.hold, pay_out.release, pay_out.give_up, pay_out.retry))
        named = {"store_id": self.world.store.store_id, "payout_id": payout, "by": by}
        named |= {"why": "x"} if act in (pay_out.hold, pay_out.give_up) else {}
        made = await self.attempt(lambda: act(conn, **named, at=self.world.now))
        self.payouts += [made] if isinstance(made, UUID) else []

    async def again(self) -> None:
        """Any earlier act comes once more: refused, or the same answer; no second effect."""
        if not self.done:
            return
        before = await balances(self.world.conn, self.world.store.store_id)
        try:
            async with self.world.conn.begin_nested():
                await self.chance.choice(self.done)()
        except Refusal:
            pass
        assert await balances(self.world.conn, self.world.store.store_id) == before

    async def check(self) -> None:
        conn = self.world.conn
        for asked in (MONEY, WRONG, payouts_sql.MONEY, RESENT, ESCROW, UNEXPLAINED):
            assert (await conn.execute(asked)).all() == [], asked
        assert sum((await balances(conn, self.world.store.store_id)).values()) == 0
        for placed in self.orders:
            where = {"store_id": placed.store_id, "order_id": placed.order_id}
            assert (await explain_order(conn, **where)).residual_minor == 0
        moves = await conn.execute(
            text("""
                SELECT c.kind, m.from_state, m.to_state FROM case_moves m
                JOIN cases c ON c.store_id = m.store_id AND c.id = m.case_id
                WHERE m.store_id = :store AND m.from_state IS NOT NULL
            """),
            {"store": self.world.store.store_id},
        )
        for row in moves:
            assert CaseState(row.to_state) in MOVES[CaseKind(row.kind)][CaseState(row.from_state)]


class Runs:
    """Runs sequences over one world, each in a transaction of its own that is never kept: what it
    wrote is dead at once, and the next one does not have to step over it."""

    async def begin(self) -> None:
        async with db.transaction() as conn:
            self.world = await a_world(conn, prices=(3_333,))
            await self._costed(conn)
        self.conn = self.world.conn = await db.engine().connect()

    async def _costed(self, conn: AsyncConnection) -> None:
        """Some of the units cost an odd amount, so that a share of them leaves a remainder."""
        store_id = self.world.store.store_id
        await receive_units(
            conn, store_id=store_id, about_kind="receipt", about_id=None, key="costed",
            warehouse_id=await default_warehouse(conn, store_id=store_id, at=START),
            lines=[Received(self.world.store.skus[0], n, cost) for n, cost in ((3, 777), (4, 500))],
            at=START, by_id=None,
        )  # fmt: skip

    async def one(self, chance: random.Random) -> None:
        self.world.now = START
        undo = await self.conn.begin()
        try:
            made = Sequence(self.world, chance)
            await made.run()
            await made.check()
        finally:
            await undo.rollback()

    async def end(self) -> None:
        await self.conn.close()
        await db.dispose()


@pytest.mark.slow
@pytest.mark.money
@pytest.mark.timeout(3_600 + EXAMPLES)
def test_every_sequence_of_cases_refunds_and_payouts_leaves_the_books_whole(
    own_database: None,
) -> None:
    runs = Runs()
    with asyncio.Runner() as runner:
        runner.run(runs.begin())

        @settings(
            max_examples=SEQUENCES, derandomize=not EXAMPLES, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(chance=st.randoms(use_true_random=False))
        def every(chance: random.Random) -> None:
            runner.run(runs.one(chance))

        try:
            every()
        finally:
            runner.run(runs.end())
