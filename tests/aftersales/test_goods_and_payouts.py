"""Goods of cases in stock, and payouts with what a later refund takes back."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.aftersales.test_cases import held, residual, returned
from tests.aftersales.world import DAY, START, World
from tests.books import stock_of
from tests.settlement.payout_world import at_the_bank, pay_payee

from dougong.aftersales.rules import CaseKind, Inspection
from dougong.base.ids import OrderId
from dougong.flows import answer_case, return_case
from dougong.flows.pay_out import bank_says
from dougong.reads.doctor_cases_sql import RESENT
from dougong.reads.doctor_stock_sql import STOCK_DRIFT
from dougong.reads.explain import explain_order
from dougong.settlement.payout_rules import BankAnswer
from dougong.supply.stock_commands import receive_units
from dougong.supply.stock_rules import Received
from dougong.supply.warehouse_commands import default_warehouse

pytestmark = pytest.mark.money
K = CaseKind


async def levels(world: World) -> tuple[int, int, int]:
    """(sellable, damaged, waiting for a look) of the first SKU over all warehouses."""
    row = (
        await world.conn.execute(
            text("""
                SELECT sum(on_hand) AS free, sum(damaged) AS damaged, sum(inspecting) AS waiting
                FROM stock_levels WHERE store_id = :s AND sku_id = :k
            """),
            {"s": world.store.store_id, "k": world.store.skus[0]},
        )
    ).one()
    return row.free, row.damaged, row.waiting


async def a_return(world: World, inspection: Inspection, kind: CaseKind = K.RETURN_REFUND) -> None:
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    await returned(world, await world.a_case(placed, kind), inspection)


async def test_what_came_back_is_sellable_or_damaged(world: World) -> None:
    await a_return(world, Inspection.AS_NEW)
    assert await levels(world) == (100, 0, 0)
    await a_return(world, Inspection.DAMAGED)
    assert await levels(world) == (99, 1, 0)


async def test_what_nobody_looked_at_waits_to_be_inspected(world: World) -> None:
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    case = await world.a_case(placed, K.RETURN_REFUND)
    await answer_case.approve(world.conn, world.by_merchant(case))
    await return_case.ship_back(
        world.conn, world.by_buyer(case), carrier="顺丰", tracking_no="SF1234567"
    )
    await world.until(START + 10 * DAY)
    await world.until(START + 13 * DAY)
    assert await levels(world) == (99, 0, 1)


async def test_an_exchange_costs_a_unit_and_no_revenue(world: World) -> None:
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    case = await world.a_case(placed, K.EXCHANGE)
    await returned(world, case, Inspection.DAMAGED)
    before = await held(world)
    await return_case.send_again(
        world.conn, world.by_merchant(case), carrier="顺丰", tracking_no="SF7654321"
    )
    assert await held(world) == before
    assert await levels(world) == (98, 1, 0)
    assert await stock_of(world.conn, placed.store_id, world.store.skus[0]) == (98, 0)


async def costed(world: World, *, quantity: int, unit_cost: int) -> None:
    """Units of known cost arrive; there were 100 of which nobody knew any."""
    conn, store_id = world.conn, world.store.store_id
    await receive_units(
        conn, store_id=store_id, about_kind="receipt", about_id=None, key=uuid4().hex, at=world.now,
        warehouse_id=await default_warehouse(conn, store_id=store_id, at=world.now), by_id=None,
        lines=[Received(world.store.skus[0], quantity, unit_cost)],
    )  # fmt: skip


async def worth(world: World) -> tuple[int, int]:
    """(units of known cost, that cost)."""
    row = await world.conn.execute(
        text("SELECT quantity, cost_minor FROM stock_costs WHERE store_id = :s"),
        {"s": world.store.store_id},
    )
    return tuple(row.one())  # type: ignore[return-value]


async def sent_again(world: World, kind: CaseKind, units: int = 1) -> OrderId:
    placed = await world.an_order({0: 3}, total=29_700)
    await world.shipped(placed, {1: 3})
    case = await world.a_case(placed, kind, {1: units})
    if kind is K.EXCHANGE:
        await returned(world, case, Inspection.AS_NEW)
    else:
        await answer_case.approve(world.conn, world.by_merchant(case))
    parcel = {"carrier": "顺丰", "tracking_no": "SF7654321"}
    await return_case.send_again(world.conn, world.by_merchant(case), **parcel)
    return placed.order_id


async def test_what_is_missing_is_sent_at_its_cost_and_for_no_revenue(world: World) -> None:
    await costed(world, quantity=10, unit_cost=333)
    order_id = await sent_again(world, K.RESEND, units=2)
    store = world.store.store_id
    found = await held(world)
    assert found[store, "resend_cost"] == -666
    assert found[store, "stock_value"] == 666
    assert await worth(world) == (5, 1_665)
    assert await residual(world, order_id) == 0
    (case,) = (await explain_order(world.conn, store_id=store, order_id=order_id)).cases
    (cost,) = case.cases
    assert (cost.label, cost.amount_minor) == ("resend_cost", 666)
    assert (await world.conn.execute(RESENT)).all() == []


async def drift(world: World) -> int:
    """Of all stores: other tests' too."""
    return sum(row.found for row in await world.conn.execute(STOCK_DRIFT))


