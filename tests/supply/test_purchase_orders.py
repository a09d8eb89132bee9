"""Suppliers, prices by date and quantity, purchase orders: what holds and what is refused."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.supply_buying import AT, LATER, Buying, a_draft, a_sent_order, a_supplier, buying

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import SkuId
from dougong.supply.purchase_commands import (
    approve_order,
    change_order,
    draft_order,
    end_order,
    send_order,
)
from dougong.supply.purchase_rules import (
    MOST_QUANTITY,
    PriceOverlaps,
    PurchaseState,
    SecondBuyerNeeded,
    SupplierClosed,
    SupplierCodeTaken,
    Terms,
    WantedLine,
    WrongPurchaseState,
)
from dougong.supply.supplier_commands import (
    add_price,
    new_token,
    revoke_token,
    set_supplier_open,
    set_terms,
    supplier_by_token,
)


async def _price(conn: AsyncConnection, world: Buying, **other: Any) -> None:
    asked = {"from_quantity": 1, "price_minor": 900, "starts": LATER, "ends": None} | other
    await add_price(
        conn,
        store_id=world.store.store_id,
        supplier_id=world.supplier_id,
        sku_id=SkuId(world.store.skus[0]),
        by_id=world.buyer,
        **asked,
    )


async def lines_of(conn: AsyncConnection, order_id: Any) -> list[tuple[Any, ...]]:
    rows = await conn.execute(
        text("SELECT line_no, quantity, price_minor, price_id IS NOT NULL FROM purchase_lines "
             "WHERE order_id = :id ORDER BY line_no"),
        {"id": order_id},
    )  # fmt: skip
    return [tuple(row) for row in rows]


async def state_of(conn: AsyncConnection, order_id: Any) -> str:
    found = await conn.scalar(
        text("SELECT state FROM purchase_orders WHERE id = :id"), {"id": order_id}
    )
    return str(found)


async def test_a_line_takes_the_price_of_its_quantity(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_draft(conn, world, (99, 100))
    assert await lines_of(conn, order_id) == [(1, 99, 1_000, True), (2, 100, 800, True)]
    total = await conn.scalar(
        text("SELECT goods_minor FROM purchase_orders WHERE id = :id"), {"id": order_id}
    )
    assert total == 99 * 1_000 + 100 * 800


async def test_a_typed_price_is_kept_as_typed(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_draft(conn, world, (10,), price=777)
    assert await lines_of(conn, order_id) == [(1, 10, 777, False)]


async def test_a_price_with_overlapping_dates_is_refused(conn: AsyncConnection) -> None:
    world = await buying(conn)
    with pytest.raises(PriceOverlaps):
        await _price(conn, world)
    await _price(conn, world, from_quantity=50)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("from_quantity", {"from_quantity": 0}),
        ("from_quantity", {"from_quantity": MOST_QUANTITY + 1}),
        ("price", {"price_minor": -1}),
        ("price", {"price_minor": 100_000_000_001}),
        ("ends", {"ends": LATER}),
    ],
)
async def test_a_price_out_of_range_is_refused(
    conn: AsyncConnection, field: str, change: dict[str, Any]
) -> None:
    world = await buying(conn)
    with pytest.raises(BadInput) as refused:
        await _price(conn, world, **change)
    assert refused.value.field == field


async def test_two_suppliers_of_one_code_are_refused(conn: AsyncConnection) -> None:
    world = await buying(conn)
    with pytest.raises(SupplierCodeTaken):
        await a_supplier(conn, world.store, code="TEA", by=world.buyer)


@pytest.mark.parametrize(
    ("lines", "field", "reason"),
    [
        ([], "lines", "missing"),
        ([(0, 0)], "quantity", "out_of_range"),
        ([(0, MOST_QUANTITY + 1)], "quantity", "out_of_range"),
        ([(0, 1), (0, 2)], "lines", "duplicate_id"),
        ([(0, MOST_QUANTITY, 100_000_000_000)], "lines", "too_much_in_all"),
        ([(0, 1, 100_000_000_001)], "price", "out_of_range"),
    ],
)
async def test_lines_that_cannot_be_ordered_are_refused(
    conn: AsyncConnection, lines: list[tuple[int, ...]], field: str, reason: str
) -> None:
    world = await buying(conn)
    wanted = [WantedLine(world.store.skus[n], *rest) for n, *rest in lines]
    with pytest.raises(BadInput) as refused:
        await draft_order(
            conn,
            store_id=world.store.store_id,
            supplier_id=world.supplier_id,
            warehouse_id=None,
            lines=wanted,
            expected_on=None,
            note="",
            by_id=world.buyer,
            at=AT,
        )
    assert (refused.value.field, refused.value.facts["reason"]) == (field, reason)


async def test_another_stores_sku_is_not_found(conn: AsyncConnection) -> None:
    world, other = await buying(conn), await buying(conn)
    with pytest.raises(NotFound):
        await draft_order(
            conn,
            store_id=world.store.store_id,
            supplier_id=world.supplier_id,
            warehouse_id=None,
            lines=[WantedLine(other.store.skus[0], 1, 100)],
            expected_on=None,
            note="",
            by_id=world.buyer,
            at=AT,
        )


async def test_above_the_limit_another_person_approves(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_draft(conn, world, (2_000,))  # 16 000.00, above 10 000.00
    named: dict[str, Any] = {"store_id": world.store.store_id, "order_id": order_id, "at": AT}
    with pytest.raises(SecondBuyerNeeded):
        await approve_order(conn, by_id=world.buyer, **named)
    await approve_order(conn, by_id=world.second, **named)
    assert await state_of(conn, order_id) == "approved"


async def test_up_to_the_limit_who_made_it_approves(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_draft(conn, world, (1_250,))  # 10 000.00
    await approve_order(
        conn, store_id=world.store.store_id, order_id=order_id, by_id=world.buyer, at=AT
    )
    assert await state_of(conn, order_id) == "approved"


async def test_terms_of_later_do_not_touch_what_is_approved(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_sent_order(conn, world, (10,))
    terms = Terms(0, 0, 0, 1_000, 9_000)
    await set_terms(conn, store_id=world.store.store_id, terms=terms, at=LATER)
    most = await conn.scalar(
        text("SELECT most FROM purchase_lines WHERE order_id = :id"), {"id": order_id}
    )
    assert most == 10


async def test_moves_that_are_not_in_the_table_are_refused(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_draft(conn, world)
    named: dict[str, Any] = {"store_id": world.store.store_id, "order_id": order_id, "at": AT}
    with pytest.raises(WrongPurchaseState):
        await send_order(conn, **named)
    with pytest.raises(WrongPurchaseState):
        await end_order(conn, state=PurchaseState.CLOSED, reason="", **named)
    await end_order(conn, state=PurchaseState.CANCELLED, reason="不要了", **named)
    with pytest.raises(WrongPurchaseState):
        await approve_order(conn, by_id=world.second, **named)


async def test_an_approved_order_is_not_changed(conn: AsyncConnection) -> None:
    world = await buying(conn)
    order_id = await a_sent_order(conn, world)
    with pytest.raises(WrongPurchaseState):
        await change_order(
            conn,
            store_id=world.store.store_id,
            order_id=order_id,
            warehouse_id=None,
            lines=[WantedLine(world.store.skus[0], 1)],
            expected_on=AT.date(),
            note="",
            at=AT,
        )


async def test_another_store_does_not_find_the_order(conn: AsyncConnection) -> None:
    world, other = await buying(conn), await buying(conn)
    order_id = await a_draft(conn, world)
    with pytest.raises(NotFound):
        await approve_order(
            conn, store_id=other.store.store_id, order_id=order_id, by_id=other.buyer, at=AT
        )


async def test_a_closed_supplier_gets_no_order(conn: AsyncConnection) -> None:
    world = await buying(conn)
    await set_supplier_open(
        conn, store_id=world.store.store_id, supplier_id=world.supplier_id, is_open=False, at=AT
    )
    with pytest.raises(SupplierClosed):
        await a_draft(conn, world)


async def test_a_page_has_one_address_and_can_be_shut(conn: AsyncConnection) -> None:
    world = await buying(conn)
    named: dict[str, Any] = {
        "store_id": world.store.store_id,
        "supplier_id": world.supplier_id,
    }
    first = await new_token(conn, at=AT, **named)
    second = await new_token(conn, at=AT + timedelta(hours=1), **named)
    with pytest.raises(NotFound):
        await supplier_by_token(conn, token=first)
    assert (await supplier_by_token(conn, token=second)).id == world.supplier_id
    await revoke_token(conn, **named)
    with pytest.raises(NotFound):
        await supplier_by_token(conn, token=second)
