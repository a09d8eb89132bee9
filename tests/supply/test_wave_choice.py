"""Which orders a wave takes: of one warehouse, by line and province, the nearest promise first."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.supply.sandbox_carrier import WORKER
from tests.supply.wave_world import Shop, a_wide_shop, in_wave, paid, wave

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import OrderId, new_id
from dougong.flows.pack_orders import pack_orders
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.reads.wave_board import waiting_at
from dougong.reads.waves import orders_to_pack, pick_list
from dougong.supply.bin_commands import set_bins
from dougong.supply.fulfilment_rules import NothingToPick, WaveLines
from dougong.supply.wave_commands import pick_unit

DAY = timedelta(days=1)


async def waiting(shop: Shop) -> dict[str, tuple[int, int, int]]:
    """Warehouse code to orders that wait, are due today, are late."""
    async with transaction() as conn:
        now = await clock.refresh(conn)
        rows = await waiting_at(
            conn, store_id=shop.store.store_id, now=now, tomorrow=now + timedelta(hours=6)
        )
    return {row.code: (row.waiting, row.due, row.late) for row in rows}


async def promised(shop: Shop, order_id: OrderId, hours: int) -> None:
    """The order is promised for so many hours from now."""
    async with transaction() as conn:
        await conn.execute(
            text("""
                UPDATE ship_promises SET promised_by = :at WHERE store_id = :s AND order_id = :o
            """),
            {"at": await clock.refresh(conn) + timedelta(hours=hours),
             "s": shop.store.store_id, "o": order_id},
        )  # fmt: skip


async def packed(shop: Shop, order_id: OrderId, lines: dict[int, int], where: Any) -> None:
    async with transaction() as conn:
        await pack_orders(
            conn, store_id=shop.store.store_id, parts={order_id: lines}, weight_g=700,
            size_mm=None, warehouse_id=where, by_id=WORKER, at=await clock.refresh(conn),
        )  # fmt: skip


async def test_a_wave_is_of_one_warehouse(connections: None) -> None:
    shop = await a_wide_shop()
    west, south, both = await paid(shop, 1), await paid(shop, 0, 2), await paid(shop, 1, 1)
    assert await waiting(shop) == {"MAIN": (1, 0, 0), "SOUTH": (1, 0, 0), "WEST": (1, 0, 0)}
    assert await in_wave(shop, await wave(shop, shop.west)) == [(west, 1, 1)]
    assert await in_wave(shop, await wave(shop, shop.south)) == [(south, 1, 2)]
    assert await in_wave(shop, await wave(shop, shop.main)) == [(both, 1, 1), (both, 2, 1)]
    assert await waiting(shop) == {"MAIN": (0, 0, 0), "SOUTH": (0, 0, 0), "WEST": (0, 0, 0)}


async def test_where_there_are_several_one_is_chosen(connections: None) -> None:
    shop = await a_wide_shop()
    await paid(shop, 1)
    with pytest.raises(BadInput) as refused:
        await wave(shop, None)
    assert refused.value.facts == {"reason": "choose_warehouse"}
    with pytest.raises(NotFound):
        await wave(shop, new_id())


async def test_an_order_that_ships_from_two_is_in_a_wave_of_each(connections: None) -> None:
    shop = await a_wide_shop(main=(0, 0))
    order = await paid(shop, 2, 1)
    west, south = await wave(shop, shop.west), await wave(shop, shop.south)
    assert await in_wave(shop, west) == [(order, 1, 2)]
    assert await in_wave(shop, south) == [(order, 2, 1)]
    with pytest.raises(NothingToPick):
        await wave(shop, shop.west)
    await pick_all(shop, west, 0, 2)
    await pick_all(shop, south, 1, 1)
    async with transaction() as conn:
        rows = await orders_to_pack(conn, store_id=shop.store.store_id, most=9)
    assert {row.warehouse_id: [(one["line_no"], one["left"]) for one in row.lines]
            for row in rows} == {shop.west: [(1, 2)], shop.south: [(2, 1)]}  # fmt: skip


async def pick_all(shop: Shop, wave_id: Any, sku: int, units: int) -> None:
    for _ in range(units):
        async with transaction() as conn:
            await pick_unit(
                conn, store_id=shop.store.store_id, wave_id=wave_id, sku_id=shop.store.skus[sku],
                key=uuid4().hex, by_id=WORKER, at=await clock.refresh(conn),
            )  # fmt: skip


async def test_what_is_packed_in_one_warehouse_still_waits_in_the_other(connections: None) -> None:
    shop = await a_wide_shop(main=(0, 0))
    order = await paid(shop, 1, 1)
    await packed(shop, order, {1: 1}, shop.west)
    assert await waiting(shop) == {"MAIN": (0, 0, 0), "SOUTH": (1, 0, 0), "WEST": (0, 0, 0)}
    with pytest.raises(NothingToPick):
        await wave(shop, shop.west)
    assert await in_wave(shop, await wave(shop, shop.south)) == [(order, 2, 1)]


async def test_a_line_split_over_two_is_packed_in_each_for_itself(connections: None) -> None:
    shop = await a_wide_shop(main=(1, 0), out=2)
    order = await paid(shop, 3)
    main, west = await wave(shop, shop.main), await wave(shop, shop.west)
    assert (await in_wave(shop, main), await in_wave(shop, west)) == (
        [(order, 1, 1)], [(order, 1, 2)],
    )  # fmt: skip
    await packed(shop, order, {1: 2}, shop.west)
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT wave_id, packed, is_open FROM wave_lines WHERE store_id = :s"),
            {"s": shop.store.store_id},
        )
        assert {tuple(row) for row in found} == {(main, 0, True), (west, 2, False)}


async def test_an_order_that_waits_for_stock_is_in_no_wave(connections: None) -> None:
    shop = await a_wide_shop(out=1)
    async with transaction() as conn:
        await conn.execute(
            text("UPDATE warehouses SET ships = false WHERE id = :id"), {"id": shop.main}
        )
    whole = await paid(shop, 0, 1)
    await paid(shop, 1, 1)  # the second of it lies in MAIN only
    assert (await waiting(shop))["WEST"] == (0, 0, 0)
    with pytest.raises(NothingToPick):
        await wave(shop, shop.west)
    assert await in_wave(shop, await wave(shop, shop.south)) == [(whole, 1, 1)]


async def test_the_nearest_promise_goes_first_and_is_counted(connections: None) -> None:
    shop = await a_wide_shop()
    later, soon, late = [await paid(shop, 1) for _ in range(3)]
    await promised(shop, soon, 3)
    await promised(shop, late, -2)
    assert (await waiting(shop))["WEST"] == (3, 1, 1)
    first = await wave(shop, shop.west, most=2)
    assert [order for order, _, _ in await in_wave(shop, first)] == [late, soon]
    assert [order for order, _, _ in await in_wave(shop, await wave(shop, shop.west))] == [later]


async def test_orders_of_one_line_or_of_several(connections: None) -> None:
    shop = await a_wide_shop(out=0)
    one, several = await paid(shop, 3), await paid(shop, 1, 1)
    alone = await wave(shop, shop.main, lines=WaveLines.ONE)
    assert await in_wave(shop, alone) == [(one, 1, 3)]
    rest = await wave(shop, shop.main, lines=WaveLines.SEVERAL)
    assert await in_wave(shop, rest) == [(several, 1, 1), (several, 2, 1)]


async def test_orders_that_go_to_a_province(connections: None) -> None:
    shop = await a_wide_shop(out=0)
    near = await paid(shop, 1, province="内蒙古自治区")
    await paid(shop, 1, province="广东省")
    chosen = await wave(shop, shop.main, province="内蒙古")
    assert await in_wave(shop, chosen) == [(near, 1, 1)]
    with pytest.raises(BadInput):
        await wave(shop, shop.main, province="Atlantis")


async def test_the_list_shows_the_bins_of_its_warehouse_in_order(connections: None) -> None:
    shop = await a_wide_shop()
    await paid(shop, 1, 2)
    async with transaction() as conn:
        first, second = shop.store.skus
        await set_bins(
            conn, store_id=shop.store.store_id,
            bins={
                (first, shop.main): "B-02", (first, shop.west): "A-00",
                (second, shop.main): "A-01", (second, shop.west): "Z-99",
            },
        )  # fmt: skip
    wave_id = await wave(shop, shop.main)
    async with transaction() as conn:
        rows = await pick_list(conn, store_id=shop.store.store_id, wave_id=wave_id)
    assert [(row.bin, row.sku_id) for row in rows] == [
        ("A-01", shop.store.skus[1]), ("B-02", shop.store.skus[0]),
    ]  # fmt: skip
