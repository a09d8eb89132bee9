"""H1 for the money of tasks: random lives of tasks in the real database. After every step, what is
held, what was paid and what went home are what the brand has put in; and every fen is explained.

A fixed seed in the slow part; DOUGONG_TORTURE_EXAMPLES asks for more runs, then at random.
"""

import asyncio
import os
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import text
from tests.factories import an_org, the_rules
from tests.tasks.market import DAY, AMarket, a_task_market, paid_in

from dougong.base.errors import Refusal
from dougong.base.ids import PLATFORM_BOOK
from dougong.flows import work_on_task as work
from dougong.flows.deadlines import act_on_one
from dougong.infra import clock, db
from dougong.reads.explain_task import explain_task
from dougong.tasks.agency_commands import answer_contract, offer_contract
from dougong.tasks.brief_rules import Model, Tier
from dougong.tasks.work_rules import ENDED, WORK_MOVES, WorkState

EXAMPLES = int(os.environ.get("DOUGONG_TORTURE_EXAMPLES", "0"))
Answer = TypeVar("Answer")
BY_VIEWS = {"model": Model.PER_THOUSAND_VIEWS, "price_minor": 0, "per_thousand_minor": 777_777}
BY_TIER = {"model": Model.TIERED, "price_minor": 0, "tiers": (Tier(1, 101), Tier(3, 4_003))}
PLACES = st.integers(0, 7)


