"""People who begin waves, pack and give money back at the same instant: no order is taken twice."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.races.stepped import interleavings, run_steps
from tests.supply.sandbox_carrier import WORKER
from tests.supply.wave_world import PRICE, Shop, a_wide_shop, in_wave, paid, wave

from dougong.base.ids import OrderId
from dougong.flows.pack_orders import pack_orders
from dougong.flows.refund_lines import refund_lines
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.supply.fulfilment_rules import NothingToPick, PickedAlready
from dougong.supply.wave_commands import pick_unit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("own_database", "patient"),
]


async def taken(shop: Shop, waves: list[Any]) -> list[tuple[UUID, OrderId]]:
    """(wave, order) of every order that is in one of these waves; there is nothing else to pick
    where a wave was refused."""
    assert all(isinstance(one, UUID | NothingToPick) for one in waves), waves
    return [
        (one, order_id)
        for one in waves
        if isinstance(one, UUID)
        for order_id in dict.fromkeys(order for order, _, _ in await in_wave(shop, one))
    ]


async def test_many_who_begin_waves_of_one_warehouse_share_no_order() -> None:
    shop = await a_wide_shop()
    orders = [await paid(shop, 1) for _ in range(12)]
    waves = await asyncio.gather(
        *(wave(shop, shop.west, most=3) for _ in range(8)), return_exceptions=True
    )
    found = await taken(shop, waves)
    assert sorted(order for _, order in found) == sorted(orders)
    sizes = [sum(wave_id == one for wave_id, _ in found) for one in waves if isinstance(one, UUID)]
    assert sizes == [3, 3, 3, 3]


async def test_both_warehouses_of_split_orders_are_begun_at_once() -> None:
    """Each part is in one wave of its warehouse, whoever was first."""
    shop = await a_wide_shop(main=(0, 0))
    orders = [await paid(shop, 1, 1) for _ in range(6)]
    places = [shop.west, shop.south] * 4
    waves = await asyncio.gather(
        *(wave(shop, place, most=2) for place in places), return_exceptions=True
    )
    for place in (shop.west, shop.south):
        here = [one for one, there in zip(waves, places, strict=True) if there == place]
        assert sorted(order for _, order in await taken(shop, here)) == sorted(orders)


async def packing(shop: Shop, order_id: OrderId) -> str:
    async with transaction() as conn:
        await pack_orders(
            conn, store_id=shop.store.store_id, parts={order_id: {1: 1}}, weight_g=700,
            size_mm=None, warehouse_id=shop.west, by_id=WORKER, at=await clock.refresh(conn),
        )  # fmt: skip
    return "packed"


async def refunding(shop: Shop, order_id: OrderId) -> str:
    async with transaction() as conn:
        await refund_lines(
            conn, store_id=shop.store.store_id, order_id=order_id, amounts={1: PRICE},
            reason="race", asked_by=None, key=f"all-{order_id}", at=await clock.refresh(conn),
        )  # fmt: skip
    return "refunded"


async def open_lines(shop: Shop, order_id: OrderId) -> int:
    async with transaction() as conn:
        found = await conn.scalar(
            text(
                "SELECT count(*) FROM wave_lines WHERE store_id = :s AND order_id = :o AND is_open"
            ),
            {"s": shop.store.store_id, "o": order_id},
        )
    return int(found or 0)


async def test_an_order_that_is_packed_meanwhile_waits_in_no_wave() -> None:
    """At every order of the steps: it is packed, and no list asks for it any more."""
    shop, passed = await a_wide_shop(), set()
    for order in interleavings(2, 2):
        order_id = await paid(shop, 1)
        answers, steps = await run_steps(
            (lambda: wave(shop, shop.west), lambda one=order_id: packing(shop, one)), order
        )
        passed |= {name for one in steps.points for name in one}
        assert answers[1] == "packed"
        assert await open_lines(shop, order_id) == 0, (order, answers)
    assert {"wave: locked the orders", "pack: locked the orders"} <= passed


async def one_unit(shop: Shop, wave_id: UUID) -> None:
    async with transaction() as conn:
        await pick_unit(
            conn, store_id=shop.store.store_id, wave_id=wave_id, sku_id=shop.store.skus[0],
            key=uuid4().hex, by_id=WORKER, at=await clock.refresh(conn),
        )  # fmt: skip


async def test_an_order_that_is_refunded_meanwhile_asks_for_no_unit() -> None:
    """It is in no wave, or in one that needs nothing of it."""
    shop = await a_wide_shop()
    for order in interleavings(2, 3):
        order_id = await paid(shop, 1)
        answers, _ = await run_steps(
            (lambda: wave(shop, shop.west), lambda one=order_id: refunding(shop, one)), order
        )
        assert answers[1] == "refunded"
        if answers[0] != "nothing_to_pick":
            with pytest.raises(PickedAlready):
                await one_unit(shop, answers[0])
