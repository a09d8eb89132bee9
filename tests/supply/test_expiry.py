"""Goods that expire: named when they come, sold in time, off sale after that, each once."""

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, AStore, a_person
from tests.supply.test_stock_ledger import Shelf, drift, levels, shelf_of
from tests.supply_buying import LATER, a_sent_order, buying

from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import SkuId, StoreId, new_id
from dougong.catalog.commands import CategoryRow, ensure_categories
from dougong.flows.expire_batches import expire_batches, take_off_sale
from dougong.flows.receive_goods import receive_goods
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.supply.expiry_commands import expired_skus, withdraw_expired
from dougong.supply.expiry_rules import ExpiresTooSoon, ExpiryMissing, TooCloseToExpiry
from dougong.supply.ledger_commands import About
from dougong.supply.receipt_commands import CountedLine, Delivery
from dougong.supply.resend_commands import send_free_units
from dougong.supply.stock_commands import receive_units, ship_units
from dougong.supply.stock_rules import NotEnoughThere, Received
from dougong.supply.transfer_commands import receive_transfer, send_transfer

DAY = timedelta(days=1)
TODAY = date(2020, 8, 20)  # of T0; food is sold until 7 days before it expires
SOON, LONG = TODAY + 7 * DAY, TODAY + 100 * DAY


async def as_food(conn: AsyncConnection, store: AStore, category: str = "food/tea") -> None:
    paths = ("food", "food/tea", "pets", "pets/food")
    await ensure_categories(conn, [CategoryRow(path, "类", "Kind") for path in paths])
    await conn.execute(
        text("UPDATE products SET category = :category WHERE store_id = :s"),
        {"category": category, "s": store.store_id},
    )


async def a_shelf(conn: AsyncConnection, *, on_hand: int = 0) -> tuple[Shelf, UUID, SkuId]:
    """Of tea; in its first warehouse `on_hand` units of no batch."""
    shelf, first, _ = await shelf_of(conn, on_hand=on_hand)
    await as_food(conn, shelf.store)
    return shelf, first, shelf.store.skus[0]


async def receive(shelf: Shelf, place: UUID, *lines: Received, at: datetime = T0) -> None:
    await receive_units(
        shelf.conn, store_id=shelf.store.store_id, warehouse_id=place, lines=lines,
        about_kind="receipt", about_id=None, key=str(new_id()), at=at, by_id=None,
    )  # fmt: skip


async def batches(conn: AsyncConnection, store_id: StoreId) -> dict[str, int]:
    """Lot to what is left of it."""
    found = await conn.execute(
        text("SELECT lot, on_hand FROM stock_batches WHERE store_id = :s"), {"s": store_id}
    )
    return {row.lot: row.on_hand for row in found}


async def moved(conn: AsyncConnection, store_id: StoreId) -> list[tuple[str, str, int]]:
    found = await conn.execute(
        text("""
            SELECT src, dst, quantity FROM stock_moves
            WHERE store_id = :s AND about_kind = 'expiry' ORDER BY at, quantity
        """),
        {"s": store_id},
    )
    return [tuple(row) for row in found]


@pytest.mark.parametrize(
    ("lot", "expires_on", "refused", "field"),
    [
        ("", SOON, ExpiryMissing, "lot"),
        ("L1", None, ExpiryMissing, "expires_on"),
        ("L1", SOON - DAY, ExpiresTooSoon, "expires_on"),
        ("L1", TODAY - DAY, ExpiresTooSoon, "expires_on"),
    ],
)
async def test_food_comes_with_a_lot_that_can_be_sold(
    conn: AsyncConnection, lot: str, expires_on: date | None, refused: type[Refusal], field: str
) -> None:
    shelf, first, sku_id = await a_shelf(conn)
    with pytest.raises(refused) as raised:
        await receive(shelf, first, Received(sku_id, 5, None, lot, expires_on, 3))
    assert (raised.value.field, raised.value.facts["line_no"]) == (field, 3)


async def test_a_lot_is_good_on_its_last_day_of_sale(conn: AsyncConnection) -> None:
    shelf, first, sku_id = await a_shelf(conn)
    await receive(shelf, first, Received(sku_id, 5, None, "L1", SOON))
    assert await batches(conn, shelf.store.store_id) == {"L1": 5}


async def test_the_day_is_that_of_the_platform(conn: AsyncConnection) -> None:
    """At 16:00 UTC it is the next day in Shanghai."""
    shelf, first, sku_id = await a_shelf(conn)
    line = Received(sku_id, 5, None, "L1", SOON)
    await receive(shelf, first, line, at=T0.replace(hour=15, minute=59))
    with pytest.raises(ExpiresTooSoon) as raised:
        await receive(shelf, first, line, at=T0.replace(hour=16))
    assert (raised.value.facts["days_left"], raised.value.facts["days_needed"]) == (6, 7)


