"""How buyers' cases went: counted for all at once, scored with reasons, read by people only."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from tests.aftersales.test_case_rules import made, moves
from tests.aftersales.world import DAY, START, World

from dougong.aftersales.abuse_commands import formula_at, keep_scores, set_formula
from dougong.aftersales.abuse_rules import (
    FIRST_FORMULA,
    AbuseFormulaInPast,
    AbuseFormulaOverlaps,
    Fact,
    score,
)
from dougong.aftersales.rules import Bearer, CaseKind, CaseState, Inspection, RulingOutcome
from dougong.aftersales.ruling_commands import Ruling
from dougong.base.errors import BadInput
from dougong.flows import answer_case, return_case, rule_case
from dougong.reads.buyer_scores import buyer_counts, score_of, scores_kept

K, F = CaseKind, Fact


@pytest.mark.parametrize(
    ("counts", "want"),
    [
        ({}, {}),
        ({F.ORDERS: 10, F.CASES: 3}, {}),  # 30 %: the floor
        ({F.ORDERS: 10, F.CASES: 4}, {F.CASES: 4}),  # 20 × 1 000 / 5 000
        ({F.ORDERS: 3, F.CASES: 2}, {}),  # too few
        ({F.ORDERS: 3, F.CASES: 3}, {F.CASES: 20}),
        ({F.ORDERS: 9, F.CASES: 4, F.REFUND_ONLY: 3}, {F.CASES: 5, F.REFUND_ONLY: 10}),
        ({F.WRONG_GOODS: 1}, {F.WRONG_GOODS: 15}),
        ({F.WRONG_GOODS: 3}, {F.WRONG_GOODS: 30}),
        ({F.NOT_ACCEPTED: 1, F.RULED_AGAINST: 2}, {F.NOT_ACCEPTED: 10, F.RULED_AGAINST: 20}),
    ],
)
def test_a_score_is_the_sum_of_its_parts(counts: dict[Fact, int], want: dict[Fact, int]) -> None:
    found = score(FIRST_FORMULA, counts)
    assert {one.part.fact: one.points for one in found.reasons} == want
    assert found.score == sum(want.values())


def test_a_score_is_at_most_100_and_tells_the_worst_first() -> None:
    counts = {F.ORDERS: 5, F.CASES: 5, F.REFUND_ONLY: 5, F.WRONG_GOODS: 5, F.NOT_ACCEPTED: 5,
              F.RULED_AGAINST: 5}  # fmt: skip
    found = score(FIRST_FORMULA, counts)
    assert found.score == 100
    assert [one.points for one in found.reasons] == [30, 30, 20, 20, 20]


async def bad_cases(world: World) -> None:
    """Four orders; wrong goods sent back and not accepted; refused and ruled against; withdrawn."""
    placed = await world.an_order({0: 4}, total=39_600)
    await world.shipped(placed, {1: 4})
    for _ in range(2):
        await world.an_order(total=9_900)
    case = await world.a_case(placed, K.RETURN_REFUND, {1: 1})
    await answer_case.approve(world.conn, world.by_merchant(case))
    await return_case.ship_back(
        world.conn, world.by_buyer(case), carrier="顺丰", tracking_no="SF1234567"
    )
    await return_case.receive_back(world.conn, world.by_merchant(case))
    await return_case.reject_goods(
        world.conn, world.by_merchant(case), inspection=Inspection.WRONG_GOODS, note="不是本店商品"
    )
    case = await world.a_case(placed, K.REFUND_ONLY, {1: 1})
    await answer_case.refuse(world.conn, world.by_merchant(case), note="不符")
    await answer_case.ask_platform(world.conn, world.by_buyer(case), question="请裁决")
    nothing = Ruling(
        question="是否属实？", outcome=RulingOutcome.NOTHING, granted_minor=0,
        bearer=Bearer.MERCHANT, reason="证据不足",
    )  # fmt: skip
    await rule_case.rule(world.conn, world.by_merchant(case), nothing)
    await answer_case.withdraw(
        world.conn, world.by_buyer(await world.a_case(placed, K.REFUND_ONLY, {1: 1}))
    )


async def counted(world: World, at: Any) -> dict[Fact, int]:
    since = at - 180 * DAY
    everyone = await buyer_counts(world.conn, since=since, at=at, after=UUID(int=0), most=1_000)
    return everyone.get(world.buyer.person_id, {})


async def test_counts_are_those_of_the_period(world: World) -> None:
    await bad_cases(world)
    want = {F.ORDERS: 3, F.CASES: 2, F.REFUND_ONLY: 1, F.WRONG_GOODS: 1, F.NOT_ACCEPTED: 1,
            F.RULED_AGAINST: 1}  # fmt: skip
    assert await counted(world, world.now + DAY) == want
    assert await counted(world, world.now + 180 * DAY) == want
    assert await counted(world, world.now + 180 * DAY + timedelta(seconds=1)) == {}
    assert await counted(world, world.now) == {}


async def test_a_score_is_kept_with_its_reasons_and_replaced(world: World) -> None:
    await bad_cases(world)
    person = world.buyer.person_id
    found = score(FIRST_FORMULA, await counted(world, world.now + DAY))
    assert found.score == 35
    at = world.now + DAY
    for more in range(2):
        await keep_scores(
            world.conn, scores={person: found}, since=START, formula_id=None, at=at + more * DAY
        )
    kept = await score_of(world.conn, person_id=person)
    assert kept is not None
    assert (kept.found, kept.counted_at) == (found, at + DAY)
    listed = await scores_kept(world.conn, from_score=35, most=100)
    assert person in {one.person_id for one in listed}
    assert person not in {one.person_id for one in await scores_kept(
        world.conn, from_score=36, most=100)}  # fmt: skip


async def test_a_high_score_blocks_nothing_and_no_rule_reads_it(world: World) -> None:
    worst = score(FIRST_FORMULA, {F.WRONG_GOODS: 9, F.NOT_ACCEPTED: 9, F.RULED_AGAINST: 9})
    assert worst.score == 80
    person = world.buyer.person_id
    await keep_scores(
        world.conn, scores={person: worst}, since=START, formula_id=None, at=world.now
    )
    placed = await world.an_order({0: 2}, total=19_800)
    first = await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 1})
    assert first.state is CaseState.ASKED
    await made(world)
    second = await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 1})
    assert await moves(world, second) == [("buyer", "asked"), ("rule", "done")]


async def test_a_formula_has_dates_and_counts_from_its_start_on(world: World) -> None:
    other = msgspec.structs.replace(FIRST_FORMULA, days=90)
    values = {"reason": "试行", "by": world.merchant, "at": world.now}
    await set_formula(world.conn, formula=other, starts=world.now + DAY, **values)
    assert (await formula_at(world.conn, at=world.now)).formula == FIRST_FORMULA
    assert (await formula_at(world.conn, at=world.now + DAY)).formula.days == 90
    with pytest.raises(AbuseFormulaOverlaps):
        await set_formula(world.conn, formula=other, starts=world.now, **values)
    with pytest.raises(AbuseFormulaInPast):
        await set_formula(world.conn, formula=other, starts=world.now - DAY, **values)
    third = msgspec.structs.replace(FIRST_FORMULA, days=30)
    await set_formula(world.conn, formula=third, starts=world.now + 5 * DAY, **values)
    days = [(await formula_at(world.conn, at=world.now + n * DAY)).formula.days for n in (0, 4, 5)]
    assert days == [180, 90, 30]
    with pytest.raises(BadInput):
        none = msgspec.structs.replace(FIRST_FORMULA, days=0)
        await set_formula(world.conn, formula=none, starts=world.now + 9 * DAY, **values)
    ended = await world.conn.scalar(
        text("SELECT count(*) FROM buyer_score_formulas WHERE upper(in_force) IS NOT NULL")
    )
    assert ended == 1
