"""An order as the books see it: its lines' frozen money, and who shares in it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, OrgId, StoreId


async def merchant_of(conn: AsyncConnection, *, store_id: StoreId) -> OrgId:
    """The organisation that a store belongs to."""
    found = await conn.execute(
        text("SELECT org_id FROM stores WHERE id = :store_id"), {"store_id": store_id}
    )
    return OrgId(found.scalar_one())


async def lines_of(conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId) -> list[Any]:
    """Every column of an order's lines, in their order."""
    found = await conn.execute(
        text("""
            SELECT * FROM order_lines WHERE store_id = :store_id AND order_id = :order_id
            ORDER BY line_no
        """),
        {"store_id": store_id, "order_id": order_id},
    )
    return list(found.all())


async def checkout_orders(conn: AsyncConnection, *, checkout_id: Any, buyer_id: Any) -> list[Any]:
    """The orders that one checkout of this buyer has made."""
    found = await conn.execute(
        text("""
            SELECT store_id, id, state, total_minor, currency, pay_by FROM orders
            WHERE checkout_id = :checkout_id AND buyer_id = :buyer_id ORDER BY store_id, id
        """),
        {"checkout_id": checkout_id, "buyer_id": buyer_id},
    )
    return list(found.all())


async def refund_to_send(conn: AsyncConnection, *, store_id: StoreId, refund_id: Any) -> Any | None:
    """A refund that its gateway has yet to be told of, with its payment there."""
    found = await conn.execute(
        text("""
            SELECT r.*, p.gateway, p.gateway_ref AS payment_ref
            FROM refunds r JOIN payments p ON p.id = r.payment_id
            WHERE r.store_id = :store_id AND r.id = :refund_id AND r.state = 'booked'
        """),
        {"store_id": store_id, "refund_id": refund_id},
    )
    return found.one_or_none()


class RefundSeen(msgspec.Struct, frozen=True):
    """Where a refund is: its store, its order, and the attempt that it is at."""

    store_id: StoreId
    id: UUID
    order_id: OrderId
    attempt: int


async def refund_by_id(conn: AsyncConnection, *, refund_id: UUID) -> RefundSeen | None:
    """A refund known by its id alone."""
    found = await conn.execute(
        text("SELECT store_id, id, order_id, attempt FROM refunds WHERE id = :id"),
        {"id": refund_id},
    )
    row = found.mappings().one_or_none()
    return RefundSeen(**row) if row else None


async def failed_refunds(
    conn: AsyncConnection, *, before: datetime, attempts: int, most: int
) -> list[Any]:
    """Refunds whose last attempt failed before an instant, and that have attempts left."""
    found = await conn.execute(
        text("""
            SELECT store_id, id, attempt FROM refunds
            WHERE state = 'failed' AND failed_at < :before AND attempt < :attempts
            ORDER BY failed_at LIMIT :most
        """),
        {"before": before, "attempts": attempts, "most": most},
    )
    return list(found.all())