@pytest.mark.parametrize("category", ["pets/food", "beauty/skincare"])
async def test_other_goods_need_no_lot(conn: AsyncConnection, category: str) -> None:
    shelf, first, sku_id = await a_shelf(conn)
    if category == "pets/food":
        await as_food(conn, shelf.store, category)
    else:
        await conn.execute(
            text("UPDATE products SET category = :c WHERE store_id = :s"),
            {"c": category, "s": shelf.store.store_id},
        )
    await receive(shelf, first, Received(sku_id, 5))
    assert await levels(conn, shelf.store) == {(first, sku_id): (5, 0, 0, 0)}


async def test_the_nearest_category_and_the_terms_in_force_count(conn: AsyncConnection) -> None:
    shelf, first, sku_id = await a_shelf(conn)
    await conn.execute(
        text("""
            INSERT INTO expiry_terms (id, category, sell_until_days, in_force, reason_zh, reason_en)
            VALUES (:id, 'food/tea', 30, tstzrange(:since, NULL), '茶', 'Tea')
        """),
        {"id": new_id(), "since": T0 + DAY},
    )
    line = Received(sku_id, 5, None, "L1", TODAY + 20 * DAY)
    await receive(shelf, first, line)
    with pytest.raises(ExpiresTooSoon) as raised:
        await receive(shelf, first, line, at=T0 + DAY)
    assert (raised.value.facts["days_left"], raised.value.facts["days_needed"]) == (19, 30)


async def test_a_delivery_that_expires_too_soon_is_counted_as_damaged(
    conn: AsyncConnection,
) -> None:
    world = await buying(conn)
    await as_food(conn, world.store)
    order_id = await a_sent_order(conn, world, (50, 100))

    async def come(*lines: CountedLine) -> str:
        try:
            async with conn.begin_nested():
                made = await receive_goods(
                    conn, store_id=world.store.store_id, order_id=order_id, warehouse_id=None,
                    delivery=Delivery(lines=lines, key="delivery-1"), by_id=world.buyer, at=LATER,
                )  # fmt: skip
        except Refusal as refusal:
            return f"{refusal.code} {refusal.facts['line_no']}"
        return "new" if made.is_new else "known"

    today = LATER.date()
    good = CountedLine(1, 30, lot="L1", expires_on=today + 60 * DAY)
    assert await come(good, CountedLine(2, 9)) == "expiry_missing 2"
    late = CountedLine(2, 9, lot="L2", expires_on=today + 6 * DAY)
    assert await come(good, late) == "expires_too_soon 2"
    broken = CountedLine(2, damaged=9)
    assert [await come(good, broken), await come(good, broken)] == ["new", "known"]
    assert await batches(conn, world.store.store_id) == {"L1": 30}


async def test_what_is_too_close_to_its_expiry_is_not_shipped(conn: AsyncConnection) -> None:
    shelf, first, sku_id = await a_shelf(conn, on_hand=2)
    store_id = shelf.store.store_id
    await receive(
        shelf, first, Received(sku_id, 5, None, "L1", SOON), Received(sku_id, 4, None, "L2", LONG)
    )
    await shelf.order(0, 0, 9)
    (order_id, _, _) = shelf.orders[0]

    async def ship(units: int, at: datetime) -> None:
        async with conn.begin_nested():
            await ship_units(
                conn, store_id=store_id, order_id=order_id, warehouse_id=first,
                units={1: (sku_id, units)}, about=About("package", new_id(), at),
            )  # fmt: skip

    await ship(1, T0)
    assert await batches(conn, store_id) == {"L1": 4, "L2": 4}
    with pytest.raises(TooCloseToExpiry) as raised:
        await ship(7, T0 + DAY)
    assert raised.value.facts == {"sku_id": str(sku_id)}
    await ship(6, T0 + DAY)  # four of the lot that lasts, and two of none
    assert await batches(conn, store_id) == {"L1": 4, "L2": 0}
    assert await drift(conn, shelf.store.skus) == []


async def test_nothing_is_sent_again_from_it_either(conn: AsyncConnection) -> None:
    shelf, first, sku_id = await a_shelf(conn)
    await receive(shelf, first, Received(sku_id, 5, None, "L1", SOON))
    with pytest.raises(TooCloseToExpiry):
        await send_free_units(
            conn, store_id=shelf.store.store_id, units={sku_id: 1}, about_id=new_id(), key="r",
            at=T0 + DAY, by_id=None,
        )  # fmt: skip


