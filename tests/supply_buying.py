"""A store that buys: people, a supplier with prices, orders in each state."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import AStore, a_person, a_store

from dougong.base.ids import PersonId, SkuId
from dougong.supply.purchase_commands import approve_order, draft_order, send_order
from dougong.supply.purchase_rules import WantedLine
from dougong.supply.supplier_commands import (
    ItemFields,
    SupplierFields,
    add_price,
    add_supplier,
    put_item,
)

AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
LATER = AT + timedelta(days=3)


class Buying(msgspec.Struct):
    """Two buyers of a store, and a supplier of its two SKUs: 10.00 each, 8.00 from 100 on."""

    store: AStore
    buyer: PersonId
    second: PersonId
    supplier_id: UUID


async def buying(conn: AsyncConnection, *, code: str = "TEA") -> Buying:
    buyer, second = await a_person(conn), await a_person(conn)
    store = await a_store(conn, prices=(9_900, 500), on_hand=0, owner_id=buyer)
    supplier_id = await a_supplier(conn, store, code=code, by=buyer)
    return Buying(store, buyer, second, supplier_id)


async def a_supplier(
    conn: AsyncConnection, store: AStore, *, code: str, by: PersonId, is_dropship: bool = False
) -> UUID:
    supplier_id = await add_supplier(
        conn,
        store_id=store.store_id,
        fields=SupplierFields(code=code, name="杭州茶厂", lead_days=5),
        currency="CNY",
        at=AT,
    )
    for sku_id in store.skus:
        await put_item(
            conn,
            store_id=store.store_id,
            supplier_id=supplier_id,
            sku_id=SkuId(sku_id),
            fields=ItemFields(supplier_sku="H-1", pack_size=10, is_dropship=is_dropship),
        )
        for least, price in ((1, 1_000), (100, 800)):
            await add_price(
                conn,
                store_id=store.store_id,
                supplier_id=supplier_id,
                sku_id=SkuId(sku_id),
                from_quantity=least,
                price_minor=price,
                starts=AT,
                ends=None,
                by_id=by,
            )
    return supplier_id


async def a_draft(
    conn: AsyncConnection, world: Buying, quantities: Sequence[int] = (10,), *, price: int = -1
) -> UUID:
    """An order of so many units of each SKU; `price` -1: the one in force."""
    lines = [
        WantedLine(sku_id, quantity, None if price < 0 else price)
        for sku_id, quantity in zip(world.store.skus, quantities, strict=False)
    ]
    return await draft_order(
        conn,
        store_id=world.store.store_id,
        supplier_id=world.supplier_id,
        warehouse_id=None,
        lines=lines,
        expected_on=None,
        note="",
        by_id=world.buyer,
        at=AT,
    )


async def a_sent_order(
    conn: AsyncConnection, world: Buying, quantities: Sequence[int] = (10,)
) -> UUID:
    order_id = await a_draft(conn, world, quantities)
    named = {"store_id": world.store.store_id, "order_id": order_id}
    await approve_order(conn, by_id=world.second, at=AT, **named)  # type: ignore[arg-type]
    await send_order(conn, at=AT, **named)  # type: ignore[arg-type]
    return order_id
