"""A shop that ships from three warehouses, with orders that wait in each."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from tests.factories import ABuyer, ARequest, AStore, a_buyer, a_store, the_rules
from tests.flows.test_order_life import a_placed_order, pay
from tests.supply.sandbox_carrier import WORKER

from dougong.base.ids import OrderId
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.supply.fulfilment_rules import WaveChoice
from dougong.supply.stock_commands import set_on_hand
from dougong.supply.warehouse_commands import WarehouseFields, add_warehouse, default_warehouse
from dougong.supply.wave_commands import begin_wave

PRICE = 9_900


class Shop(NamedTuple):
    """Two SKUs: both lie in MAIN (without province), the first in WEST, the second in SOUTH."""

    store: AStore
    buyer: ABuyer
    main: UUID
    west: UUID
    south: UUID


async def a_wide_shop(*, main: tuple[int, int] = (50, 50), out: int = 50) -> Shop:
    """Units of the SKUs in MAIN, and of the one of each of the others."""
    async with transaction() as conn:
        await the_rules(conn)
        at = await clock.refresh(conn)
        store, buyer = await a_store(conn, prices=(PRICE, PRICE)), await a_buyer(conn)
        places = [await default_warehouse(conn, store_id=store.store_id, at=at)]
        for code, name, province in (("WEST", "西仓", "四川"), ("SOUTH", "南仓", "广东")):
            fields = WarehouseFields(code=code, name_zh=name, province=province)
            places.append(await add_warehouse(conn, store_id=store.store_id, fields=fields, at=at))
        skus = store.skus
        lying = [dict(zip(skus, main, strict=True)), {skus[0]: out}, {skus[1]: out}]
        for warehouse_id, levels in zip(places, lying, strict=True):
            await set_on_hand(
                conn, store_id=store.store_id, levels=levels, at=at, warehouse_id=warehouse_id
            )
    return Shop(store, buyer, *places)


async def paid(shop: Shop, *units: int, province: str = "") -> OrderId:
    """An order of so many units of each SKU, to a province."""
    lines = {n: quantity for n, quantity in enumerate(units) if quantity}
    total = PRICE * sum(units)
    order = await a_placed_order(ARequest(shop.store, shop.buyer, total, lines))
    if province:
        async with transaction() as conn:
            await conn.execute(
                text("""
                    UPDATE orders SET address = address || jsonb_build_object('province',
                      CAST(:province AS text)) WHERE store_id = :s AND id = :o
                """),
                {"province": province, "s": order.store_id, "o": order.order_id},
            )
    await pay(order, shop.buyer)
    return order.order_id


async def wave(shop: Shop, warehouse_id: UUID | None, *, most: int = 50, **choice: object) -> UUID:
    chosen = WaveChoice(most=most, warehouse_id=warehouse_id, **choice)  # type: ignore[arg-type]
    async with transaction() as conn:
        return await begin_wave(
            conn, store_id=shop.store.store_id, choice=chosen, by_id=WORKER,
            at=await clock.refresh(conn),
        )  # fmt: skip


async def in_wave(shop: Shop, wave_id: UUID) -> list[tuple[OrderId, int, int]]:
    """Order, line and units, by promise."""
    async with transaction() as conn:
        found = await conn.execute(
            text("""
                SELECT w.order_id, w.line_no, w.quantity FROM wave_lines w
                JOIN ship_promises p ON p.store_id = w.store_id AND p.order_id = w.order_id
                WHERE w.store_id = :s AND w.wave_id = :w
                ORDER BY p.promised_by, w.order_id, w.line_no
            """),
            {"s": shop.store.store_id, "w": wave_id},
        )
        return [tuple(row) for row in found]