async def test_what_had_its_last_day_is_damaged_once(conn: AsyncConnection) -> None:
    """Five of the lot are left, and three units are promised: those stay until fresh ones come."""
    shelf, first, sku_id = await a_shelf(conn)
    store_id = shelf.store.store_id
    await receive(shelf, first, Received(sku_id, 5, None, "L1", SOON))
    await shelf.order(0, 0, 3)

    async def withdraw(at: datetime) -> list[int]:
        found = [
            sku for store, sku in await expired_skus(conn, at=at, most=9_999) if store == store_id
        ]
        done = await withdraw_expired(conn, store_id=store_id, sku_ids=found, at=at)
        return [one.units for one in done]

    assert await withdraw(T0) == []
    assert await withdraw(T0 + 3 * DAY) == [2]
    assert await withdraw(T0 + 3 * DAY) == []
    assert await levels(conn, shelf.store) == {(first, sku_id): (3, 3, 2, 0)}
    assert await batches(conn, store_id) == {"L1": 3}
    await receive(shelf, first, Received(sku_id, 4, None, "L2", LONG))
    assert await withdraw(T0 + 4 * DAY) == [3]  # the orders are served from the fresh lot
    assert await moved(conn, store_id) == [("free", "damaged", 2), ("free", "damaged", 3)]
    assert await batches(conn, store_id) == {"L1": 0, "L2": 4}
    assert await drift(conn, shelf.store.skus) == []


async def test_a_merchant_takes_a_batch_off_sale_before_the_day(conn: AsyncConnection) -> None:
    shelf, first, sku_id = await a_shelf(conn, on_hand=1)
    store_id, by = shelf.store.store_id, await a_person(conn)
    await receive(shelf, first, Received(sku_id, 5, None, "L1", LONG))
    batch_id = await conn.scalar(
        text("SELECT id FROM stock_batches WHERE store_id = :s"), {"s": store_id}
    )
    done = await take_off_sale(conn, store_id=store_id, batch_id=batch_id, by_id=by, at=T0)
    assert (done.units, await levels(conn, shelf.store)) == (5, {(first, sku_id): (1, 0, 5, 0)})
    with pytest.raises(NotEnoughThere):
        await take_off_sale(conn, store_id=store_id, batch_id=batch_id, by_id=by, at=T0)
    with pytest.raises(NotFound):
        other = StoreId(new_id())
        await take_off_sale(conn, store_id=other, batch_id=batch_id, by_id=by, at=T0)
    assert await drift(conn, shelf.store.skus) == []


async def test_the_job_acts_once_after_a_stop_over_days(
    connections: None,
) -> None:
    async with transaction() as conn:
        now = await clock.refresh(conn)
        shelf, first, sku_id = await a_shelf(conn)
        store_id = shelf.store.store_id
        lot = Received(sku_id, 5, None, "L1", now.date() + 3 * DAY)
        await receive(shelf, first, lot, at=now - 10 * DAY)
    await expire_batches()
    await expire_batches()
    async with transaction() as conn:
        assert await moved(conn, store_id) == [("free", "damaged", 5)]
        facts = await conn.scalars(
            text(
                "SELECT facts FROM events WHERE kind = 'supply.batch_withdrawn' AND store_id = :s"
            ),
            {"s": store_id},
        )
        assert facts.all() == [{"sku_id": str(sku_id), "units": 5}]


async def test_a_transfer_keeps_its_lots(conn: AsyncConnection) -> None:
    """Of nine sent, five of one lot and four of another, one is damaged and one lost."""
    shelf, first, sku_id = await a_shelf(conn, on_hand=2)
    store_id, by = shelf.store.store_id, await a_person(conn)
    await receive(
        shelf, first, Received(sku_id, 5, None, "L1", SOON), Received(sku_id, 4, None, "L2", LONG)
    )
    second = shelf.places[1]
    transfer_id = await send_transfer(
        conn, store_id=store_id, src=first, dst=second, units={sku_id: 9}, note="", key="t",
        by_id=by, at=T0,
    )  # fmt: skip
    await receive_transfer(
        conn, store_id=store_id, transfer_id=transfer_id, arrived={sku_id: (7, 1)}, by_id=by, at=T0
    )
    found = await conn.execute(
        text("""
            SELECT lot, on_hand FROM stock_batches
            WHERE store_id = :s AND warehouse_id = :w ORDER BY lot
        """),
        {"s": store_id, "w": second},
    )
    assert [tuple(row) for row in found] == [("L1", 5), ("L2", 2)]
    assert await levels(conn, shelf.store) == {
        (first, sku_id): (2, 0, 0, 0),
        (second, sku_id): (7, 0, 1, 0),
    }
    assert await drift(conn, shelf.store.skus) == []
