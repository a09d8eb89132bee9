"""An agreed task from its samples to its ratings: who may do what, and what it costs."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.factories import an_org
from tests.tasks.market import DAY, MINUTE, T0, AMarket

from dougong.base.ids import PLATFORM_BOOK, OrgId, new_id
from dougong.flows import work_on_task as work
from dougong.flows.deadlines import act_on_one
from dougong.reads.explain import explain_order
from dougong.tasks.agency_commands import (
    ContractClosed,
    ContractOverlaps,
    answer_contract,
    end_contract,
    offer_contract,
)
from dougong.tasks.brief_rules import (
    Model,
    Tier,
)
from dougong.tasks.queries import task_by_id
from dougong.tasks.rules import TaskClosed, check_covers
from dougong.tasks.work_commands import rate, stars_of
from dougong.tasks.work_rules import (
    BadWork,
    NoEvidence,
    RatedAlready,
    TooEarly,
    WorkClosed,
    WorkGone,
    WorkState,
)

pytestmark = pytest.mark.money
PRICE = 100_001
TOO_LITTLE = """
    UPDATE task_works SET state = 'accepted', closed_at = agreed_at, basis_minor = 1, share_bp = 1,
      fee_minor = 1, agency_minor = 0, creator_minor = 0, back_minor = 0 WHERE task_id = :id
