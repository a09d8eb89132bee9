"""Freight insurance: what is frozen on an order, who pays its premium, and what it pays."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.aftersales.test_cases import held, residual, returned
from tests.aftersales.world import DAY, START, World
from tests.factories import a_person
from tests.settlement.payout_world import pay_payee

from dougong.aftersales.insurance_commands import (
    approve_product,
    draft_product,
    leave_insurance,
)
from dougong.aftersales.insurance_rules import (
    Band,
    InsuranceNotOpen,
    InsuranceSecondPerson,
    NoInsurance,
    Offer,
    band_of,
    check_offer,
    return_bp,
    route_of,
)
from dougong.aftersales.rules import CaseKind, Inspection
from dougong.base.errors import BadInput
from dougong.flows import answer_case, return_case
from dougong.flows.insure_freight import insure
from dougong.infra import pause
from dougong.reads.doctor_cases_sql import INSURANCE, MONEY
from dougong.reads.explain import explain_order, for_buyer
from dougong.reads.insurance_facts import insurance_of

pytestmark = pytest.mark.money
K = CaseKind
BANDS = (Band(0, 60), Band(500, 90), Band(2_000, 180))


def an_offer(**other: Any) -> Offer:
    values: dict[str, Any] = {
        "currency": "CNY", "name_zh": "退货运费险", "name_en": "Return freight insurance",
        "near_minor": 900, "far_minor": 1_200, "bands": BANDS,
    }  # fmt: skip
    return Offer(**values | other)


async def offered(world: World, **other: Any) -> None:
    """A version in force from now on, made by one person and approved by another."""
    conn, now = world.conn, world.now
    made = await draft_product(
        conn, offer=an_offer(**other), starts=now, by_id=await a_person(conn), at=now
    )
    await approve_product(conn, product_id=made, by_id=world.merchant, at=now)


async def insured(world: World) -> None:
    await offered(world)
    await insure(world.conn, store_id=world.store.store_id, person_id=world.merchant, at=world.now)


async def policies(world: World) -> list[tuple[int, int, bool]]:
    """(premium, cover, charged) by time."""
    found = await world.conn.execute(
        text("""
            SELECT premium_minor, cover_minor, charged_at IS NOT NULL FROM insurance_policies
            WHERE store_id = :s ORDER BY at, order_id
        """),
        {"s": world.store.store_id},
    )
    return [tuple(row) for row in found]  # type: ignore[misc]


async def pool(world: World) -> int:
    found = await held(world)
    return sum(minor for (_, purpose), minor in found.items() if purpose == "insurance_pool")


async def owed_to_buyer(world: World) -> int:
    return (await held(world)).get((world.buyer.person_id, "buyer_payable"), 0)


async def whole(world: World, order_id: Any) -> None:
    assert await residual(world, order_id) == 0
    for asked in (INSURANCE, MONEY):
        assert (await world.conn.execute(asked)).all() == []


async def test_the_merchant_pays_the_premium_with_the_first_parcel_only(world: World) -> None:
    await insured(world)
    placed = await world.an_order({0: 2}, total=19_800)
    assert await policies(world) == [(60, 1_200, False)]
    assert await pool(world) == 0
    for _ in range(2):
        await world.shipped(placed, {1: 1})
    assert await policies(world) == [(60, 1_200, True)]
    assert await pool(world) == 60
    assert (await held(world))[world.store.org_id, "merchant_payable"] == -60
    await whole(world, placed.order_id)


async def test_an_order_that_is_never_sent_costs_no_premium(world: World) -> None:
    await insured(world)
    placed = await world.an_order(total=9_900)
    case = await world.a_case(placed, K.REFUND_UNSHIPPED)
    await answer_case.approve(world.conn, world.by_merchant(case))
    assert await pool(world) == 0
    await whole(world, placed.order_id)


@pytest.mark.parametrize("kind", [K.RETURN_REFUND, K.EXCHANGE])
async def test_goods_that_came_back_pay_the_buyer_their_freight(
    world: World, kind: CaseKind
) -> None:
    await insured(world)
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    case = await world.a_case(placed, kind)
    await returned(world, case, Inspection.AS_NEW)
    assert await owed_to_buyer(world) == 1_200
    assert await pool(world) == 60 - 1_200
    await whole(world, placed.order_id)


async def test_partial_returns_are_paid_once_for_the_order(world: World) -> None:
    await insured(world)
    placed = await world.an_order({0: 3}, total=29_700)
    await world.shipped(placed, {1: 3})
    for kind in (K.EXCHANGE, K.RETURN_REFUND, K.RETURN_REFUND):
        await returned(world, await world.a_case(placed, kind), Inspection.DAMAGED)
    assert await owed_to_buyer(world) == 1_200
    await whole(world, placed.order_id)


async def test_a_repair_a_rejected_return_and_a_refund_alone_pay_nothing(world: World) -> None:
    await insured(world)
    placed = await world.an_order({0: 3}, total=29_700)
    await world.shipped(placed, {1: 3})
    await returned(world, await world.a_case(placed, K.REPAIR), Inspection.AS_NEW)
    alone = await world.a_case(placed, K.REFUND_ONLY)
    await answer_case.approve(world.conn, world.by_merchant(alone))
    sent = await world.a_case(placed, K.RETURN_REFUND)
    await answer_case.approve(world.conn, world.by_merchant(sent))
    await return_case.ship_back(
        world.conn, world.by_buyer(sent), carrier="顺丰", tracking_no="SF1234567"
    )
    await return_case.receive_back(world.conn, world.by_merchant(sent))
    await return_case.reject_goods(
        world.conn, world.by_merchant(sent), inspection=Inspection.WRONG_GOODS, note="不是本店的货"
    )
    assert await owed_to_buyer(world) == 0
    await whole(world, placed.order_id)


async def test_silence_of_the_merchant_pays_as_well(world: World) -> None:
    await insured(world)
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    case = await world.a_case(placed, K.RETURN_REFUND)
    await answer_case.approve(world.conn, world.by_merchant(case))
    await return_case.ship_back(
        world.conn, world.by_buyer(case), carrier="顺丰", tracking_no="SF1234567"
    )
    await world.until(START + 10 * DAY)
    await world.until(START + 13 * DAY)
    assert await owed_to_buyer(world) == 1_200
    await whole(world, placed.order_id)


async def test_a_return_after_the_order_was_final_is_not_insured(world: World) -> None:
    await insured(world)
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    await world.received(placed)
    await world.until(world.now + 7 * DAY)
    assert await world.order_state(placed) == "final"
    await returned(world, await world.a_case(placed, K.RETURN_REFUND), Inspection.AS_NEW)
    assert await owed_to_buyer(world) == 0
    await whole(world, placed.order_id)


async def test_what_is_owed_to_the_buyer_is_paid_out(world: World) -> None:
    await insured(world)
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    await returned(world, await world.a_case(placed, K.RETURN_REFUND), Inspection.AS_NEW)
    for made in (1, 0):
        assert made == len(
            await pay_payee(
                world.conn, store_id=placed.store_id, payee_id=world.buyer.person_id,
                day=world.now.date(), at=world.now,
            )
        )  # fmt: skip
    assert await owed_to_buyer(world) == 0


async def test_a_new_version_changes_no_policy_that_was_agreed(world: World) -> None:
    await insured(world)
    world.now += timedelta(hours=1)
    placed = await world.an_order(total=9_900)
    world.now += timedelta(hours=1)
    await offered(world, near_minor=400, far_minor=500, bands=(Band(0, 300),))
    await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    await returned(world, await world.a_case(placed, K.RETURN_REFUND), Inspection.AS_NEW)
    assert await policies(world) == [(60, 1_200, True), (300, 500, False)]
    assert await owed_to_buyer(world) == 1_200
    await whole(world, placed.order_id)


async def test_what_was_placed_while_the_store_insured_is_insured_when_paid(world: World) -> None:
    """Placed before the store left, paid after: as the checkout said. And nothing placed later."""
    await insured(world)
    world.now += timedelta(hours=1)
    placing = world.pay
    world.pay = lambda placed: left(world, placing, placed)  # type: ignore[method-assign]
    await world.an_order(total=9_900)
    world.pay = placing  # type: ignore[method-assign]
    await world.an_order(total=9_900)
    assert await policies(world) == [(60, 1_200, False)]


async def left(world: World, pay: Any, placed: Any) -> None:
    world.now += timedelta(minutes=1)
    await leave_insurance(world.conn, store_id=world.store.store_id, at=world.now)
    await pay(placed)


async def test_a_store_with_many_returns_pays_the_premium_of_its_band(world: World) -> None:
    await offered(world)
    for n in range(4):
        placed = await world.an_order(total=9_900)
        await world.shipped(placed, {1: 1})
        if n == 0:
            await returned(world, await world.a_case(placed, K.RETURN_REFUND), Inspection.AS_NEW)
    world.now += timedelta(hours=1)
    store, person = world.store.store_id, world.merchant
    assert await insure(world.conn, store_id=store, person_id=person, at=world.now)
    assert not await insure(world.conn, store_id=store, person_id=person, at=world.now)
    world.now += timedelta(minutes=1)
    await world.an_order(total=9_900)
    assert await policies(world) == [(180, 1_200, False)]


async def test_a_way_back_within_a_province_pays_what_is_near(world: World) -> None:
    await insured(world)
    await world.conn.execute(
        text("""
            INSERT INTO return_addresses (store_id, id, recipient, phone, province, line,
              is_default, made_at)
            SELECT :s, :id, '退货组', '0571-1', o.address ->> 'province', '1', true, :at
            FROM (SELECT address FROM orders WHERE id = :o) o
        """),
        {"s": world.store.store_id, "id": uuid4(), "at": world.now,
         "o": (await world.an_order(total=9_900)).order_id},
    )  # fmt: skip
    world.now += timedelta(minutes=1)
    await world.an_order(total=9_900)
    assert await policies(world) == [(60, 1_200, False), (60, 900, False)]


async def test_premium_and_claim_are_explained_and_the_buyer_sees_the_claim(world: World) -> None:
    await insured(world)
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    await returned(world, await world.a_case(placed, K.RETURN_REFUND), Inspection.AS_NEW)
    tree = await explain_order(world.conn, store_id=placed.store_id, order_id=placed.order_id)
    premium, case = tree.cases
    assert (premium.label, premium.amount_minor, premium.status) == (
        "insurance_premium", 60, "booked",
    )  # fmt: skip
    assert [(one.label, one.amount_minor) for one in case.cases] == [("insurance_claim", 1_200)]
    assert [one.label for one in for_buyer(tree).cases] == ["case"]
    assert [one.label for one in for_buyer(tree).cases[0].cases] == ["insurance_claim"]


async def test_a_second_person_approves_once_and_it_counts_from_then(world: World) -> None:
    conn, now = world.conn, world.now
    first = await draft_product(conn, offer=an_offer(), starts=now, by_id=world.merchant, at=now)
    with pytest.raises(InsuranceSecondPerson):
        await approve_product(conn, product_id=first, by_id=world.merchant, at=now)
    with pytest.raises(NoInsurance):
        await insure(conn, store_id=world.store.store_id, person_id=world.merchant, at=now)
    late = now + timedelta(hours=1)
    other = world.buyer.person_id
    await approve_product(conn, product_id=first, by_id=other, at=late)
    with pytest.raises(InsuranceNotOpen):
        await approve_product(conn, product_id=first, by_id=other, at=late)
    store = world.store.store_id
    assert await insurance_of(conn, store_id=store, at=late, offered=True)
    with pytest.raises(NoInsurance):
        await insurance_of(conn, store_id=store, at=late - timedelta(seconds=1), offered=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"near_minor": 0},
        {"near_minor": 1_300},
        {"bands": ()},
        {"bands": (Band(1, 60),)},
        {"bands": (Band(0, 60), Band(0, 70))},
        {"bands": (Band(0, 900),)},
        {"bands": (Band(0, 0),)},
        {"bands": (Band(0, 1), Band(10_001, 2))},
        {"name_en": " "},
    ],
)
def test_an_offer_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        check_offer(an_offer(**wrong))


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_more_returns_never_cost_a_lower_band(counted: int, came_back: int) -> None:
    share = return_bp(counted=counted, came_back=min(counted, came_back))
    assert 0 <= share <= 10_000
    band = band_of(BANDS, share)
    assert band.over_bp <= share
    assert all(one.over_bp > share for one in BANDS if one.over_bp > band.over_bp)


def test_a_province_that_nobody_names_is_far() -> None:
    assert [route_of("浙江", "浙江"), route_of("浙江", "江苏"), route_of("", "")] == [
        "near", "far", "far",
    ]  # fmt: skip


async def stopped(point: str, act: Any, world: World) -> None:
    """The act ends at a pause point, as by a stop, and nothing of it is kept."""

    class Stop(Exception):
        pass

    async def scheduler(name: str) -> None:
        if name == point:
            raise Stop

    pause.install(scheduler)
    try:
        with pytest.raises(Stop):
            async with world.conn.begin_nested():
                await act()
    finally:
        pause.install(None)


async def test_a_stop_before_the_booking_leaves_premium_and_claim_to_be_made_once(
    world: World,
) -> None:
    await insured(world)
    placed = await world.an_order(total=9_900)
    await stopped("insurance: charged", lambda: world.shipped(placed, {1: 1}), world)
    assert await policies(world) == [(60, 1_200, False)]
    await world.shipped(placed, {1: 1})
    case = await world.a_case(placed, K.RETURN_REFUND)
    await stopped("insurance: claimed", lambda: returned(world, case, Inspection.AS_NEW), world)
    assert await owed_to_buyer(world) == 0
    await returned(world, case, Inspection.AS_NEW)
    assert await owed_to_buyer(world) == 1_200
    assert await pool(world) == -1_140
    await whole(world, placed.order_id)
