"""Random lives of orders with their cases, refunds and payouts, in the real database. After every
sequence the books sum to zero, every fen is explained, stock is where its moves say, each open case
has its deadline and a closed one none, no deadline has acted twice, and a repeat has made nothing
new (promises 1, 2, 4, 7 and 12); freight insurance is what `case_cover.py` works out beside it.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from tests.aftersales.world import DAY, World
from tests.books import balances
from tests.factories import a_person
from tests.model.case_answers import ways_on
from tests.model.case_cover import Cover
from tests.model.undo import savepoint
from tests.settlement.payout_world import at_the_bank, pay_payee

from dougong.aftersales.queries import Case
from dougong.aftersales.rules import ENDED, MOVES, WITH_RETURN, CaseKind, CaseState
from dougong.base.errors import Refusal
from dougong.flows import case_deadlines, pay_out
from dougong.flows.insure_freight import WITH_CLAIM
from dougong.flows.place_orders import Placed
from dougong.flows.refund_lines import refund_lines
from dougong.reads import doctor_payouts_sql as payouts_sql
from dougong.reads.doctor_cases_sql import INSURANCE, MONEY, RESENT, WRONG
from dougong.reads.doctor_sql import ACCOUNTS, ESCROW, UNEXPLAINED
from dougong.reads.doctor_stock_sql import STOCK_DRIFT
from dougong.reads.explain import explain_order
from dougong.settlement.payout_rules import BankAnswer

KINDS = list(CaseKind)
Acts = dict[str, Callable[[], Awaitable[Any]]]


@dataclass(frozen=True)
class Bent:
    """What a sequence makes more of than chance would, so that what is deep down is reached."""

    share: int  # of a hundred sequences
    steps: int
    stages: tuple[int, int]  # its first order is shipped, received, final before the rest begins
    kinds: tuple[CaseKind, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)


RETURNS = tuple(kind for kind in CaseKind if kind in WITH_RETURN)
BENTS = (
    Bent(68, 6, (0, 3)),
    Bent(10, 9, (0, 2), weights={
        "open first": 26, "answer": 26, "refuse": 9, "offer a part": 3, "ask the platform": 9,
        "again": 0,
    }),
    Bent(12, 8, (1, 2), RETURNS, {
        "open first": 26, "answer": 26, "approve": 12, "accept damaged": 2,
    }),
    Bent(10, 8, (3, 3), weights={"pay": 8, "bank": 8, "operate": 12, "refund": 3}),
)  # fmt: skip
# Where a bent says nothing, and 1 where nothing is said.
USUAL = {"open": 2, "open first": 3, "wait": 2, "answer": 5, "bank": 2, "approve": 2}
PRICES = (3_333, 2_999)
COUPONS = ("PLATFORM", "CREATOR")


class Sequence:
    """One sequence of acts on one or two orders; `done` counts what was not refused."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        (self.bent,) = chance.choices(BENTS, [bent.share for bent in BENTS])
        self.cover = Cover(world, chance)
        self.orders: list[Placed] = []
        self.cases: list[Case] = []  # that are not known to have ended
        self.opened: set[UUID] = set()
        self.keyed: list[Callable[[], Awaitable[object]]] = []
        self.payouts: list[UUID] = []
        self.coupons: set[str] = set()
        self.shipped: list[Placed] = []
        self.price = PRICES[0]
        self.trace: list[str] = []
        self.done: Counter[str] = Counter()

    async def run(self) -> None:
        await self.cover.begin()
        await self.order()
        await self.advance(self.chance.randint(*self.bent.stages))
        if self.chance.random() < 0.3:
            await self.cheaper()
        for _ in range(self.bent.steps):
            _, act = self.choose(self.possible())
            await act()
        if self.bent.kinds:
            await self.pay_to(self.world.buyer.person_id)

    def possible(self) -> Acts:
        """What there is something for."""
        acts: Acts = {
            "refund": self.refund, "wait": self.wait, "pay": self.pay, "ship": self.ship,
            "receive": self.receive, "cheaper": self.cheaper, "change cover": self.change_cover,
        }  # fmt: skip
        acts["open" if self.cases else "open first"] = self.open
        acts |= {"answer": self.answer} if self.cases else {}
        acts |= {"bank": self.bank, "operate": self.operate} if self.payouts else {}
        acts |= {"again": self.again} if self.keyed else {}
        acts |= {"order": self.order} if len(self.orders) < 2 else {}
        return acts

    def choose(self, acts: Acts) -> tuple[str, Callable[[], Awaitable[Any]]]:
        weights = [self.bent.weights.get(name, USUAL.get(name, 1)) for name in acts]
        return self.chance.choices(list(acts.items()), weights)[0]

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
            self.cover.ordered(made.order_id)

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
        if case and case.id not in self.opened:
            self.cases.append(case)
            self.opened.add(case.id)

    def likely(self, placed: Placed) -> list[CaseKind]:
        """What a buyer has reason to ask for."""
        if placed in self.shipped and self.bent.kinds:
            return list(self.bent.kinds)
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
        """Somebody goes on with a case that is open."""
        while self.cases:
            case = await self.world.found(self.chance.choice(self.cases))
            if case.state not in ENDED:
                what, act = self.choose(ways_on(self.world, case, self.chance))
                await self.attempt(what, act)
                return
            self.cases = [one for one in self.cases if one.id != case.id]

    async def change_cover(self) -> None:
        await self.attempt("change cover", self.cover.change)

    async def refund(self) -> None:
        placed, minor = self.chance.choice(self.orders), self.chance.randint(1, 4_000)
        key = f"refund-{self.chance.random()}"
        made = await self.attempt(
            "refund",
            lambda: refund_lines(
                self.world.conn, store_id=placed.store_id, order_id=placed.order_id,
                amounts={1: minor}, reason="", asked_by=None, key=key, at=self.world.now,
            ),
            keyed=True,
        )  # fmt: skip
        self.done["refund after a payout"] += bool(made and self.payouts)

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
        payees = (self.world.store.org_id, self.world.creator, self.world.buyer.person_id)
        await self.pay_to(self.chance.choice(payees))

    async def pay_to(self, payee: UUID) -> None:
        store_id, now = self.world.store.store_id, self.world.now
        whose = {self.world.store.org_id: "merchant", self.world.creator: "creator"}
        purposes = [f"{whose.get(payee, 'buyer')}_payable"]

        def act() -> Awaitable[list[UUID]]:
            return pay_payee(
                self.world.conn, store_id=store_id, payee_id=payee, day=now.date(), at=now,
                purposes=purposes,
            )  # fmt: skip

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
        state = await conn.scalar(STATE, {"id": payout})
        act = self.chance.choice(OPERATED[state] if self.chance.random() < 0.8 else ANY_WAY)
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
        held = await balances(conn, store)
        assert sum(held.values()) == 0, self.trace
        for placed in self.orders:
            where = {"store_id": placed.store_id, "order_id": placed.order_id}
            assert (await explain_order(conn, **where)).residual_minor == 0, self.trace
        came_back = await self.check_moves()
        sent = {placed.order_id for placed in self.shipped}
        try:
            self.done += await self.cover.check(sent=sent, came_back=came_back, held=held)
        except AssertionError as error:
            raise AssertionError(self.trace) from error

    async def check_moves(self) -> set[UUID]:
        """Every move is allowed, and no deadline has acted twice. Answers the orders whose goods
        came back for a refund or an exchange before they were final."""
        acted: Counter[tuple[str, str]] = Counter()
        ways: dict[UUID, set[str]] = {}
        of_order: dict[UUID, UUID] = {}
        for row in await self.world.conn.execute(HISTORY, {"store": self.world.store.store_id}):
            if row.deadline:
                self.done[row.deadline] += 1
                continue
            before, after = CaseState(row.from_state), CaseState(row.to_state)
            assert after in MOVES[CaseKind(row.kind)][before], self.trace
            if row.side == "deadline":
                acted[row.case_id, row.from_state] += 1
                self.done["deadline of a case"] += 1
            if row.kind in WITH_CLAIM and not row.was_final:
                ways.setdefault(row.case_id, set()).add(row.to_state)
                of_order[row.case_id] = row.order_id
        assert max(acted.values(), default=0) <= 1, self.trace
        back = [one for one, to in ways.items() if "shipped_back" in to]
        return {of_order[one] for one in back if ways[one] & {"done", "to_resend"}}


CHECKS = (
    MONEY, WRONG, payouts_sql.MONEY, RESENT, INSURANCE, ESCROW, UNEXPLAINED, ACCOUNTS, STOCK_DRIFT,
)  # fmt: skip
STATE = text("SELECT state FROM payouts WHERE id = :id")
ANY_WAY: tuple[Callable[..., Awaitable[UUID | None]], ...] = (
    pay_out.hold, pay_out.release, pay_out.give_up, pay_out.retry,
)  # fmt: skip
# What an operator does where a payout stands.
OPERATED = {
    "booked": (pay_out.hold,), "held": (pay_out.release, pay_out.give_up), "sent": ANY_WAY,
    "confirmed": ANY_WAY, "returned": (pay_out.retry,),
}  # fmt: skip
# Every move of a case, and every deadline that has acted.
HISTORY = text("""
    SELECT c.kind, c.id AS case_id, c.order_id, c.was_final, m.from_state, m.to_state, m.side,
      NULL AS deadline
    FROM case_moves m JOIN cases c ON c.store_id = m.store_id AND c.id = m.case_id
    WHERE m.store_id = :store AND m.from_state IS NOT NULL
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, kind FROM deadlines
    WHERE store_id = :store AND outcome = 'acted'
""")
