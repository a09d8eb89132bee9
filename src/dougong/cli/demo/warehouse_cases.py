"""A second warehouse of the first merchant: one transfer has arrived with a damaged unit, one is on
its way; a count found a difference that a colleague booked, another count is under way."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, SkuId, StoreId
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.flows.take_stock import approve, arrive, send
from dougong.infra.db import transaction
from dougong.supply.count_commands import finish_count, note_count, start_count
from dougong.supply.warehouse_commands import WarehouseFields, add_warehouse, default_warehouse

STORE = "mist-tea"
DAY = timedelta(days=1)
SOUTH = WarehouseFields(
    code="SOUTH", name_zh="佛山南仓", name_en="Foshan, south", province="广东", city="佛山",
    line="南海区桂澜北路 8 号", phone="13900000011", ships=False,
)  # fmt: skip
PLENTY = text("""
    SELECT sku_id FROM stock_levels WHERE store_id = :s AND warehouse_id = :w
      AND on_hand - allocated >= 40 ORDER BY sku_id LIMIT 4
""")
LIES = text("""
    SELECT on_hand FROM stock_levels
    WHERE store_id = :s AND warehouse_id = :w AND sku_id = :sku
""")


async def write_warehouses(market: Market, *, now: datetime) -> None:
    """Whole or not at all."""
    async with transaction(slow=True) as conn:
        if not await begin_piece(conn, "warehouses", at=now):
            return
        store_id = market.stores[STORE]
        people = (market.people["merchant"], market.shoppers[100].person_id)
        main = await default_warehouse(conn, store_id=store_id, at=now)
        south = await add_warehouse(conn, store_id=store_id, fields=SOUTH, at=now - 30 * DAY)
        found = await conn.execute(PLENTY, {"s": store_id, "w": main})
        skus = [SkuId(one) for one in found.scalars()]
        await _transfers(conn, store_id, main, south, skus, people, now=now)
        await _counts(conn, store_id, main, skus, people, now=now)


async def _transfers(
    conn: AsyncConnection,
    store_id: StoreId,
    main: UUID,
    south: UUID,
    skus: list[SkuId],
    people: tuple[PersonId, PersonId],
    *,
    now: datetime,
) -> None:
    mine: dict[str, Any] = {"store_id": store_id, "by_id": people[1]}
    for n, (chosen, note) in enumerate(((skus[:2], "华南备货"), (skus[2:], "补货"))):
        at = now - (4 - 3 * n) * DAY
        transfer_id = await send(
            conn, src=main, dst=south, units=dict.fromkeys(chosen, 10), note=note,
            key=f"demo-transfer-{n}", at=at, **mine,
        )  # fmt: skip
        if n == 0:
            came = {sku_id: (10 - k, k) for k, sku_id in enumerate(chosen)}
            await arrive(conn, transfer_id=transfer_id, arrived=came, at=at + DAY, **mine)


async def _counts(
    conn: AsyncConnection,
    store_id: StoreId,
    main: UUID,
    skus: list[SkuId],
    people: tuple[PersonId, PersonId],
    *,
    now: datetime,
) -> None:
    """The first: six units are missing, more than one person may book alone."""
    owner, helper = people
    for n, (scope, missing) in enumerate((("A 架", 6), ("B 架", 0))):
        at = now - (2 - n) * DAY
        by: dict[str, Any] = {"store_id": store_id, "by_id": helper, "at": at}
        count_id = await start_count(
            conn, warehouse_id=main, scope=scope, sku_ids=skus, limit_units=5, **by
        )
        for sku_id in skus[: len(skus) - n]:
            there = await conn.scalar(LIES, {"s": store_id, "w": main, "sku": sku_id})
            less = missing if sku_id == skus[0] else 0
            await note_count(
                conn, count_id=count_id, sku_id=sku_id, counted=there - less,
                reason="茶罐破损" if less else "", key=f"demo-count-{n}-{sku_id.hex[:20]}", **by,
            )  # fmt: skip
        if n == 0:
            await finish_count(conn, count_id=count_id, **by)
            await approve(conn, store_id=store_id, count_id=count_id, by_id=owner, at=at + DAY)
