"""An order that was never paid ends: its coupon, its flash offers and its units go back."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, PersonId, SkuId, StoreId
from dougong.catalog.coupon_commands import release_coupon
from dougong.infra import pause
from dougong.infra.events import drop_deadline, record
from dougong.live.offer_commands import release_offers
from dougong.orders.commands import cancel, own_order
from dougong.reads.order_books import lines_of
from dougong.supply.stock_commands import release


async def cancel_unpaid(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, reason: str, at: datetime
) -> None:
    """Raises WrongState when it was paid, or is closed."""
    order = await cancel(conn, store_id=store_id, order_id=order_id, reason=reason, at=at)
    await pause.point("close: cancelled")
    await release_coupon(conn, store_id=store_id, order_id=order_id, at=at)
    await release_offers(conn, store_id=store_id, order_id=order_id, at=at)
    units: dict[SkuId, int] = {}
    for line in await lines_of(conn, store_id=store_id, order_id=order_id):
        if line.sku_id is not None:
            units[line.sku_id] = units.get(line.sku_id, 0) + line.quantity
    await release(conn, store_id=store_id, order_id=order_id, units=units, at=at)
    await drop_deadline(
        conn, store_id=store_id, kind="pay_by", subject_id=order_id, at=at, why=reason
    )
    facts = {"number": order.number, "reason": reason}
    await record(
        conn, "order.cancelled", store_id=store_id, subject_id=order_id, at=at, facts=facts
    )


async def cancel_by_buyer(
    conn: AsyncConnection,
    *,
    buyer_id: PersonId,
    store_id: StoreId,
    order_id: OrderId,
    at: datetime,
) -> None:
    """Raises NotFound for another's order, WrongState when it is too late."""
    await own_order(conn, buyer_id=buyer_id, store_id=store_id, order_id=order_id)
    await pause.point("close: found it")
    await cancel_unpaid(conn, store_id=store_id, order_id=order_id, reason="by_buyer", at=at)
