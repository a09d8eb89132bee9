"""Deliveries with differences, landed costs, bills three ways, goods sent back: stock and books."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.supply_buying import AT, LATER, Buying, a_sent_order, buying

from dougong.base.errors import BadInput, KeyReused
from dougong.flows.owe_suppliers import decide_about_bill, pay_supplier, send_goods_back
from dougong.flows.receive_goods import add_landed_cost, receive_goods
from dougong.reads.supplier_bills import account_of
from dougong.supply.bill_commands import NewBill, enter_bill
from dougong.supply.purchase_rules import (
    BillDiffers,
    BilledLine,
    BillKnown,
    BillState,
    NothingToSend,
    OverDelivery,
    PaymentKnown,
    WrongPurchaseState,
)
from dougong.supply.receipt_commands import CountedLine, Delivery, LandedCost, Receipt
from dougong.supply.supplier_return_commands import GoodsBack
from dougong.supply.warehouse_commands import default_warehouse

KEY = "receipt-key-1"


async def receive(
    conn: AsyncConnection, world: Buying, order_id: UUID, *lines: CountedLine, **other: Any
) -> Receipt:
    asked: dict[str, Any] = {"take_over": False, "key": KEY} | other
    return await receive_goods(
        conn,
        store_id=world.store.store_id,
        order_id=order_id,
        warehouse_id=None,
        delivery=Delivery(lines=lines, delivery_note="DN-1", **asked),
        by_id=world.buyer,
        at=LATER,
    )


async def on_hand(conn: AsyncConnection, world: Buying, n: int = 0) -> int:
    found = await conn.scalar(
        text("SELECT on_hand FROM stock WHERE store_id = :store AND sku_id = :sku"),
        {"store": world.store.store_id, "sku": world.store.skus[n]},
    )
    return int(found or 0)


async def costs(conn: AsyncConnection, world: Buying) -> list[tuple[int, int]]:
    rows = await conn.execute(
        text("SELECT quantity, cost_minor FROM stock_costs WHERE store_id = :id "
             "ORDER BY array_position(CAST(:skus AS uuid[]), sku_id)"),
        {"id": world.store.store_id, "skus": world.store.skus},
    )  # fmt: skip
    return [tuple(row) for row in rows]


async def state_of(conn: AsyncConnection, order_id: UUID) -> str:
    found = await conn.scalar(
        text("SELECT state FROM purchase_orders WHERE id = :id"), {"id": order_id}
    )
    return str(found)


async def owed(conn: AsyncConnection, world: Buying) -> int:
    found = await account_of(conn, store_id=world.store.store_id, supplier_id=world.supplier_id)
    assert found.residual_minor == 0
    return found.balance_minor


async def test_good_units_go_into_stock_at_their_cost(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_sent_order(conn, world, (50, 100))
    await receive(conn, world, order_id, CountedLine(1, 30, damaged=5, short=2))
    assert await on_hand(conn, world) == 30
    assert await costs(conn, world) == [(30, 30_000)]
    assert await state_of(conn, order_id) == "part_received"
    await receive(conn, world, order_id, CountedLine(1, 20), CountedLine(2, 100), key=KEY * 2)
    assert await on_hand(conn, world, 1) == 100
    assert await costs(conn, world) == [(50, 50_000), (100, 80_000)]
    assert await state_of(conn, order_id) == "received"


async def test_the_same_receipt_twice_is_one(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_sent_order(conn, world, (50,))
    first = await receive(conn, world, order_id, CountedLine(1, 30))
    again = await receive(conn, world, order_id, CountedLine(1, 30))
    assert (again.id, again.is_new) == (first.id, False)
    assert await on_hand(conn, world) == 30
    with pytest.raises(KeyReused):
        await receive(conn, world, order_id, CountedLine(1, 20))


async def test_more_than_was_ordered_is_refused_or_taken_by_choice(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_sent_order(conn, world, (50,))
    with pytest.raises(OverDelivery) as refused:
        async with conn.begin_nested():
            await receive(conn, world, order_id, CountedLine(1, 53))
    assert refused.value.facts == {"line_no": 1, "most": 50}
    assert await on_hand(conn, world) == 0
    made = await receive(conn, world, order_id, CountedLine(1, 53), take_over=True)
    assert (made.over, await on_hand(conn, world)) == (3, 53)


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        (CountedLine(1), "lines", "nothing_received"),
        (CountedLine(9, 1), "line_no", "unknown_line"),
        (CountedLine(1, -1), "quantity", "out_of_range"),
        (CountedLine(1, 10_000_001), "quantity", "out_of_range"),
        (CountedLine(1, 1, lot="x" * 61), "lot", "too_long"),
        (CountedLine(1, 1, expires_on=date(1999, 1, 1)), "expires_on", "out_of_range"),
    ],
)
async def test_counts_out_of_range_are_refused(
    conn: AsyncConnection, line: CountedLine, field: str, reason: str
) -> None:
    world = await buying(conn)
    order_id = await a_sent_order(conn, world)
    with pytest.raises(BadInput) as refused:
        await receive(conn, world, order_id, line)
    assert (refused.value.field, refused.value.facts["reason"]) == (field, reason)


async def test_nothing_is_received_on_a_closed_order(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_sent_order(conn, world)
    await receive(conn, world, order_id, CountedLine(1, 10))
    with pytest.raises(WrongPurchaseState):
        await receive(conn, world, order_id, CountedLine(1, 1), key=KEY * 2)


async def test_freight_goes_into_the_moving_average_once(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_sent_order(conn, world, (50, 100))
    made = await receive(conn, world, order_id, CountedLine(1, 50), CountedLine(2, 100))
    for _ in range(2):
        await add_landed_cost(
            conn, store_id=world.store.store_id, receipt_id=made.id,
            cost=LandedCost(kind="freight", amount_minor=1_000, spread_by="value", key="freight-1"),
            by_id=world.buyer, at=LATER,
        )  # fmt: skip
    # 50 000 and 80 000 fen of goods share 1 000: 384.6 and 615.4.
    assert await costs(conn, world) == [(50, 50_385), (100, 80_615)]


async def a_bill(
    conn: AsyncConnection, world: Buying, order_id: UUID, *lines: BilledLine, **other: Any
) -> UUID:
    asked: dict[str, Any] = {"bill_no": "B-1", "extra_minor": 0} | other
    bill = NewBill(
        order_id=order_id, billed_on=LATER.date(), due_on=None, lines=lines, payment_days=30,
        **asked,
    )  # fmt: skip
    return await enter_bill(
        conn, store_id=world.store.store_id, bill=bill, by_id=world.buyer, at=LATER
    )


async def approve(
    conn: AsyncConnection, world: Buying, bill_id: UUID, *, by: Any = None, reason: str = ""
) -> None:
    await decide_about_bill(
        conn, store_id=world.store.store_id, bill_id=bill_id, state=BillState.APPROVED,
        reason=reason, by_id=by or world.buyer, at=LATER,
    )  # fmt: skip


async def received(conn: AsyncConnection) -> tuple[Buying, UUID]:
    """Fifty units at 10.00, all there."""
    world = await buying(conn)
    order_id = await a_sent_order(conn, world, (50,))
    await receive(conn, world, order_id, CountedLine(1, 50))
    return world, order_id


async def test_a_bill_that_matches_becomes_owed_and_explained(conn: AsyncConnection) -> None:
    world, order_id = await received(conn)
    await approve(conn, world, await a_bill(conn, world, order_id, BilledLine(1, 50, 1_000)))
    assert await owed(conn, world) == 50_000


async def test_a_bill_twice_is_refused(conn: AsyncConnection) -> None:
    world, order_id = await received(conn)
    bill_id = await a_bill(conn, world, order_id, BilledLine(1, 20, 1_000))
    with pytest.raises(BillKnown):
        await a_bill(conn, world, order_id, BilledLine(1, 20, 1_000))
    await approve(conn, world, bill_id)
    with pytest.raises(WrongPurchaseState):
        await approve(conn, world, bill_id)
    assert await owed(conn, world) == 20_000


@pytest.mark.parametrize(
    ("line", "extra"),
    [(BilledLine(1, 51, 1_000), 0), (BilledLine(1, 50, 1_100), 0), (BilledLine(1, 50, 1_000), 500)],
)
async def test_a_bill_that_differs_needs_somebody_else_and_a_reason(
    conn: AsyncConnection, line: BilledLine, extra: int
) -> None:
    world, order_id = await received(conn)
    bill_id = await a_bill(conn, world, order_id, line, extra_minor=extra)
    for by, reason in ((world.buyer, "旺季调价"), (world.second, "")):
        with pytest.raises(BillDiffers):
            async with conn.begin_nested():
                await approve(conn, world, bill_id, by=by, reason=reason)
    await approve(conn, world, bill_id, by=world.second, reason="旺季调价")
    assert await owed(conn, world) == line.quantity * line.price_minor + extra


async def test_units_are_billed_only_once(conn: AsyncConnection) -> None:
    world, order_id = await received(conn)
    await approve(conn, world, await a_bill(conn, world, order_id, BilledLine(1, 40, 1_000)))
    second = await a_bill(conn, world, order_id, BilledLine(1, 20, 1_000), bill_no="B-2")
    with pytest.raises(BillDiffers):
        await approve(conn, world, second)


@pytest.mark.parametrize(
    ("field", "line", "other"),
    [
        ("quantity", BilledLine(1, 0, 1), {}),
        ("quantity", BilledLine(1, 10_000_001, 1), {}),
        ("price", BilledLine(1, 1, 100_000_000_001), {}),
        ("extra", BilledLine(1, 1, 1), {"extra_minor": -1}),
        ("bill_no", BilledLine(1, 1, 1), {"bill_no": " "}),
    ],
)
async def test_a_bill_out_of_range_is_refused(
    conn: AsyncConnection, field: str, line: BilledLine, other: dict[str, Any]
) -> None:
    world, order_id = await received(conn)
    with pytest.raises(BadInput) as refused:
        await a_bill(conn, world, order_id, line, **other)
    assert refused.value.field == field


async def send_back(
    conn: AsyncConnection, world: Buying, order_id: UUID, units: int, key: str = "return-1"
) -> int:
    store_id = world.store.store_id
    place = await default_warehouse(conn, store_id=store_id, at=LATER)
    goods = GoodsBack(warehouse_id=place, lines={1: units}, reason="受潮", key=key)
    made = await send_goods_back(
        conn, store_id=store_id, order_id=order_id, goods=goods, by_id=world.buyer, at=LATER
    )
    return made.credit_minor


async def test_what_goes_back_is_credited_as_far_as_it_was_billed(conn: AsyncConnection) -> None:
    world, order_id = await received(conn)
    await approve(conn, world, await a_bill(conn, world, order_id, BilledLine(1, 45, 1_000)))
    assert await send_back(conn, world, order_id, 8) == 3_000
    assert await send_back(conn, world, order_id, 8) == 3_000  # the same one
    assert (await on_hand(conn, world), await owed(conn, world)) == (42, 42_000)
    with pytest.raises(NothingToSend):
        await send_back(conn, world, order_id, 43, key="return-2")


async def test_payments_are_told_once_and_lower_what_is_owed(conn: AsyncConnection) -> None:
    world, order_id = await received(conn)
    await approve(conn, world, await a_bill(conn, world, order_id, BilledLine(1, 50, 1_000)))
    asked: dict[str, Any] = {
        "store_id": world.store.store_id, "supplier_id": world.supplier_id, "currency": "CNY",
        "amount_minor": 20_000, "reference": "ICBC-1", "by_id": world.buyer,
    }  # fmt: skip
    await pay_supplier(conn, at=AT, **asked)
    with pytest.raises(PaymentKnown):
        await pay_supplier(conn, at=AT + timedelta(days=1), **asked)
    assert await owed(conn, world) == 30_000
