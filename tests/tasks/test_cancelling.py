"""What cancelling costs: said before, frozen by the terms, by what was reached until then."""

from typing import Any

import pytest
from sqlalchemy import text
from tests.factories import a_person
from tests.tasks.market import DAY, MINUTE, T0, AMarket

from dougong.flows import work_on_task as work
from dougong.flows.settle_task import leaving_now, shares_of
from dougong.tasks.brief_rules import BadBrief, Model
from dougong.tasks.work_commands import work_of
from dougong.tasks.work_rules import Side, Stage, TermsMoved, WorkClosed

pytestmark = pytest.mark.money
BY_VIEWS: dict[str, Any] = {
    "model": Model.PER_THOUSAND_VIEWS, "price_minor": 10_001, "per_thousand_minor": 1_000_000,
    "most_minor": 90_000,
}  # fmt: skip


async def cancel(market: AMarket, task_id: Any, *, at: Any, **more: Any) -> None:
    await work.cancel(
        market.conn, task_id=task_id, party_id=market.brand, reason="计划有变",
        person_id=market.person, at=at, **more,
    )  # fmt: skip


async def test_what_is_said_before_is_what_is_paid(market: AMarket) -> None:
    task_id = await market.a_task(**BY_VIEWS)
    await market.shown_live(task_id, (T0 + 2 * DAY, 10 * MINUTE), viewers=4)
    found, at = await work_of(market.conn, task_id=task_id), T0 + 3 * DAY
    cost = await leaving_now(market.conn, work=found, side=Side.BRAND, at=at)
    said = shares_of(found, cost)
    assert (cost.stage, cost.reached and cost.reached.measured) == (Stage.BEGUN, 4)
    assert said.earned == 5_000 + 4_000
    await cancel(market, task_id, at=at, seen=cost.stage)
    row = await market.row(task_id)
    assert (row.fee_minor, row.creator_minor, row.back_minor) == (
        said.fee, said.creator, said.back,
    )  # fmt: skip
    assert (row.measured, row.reached_minor, row.reached_bp) == (4, 4_000, 10_000)


async def test_a_task_that_came_further_is_not_cancelled_unseen(market: AMarket) -> None:
    task_id = await market.a_task()
    with pytest.raises(TermsMoved) as refused:
        await cancel(market, task_id, at=T0 + DAY, seen=Stage.BEFORE)
    assert refused.value.facts == {"stage": "begun"}
    assert (await market.row(task_id)).state == "agreed"
    await cancel(market, task_id, at=T0 + DAY, seen=Stage.BEGUN)


async def test_what_waits_for_an_answer_is_answered_not_cancelled(market: AMarket) -> None:
    task_id = await market.a_task()
    await market.shown_live(task_id, (T0 + 2 * DAY, 30 * MINUTE))
    by_creator = {"task_id": task_id, "person_id": market.person, "at": T0 + 3 * DAY}
    await work.deliver(market.conn, creator_id=market.creator, video_id=None, note="", **by_creator)
    with pytest.raises(WorkClosed):
        await cancel(market, task_id, at=T0 + 4 * DAY)


async def test_a_video_that_is_not_delivered_counts_by_its_link(market: AMarket) -> None:
    task_id = await market.a_task(surface="video", **BY_VIEWS)
    other = await market.a_video(published_at=T0 + DAY)
    video = await market.a_video(published_at=T0 + DAY, task_id=task_id)
    for video_id, views in ((other, 5), (video, 3)):
        for _ in range(views):
            await market.conn.execute(
                text("""
                    INSERT INTO video_views (video_id, person_id, first_at, last_at)
                    VALUES (:id, :person, :at, :at)
                """),
                {"id": video_id, "person": await a_person(market.conn), "at": T0 + 2 * DAY},
            )
    await cancel(market, task_id, at=T0 + 3 * DAY)
    assert (await market.row(task_id)).reached_minor == 3_000


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"cancel_delivered_bp": 4_999}, "cancel_delivered"),
        ({"cancel_reached_bp": 10_001}, "cancel_reached"),
        (BY_VIEWS | {"most_minor": 10_001}, "most"),
    ],
)
async def test_terms_that_nobody_could_keep(
    market: AMarket, terms: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadBrief) as refused:
        await market.a_brief(**terms)
    assert refused.value.field == field


async def test_what_is_shown_for_one_task_does_not_count_for_another(market: AMarket) -> None:
    first, second = await market.a_task(**BY_VIEWS), await market.a_task(**BY_VIEWS)
    await market.shown_live(first, (T0 + 2 * DAY, 10 * MINUTE), viewers=4)
    for task_id in (first, second):
        await cancel(market, task_id, at=T0 + 3 * DAY)
    reached = [(await market.row(one)).reached_minor for one in (first, second)]
    assert reached == [4_000, 0]