class Tasks(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.tasks: list[UUID] = []
        self.states: dict[UUID, str] = {}
        self.paid_in = 0

    def run(self, act: Coroutine[Any, Any, Answer]) -> Answer:
        return self.runner.run(act)

    def teardown(self) -> None:
        self.run(db.dispose())
        self.runner.close()

    @initialize(agency=st.booleans())
    def open(self, agency: bool) -> None:
        self.run(self._open(agency))

    async def _open(self, agency: bool) -> None:
        async with db.transaction() as conn:
            await the_rules(conn)
            self.now = self.begin = await clock.refresh(conn)
            self.market = await a_task_market(conn, funds_minor=0)
            if agency:
                await self._contract(conn, self.market, self.now - DAY)

    async def _contract(self, conn: Any, market: AMarket, at: datetime) -> None:
        who: dict[str, Any] = {"creator_id": market.creator, "person_id": market.person, "at": at}
        made = await offer_contract(
            conn, agency_id=await an_org(conn, kind="creator"), share_bp=1_777, starts=at,
            ends=None, **who,
        )  # fmt: skip
        await answer_contract(conn, contract_id=made, accept=True, **who)

    # acts --------------------------------------------------------------------------------

    @rule(minor=st.sampled_from((1, 9_999, 50_001)))
    def pay_in(self, minor: int) -> None:
        async def act(conn: Any) -> None:
            await paid_in(conn, self.market.brand, minor, at=self.now)
            self.paid_in += minor

        self.run(self._try(act))

    @rule(
        terms=st.sampled_from(
            (
                {"price_minor": 9_999},
                {"price_minor": 1},
                {"price_minor": 7_003, "samples_by": 1},
                BY_VIEWS | {"most_minor": 8_001},
                BY_TIER | {"most_minor": 5_555},
                {"model": Model.COMMISSION, "price_minor": 0},
            )
        ),
        shown_s=st.sampled_from((0, 60, 1_739, 1_800)),
        viewers=st.integers(0, 4),
    )
    @precondition(lambda self: len(self.tasks) < 8)
    def agree(self, terms: dict[str, Any], shown_s: int, viewers: int) -> None:
        wanted = dict(terms)
        if "samples_by" in wanted:
            wanted["samples_by"] = self.now + DAY

        async def act(conn: Any) -> None:
            self.market.conn = conn
            task_id = await self.market.a_task(at=self.now, **wanted)
            if shown_s:
                link = await self.market.a_link(task_id=task_id, surface="profile", is_own=True)
                await self.market.a_room(
                    (self.now + 2 * DAY, timedelta(seconds=shown_s)), link_id=link,
                    task_id=task_id, viewers=viewers,
                )  # fmt: skip
            self.tasks.append(task_id)

        self.run(self._try(act))

    @rule(place=PLACES, what=st.sampled_from(("deliver", "take", "samples", "accept", "again")))
    @precondition(lambda self: self.tasks)
    def do(self, place: int, what: str) -> None:
        task_id = self.tasks[place % len(self.tasks)]
        who: dict[str, Any] = {"task_id": task_id, "person_id": self.market.person, "at": self.now}
        brand, creator = {"brand_id": self.market.brand}, {"creator_id": self.market.creator}
        acts: dict[str, Any] = {
            "deliver": lambda c: work.deliver(c, video_id=None, note="", **creator, **who),
            "take": lambda c: work.take_part(c, **creator, **who),
            "samples": lambda c: work.send_samples(c, note="", **brand, **who),
            "accept": lambda c: work.accept(c, **brand, **who),
            "again": lambda c: work.ask_again(c, reason="x", **brand, **who),
        }
        self.run(self._try(acts[what]))

    @rule(place=PLACES, share_bp=st.sampled_from((0, 1, 3_333, 9_999, 10_000)), rules=st.booleans())
    @precondition(lambda self: self.tasks)
    def share(self, place: int, share_bp: int, rules: bool) -> None:
        who: dict[str, Any] = {
            "task_id": self.tasks[place % len(self.tasks)], "share_bp": share_bp, "reason": "x",
            "person_id": self.market.person, "at": self.now,
        }  # fmt: skip
        if rules:
            self.run(self._try(lambda c: work.rule(c, **who)))
        else:
            self.run(self._try(lambda c: work.offer_part(c, brand_id=self.market.brand, **who)))

    @rule(place=PLACES, by_brand=st.booleans(), cancels=st.booleans())
    @precondition(lambda self: self.tasks)
    def quarrel(self, place: int, by_brand: bool, cancels: bool) -> None:
        who: dict[str, Any] = {
            "task_id": self.tasks[place % len(self.tasks)], "person_id": self.market.person,
            "party_id": self.market.brand if by_brand else self.market.creator, "at": self.now,
        }  # fmt: skip
        if cancels:
            self.run(self._try(lambda c: work.cancel(c, reason="x", **who)))
        else:
            self.run(self._try(lambda c: work.dispute(c, statement="x", **who)))

    @rule(days=st.sampled_from((1, 2, 4)))
    @precondition(lambda self: self.tasks)
    def wait(self, days: int) -> None:
        self.now += days * DAY

        async def act(conn: Any) -> None:
            while await act_on_one(conn, at=self.now):
                pass

        self.run(self._try(act))

    async def _try(self, act: Any) -> None:
        """A refusal changes nothing; whatever else happens is seen by the invariants."""
        try:
            async with db.transaction() as conn:
                await act(conn)
        except Refusal:
            pass

    # what always holds -------------------------------------------------------------------

    @invariant()
    def every_fen_is_there(self) -> None:
        if hasattr(self, "market"):
            self.run(self._check())

    async def _check(self) -> None:
        async with db.transaction() as conn:
            rows = (await conn.execute(WORKS, {"brand": self.market.brand})).all()
            self.market.conn = conn
            money = await self._held(conn)
            for row in rows:
                before = self.states.get(row.task_id, "agreed")
                reached = {WorkState(before)}
                for _ in WORK_MOVES:
                    reached |= {after for one in reached for after in WORK_MOVES[one]}
                assert WorkState(row.state) in reached
                self.states[row.task_id] = row.state
                assert row.escrow + row.paid + row.back == row.funded_minor
                assert (row.escrow == 0) or row.state not in ENDED
                tree = await explain_task(conn, task_id=row.task_id)
                assert tree.residual_minor == 0
                assert tree.amount_minor == row.funded_minor
            assert money["advertiser_funds"] >= 0
            held = sum(row.escrow for row in rows)
            assert money["task_escrow"] == held
            assert money["advertiser_funds"] + held + sum(r.paid for r in rows) == self.paid_in

    async def _held(self, conn: Any) -> dict[str, int]:
        found = await conn.execute(HELD, {"brand": self.market.brand, "book": PLATFORM_BOOK})
        return {"advertiser_funds": 0, "task_escrow": 0} | {r.purpose: int(r.held) for r in found}


WORKS = text("""
    SELECT w.task_id, w.state, w.funded_minor,
      coalesce(sum(CASE WHEN d.purpose = 'task_escrow' THEN t.amount_minor
        WHEN s.purpose = 'task_escrow' THEN -t.amount_minor END), 0)::bigint AS escrow,
      coalesce(sum(t.amount_minor) FILTER (WHERE s.purpose = 'task_escrow'
        AND d.purpose <> 'advertiser_funds'), 0)::bigint AS paid,
      coalesce(sum(t.amount_minor) FILTER (WHERE s.purpose = 'task_escrow'
        AND d.purpose = 'advertiser_funds'), 0)::bigint AS back
    FROM task_works w
    LEFT JOIN ledger_entries e ON e.order_id = w.task_id
    LEFT JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
    LEFT JOIN ledger_accounts s ON s.store_id = t.store_id AND s.id = t.src
    LEFT JOIN ledger_accounts d ON d.store_id = t.store_id AND d.id = t.dst
    WHERE w.brand_id = :brand GROUP BY w.task_id
""")
HELD = text("""
    SELECT a.purpose, sum(CASE WHEN t.dst = a.id THEN t.amount_minor ELSE -t.amount_minor END)
      AS held
    FROM ledger_accounts a JOIN ledger_transfers t ON t.store_id = a.store_id
      AND a.id IN (t.src, t.dst)
    WHERE a.store_id = :book AND a.owner_id = :brand GROUP BY 1
""")

Tasks.TestCase.settings = settings(
    max_examples=EXAMPLES or 12,
    stateful_step_count=30,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
@pytest.mark.money
@pytest.mark.timeout(600 + 10 * EXAMPLES)
def test_every_life_of_a_task_leaves_no_fen_unexplained(own_database: None) -> None:
    Tasks.TestCase().runTest()