async def test_an_exchange_costs_what_went_out_less_what_came_back(world: World) -> None:
    """The three left at 333 each; what comes back does so at that, whatever others cost now."""
    await costed(world, quantity=3, unit_cost=333)
    placed = await world.an_order({0: 3}, total=29_700)
    await world.shipped(placed, {1: 3})
    assert await worth(world) == (0, 0)
    await costed(world, quantity=1, unit_cost=401)
    case = await world.a_case(placed, K.EXCHANGE)
    await returned(world, case, Inspection.AS_NEW)
    assert await worth(world) == (2, 734)
    parcel = {"carrier": "顺丰", "tracking_no": "SF7654321"}
    await return_case.send_again(world.conn, world.by_merchant(case), **parcel)
    assert await worth(world) == (1, 367)
    sent = text("SELECT cost_minor, back_minor FROM resend_lines WHERE store_id = :store_id")
    line = await world.conn.execute(sent, {"store_id": world.store.store_id})
    assert tuple(line.one()) == (367, 333)
    assert (await held(world))[world.store.store_id, "resend_cost"] == -34
    assert await residual(world, placed.order_id) == 0
    assert (await world.conn.execute(RESENT)).all() == []


async def test_units_that_come_back_one_by_one_are_worth_together_what_they_left_with(
    world: World,
) -> None:
    before = await drift(world)
    await costed(world, quantity=6, unit_cost=333)
    await costed(world, quantity=1, unit_cost=1_000)
    placed = await world.an_order({0: 3}, total=29_700)
    await world.shipped(placed, {1: 3})
    assert await worth(world) == (4, 1_714)
    for back in (428, 428, 428):
        worth_before = (await worth(world))[1]
        await returned(world, await world.a_case(placed, K.RETURN_REFUND), Inspection.AS_NEW)
        assert (await worth(world))[1] - worth_before == back
    assert await worth(world) == (7, 2_998)
    assert await drift(world) == before


async def test_what_nobody_knows_the_cost_of_is_sent_again_at_none(world: World) -> None:
    order_id = await sent_again(world, K.EXCHANGE)
    assert (world.store.store_id, "resend_cost") not in await held(world)
    assert await residual(world, order_id) == 0
    assert (await world.conn.execute(RESENT)).all() == []


async def a_final_order(world: World):  # type: ignore[no-untyped-def]
    placed = await world.an_order(total=9_900)
    await world.shipped(placed, {1: 1})
    await world.received(placed)
    await world.until(world.now + 7 * DAY)
    return placed


async def paid(world: World) -> list[object]:
    made = await pay_payee(
        world.conn, store_id=world.store.store_id, payee_id=world.store.org_id,
        day=world.now.date(), at=world.now,
    )  # fmt: skip
    return list(made)


async def test_a_payout_is_made_once_a_day_and_comes_back_from_the_bank(world: World) -> None:
    await a_final_order(world)
    (payout,) = await paid(world)
    assert isinstance(payout, UUID)
    assert await paid(world) == []
    merchant = (world.store.org_id, "merchant_payable")
    assert merchant not in await held(world)
    await at_the_bank(world.conn, payout, at=world.now)
    store_id = world.store.store_id
    back = BankAnswer(payout, "returned", why="账号有误")
    said = [
        await bank_says(world.conn, store_id=store_id, answer=back, at=world.now) for _ in range(3)
    ]
    assert said == [True, False, False]
    assert (await held(world))[merchant] == 9_346
    late = BankAnswer(payout, "confirmed", "B1")
    assert not await bank_says(world.conn, store_id=store_id, answer=late, at=world.now)


async def test_a_refund_after_payout_is_owed_by_the_payee_and_taken_from_the_next(
    world: World,
) -> None:
    placed = await a_final_order(world)
    assert len(await paid(world)) == 1
    case = await world.a_case(placed, K.REFUND_ONLY)
    await answer_case.approve(world.conn, world.by_merchant(case))
    merchant = (world.store.org_id, "merchant_payable")
    assert (await held(world))[merchant] == -9_346
    assert await residual(world, placed.order_id) == 0
    assert await paid(world) == []
    await a_final_order(world)
    await a_final_order(world)
    assert (await held(world))[merchant] == 9_346
    (payout,) = await paid(world)
    amount = await world.conn.scalar(
        text("SELECT amount_minor FROM payouts WHERE id = :id"), {"id": payout}
    )
    assert amount == 9_346
