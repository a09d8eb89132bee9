"""Units that came free are set aside for the paid orders that wait for them, the first paid first.

Whoever brings units says so in its own transaction; the orders are looked for after its commit.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, SkuId, StoreId
from dougong.flows.allocate_order import allocate_order
from dougong.infra import clock, pause
from dougong.infra.db import transaction
from dougong.infra.jobs import defer, task
from dougong.reads.waiting_allocations import is_promised, waiting_lines

AT_ONCE = 200


async def units_came(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: Collection[SkuId]
) -> None:
    """Units of these SKUs came free: if orders wait for any, they are served after the commit."""
    if sku_ids and await is_promised(conn, store_id=store_id, sku_ids=sku_ids):
        await serve_waiting(conn, store_id=store_id)


async def serve_waiting(conn: AsyncConnection, *, store_id: StoreId) -> None:
    """Ask the warehouses again for all that waits, after the commit."""
    name = f"waiting:{store_id}"
    await defer(conn, "supply.allocate_waiting", lock=name, store_id=str(store_id))


@task("supply.allocate_waiting")
async def allocate_waiting(store_id: str) -> None:
    """One order after the other, each in a transaction of its own: a stop loses nothing."""
    store, after = StoreId(UUID(store_id)), None
    while True:
        async with transaction() as conn:
            lines = await waiting_lines(
                conn, store_id=store, only_ready=True, after=after, most=AT_ONCE
            )
        for order_id in dict.fromkeys(line.order_id for line in lines):
            async with transaction() as conn:
                at = await clock.refresh(conn)
                await allocate_order(conn, store_id=store, order_id=OrderId(order_id), at=at)
            await pause.point("waiting: one order is served")
        if len(lines) < AT_ONCE:
            return
        last = lines[-1]
        after = (last.paid_at, last.order_id, last.line_no)
