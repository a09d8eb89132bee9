"""Orders that no warehouse could serve: whatever brings units serves them, the first paid first."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.factories import ABuyer, AStore, a_buyer, a_person, a_store, the_rules
from tests.flows.test_order_life import refund
from tests.supply.sandbox_carrier import a_paid
from tests.supply_buying import Buying, a_sent_order, a_supplier

from dougong.base.ids import PersonId, new_id
from dougong.flows.change_stock import change_stock
from dougong.flows.place_orders import Placed
from dougong.flows.receive_goods import receive_goods
from dougong.flows.serve_waiting import allocate_waiting, serve_waiting
from dougong.flows.take_stock import approve, arrive, send
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.reads.waiting_allocations import waiting_lines
from dougong.supply.count_commands import finish_count, note_count, start_count
from dougong.supply.receipt_commands import CountedLine, Delivery
from dougong.supply.warehouse_commands import WarehouseFields, add_warehouse, default_warehouse


class World(NamedTuple):
    """A store whose goods lie in a warehouse that does not ship; SOUTH ships and is empty."""

    store: AStore
    buyer: ABuyer
    main: UUID
    south: UUID
    person: PersonId


async def a_world() -> World:
    async with transaction() as conn:
        await the_rules(conn)
        at = await clock.refresh(conn)
        store, buyer, person = await a_store(conn), await a_buyer(conn), await a_person(conn)
        main = await default_warehouse(conn, store_id=store.store_id, at=at)
        south = WarehouseFields(code="SOUTH", name_zh="南仓", province="广东")
        south_id = await add_warehouse(conn, store_id=store.store_id, fields=south, at=at)
        await ships(conn, main, False)
    return World(store, buyer, main, south_id, person)


async def ships(conn: Any, warehouse_id: UUID, so: bool) -> None:
    await conn.execute(
        text("UPDATE warehouses SET ships = :so WHERE id = :id"), {"so": so, "id": warehouse_id}
    )


async def set_aside(order: Placed) -> dict[str, int]:
    """Warehouse code to units set aside for an order."""
    async with transaction() as conn:
        found = await conn.execute(
            text("""
                SELECT w.code, a.quantity - a.shipped - a.released AS units
                FROM stock_allocations a JOIN warehouses w ON w.id = a.warehouse_id
                WHERE a.order_id = :o AND a.state = 'open'
            """),
            {"o": order.order_id},
        )
        return {row.code: row.units for row in found}


async def jobs(store: AStore) -> int:
    async with transaction() as conn:
        found: int = await conn.scalar(
            text("""
                SELECT count(*) FROM procrastinate_jobs
                WHERE task_name = 'supply.allocate_waiting' AND args->>'store_id' = :s
            """),
            {"s": str(store.store_id)},
        )
        return found


async def by_receipt(world: World) -> None:
    async with transaction() as conn:
        supplier_id = await a_supplier(conn, world.store, code="TEA", by=world.person)
        second = await a_person(conn)
        bought = Buying(world.store, world.person, second, supplier_id)
        order_id = await a_sent_order(conn, bought, (10,))
        lines = [CountedLine(1, accepted=10)]
        await receive_goods(
            conn, store_id=world.store.store_id, order_id=order_id, warehouse_id=world.south,
            delivery=Delivery(lines=lines, key="delivery-1"), by_id=world.person,
            at=await clock.refresh(conn),
        )  # fmt: skip


async def by_hand(world: World) -> None:
    async with transaction() as conn:
        await change_stock(
            conn, store_id=world.store.store_id, levels={world.store.skus[0]: 10},
            at=await clock.refresh(conn), warehouse_id=world.south,
        )  # fmt: skip


async def by_transfer(world: World) -> None:
    sku, of = world.store.skus[0], {"store_id": world.store.store_id, "by_id": world.person}
    async with transaction() as conn:
        at = await clock.refresh(conn)
        transfer_id = await send(
            conn, src=world.main, dst=world.south, units={sku: 10}, note="", key="t", at=at, **of
        )
        await arrive(conn, transfer_id=transfer_id, arrived={sku: (10, 0)}, at=at, **of)


async def by_count(world: World) -> None:
    store_id, sku = world.store.store_id, world.store.skus[0]
    async with transaction() as conn:
        at = await clock.refresh(conn)
        of: dict[str, Any] = {"store_id": store_id, "by_id": world.person, "at": at}
        count_id = await start_count(
            conn, warehouse_id=world.south, scope="", sku_ids=[sku], limit_units=100, **of
        )
        await note_count(
            conn, count_id=count_id, sku_id=sku, counted=10, reason="found", key="count-01", **of
        )
        await finish_count(conn, count_id=count_id, **of)
        await approve(conn, count_id=count_id, **of)


@pytest.mark.parametrize("bring", [by_receipt, by_hand, by_transfer, by_count])
async def test_units_that_come_serve_the_order_that_was_paid_first(
    connections: None, bring: Callable[[World], Awaitable[None]]
) -> None:
    world = await a_world()
    first = await a_paid(world.store, world.buyer, quantity=7)
    second = await a_paid(world.store, world.buyer, quantity=7)
    assert await set_aside(first) == await set_aside(second) == {}
    await bring(world)
    assert await jobs(world.store) == 1
    await allocate_waiting(str(world.store.store_id))
    assert (await set_aside(first), await set_aside(second)) == ({"SOUTH": 7}, {"SOUTH": 3})
    async with transaction() as conn:
        (left,) = await waiting_lines(conn, store_id=world.store.store_id, most=9)
    assert (left.order_id, left.units, left.ready, left.elsewhere) == (
        second.order_id, 4, 0, 90 if bring is by_transfer else 100
    )  # fmt: skip


async def test_units_that_a_refund_frees_go_to_the_next(connections: None) -> None:
    world = await a_world()
    await by_hand(world)
    first = await a_paid(world.store, world.buyer, quantity=10)
    second = await a_paid(world.store, world.buyer, quantity=2)
    assert (await set_aside(first), await set_aside(second)) == ({"SOUTH": 10}, {})
    await refund(first, {1: 99_000})
    assert await jobs(world.store) == 1
    await allocate_waiting(str(world.store.store_id))
    assert await set_aside(second) == {"SOUTH": 2}


async def test_nothing_is_asked_when_no_order_waits(connections: None) -> None:
    world = await a_world()
    await by_hand(world)
    order = await a_paid(world.store, world.buyer)
    assert await set_aside(order) == {"SOUTH": 1}
    await by_hand(world)
    assert await jobs(world.store) == 0


async def test_an_order_without_free_units_is_left_out_until_they_come(connections: None) -> None:
    async with transaction() as conn:
        await the_rules(conn)
        store, buyer = await a_store(conn, prices=(9_900,)), await a_buyer(conn)
        at = await clock.refresh(conn)
        main = await default_warehouse(conn, store_id=store.store_id, at=at)
        south = await add_warehouse(
            conn, store_id=store.store_id, fields=WarehouseFields(code="S", name_zh="南仓"), at=at
        )
        await ships(conn, main, False)
    world = World(store, buyer, main, south, PersonId(new_id()))
    stuck = await a_paid(store, buyer)
    async with transaction() as conn:
        lines = await waiting_lines(conn, store_id=store.store_id, only_ready=True, most=9)
        assert lines == []
        await serve_waiting(conn, store_id=store.store_id)
    assert await jobs(store) == 1
    await by_hand(world)
    await allocate_waiting(str(store.store_id))
    assert await set_aside(stuck) == {"S": 1}
