"""By when an order has to be shipped, frozen at its payment; late once, with the facts."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text
from tests.flows.test_order_life import refund
from tests.supply.sandbox_carrier import a_paid, a_shop_with_carrier
from tests.supply.test_tracking import send

from dougong.flows.place_orders import Placed
from dougong.flows.ship_promise import _tell
from dougong.infra.db import transaction
from dougong.reads.fulfilment import due_rows, promise_of
from dougong.supply.promise_commands import note_late


async def promise(order: Placed) -> Any:
    async with transaction() as conn:
        return await promise_of(conn, store_id=order.store_id, order_id=order.order_id)


async def late_of(order: Placed, *, hours: int) -> list[int]:
    """Units left of this order's promise, as the job finds it so many hours after the promise."""
    found = await promise(order)
    async with transaction() as conn:
        at = found.promised_by + timedelta(hours=hours)
        rows = await note_late(conn, at=at, most=100_000)
        mine = [row for row in rows if row.order_id == order.order_id and row.late_at]
        for row in mine:
            await _tell(conn, row, at)
    return [row.late_units for row in mine]


async def test_a_promise_is_late_once(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer, quantity=3)
    made = await promise(order)
    assert made.promised_by - made.made_at == timedelta(hours=48)
    assert await late_of(order, hours=-1) == []
    assert await late_of(order, hours=1) == [3]
    assert await late_of(order, hours=2) == []
    async with transaction() as conn:
        facts = await conn.scalar(
            text("SELECT facts FROM events WHERE kind = 'order.ship_late' AND subject_id = :o"),
            {"o": order.order_id},
        )
        (row,) = await due_rows(conn, store_id=order.store_id, most=9)
    assert (facts["units_left"], facts["promised_by"]) == (3, made.promised_by.isoformat())
    assert (row.id, row.units, row.late_at is not None) == (order.order_id, 3, True)


async def test_what_was_shipped_in_time_is_never_late(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer)
    await send(order)
    assert (await promise(order)).kept_at is not None
    assert await late_of(order, hours=1) == []


async def test_a_refunded_order_is_never_late(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer)
    await refund(order, {1: 9_900})
    assert await late_of(order, hours=1) == []
    async with transaction() as conn:
        assert await due_rows(conn, store_id=order.store_id, most=9) == []
