"""Tasks at the edge of their money: every interleaving of two acts ends as a serial order does; and
the doctor finds the books whole afterwards (`own_database`)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.factories import an_org, the_rules
from tests.races.flows import outcome
from tests.races.stepped import interleavings, run_steps
from tests.tasks.market import DAY, MINUTE, AMarket, a_task_market

from dougong.flows import work_on_task
from dougong.flows.deadlines import act_on_one
from dougong.flows.take_brief import choose, take_brief
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.tasks.brief_rules import Way

pytestmark = [
    pytest.mark.slow,
    pytest.mark.money,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("own_database", "patient"),
]
PRICE = 10_000


class Scene:
    """A market of its own in the database, and two things that can happen to it at once."""

    def __init__(self, market: AMarket, at: datetime, **ids: Any) -> None:
        self.market, self.at, self.ids = market, at, ids

    async def choose_one(self, which: str) -> str:
        async with transaction() as conn:
            await choose(
                conn, application_id=self.ids[which], brand_id=self.market.brand,
                person_id=self.market.person, at=self.at,
            )  # fmt: skip
        return "agreed"

    async def take(self, which: str) -> str:
        async with transaction() as conn:
            await take_brief(
                conn, brief_id=self.ids["brief"], creator_id=self.ids[which], note="",
                person_id=self.market.person, at=self.at,
            )  # fmt: skip
        return "agreed"

    async def accept(self) -> str:
        async with transaction() as conn:
            await work_on_task.accept(
                conn, task_id=self.ids["task"], brand_id=self.market.brand,
                person_id=self.market.person, at=self.at + 4 * DAY,
            )  # fmt: skip
        return "accepted"

    async def fall_due(self) -> str:
        async with transaction() as conn:
            await act_on_one(conn, at=self.at + 12 * DAY)
        return "looked"

    async def deliver(self) -> str:
        async with transaction() as conn:
            await work_on_task.deliver(
                conn, task_id=self.ids["task"], creator_id=self.market.creator, video_id=None,
                note="", person_id=self.market.person, at=self.at + 3 * DAY,
            )  # fmt: skip
        return "delivered"

    async def cancel(self) -> str:
        async with transaction() as conn:
            await work_on_task.cancel(
                conn, task_id=self.ids["task"], party_id=self.market.brand, reason="x",
                person_id=self.market.person, at=self.at + 3 * DAY,
            )  # fmt: skip
        return "cancelled"

    async def state(self) -> tuple[str, int]:
        """Of the task, and how many entries moved its money."""
        async with transaction() as conn:
            row = await conn.execute(
                text("""
                    SELECT w.state, (SELECT count(*) FROM ledger_entries e
                      WHERE e.order_id = w.task_id) AS entries
                    FROM task_works w WHERE w.task_id = :id
                """),
                {"id": self.ids["task"]},
            )
            found = row.one()
        return found.state, found.entries


async def a_scene(*, funds_minor: int = 1_000_000) -> tuple[AMarket, datetime]:
    async with transaction() as conn:
        await the_rules(conn)
        at = await clock.refresh(conn)
        market = await a_task_market(conn, funds_minor=funds_minor)
    return market, at


async def with_task(market: AMarket, at: datetime, *, delivered: bool) -> Scene:
    async with transaction() as conn:
        market.conn = conn
        task_id = await market.a_task(at=at, price_minor=PRICE)
        await market.a_room(
            (at + 2 * DAY, 30 * MINUTE),
            link_id=await market.a_link(task_id=task_id, surface="profile", is_own=True),
            task_id=task_id,
        )
        scene = Scene(market, at, task=task_id)
        if delivered:
            await work_on_task.deliver(
                conn, task_id=task_id, creator_id=market.creator, video_id=None, note="",
                person_id=market.person, at=at + 3 * DAY,
            )  # fmt: skip
    return scene


async def no_deadline_of_others() -> None:
    async with transaction() as conn:
        while await act_on_one(conn, at=clock.now() + timedelta(days=400)):
            pass


async def test_two_agreements_and_money_for_one() -> None:
    """The money runs out between application and agreement: one is agreed, one is refused."""
    for order in interleavings(3, 3):
        market, at = await a_scene(funds_minor=PRICE)
        async with transaction() as conn:
            market.conn = conn
            ids: dict[str, Any] = {}
            for which in ("one", "two"):  # two briefs: it is the purse that both want
                brief = await market.a_brief(at=at, way=Way.OPEN, price_minor=PRICE)
                creator = await an_org(conn, kind="creator")
                ids[which] = (await market.take(brief, at=at, creator=creator)).application_id
        scene = Scene(market, at, **ids)
        acts = (lambda s=scene: s.choose_one("one"), lambda s=scene: s.choose_one("two"))
        answers, steps = await run_steps(acts, order)
        assert sorted(answers) == ["agreed", "funds_short"], (order, steps.points)
        async with transaction() as conn:
            market.conn = conn
            held = await market.money()  # the fees are of all markets of this database
            held.pop("platform_service_fee", None)
            assert held == {"task_escrow": PRICE}


async def test_two_creators_and_one_place() -> None:
    for order in interleavings(3, 3):
        market, at = await a_scene()
        async with transaction() as conn:
            market.conn = conn
            brief = await market.a_brief(at=at, price_minor=PRICE)
            ids = {w: await an_org(conn, kind="creator") for w in ("one", "two")}
        scene = Scene(market, at, brief=brief, **ids)
        acts = (lambda s=scene: s.take("one"), lambda s=scene: s.take("two"))
        answers, steps = await run_steps(acts, order)
        assert sorted(answers) == ["agreed", "places_taken"], (order, steps.points)


async def test_accepting_twice_at_once_pays_once() -> None:
    market, at = await a_scene()
    for order in interleavings(3, 3):
        scene = await with_task(market, at, delivered=True)
        answers, _ = await run_steps((scene.accept, scene.accept), order)
        assert answers == ["accepted", "accepted"]
        assert await scene.state() == ("accepted", 2)


async def test_accept_and_the_deadline() -> None:
    market, at = await a_scene()
    for order in interleavings(3, 3):
        await no_deadline_of_others()
        scene = await with_task(market, at, delivered=True)
        answers, _ = await run_steps((scene.accept, scene.fall_due), order)
        assert answers == ["accepted", "looked"]
        assert await scene.state() == ("accepted", 2)


async def test_deliver_and_cancel() -> None:
    market, at = await a_scene()
    for order in interleavings(3, 3):
        scene = await with_task(market, at, delivered=False)
        answers, _ = await run_steps((scene.deliver, scene.cancel), order)
        got = (*answers, *await scene.state())
        assert got in (
            ("delivered", "task_work_closed", "delivered", 1),
            ("task_work_closed", "cancelled", "cancelled", 2),
        ), order


async def test_outcomes_are_named() -> None:
    """What the runs above call an answer is a refusal's own code."""
    market, at = await a_scene(funds_minor=0)
    async with transaction() as conn:
        market.conn = conn
        brief = await market.a_brief(at=at, price_minor=PRICE)
    scene = Scene(market, at, brief=brief, one=market.creator)
    assert await outcome(lambda: scene.take("one")) == "brand_funds_short"
