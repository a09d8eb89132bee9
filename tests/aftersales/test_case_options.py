"""What can be asked of an order, and why not the rest: the same as what opens a case."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.aftersales.world import START, World, a_world

from dougong.aftersales.rules import CaseKind
from dougong.base.errors import Refusal
from dougong.flows import answer_case
from dougong.flows.case_options import CaseOptions, Freight, case_options
from dougong.flows.place_orders import Placed
from dougong.orders.commands import lock_order

pytestmark = pytest.mark.money
K = CaseKind
OF_SHIPPED = [K.REFUND_ONLY, K.RETURN_REFUND, K.EXCHANGE, K.RESEND, K.REPAIR]


@pytest.fixture
async def world(conn: AsyncConnection) -> World:
    return await a_world(conn, prices=(9_900, 5_000))


async def asked(world: World, placed: Placed) -> CaseOptions:
    order = await lock_order(world.conn, store_id=placed.store_id, order_id=placed.order_id)
    return await case_options(world.conn, order=order, at=world.now)


def why(options: CaseOptions, line_no: int) -> dict[CaseKind, str]:
    return {one.kind: one.why for one in options.not_possible if one.line_no == line_no}


async def half_shipped(world: World) -> Placed:
    """Two of the first product, shipped; one of the second, not."""
    placed = await world.an_order({0: 2, 1: 1}, total=24_800)
    await world.shipped(placed, {1: 2})
    return placed


async def test_each_line_has_its_own_kinds_and_reasons(world: World) -> None:
    found = await asked(world, await half_shipped(world))
    assert {(one.kind, one.line_no, one.units, one.most_minor) for one in found.possible} == {
        (K.REFUND_UNSHIPPED, 2, 1, 5_000), *((kind, 1, 2, 19_800) for kind in OF_SHIPPED)
    }  # fmt: skip
    assert why(found, 1) == {K.REFUND_UNSHIPPED: "shipped", K.PRICE_PROTECTION: "not_cheaper"}
    assert why(found, 2) == {
        K.PRICE_PROTECTION: "not_cheaper", **dict.fromkeys(OF_SHIPPED, "not_shipped")
    }  # fmt: skip


async def test_what_is_offered_opens_and_what_is_not_is_refused(world: World) -> None:
    placed = await half_shipped(world)
    found = await asked(world, placed)
    for one in found.possible:
        async with world.conn.begin_nested() as tried:
            case = await world.a_case(placed, one.kind, {one.line_no: one.units})
            assert case.asked_minor == one.most_minor
            await tried.rollback()
    for other in found.not_possible:
        async with world.conn.begin_nested() as tried:
            with pytest.raises(Refusal):
                await world.a_case(placed, other.kind, {other.line_no: 1})
            await tried.rollback()


async def test_units_of_a_case_are_said_to_be_in_it_then_refunded(world: World) -> None:
    placed = await half_shipped(world)
    case = await world.a_case(placed, K.REFUND_ONLY, {1: 2})
    assert set(why(await asked(world, placed), 1).values()) == {"in_case"}
    await answer_case.approve(world.conn, world.by_merchant(case))
    whys = why(await asked(world, placed), 1)
    assert whys[K.RETURN_REFUND] == "refunded" and whys[K.REFUND_UNSHIPPED] == "shipped"


async def test_a_price_that_fell_is_protected_for_a_time(world: World) -> None:
    placed = await half_shipped(world)
    sku = world.store.skus[0]
    await world.conn.execute(
        text("UPDATE skus SET price_minor = 9000 WHERE store_id = :s AND id = :k"),
        {"s": placed.store_id, "k": sku},
    )
    found = await asked(world, placed)
    assert [(o.line_no, o.most_minor) for o in found.possible if o.kind is K.PRICE_PROTECTION] == [
        (1, 1_800)
    ]
    world.now = START + timedelta(days=400)
    assert why(await asked(world, placed), 1)[K.PRICE_PROTECTION] == "not_protected"


async def test_after_everything_is_over_nothing_can_be_asked(world: World) -> None:
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    await world.received(placed)
    await world.final(placed)
    world.now = START + timedelta(days=400)
    found = await asked(world, placed)
    assert found.possible == [] and found.freight is None
    assert why(found, 1) == dict.fromkeys(K, "over")


async def test_the_shipping_fee_is_said_as_long_as_it_is_left(world: World) -> None:
    await world.conn.execute(
        text("UPDATE stores SET shipping_fee_minor = 800 WHERE id = :s"),
        {"s": world.store.store_id},
    )
    placed = await world.an_order(total=10_700)
    assert (await asked(world, placed)).freight == Freight(2, 800)
    async with world.conn.begin_nested() as tried:
        await world.a_case(placed, K.REFUND_UNSHIPPED, {1: 1, 2: 1})
        await tried.rollback()
    other = await world.an_order({0: 2}, total=20_600)
    await world.a_case(other, K.REFUND_UNSHIPPED, {1: 1, 2: 1})
    assert (await asked(world, other)).freight is None
