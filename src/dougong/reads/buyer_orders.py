"""A buyer's own orders and cart."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import OrderId, PersonId, StoreId
from dougong.base.money import Money


class OrderLineView(msgspec.Struct, frozen=True):
    line_no: int
    kind: str
    title_zh: str
    title_en: str
    options: dict[str, str]
    quantity: int
    paid: Money
    refunded: Money
    shipped_quantity: int


class OrderView(msgspec.Struct, frozen=True):
    """An order as its buyer sees it."""

    store_id: UUID
    order_id: UUID
    checkout_id: UUID
    number: str
    state: str
    total: Money
    placed_at: datetime
    pay_by: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    received_at: datetime | None
    final_at: datetime | None
    closed_at: datetime | None
    close_reason: str | None
    lines: list[OrderLineView]


ORDERS = text("""
    SELECT o.*, (
      SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no, 'kind', l.kind,
        'title_zh', l.title_zh, 'title_en', l.title_en, 'options', l.options,
        'quantity', l.quantity, 'paid_minor', l.paid_minor, 'refunded_minor', l.refunded_minor,
        'shipped_quantity', l.shipped_quantity) ORDER BY l.line_no)
      FROM order_lines l WHERE l.store_id = o.store_id AND l.order_id = o.id) AS lines
    FROM orders o
    WHERE o.buyer_id = :buyer_id
      AND (CAST(:order_id AS uuid) IS NULL OR (o.store_id = :store_id AND o.id = :order_id))
      AND (CAST(:before AS timestamptz) IS NULL OR o.placed_at < :before)
    ORDER BY o.placed_at DESC LIMIT :limit
""")


def _view(row: Any) -> OrderView:
    def money(minor: int) -> Money:
        return Money(minor, row.currency)

    lines = [
        OrderLineView(
            line["line_no"],
            line["kind"],
            line["title_zh"],
            line["title_en"],
            line["options"],
            line["quantity"],
            money(line["paid_minor"]),
            money(line["refunded_minor"]),
            line["shipped_quantity"],
        )
        for line in row.lines or []
    ]
    return OrderView(
        row.store_id,
        row.id,
        row.checkout_id,
        row.number,
        row.state,
        money(row.total_minor),
        row.placed_at,
        row.pay_by,
        row.paid_at,
        row.shipped_at,
        row.received_at,
        row.final_at,
        row.closed_at,
        row.close_reason,
        lines,
    )


async def orders_of(
    conn: AsyncConnection, *, buyer_id: PersonId, before: datetime | None, limit: int
) -> list[OrderView]:
    """Newest first; `before`: only orders placed earlier."""
    values = {"buyer_id": buyer_id, "before": before, "limit": limit}
    rows = await conn.execute(ORDERS, {**values, "order_id": None, "store_id": None})
    return [_view(row) for row in rows]


async def order_of(
    conn: AsyncConnection, *, buyer_id: PersonId, store_id: StoreId, order_id: OrderId
) -> OrderView:
    """Raises NotFound unless it is this buyer's."""
    values = {"buyer_id": buyer_id, "before": None, "limit": 1}
    rows = await conn.execute(ORDERS, {**values, "order_id": order_id, "store_id": store_id})
    row = rows.one_or_none()
    if row is None:
        raise NotFound
    return _view(row)


async def cart_of(conn: AsyncConnection, *, person_id: PersonId) -> list[dict[str, Any]]:
    """The cart by store, as it would be sold now: {store_id, sku_id, quantity, price, free, …}."""
    rows = await conn.execute(
        text("""
            SELECT c.store_id, c.sku_id, c.quantity, c.link_id, p.id AS product_id, p.title_zh,
              p.title_en, s.options, s.price_minor, st.currency,
              COALESCE(k.on_hand - k.reserved, 0) AS free,
              s.state = 'active' AND p.state = 'active' AND st.state = 'open' AS is_for_sale
            FROM cart_items c
            JOIN skus s ON s.store_id = c.store_id AND s.id = c.sku_id
            JOIN products p ON p.store_id = s.store_id AND p.id = s.product_id
            JOIN stores st ON st.id = c.store_id
            LEFT JOIN stock k ON k.store_id = c.store_id AND k.sku_id = c.sku_id
            WHERE c.person_id = :person_id ORDER BY c.store_id, c.added_at
        """),
        {"person_id": person_id},
    )
    return [dict(row._mapping) for row in rows]
