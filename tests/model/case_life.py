"""Random lives of orders with their cases, refunds and payouts, in the real database. After every
sequence the books sum to zero, every fen is explained, stock is where its moves say, each open case
has its deadline and a closed one none, no deadline has acted twice, and a repeat has made nothing
new (promises 1, 2, 4, 7 and 12).
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy import text
from tests.aftersales.world import DAY, World
from tests.books import balances
from tests.factories import a_person
from tests.model.undo import savepoint
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
from dougong.flows import answer_case, case_deadlines, pay_out, return_case, rule_case
from dougong.flows.place_orders import Placed
from dougong.flows.refund_lines import refund_lines
from dougong.reads import doctor_payouts_sql as payouts_sql
from dougong.reads.doctor_cases_sql import MONEY, RESENT, WRONG
from dougong.reads.doctor_sql import ACCOUNTS, ESCROW, UNEXPLAINED
from dougong.reads.doctor_stock_sql import STOCK_DRIFT
from dougong.reads.explain import explain_order
from dougong.settlement.payout_rules import BankAnswer

STEPS = 6
KINDS = list(CaseKind)
PRICES = (3_333, 2_999)
COUPONS = ("PLATFORM", "CREATOR")
SHIP = {"carrier": "顺丰", "tracking_no": "SF000001"}


class Sequence:
    """One sequence of acts on one or two orders; `done` counts what was not refused."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.orders: list[Placed] = []
        self.cases: list[Case] = []
        self.keyed: list[Callable[[], Awaitable[object]]] = []
        self.payouts: list[UUID] = []
        self.coupons: set[str] = set()
        self.shipped: list[Placed] = []
        self.price = PRICES[0]
        self.trace: list[str] = []
        self.done: Counter[str] = Counter()

    async def run(self) -> None:
        await self.order()
        await self.advance(self.chance.randint(0, 3))
        if self.chance.random() < 0.3:
            await self.cheaper()
        for _ in range(STEPS):
            await self.chance.choice(self.possible())()

    def possible(self) -> list[Callable[[], Awaitable[None]]]:
        """What there is something for, the usual more often."""
        acts = [self.open, self.open, self.refund, self.wait, self.wait, self.pay, self.ship]
        acts += [self.receive, self.cheaper]
        acts += [self.answer] * 5 if self.cases else [self.open]
        acts += [self.bank, self.bank, self.operate] if self.payouts else []
        acts += [self.again] if self.keyed else []
        acts += [self.order] if len(self.orders) < 2 else []
        return acts

    async def attempt(
        self, what: str, act: Callable[[], Awaitable[Any]], *, keyed: bool = False
    ) -> Any:
        """A refusal changes nothing. `keyed`: the same again must change nothing either."""
        try:
            with savepoint(self.world.conn):
                found = await act()
        except Refusal as refusal:
            self.trace.append(f"{what}: {refusal.code}")
            return None
        self.trace.append(what)
        self.done[what] += 1
        if keyed:
            self.keyed.append(act)
        return found

    async def order(self) -> None:
        quantity = self.chance.randint(1, 3)
        left = [code for code in COUPONS if code not in self.coupons]  # one a person
        coupon = self.chance.choice((None, None, *left))
        total = self.price * quantity - (1_000 if coupon else 0)
        made = await self.attempt(
            "order",
            lambda: self.world.an_order(
                {0: quantity}, total=total, coupon=coupon, linked=self.chance.random() < 0.5
            ),
        )
        if made:
            self.orders.append(made)
            self.coupons.add(coupon or "")

    async def advance(self, stages: int) -> None:
        """The first order is shipped, received and final before the rest begins, or not so far."""
        world, (placed,) = self.world, self.orders
        whole = int((await world.line(placed)).quantity)
        if stages > 0:
            await self.send(placed, whole)
        if stages > 1:
            await self.attempt("receive", lambda: world.received(placed))
        if stages > 2:
            await self.days(8)

    async def ship(self) -> None:
        placed = self.chance.choice(self.orders)
        await self.send(placed, self.chance.randint(1, 2))

    async def send(self, placed: Placed, units: int) -> None:
        before = self.done["ship"]
        await self.attempt("ship", lambda: self.world.shipped(placed, {1: units}))
        if self.done["ship"] > before:
            self.shipped.append(placed)

    async def receive(self) -> None:
        placed = self.chance.choice(self.orders)
        await self.attempt("receive", lambda: self.world.received(placed))

    async def open(self) -> None:
        placed = self.chance.choice(self.orders)
        kinds = KINDS if self.chance.random() < 0.3 else self.likely(placed)
        kind = self.chance.choice(kinds)
        units, key = self.chance.randint(1, 2), f"case-{self.chance.random()}"
        amounts = {1: self.chance.randint(1, 3_000)} if self.chance.random() < 0.3 else None
        case = await self.attempt(
            kind.value,
            lambda: self.world.a_case(placed, kind, {1: units}, amounts=amounts, key=key),
            keyed=True,
        )
        if case and case.id not in [one.id for one in self.cases]:
            self.cases.append(case)

    def likely(self, placed: Placed) -> list[CaseKind]:
        """What a buyer has reason to ask for."""
        if placed in self.shipped:
            return [kind for kind in KINDS if kind is not CaseKind.REFUND_UNSHIPPED]
        return [CaseKind.REFUND_UNSHIPPED, CaseKind.PRICE_PROTECTION]

    async def cheaper(self) -> None:
        """The price falls: what was paid more may be asked back."""
        self.price = PRICES[1]
        await self.world.conn.execute(
            text("UPDATE skus SET price_minor = :price WHERE store_id = :store"),
            {"price": self.price, "store": self.world.store.store_id},
        )

    async def answer(self) -> None:
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
            await self.attempt(f"answer {case.state.value}", self.chance.choice(possible))

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
            "refund",
            lambda: refund_lines(
                self.world.conn, store_id=placed.store_id, order_id=placed.order_id,
                amounts={1: minor}, reason="", asked_by=None, key=key, at=self.world.now,
            ),
            keyed=True,
        )  # fmt: skip

    async def wait(self) -> None:
        await self.days(self.chance.choice((1, 2, 3, 7)))

    async def days(self, count: int) -> None:
        """Days pass, and what is due happens: as the job does it, or each deadline by itself."""
        at = self.world.now + count * DAY
        many = self.chance.random() < 0.5
        self.trace.append(f"{count} days, {'many' if many else 'one'} at once")
        while many and await case_deadlines.act_on_many(self.world.conn, at=at):
            pass
        await self.world.until(at)

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

        if made := await self.attempt("pay what is owed", act):
            self.payouts += made
            self.done["payout"] += len(made)
            self.keyed.append(act)

    async def bank(self) -> None:
        payout, conn = self.chance.choice(self.payouts), self.world.conn
        store, now = self.world.store.store_id, self.world.now
        await at_the_bank(conn, payout, at=now)
        state = self.chance.choice(("confirmed", "returned"))
        answer = BankAnswer(payout, state, payout.hex if state == "confirmed" else "", "x")
        await self.attempt(
            f"bank: {state}",
            lambda: pay_out.bank_says(conn, store_id=store, answer=answer, at=now),
            keyed=True,
        )

    async def operate(self) -> None:
        """An operator holds, releases, gives up or tries again."""
        payout, conn = self.chance.choice(self.payouts), self.world.conn
        by = await a_person(conn)
        act = self.chance.choice((pay_out.hold, pay_out.release, pay_out.give_up, pay_out.retry))
        named = {"store_id": self.world.store.store_id, "payout_id": payout, "by": by}
        named |= {"why": "x"} if act in (pay_out.hold, pay_out.give_up) else {}
        made = await self.attempt(act.__name__, lambda: act(conn, **named, at=self.world.now))
        self.payouts += [made] if isinstance(made, UUID) else []

    async def again(self) -> None:
        """Any earlier act comes once more: refused, or the same answer; no second effect."""
        before = await balances(self.world.conn, self.world.store.store_id)
        await self.attempt("again", self.chance.choice(self.keyed))
        assert await balances(self.world.conn, self.world.store.store_id) == before

    async def check(self) -> None:
        conn, store = self.world.conn, self.world.store.store_id
        for asked in CHECKS:
            wrong = [row for row in await conn.execute(asked) if row.found]
            assert not wrong, (wrong, self.trace)
        assert sum((await balances(conn, store)).values()) == 0, self.trace
        for placed in self.orders:
            where = {"store_id": placed.store_id, "order_id": placed.order_id}
            assert (await explain_order(conn, **where)).residual_minor == 0, self.trace
        acted: Counter[tuple[str, str]] = Counter()
        for row in await conn.execute(HISTORY, {"store": store}):
            if row.deadline:
                self.done[row.deadline] += 1
                continue
            before, after = CaseState(row.from_state), CaseState(row.to_state)
            assert after in MOVES[CaseKind(row.kind)][before], self.trace
            if row.side == "deadline":
                acted[row.case_id, row.from_state] += 1
                self.done["deadline of a case"] += 1
        assert max(acted.values(), default=0) <= 1, self.trace


CHECKS = (MONEY, WRONG, payouts_sql.MONEY, RESENT, ESCROW, UNEXPLAINED, ACCOUNTS, STOCK_DRIFT)
# Every move of a case, and every deadline that has acted.
HISTORY = text("""
    SELECT c.kind, c.id::text AS case_id, m.from_state, m.to_state, m.side, NULL AS deadline
    FROM case_moves m JOIN cases c ON c.store_id = m.store_id AND c.id = m.case_id
    WHERE m.store_id = :store AND m.from_state IS NOT NULL
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL, kind FROM deadlines
    WHERE store_id = :store AND outcome = 'acted'
""")
