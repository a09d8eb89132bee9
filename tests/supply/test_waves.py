"""Waves: who picks what, twice, at once, and of an order that was refunded meanwhile."""

import asyncio
from uuid import UUID, uuid4

import pytest
from tests.flows.test_order_life import refund
from tests.supply.sandbox_carrier import WORKER, a_paid, a_shop_with_carrier, pack

from dougong.base.ids import PersonId, SkuId, StoreId, new_id
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.reads.waves import pick_list, wave_rows
from dougong.supply.fulfilment_rules import NothingToPick, PickedAlready, WaveChoice, WaveClosed
from dougong.supply.wave_commands import begin_wave, close_wave, pick_unit


async def a_wave(store_id: StoreId, most: int = 50) -> UUID:
    async with transaction() as conn:
        return await begin_wave(
            conn, store_id=store_id, choice=WaveChoice(most=most), by_id=WORKER,
            at=await clock.refresh(conn),
        )  # fmt: skip


async def pick(
    store_id: StoreId, wave_id: UUID, sku_id: SkuId, *, key: str = "", by: PersonId = WORKER
) -> tuple[UUID, int]:
    async with transaction() as conn:
        return await pick_unit(
            conn, store_id=store_id, wave_id=wave_id, sku_id=sku_id, key=key or uuid4().hex,
            by_id=by, at=await clock.refresh(conn),
        )  # fmt: skip


async def test_a_wave_is_picked_scan_by_scan(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    first, second = await a_paid(store, buyer, quantity=2), await a_paid(store, buyer)
    wave_id = await a_wave(store.store_id)
    async with transaction() as conn:
        (row,) = await pick_list(conn, store_id=store.store_id, wave_id=wave_id)
    assert (row.quantity, row.picked, row.orders) == (3, 0, 2)
    key = uuid4().hex
    sku = store.skus[0]
    told = [await pick(store.store_id, wave_id, sku, key=key) for _ in range(2)]
    assert told == [(first.order_id, 1)] * 2  # the same scan twice is one scan
    assert await pick(store.store_id, wave_id, sku) == (first.order_id, 1)
    assert await pick(store.store_id, wave_id, sku) == (second.order_id, 1)
    with pytest.raises(PickedAlready):
        await pick(store.store_id, wave_id, sku)
    async with transaction() as conn:
        assert [w.state for w in await wave_rows(conn, store_id=store.store_id, most=9)] == [
            "picked"
        ]


async def test_two_workers_that_pick_the_same_line_take_no_unit_twice(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    await a_paid(store, buyer, quantity=2)
    wave_id, sku = await a_wave(store.store_id), store.skus[0]
    workers = [PersonId(new_id()) for _ in range(4)]
    done = await asyncio.gather(
        *(pick(store.store_id, wave_id, sku, by=worker) for worker in workers),
        return_exceptions=True,
    )
    assert sum(isinstance(one, PickedAlready) for one in done) == 2
    async with transaction() as conn:
        (row,) = await pick_list(conn, store_id=store.store_id, wave_id=wave_id)
    assert row.picked == 2


async def test_an_order_is_in_one_wave_at_a_time(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    for _ in range(3):
        await a_paid(store, buyer)
    await asyncio.gather(a_wave(store.store_id, 2), a_wave(store.store_id, 2))
    with pytest.raises(NothingToPick):
        await a_wave(store.store_id)


async def test_what_was_packed_ends_the_wave(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer, quantity=2)
    wave_id = await a_wave(store.store_id)
    await pack(store.store_id, {order.order_id: {1: 1}})
    await pick(store.store_id, wave_id, store.skus[0])
    await pack(store.store_id, {order.order_id: {1: 1}})
    with pytest.raises(WaveClosed):
        await pick(store.store_id, wave_id, store.skus[0])


async def test_a_refunded_line_is_picked_no_more(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer)
    wave_id = await a_wave(store.store_id)
    await refund(order, {1: 9_900})
    with pytest.raises(PickedAlready):
        await pick(store.store_id, wave_id, store.skus[0])


async def test_a_wave_that_is_closed_gives_its_orders_back(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    await a_paid(store, buyer)
    wave_id = await a_wave(store.store_id)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await close_wave(conn, store_id=store.store_id, wave_id=wave_id, at=at)
    assert await a_wave(store.store_id) != wave_id
