"""A paid order's units are set aside in warehouses: by the store's policy, with the reasons."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, SkuId, StoreId
from dougong.orders.commands import lock_order
from dougong.orders.rules import OrderState
from dougong.reads.order_books import lines_of
from dougong.supply.allocation_commands import allocate_lines, open_allocations
from dougong.supply.allocation_rules import Share, WantedUnits
from dougong.supply.purchase_queries import with_suppliers

WAITS = (OrderState.PAID, OrderState.PART_SHIPPED)


async def allocate_order(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> list[Share]:
    """Set aside what no warehouse has set aside yet of an order's units; answers what is new.

    Never fails for lack: what no warehouse has free stays promised, and is asked for again. An
    order that waits for no goods gets none.
    """
    order = await lock_order(conn, store_id=store_id, order_id=order_id)
    if order.state not in WAITS:
        return []
    lines = await lines_of(conn, store_id=store_id, order_id=order_id)
    return await allocate_locked(conn, order=order, lines=lines, at=at)


async def allocate_locked(
    conn: AsyncConnection, *, order: Any, lines: Sequence[Any], at: datetime
) -> list[Share]:
    """The same for an order that is locked, with its lines at hand. What a supplier sends to the
    buyer itself is set aside nowhere."""
    store_id, order_id = StoreId(order.store_id), OrderId(order.id)
    away = await with_suppliers(conn, store_id=store_id, order_id=order_id)
    placed: dict[int, int] = {}
    for one in await open_allocations(conn, store_id=store_id, order_id=order_id):
        placed[one.line_no] = placed.get(one.line_no, 0) + one.quantity
    wanted = []
    for line in lines:
        left = line.quantity - line.shipped_quantity - line.returned_quantity
        left -= placed.get(line.line_no, 0)
        if line.sku_id is not None and left > 0 and line.line_no not in away:
            wanted.append(WantedUnits(line.line_no, SkuId(line.sku_id), left))
    return await allocate_lines(
        conn,
        store_id=store_id,
        order_id=order_id,
        wanted=wanted,
        province=str(order.address.get("province", "")),
        at=at,
    )
