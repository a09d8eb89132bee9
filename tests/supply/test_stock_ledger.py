"""Stock as a ledger: whatever happens in whatever order, all that says how much there is agrees."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.books import stock_of
from tests.factories import T0, AStore, a_store

from dougong.base.errors import Refusal
from dougong.base.ids import OrderId, SkuId, new_id
from dougong.infra import db
from dougong.reads.doctor_stock_sql import STOCK_DRIFT
from dougong.supply.allocation_commands import allocate_lines
from dougong.supply.allocation_rules import WantedUnits
from dougong.supply.commands import hold_units, reserve
from dougong.supply.ledger_commands import About
from dougong.supply.rules import StockBelowReserved
from dougong.supply.stock_commands import (
    receive_units,
    release_lines,
    return_units,
    set_on_hand,
    ship_units,
)
from dougong.supply.stock_rules import Place, Received
from dougong.supply.warehouse_commands import default_warehouse

pytestmark = pytest.mark.money


async def drift(conn: AsyncConnection, sku_ids: Sequence[UUID]) -> list[str]:
    """What the doctor finds of these SKUs."""
    rows = (await conn.execute(STOCK_DRIFT)).all()
    ours = {str(sku_id) for sku_id in sku_ids}
    return [row.example for row in rows if row.found and row.example.rsplit(" ", 1)[-1] in ours]


async def a_warehouse(
    conn: AsyncConnection, store: AStore, *, code: str = "SOUTH", province: str = "广东"
) -> UUID:
    warehouse_id = new_id()
    await conn.execute(
        text("""
            INSERT INTO warehouses (store_id, id, code, name_zh, province, made_at)
            VALUES (:store, :id, :code, '南仓', :province, :at)
        """),
        {"store": store.store_id, "id": warehouse_id, "code": code, "province": province, "at": T0},
    )
    return warehouse_id


async def levels(conn: AsyncConnection, store: AStore) -> dict[tuple[UUID, UUID], tuple[int, ...]]:
    """(warehouse, SKU) to (on hand, allocated, damaged, inspecting)."""
    rows = await conn.execute(
        text("SELECT * FROM stock_levels WHERE store_id = :s"), {"s": store.store_id}
    )
    return {
        (row.warehouse_id, row.sku_id): (row.on_hand, row.allocated, row.damaged, row.inspecting)
        for row in rows
    }


class Shelf:
    """One store with two warehouses; orders that were promised units, set aside, shipped."""

    def __init__(self, conn: AsyncConnection, store: AStore, places: list[UUID]) -> None:
        self.conn, self.store, self.places = conn, store, places
        self.orders: list[tuple[OrderId, SkuId, list[int]]] = []

    async def receive(self, sku: int, place: int, units: int) -> None:
        line = Received(self.store.skus[sku], units, 100 + units, f"L{units}", date(2021, 1, units))
        await receive_units(
            self.conn, store_id=self.store.store_id, warehouse_id=self.places[place], lines=[line],
            about_kind="receipt", about_id=None, key=str(new_id()), at=T0, by_id=None,
        )  # fmt: skip

    async def set(self, sku: int, place: int, units: int) -> None:
        await set_on_hand(
            self.conn, store_id=self.store.store_id, levels={self.store.skus[sku]: units}, at=T0,
            warehouse_id=self.places[place],
        )  # fmt: skip

    async def order(self, sku: int, place: int, units: int) -> None:
        sku_id, order_id = self.store.skus[sku], OrderId(new_id())
        held = await hold_units(self.conn, store_id=self.store.store_id, sku_ids=[sku_id], at=T0)
        if held.take({sku_id: units}) is None:
            await reserve(
                self.conn, store_id=self.store.store_id, held=held, orders=[order_id], at=T0
            )
            self.orders.append((order_id, sku_id, [units]))
            await allocate_lines(
                self.conn, store_id=self.store.store_id, order_id=order_id,
                wanted=[WantedUnits(1, sku_id, units)], province=("上海", "广东")[place], at=T0,
            )  # fmt: skip

    async def ship(self, sku: int, place: int, units: int) -> None:
        if found := self._waiting(units):
            order_id, sku_id, left = found
            left[0] -= (sent := min(left[0], units))
            await ship_units(
                self.conn, store_id=self.store.store_id, order_id=order_id,
                warehouse_id=None if sku else self.places[place], units={1: (sku_id, sent)},
                about=About("package", new_id(), T0),
            )  # fmt: skip

    async def give_back(self, sku: int, place: int, units: int) -> None:
        if found := self._waiting(units):
            order_id, sku_id, left = found
            left[0] -= (back := min(left[0], units))
            await release_lines(
                self.conn, store_id=self.store.store_id, order_id=order_id,
                lines={1: (sku_id, back)}, about=About("refund", new_id(), T0), key=str(new_id()),
            )  # fmt: skip

    async def take_back(self, sku: int, place: int, units: int) -> None:
        into = (Place.FREE, Place.DAMAGED, Place.INSPECTING, Place.SCRAP)[units % 4]
        await return_units(
            self.conn, store_id=self.store.store_id, warehouse_id=self.places[place],
            sku_id=self.store.skus[sku], quantity=units, into=into, about_kind="case",
            about_id=None, key=str(new_id()), at=T0,
        )  # fmt: skip

    def _waiting(self, units: int) -> tuple[OrderId, SkuId, list[int]] | None:
        waiting = [one for one in self.orders if one[2][0]]
        return waiting[units % len(waiting)] if waiting else None


ACTS = ("receive", "set", "order", "order", "ship", "ship", "give_back", "take_back")
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, 1), st.integers(0, 1), st.integers(1, 9)),
    min_size=4,
    max_size=25,
)


@settings(max_examples=40)
@given(steps=STEPS)
def test_all_that_says_how_much_there_is_agrees(steps: list[tuple[str, int, int, int]]) -> None:
    asyncio.run(_live(steps))


async def _live(steps: list[tuple[str, int, int, int]]) -> None:
    engine = db.make_engine(db.app_url(), pool_size=1)
    try:
        async with engine.connect() as conn:
            await conn.begin()
            store = await a_store(conn, prices=(900, 500), on_hand=5)
            first = await default_warehouse(conn, store_id=store.store_id, at=T0)
            shelf = Shelf(conn, store, [first, await a_warehouse(conn, store)])
            for act, sku, place, units in steps:
                try:
                    async with conn.begin_nested():
                        await getattr(shelf, act)(sku, place, units)
                except Refusal:
                    continue
            assert await drift(conn, store.skus) == []
            for n, sku_id in enumerate(store.skus):
                on_hand, reserved = await stock_of(conn, store.store_id, sku_id)
                assert 0 <= reserved <= on_hand, n
                assert reserved == sum(left for _, sku, (left,) in shelf.orders if sku == sku_id)
            await conn.rollback()
    finally:
        await engine.dispose()


async def shelf_of(conn: AsyncConnection, *, on_hand: int = 10) -> tuple[Shelf, UUID, UUID]:
    store = await a_store(conn, on_hand=on_hand)
    first = await default_warehouse(conn, store_id=store.store_id, at=T0)
    second = await a_warehouse(conn, store)
    return Shelf(conn, store, [first, second]), first, second


async def test_an_order_is_set_aside_in_the_nearest_warehouse(conn: AsyncConnection) -> None:
    shelf, first, second = await shelf_of(conn)
    await shelf.receive(0, 1, 5)
    await shelf.order(0, 1, 3)  # to 广东
    assert await levels(conn, shelf.store) == {
        (first, shelf.store.skus[0]): (10, 0, 0, 0),
        (second, shelf.store.skus[0]): (5, 3, 0, 0),
    }


async def test_a_package_may_leave_another_warehouse_than_was_set_aside(
    conn: AsyncConnection,
) -> None:
    shelf, first, second = await shelf_of(conn)
    await shelf.receive(0, 1, 5)
    await shelf.order(0, 1, 3)
    await shelf.ship(0, 0, 3)  # leaves the first, waited in the second
    assert await levels(conn, shelf.store) == {
        (first, shelf.store.skus[0]): (7, 0, 0, 0),
        (second, shelf.store.skus[0]): (5, 0, 0, 0),
    }
    assert await stock_of(conn, shelf.store.store_id, shelf.store.skus[0]) == (12, 0)


async def test_what_no_warehouse_has_free_stays_promised(conn: AsyncConnection) -> None:
    shelf, first, _ = await shelf_of(conn, on_hand=4)
    await conn.execute(
        text("UPDATE warehouses SET ships = false WHERE store_id = :s"),
        {"s": shelf.store.store_id},
    )
    await shelf.order(0, 0, 3)
    assert await levels(conn, shelf.store) == {(first, shelf.store.skus[0]): (4, 0, 0, 0)}
    assert await stock_of(conn, shelf.store.store_id, shelf.store.skus[0]) == (4, 3)
    await shelf.ship(1, 0, 3)
    assert await stock_of(conn, shelf.store.store_id, shelf.store.skus[0]) == (1, 0)


async def test_the_same_receipt_comes_once(conn: AsyncConnection) -> None:
    shelf, first, _ = await shelf_of(conn)
    for _ in range(2):
        await receive_units(
            conn, store_id=shelf.store.store_id, warehouse_id=first,
            lines=[Received(shelf.store.skus[0], 4, 250)], about_kind="receipt", about_id=None,
            key="R1", at=T0, by_id=None,
        )  # fmt: skip
    assert await stock_of(conn, shelf.store.store_id, shelf.store.skus[0]) == (14, 0)


async def test_what_expires_first_goes_first(conn: AsyncConnection) -> None:
    shelf, first, _ = await shelf_of(conn, on_hand=0)
    sku_id = shelf.store.skus[0]
    days = [date(2021, 6, 1), date(2021, 3, 1)]
    await receive_units(
        conn, store_id=shelf.store.store_id, warehouse_id=first,
        lines=[Received(sku_id, 5, None, f"L{n}", day) for n, day in enumerate(days)],
        about_kind="receipt", about_id=None, key="R1", at=T0, by_id=None,
    )  # fmt: skip
    await shelf.order(0, 0, 7)
    await shelf.ship(1, 0, 7)
    left = await conn.execute(
        text("SELECT expires_on, on_hand FROM stock_batches WHERE store_id = :s ORDER BY 1"),
        {"s": shelf.store.store_id},
    )
    assert [tuple(row) for row in left] == [(days[1], 0), (days[0], 3)]


async def test_the_average_cost_moves_with_receipts_and_goes_out_with_goods(
    conn: AsyncConnection,
) -> None:
    shelf, first, _ = await shelf_of(conn, on_hand=0)
    sku_id = shelf.store.skus[0]
    for n, (units, cost) in enumerate([(10, 100), (5, 133)]):
        await receive_units(
            conn, store_id=shelf.store.store_id, warehouse_id=first,
            lines=[Received(sku_id, units, cost)], about_kind="receipt", about_id=None,
            key=f"R{n}", at=T0 + timedelta(days=n), by_id=None,
        )  # fmt: skip
    await shelf.order(0, 0, 4)
    await shelf.ship(1, 0, 4)
    found = await conn.execute(
        text("SELECT quantity, cost_minor FROM stock_costs WHERE store_id = :s"),
        {"s": shelf.store.store_id},
    )
    assert tuple(found.one()) == (11, 1665 - 444)  # 4 of 15 units that cost 16.65


async def test_a_level_below_what_is_promised_is_refused(conn: AsyncConnection) -> None:
    shelf, _, _ = await shelf_of(conn)
    await shelf.order(0, 0, 6)
    with pytest.raises(StockBelowReserved):
        await set_on_hand(
            conn, store_id=shelf.store.store_id, levels={shelf.store.skus[0]: 5}, at=T0
        )
    assert await stock_of(conn, shelf.store.store_id, shelf.store.skus[0]) == (10, 6)
