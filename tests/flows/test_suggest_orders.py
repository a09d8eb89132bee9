"""Suggestions from paid orders: demand by local day, stock, what is on its way."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.supply_buying import AT, a_draft, a_sent_order, buying

from dougong.base.ids import new_id
from dougong.flows.suggest_orders import by_day, reckon, window

NOW = AT + timedelta(days=40)


async def _sold(conn: AsyncConnection, world: object, sku_id: object, *, units: int) -> None:
    """So many units on each of the thirty days before NOW, in paid orders."""
    store_id = world.store.store_id  # type: ignore[attr-defined]
    for n in range(1, 31):
        order = {"store": store_id, "id": new_id(), "at": NOW - timedelta(days=n), "sku": sku_id,
                 "units": units, "number": f"S-{new_id().hex}"}  # fmt: skip
        await conn.execute(
            text("""
                INSERT INTO orders (store_id, id, number, checkout_id, idempotency_key,
                  request_hash, state, currency, goods_minor, discount_minor, shipping_minor,
                  total_minor, address, receive_within_s, after_sales_window_s, placed_at, pay_by,
                  paid_at)
                VALUES (:store, :id, :number, :id, :number, 'h', 'paid', 'CNY', 100, 0, 0, 100,
                  '{}', 1, 1, :at, :at, :at)
            """),
            order,
        )
        await conn.execute(
            text("""
                INSERT INTO order_lines (store_id, order_id, line_no, kind, sku_id, title_zh,
                  category, quantity, unit_price_minor, gross_minor, paid_minor, service_fee_bp,
                  commission_bp, commission_cut_bp, payment_cost_bp)
                VALUES (:store, :id, 1, 'goods', :sku, '茶', 'beauty', :units, 100, 100 * :units,
                  100 * :units, 0, 0, 0, 0)
            """),
            order,
        )


async def test_demand_stock_and_open_orders_make_the_suggestion(conn: AsyncConnection) -> None:
    world = await buying(conn)
    await _sold(conn, world, world.store.skus[0], units=4)
    await a_sent_order(conn, world, (10,))
    await a_draft(conn, world, (500,))  # a draft is not on its way
    rows = {one.sku_id: one for one in await reckon(conn, store_id=world.store.store_id, at=NOW)}
    found = rows[world.store.skus[0]]
    # Four a day without fail, five days of delivery and seven between orders: 48, ten are coming.
    assert (found.on_order, found.free, found.quantity) == (10, 0, 40)
    assert (found.figures["method"], found.figures["up_to"]) == ("smoothing", 48)
    assert rows[world.store.skus[1]].quantity == 0


def test_days_without_demand_count_from_the_first_with_some_on() -> None:
    first, until = window(NOW)
    assert (until - first).days == 120
    assert by_day({until - timedelta(days=3): 2}, first, until) == [2, 0, 0]
    assert by_day({}, first, until) == []
