"""Moves orders through their life. State and owner are checked by the statement that writes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import OrderId, PersonId, StoreId
from dougong.orders.rules import (
    OrderState,
    RefundTooMuch,
    WrongState,
    states_before,
)


async def _move(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    to: OrderState,
    stamp: str,
    at: datetime,
    reason: str | None = None,
) -> Any:
    """Move one order, if its state allows it; answers its row. Raises NotFound, WrongState."""
    row = (
        await conn.execute(
            MOVE[stamp],
            {
                "store_id": store_id,
                "order_id": order_id,
                "to": to,
                "before": states_before(to),
                "at": at,
                "reason": reason,
            },
        )
    ).one_or_none()
    if row is None:
        await refuse_state(conn, store_id=store_id, order_id=order_id)
    return row


MOVE = {
    "paid_at": text("""
        UPDATE orders SET state = :to, paid_at = :at,
          close_reason = COALESCE(CAST(:reason AS text), close_reason)
        WHERE store_id = :store_id AND id = :order_id AND state = ANY(CAST(:before AS text[]))
        RETURNING *
    """),
    "shipped_at": text("""
        UPDATE orders SET state = :to, shipped_at = :at,
          close_reason = COALESCE(CAST(:reason AS text), close_reason)
        WHERE store_id = :store_id AND id = :order_id AND state = ANY(CAST(:before AS text[]))
        RETURNING *
    """),
    "received_at": text("""
        UPDATE orders SET state = :to, received_at = :at,
          close_reason = COALESCE(CAST(:reason AS text), close_reason)
        WHERE store_id = :store_id AND id = :order_id AND state = ANY(CAST(:before AS text[]))
        RETURNING *
    """),
    "final_at": text("""
        UPDATE orders SET state = :to, final_at = :at,
          close_reason = COALESCE(CAST(:reason AS text), close_reason)
        WHERE store_id = :store_id AND id = :order_id AND state = ANY(CAST(:before AS text[]))
        RETURNING *
    """),
    "closed_at": text("""
        UPDATE orders SET state = :to, closed_at = :at,
          close_reason = COALESCE(CAST(:reason AS text), close_reason)
        WHERE store_id = :store_id AND id = :order_id AND state = ANY(CAST(:before AS text[]))
        RETURNING *
    """),
}


async def refuse_state(conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId) -> None:
    """Say why an order could not be moved: always raises NotFound or WrongState."""
    state = await conn.scalar(
        text("SELECT state FROM orders WHERE store_id = :store_id AND id = :order_id"),
        {"store_id": store_id, "order_id": order_id},
    )
    if state is None:
        raise NotFound
    raise WrongState(order_state=state)


async def lock_order(conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId) -> Any:
    """The order's row, locked until the transaction ends. Raises NotFound."""
    row = (
        await conn.execute(
            text("""
                SELECT * FROM orders WHERE store_id = :store_id AND id = :order_id FOR UPDATE
            """),
            {"store_id": store_id, "order_id": order_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


async def lock_order_if_free(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId
) -> bool:
    """Lock an order until the transaction ends, without waiting; False when another has it."""
    found = await conn.scalar(
        text("""
            SELECT true FROM orders WHERE store_id = :store_id AND id = :order_id
            FOR UPDATE SKIP LOCKED
        """),
        {"store_id": store_id, "order_id": order_id},
    )
    return bool(found)


async def lock_orders_if_free(
    conn: AsyncConnection, *, store_id: StoreId, order_ids: Sequence[OrderId]
) -> dict[OrderId, Any]:
    """Lock those of these orders that nobody has in hand; answers their rows by id."""
    found = await conn.execute(
        text("""
            SELECT * FROM orders WHERE store_id = :store_id AND id = ANY(CAST(:ids AS uuid[]))
            ORDER BY id FOR UPDATE SKIP LOCKED
        """),
        {"store_id": store_id, "ids": list(order_ids)},
    )
    return {OrderId(row.id): row for row in found}


async def mark_paid(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> Any:
    """Raises WrongState when it is no longer waiting for its payment."""
    return await _move(
        conn, store_id=store_id, order_id=order_id, to=OrderState.PAID, stamp="paid_at", at=at
    )


async def cancel(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, reason: str, at: datetime
) -> Any:
    """Close an order that was never paid. `reason`: by_buyer, or not_paid_in_time."""
    return await _move(
        conn,
        store_id=store_id,
        order_id=order_id,
        to=OrderState.CANCELLED,
        stamp="closed_at",
        at=at,
        reason=reason,
    )


async def own_order(
    conn: AsyncConnection, *, buyer_id: PersonId, store_id: StoreId, order_id: OrderId
) -> None:
    """Raises NotFound unless the order is this buyer's."""
    mine = await conn.scalar(
        text("""
            SELECT true FROM orders
            WHERE store_id = :store_id AND id = :order_id AND buyer_id = :buyer_id
        """),
        {"store_id": store_id, "order_id": order_id, "buyer_id": buyer_id},
    )
    if not mine:
        raise NotFound


async def ship_lines(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    quantities: Mapping[int, int],
) -> Sequence[Any]:
    """Count units of goods lines as shipped; answers (line_no, sku_id, quantity) of each.

    Raises WrongState when a line has fewer left than named, or is not of this order.
    """
    rows = (
        await conn.execute(
            text("""
                UPDATE order_lines l SET shipped_quantity = l.shipped_quantity + s.quantity
                FROM unnest(CAST(:lines AS int[]), CAST(:quantities AS int[]))
                  AS s (line_no, quantity)
                WHERE l.store_id = :store_id AND l.order_id = :order_id
                  AND l.line_no = s.line_no AND l.kind = 'goods' AND s.quantity > 0
                  AND l.shipped_quantity + l.returned_quantity + s.quantity <= l.quantity
                RETURNING l.line_no, l.sku_id, s.quantity
            """),
            {
                "store_id": store_id,
                "order_id": order_id,
                "lines": list(quantities),
                "quantities": list(quantities.values()),
            },
        )
    ).all()
    if len(rows) != len(quantities):
        raise WrongState(field="lines", order_state="nothing_left_to_ship")
    return rows


async def units_to_ship(conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId) -> int:
    return int(
        await conn.scalar(
            text("""
                SELECT COALESCE(sum(quantity - shipped_quantity - returned_quantity), 0)
                FROM order_lines
                WHERE store_id = :store_id AND order_id = :order_id AND kind = 'goods'
            """),
            {"store_id": store_id, "order_id": order_id},
        )
        or 0
    )


async def line_units_to_ship(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId
) -> dict[int, int]:
    """Line number to its units that are neither shipped nor taken back."""
    found = await conn.execute(
        text("""
            SELECT line_no, quantity - shipped_quantity - returned_quantity AS units
            FROM order_lines
            WHERE store_id = :store_id AND order_id = :order_id AND kind = 'goods'
        """),
        {"store_id": store_id, "order_id": order_id},
    )
    return {row.line_no: row.units for row in found}


async def mark_shipped(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, whole: bool, at: datetime
) -> Any:
    to = OrderState.SHIPPED if whole else OrderState.PART_SHIPPED
    return await _move(conn, store_id=store_id, order_id=order_id, to=to, stamp="shipped_at", at=at)


async def mark_received(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> Any:
    return await _move(
        conn,
        store_id=store_id,
        order_id=order_id,
        to=OrderState.RECEIVED,
        stamp="received_at",
        at=at,
    )


async def mark_final(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> Any:
    return await _move(
        conn, store_id=store_id, order_id=order_id, to=OrderState.FINAL, stamp="final_at", at=at
    )


async def mark_refunded(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> Any:
    """All money went back before the order was final: it ends here."""
    return await _move(
        conn,
        store_id=store_id,
        order_id=order_id,
        to=OrderState.REFUNDED,
        stamp="closed_at",
        at=at,
    )


async def add_refunded(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    amounts: Mapping[int, int],
    returned: Mapping[int, int],
) -> None:
    """Count refunds on lines: `amounts` in minor units, `returned` unshipped units taken back.

    Raises RefundTooMuch when a line has less left; nothing is written then.
    """
    numbers = sorted(amounts)
    rows = await conn.execute(
        text("""
            UPDATE order_lines l SET refunded_minor = l.refunded_minor + r.amount,
              returned_quantity = l.returned_quantity + r.units
            FROM unnest(CAST(:lines AS int[]), CAST(:amounts AS bigint[]), CAST(:units AS int[]))
              AS r (line_no, amount, units)
            WHERE l.store_id = :store_id AND l.order_id = :order_id AND l.line_no = r.line_no
              AND r.amount > 0 AND l.refunded_minor + r.amount <= l.paid_minor
              AND r.units >= 0
              AND l.shipped_quantity + l.returned_quantity + r.units <= l.quantity
            RETURNING l.line_no
        """),
        {
            "store_id": store_id,
            "order_id": order_id,
            "lines": numbers,
            "amounts": [amounts[n] for n in numbers],
            "units": [returned.get(n, 0) for n in numbers],
        },
    )
    done = {row.line_no for row in rows}
    if missing := [n for n in numbers if n not in done]:
        raise RefundTooMuch(field="lines", line_no=missing[0])
