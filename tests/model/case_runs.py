"""Runs thousands of random lives of orders (`case_life.py`) over one store, one by one, each on
orders of its own and rolled back.

Always the same ones in the slow part, in two files so that two workers share them;
DOUGONG_TORTURE_EXAMPLES asks for more, then at random. At the end each kind of act must have
happened as often as `FLOORS` says.
"""

import asyncio
import os
import random
from collections import Counter

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.aftersales.world import START, a_world
from tests.crash.invariants import doctor_finds
from tests.model.case_cover import OFFERS, offer
from tests.model.case_life import PRICES, Sequence
from tests.model.undo import alone, undone
from tests.settlement.payout_world import some_terms, with_account

from dougong.aftersales.rules import CaseKind
from dougong.infra import db
from dougong.supply.stock_commands import receive_units
from dougong.supply.stock_rules import Received
from dougong.supply.warehouse_commands import default_warehouse

EXAMPLES = int(os.environ.get("DOUGONG_TORTURE_EXAMPLES", "0"))
SEQUENCES = EXAMPLES or 1_000  # in each of the two files
WHOLE_DOCTOR_EVERY = 100


class Runs:
    """Runs sequences over one world, each in a transaction of its own that is never kept: what it
    wrote is dead at once, and the next one does not have to step over it."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.different: set[tuple[str, ...]] = set()

    async def begin(self) -> None:
        async with db.transaction() as conn:
            self.world = await a_world(conn, prices=PRICES[:1])
            await self._costed(conn)
            await offer(conn, self.world, OFFERS[0])
            await self._payees(conn)
        self.conn = self.world.conn = await db.engine().connect()
        await self.conn.begin()
        alone(self.conn)

    async def _costed(self, conn: AsyncConnection) -> None:
        """Some of the units cost an odd amount, so that a share of them leaves a remainder."""
        store_id = self.world.store.store_id
        await receive_units(
            conn, store_id=store_id, about_kind="receipt", about_id=None, key="costed",
            warehouse_id=await default_warehouse(conn, store_id=store_id, at=START),
            lines=[Received(self.world.store.skus[0], n, cost) for n, cost in ((3, 777), (4, 500))],
            at=START, by_id=None,
        )  # fmt: skip

    async def _payees(self, conn: AsyncConnection) -> None:
        """Whom the store may owe have accounts, and there are terms."""
        await some_terms(conn, at=START)
        world = self.world
        for payee in (world.store.org_id, world.creator, world.buyer.person_id):
            await with_account(conn, payee, at=START)

    async def one(self, chance: random.Random) -> None:
        self.world.now = START
        with undone(self.conn):
            made = Sequence(self.world, chance)
            await made.run()
            await made.check()
            self.different.add(tuple(made.trace))
            if len(self.different) % WHOLE_DOCTOR_EVERY == 1:
                assert await doctor_finds(self.conn) == {}, made.trace
        self.done += made.done + Counter(sequence=1)

    async def end(self) -> None:
        await self.conn.close()
        await db.dispose()


# How often each thing happens at least in a thousand sequences, whatever the seed: a third of what
# it usually does, and less where that is little.
FLOORS = {
    "order": 1_000, "ship": 500, "receive": 300, "refund": 120, "again": 40, "final_at": 100,
    "deadline of a case": 35, **dict.fromkeys([kind.value for kind in CaseKind], 20),
    "price_protection": 4,  # only where the price has fallen
    "approve": 90, "refuse": 40, "offer a part": 25, "ask the platform": 30, "ship back": 40,
    "accept as new": 1, "accept damaged": 6, "reject": 1,
    "rule": 25, "appeal": 15, "rule again": 6,
    "payout": 50, "bank: confirmed": 10, "bank: returned": 10, "hold": 8, "retry": 1,
    "refund after a payout": 4,
    "policy": 600, "premium": 400, "change cover": 80, "insurance claim": 10, "claim paid out": 8,
}  # fmt: skip


def run_sequences(number: int) -> None:
    """Run `SEQUENCES` of them: always the same for a number, or at random when torture is asked."""
    runs = Runs()
    with asyncio.Runner() as runner:
        runner.run(runs.begin())

        @settings(
            max_examples=SEQUENCES, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(chance=st.randoms(use_true_random=True))
        def every(chance: random.Random) -> None:
            runner.run(runs.one(chance))

        try:
            (every if EXAMPLES else seed(number)(every))()
        finally:
            runner.run(runs.end())
    print(f"{len(runs.different)} different sequences:", dict(runs.done.most_common()))
    assert len(runs.different) >= SEQUENCES * 99 // 100
    few = {what: runs.done[what] for what, floor in FLOORS.items() if runs.done[what] < floor}
    assert not few or SEQUENCES < 1_000, few