"""


class Sides:
    """What both do with one task, at their own instants."""

    def __init__(self, market: AMarket, task_id: Any) -> None:
        self.market, self.task_id = market, task_id

    async def deliver(self, *, at: Any, video: Any = None) -> Any:
        return await work.deliver(
            self.market.conn, task_id=self.task_id, creator_id=self.market.creator,
            video_id=video, note="", person_id=self.market.person, at=at,
        )  # fmt: skip

    async def brand(self, act: Any, *, at: Any, **more: Any) -> None:
        await act(
            self.market.conn, task_id=self.task_id, brand_id=self.market.brand,
            person_id=self.market.person, at=at, **more,
        )  # fmt: skip

    async def creator(self, act: Any, *, at: Any, **more: Any) -> None:
        await act(
            self.market.conn, task_id=self.task_id, creator_id=self.market.creator,
            person_id=self.market.person, at=at, **more,
        )  # fmt: skip

    async def party(self, act: Any, party: Any, *, at: Any, **more: Any) -> None:
        await act(
            self.market.conn, task_id=self.task_id, party_id=party,
            person_id=self.market.person, at=at, **more,
        )  # fmt: skip

    async def state(self) -> str:
        return str((await self.market.row(self.task_id)).state)


async def shown(market: AMarket, minutes: int = 30, **terms: Any) -> Sides:
    """Agreed, and pinned for so long on its second day."""
    task_id = await market.a_task(**terms)
    await market.shown_live(task_id, (T0 + 2 * DAY, minutes * MINUTE))
    return Sides(market, task_id)


async def delivered(market: AMarket, minutes: int = 30, **terms: Any) -> Sides:
    sides = await shown(market, minutes, **terms)
    await sides.deliver(at=T0 + 3 * DAY)
    return sides


async def test_accepting_twice_pays_once(market: AMarket) -> None:
    sides = await delivered(market)
    await sides.brand(work.accept, at=T0 + 4 * DAY)
    once = await market.money()
    await sides.brand(work.accept, at=T0 + 5 * DAY)
    assert await market.money() == once
    assert once == {
        "advertiser_funds": 10_000_000 - PRICE,
        "platform_service_fee": 5_000,
        "creator_payable": PRICE - 5_000,
    }
    with pytest.raises(WorkClosed):
        await sides.party(work.cancel, market.brand, at=T0 + 5 * DAY, reason="x")


async def test_nothing_is_delivered_before_its_time_or_without_record(market: AMarket) -> None:
    sides = Sides(market, await market.a_task())
    with pytest.raises(TooEarly):
        await sides.deliver(at=T0 + DAY - timedelta(seconds=1))
    with pytest.raises(NoEvidence):
        await sides.deliver(at=T0 + 2 * DAY)
    for act, more in ((work.accept, {}), (work.ask_again, {"reason": "x"})):
        with pytest.raises(WorkClosed):
            await sides.brand(act, at=T0 + 2 * DAY, **more)
    with pytest.raises(WorkGone):
        await sides.party(work.cancel, OrgId(new_id()), at=T0, reason="x")


async def test_seconds_are_counted_in_the_window_and_by_room(market: AMarket) -> None:
    task_id = await market.a_task(rooms=2)
    link = await market.a_link(task_id=task_id, surface="live", is_own=True)
    begins = T0 + DAY
    await market.a_room(
        (begins - 10 * MINUTE, 15 * MINUTE), (begins + 20 * MINUTE, 40 * MINUTE),
        link_id=link, task_id=task_id, viewers=3,
    )  # fmt: skip
    await market.a_room((begins + DAY, 29 * MINUTE), link_id=link, task_id=task_id)
    await market.a_room((begins + 2 * DAY, 5 * MINUTE), link_id=link, task_id=task_id)
    await Sides(market, task_id).deliver(at=T0 + 4 * DAY)
    found = await market.conn.scalar(
        text("SELECT evidence FROM task_deliveries WHERE task_id = :id"), {"id": task_id}
    )
    assert [room["seconds"] for room in found["rooms"]] == [45 * 60, 29 * 60, 5 * 60]
    assert (found["shown"], found["wanted"], found["views"]) == (59 * 60, 60 * 60, 3)


async def test_a_video_counts_days_and_a_forbidden_word_counts_it_as_nothing(
    market: AMarket,
) -> None:
    words = {"surface": "video", "blacklist": ("最好", "BEST"), "ends_at": T0 + 30 * DAY}
    sides = Sides(market, await market.a_task(**words))
    good = await market.a_video(published_at=T0 + DAY)
    with pytest.raises(BadWork):
        await sides.deliver(at=T0 + 3 * DAY)
    await sides.deliver(at=T0 + 8 * DAY, video=good)
    await sides.brand(work.accept, at=T0 + 8 * DAY)
    bad = Sides(market, await market.a_task(**words))
    video = await market.a_video(published_at=T0 + DAY, caption="全网最好的面霜")
    await bad.deliver(at=T0 + 9 * DAY, video=video)
    while await act_on_one(market.conn, at=T0 + 15 * DAY):
        pass
    assert await bad.state() == "part_offered"
    assert (await market.row(bad.task_id)).offered_bp == 0


async def test_done_again_and_then_accepted(market: AMarket) -> None:
    sides = await delivered(market, minutes=20)
    await sides.brand(work.ask_again, at=T0 + 4 * DAY, reason="只有二十分钟")
    assert await sides.state() == "redo"
    await market.a_room(
        (T0 + 5 * DAY, 30 * MINUTE),
        link_id=await market.conn.scalar(
            text("SELECT id FROM product_links WHERE task_id = :id"), {"id": sides.task_id}
        ),
        task_id=sides.task_id,
    )
    await sides.deliver(at=T0 + 6 * DAY)
    while await act_on_one(market.conn, at=T0 + 12 * DAY):
        pass
    assert await sides.state() == "accepted"


async def test_what_is_not_done_again_in_time_is_not_paid(market: AMarket) -> None:
    sides = await delivered(market, minutes=20)
    await sides.brand(work.ask_again, at=T0 + 4 * DAY, reason="只有二十分钟")
    while await act_on_one(market.conn, at=T0 + 13 * DAY):
        pass
    assert await sides.state() == "lapsed"
    assert (await market.money())["advertiser_funds"] == 10_000_000


async def test_a_part_is_offered_and_taken(market: AMarket) -> None:
    sides = await delivered(market, minutes=15)
    with pytest.raises(BadWork):
        await sides.brand(work.offer_part, at=T0 + 4 * DAY, share_bp=10_000, reason="x")
    await sides.brand(work.offer_part, at=T0 + 4 * DAY, share_bp=5_000, reason="一半")
    for _ in range(2):
        await sides.creator(work.take_part, at=T0 + 5 * DAY)
    assert await market.money() == {
        "advertiser_funds": 10_000_000 - 50_000,
        "platform_service_fee": 2_500,
        "creator_payable": 47_500,
    }


async def test_only_whose_turn_it_is_may_dispute(market: AMarket) -> None:
    sides = await delivered(market)
    with pytest.raises(WorkClosed):
        await sides.party(work.dispute, market.creator, at=T0 + 4 * DAY, statement="x")
    await sides.brand(work.offer_part, at=T0 + 4 * DAY, share_bp=100, reason="x")
    with pytest.raises(WorkClosed):
        await sides.party(work.dispute, market.brand, at=T0 + 4 * DAY, statement="x")
    await sides.party(work.dispute, market.creator, at=T0 + 4 * DAY, statement="足三十分钟")
    with pytest.raises(WorkClosed):
        await sides.creator(work.take_part, at=T0 + 4 * DAY)
    notes = await market.conn.execute(
        text("SELECT kind, evidence IS NOT NULL FROM task_notes WHERE task_id = :id ORDER BY id"),
        {"id": sides.task_id},
    )
    assert [tuple(row) for row in notes] == [("part", False), ("dispute", True)]
    while await act_on_one(market.conn, at=T0 + 60 * DAY):
        pass
    assert await sides.state() == "disputed"  # nothing ends it by itself


@pytest.mark.parametrize(
    ("by", "sent", "days", "kept"),
    [
        ("brand", False, 0.5, 0),
        ("brand", True, 0.5, 10_000),
        ("brand", True, 2, 50_000),
        ("creator", True, 2, 0),
    ],
)
async def test_cancelling_costs_what_the_terms_of_the_day_say(
    market: AMarket, by: str, sent: bool, days: float, kept: int
) -> None:
    sides = Sides(market, await market.a_task(samples_by=T0 + DAY))
    if sent:
        await sides.brand(work.send_samples, at=T0, note="SF1234")
        with pytest.raises(WorkClosed):
            await sides.brand(work.send_samples, at=T0, note="SF1234")
    await sides.party(work.cancel, getattr(market, by), at=T0 + days * DAY, reason="计划有变")
    money = await market.money()
    assert money["advertiser_funds"] == 10_000_000 - kept
    assert money.get("platform_service_fee", 0) + money.get("creator_payable", 0) == kept
    with pytest.raises(TaskClosed):
        task = await task_by_id(market.conn, task_id=sides.task_id)
        check_covers(
            task, creator_id=market.creator, surface="live", source="own",
            category="beauty/skincare", at=T0 + DAY,
        )  # fmt: skip


async def test_samples_that_are_not_sent_end_the_task(market: AMarket) -> None:
    sides = Sides(market, await market.a_task(samples_by=T0 + DAY))
    while await act_on_one(market.conn, at=T0 + 2 * DAY):
        pass
    row = await market.row(sides.task_id)
    assert (row.state, row.why, row.back_minor) == ("cancelled", "samples_not_sent", PRICE)


@pytest.mark.parametrize(
    ("terms", "earned"),
    [
        ({"model": Model.PER_THOUSAND_VIEWS, "per_thousand_minor": 5_003, "most_minor": 90_000,
          "price_minor": 0}, 5 * 5_003 // 1_000),
        ({"model": Model.TIERED, "tiers": (Tier(2, 1_000), Tier(5, 2_500), Tier(9, 80_000)),
          "measure": "views", "most_minor": 90_000, "price_minor": 0}, 2_500),
        ({"model": Model.COMMISSION, "price_minor": 0}, 0),
    ],
)  # fmt: skip
async def test_a_price_by_result(market: AMarket, terms: dict[str, Any], earned: int) -> None:
    task_id = await market.a_task(**terms)
    await market.shown_live(task_id, (T0 + 2 * DAY, 30 * MINUTE), viewers=5)
    sides = Sides(market, task_id)
    await sides.deliver(at=T0 + 3 * DAY)
    await sides.brand(work.accept, at=T0 + 4 * DAY)
    money = await market.money()
    assert money["advertiser_funds"] == 10_000_000 - earned
    assert money.get("platform_service_fee", 0) == earned * 5 // 100
    tree = await explain_order(market.conn, store_id=PLATFORM_BOOK, order_id=task_id)
    assert tree.residual_minor == 0


async def test_both_rate_each_other_once_when_it_is_over(market: AMarket) -> None:
    sides = await delivered(market)
    with pytest.raises(WorkClosed):
        await sides.party(rate, market.brand, at=T0 + 4 * DAY, stars=5, words="")
    await sides.brand(work.accept, at=T0 + 4 * DAY)
    await sides.party(rate, market.brand, at=T0 + 5 * DAY, stars=5, words="守时")
    await sides.party(rate, market.creator, at=T0 + 5 * DAY, stars=3, words="")
    with pytest.raises(RatedAlready):
        await sides.party(rate, market.brand, at=T0 + 5 * DAY, stars=1, words="")
    with pytest.raises(BadWork):
        await sides.party(rate, market.brand, at=T0 + 5 * DAY, stars=6, words="")
    assert await stars_of(market.conn, org_id=market.creator) == (1, 5)
    assert await stars_of(market.conn, org_id=market.brand) == (1, 3)


async def test_one_agency_at_a_time_and_its_share_is_frozen(market: AMarket) -> None:
    agency, other = [await an_org(market.conn, kind="creator") for _ in range(2)]
    asked: dict[str, Any] = {
        "creator_id": market.creator, "starts": T0 - 9 * DAY, "ends": None,
        "person_id": market.person, "at": T0 - 9 * DAY,
    }  # fmt: skip
    one = await offer_contract(market.conn, agency_id=agency, share_bp=2_000, **asked)
    two = await offer_contract(market.conn, agency_id=other, share_bp=5_000, **asked)
    yes: dict[str, Any] = {
        "creator_id": market.creator, "accept": True, "person_id": market.person,
        "at": T0 - 8 * DAY,
    }  # fmt: skip
    await answer_contract(market.conn, contract_id=one, **yes)
    with pytest.raises(ContractClosed):
        await answer_contract(market.conn, contract_id=one, **yes)
    with pytest.raises(ContractOverlaps):
        await answer_contract(market.conn, contract_id=two, **yes)
    sides = await delivered(market)
    await end_contract(market.conn, contract_id=one, party_id=market.creator, at=T0 + 3 * DAY)
    await sides.brand(work.accept, at=T0 + 4 * DAY)
    money = await market.money()
    assert money["agency_payable"] == (PRICE - 5_000) * 2_000 // 10_000


async def test_the_database_holds_a_task_and_its_money_together(market: AMarket) -> None:
    sides = Sides(market, await market.a_task())
    for change, refused in (
        ("UPDATE task_works SET funded_minor = 1 WHERE task_id = :id", "permission denied"),
        ("UPDATE task_works SET terms = '{}' WHERE task_id = :id", "permission denied"),
        ("DELETE FROM task_works WHERE task_id = :id", "permission denied"),
        ("UPDATE task_works SET state = 'accepted' WHERE task_id = :id", "task_works_closed"),
        (TOO_LITTLE, "task_works_whole"),
    ):  # fmt: skip
        with pytest.raises(DBAPIError, match=refused):
            async with market.conn.begin_nested():
                await market.conn.execute(text(change), {"id": sides.task_id})


def test_every_state_can_end() -> None:
    from dougong.tasks.work_rules import ENDED, WORK_MOVES

    for state in WorkState:
        reached, to_see = set(), [state]
        while to_see:
            one = to_see.pop()
            if one not in reached:
                reached.add(one)
                to_see += WORK_MOVES[one]
        assert reached & ENDED
