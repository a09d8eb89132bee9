"""A buyer's own orders and cart, as the API tells them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import OrderId, PersonId, StoreId
from dougong.base.money import Money
from dougong.infra import clock


class OrderLineView(msgspec.Struct, frozen=True):
    """`paid`: after discounts; `kind`: goods, or shipping."""

    line_no: int
    kind: str
    product_id: UUID | None
    sku_id: UUID | None
    title_zh: str
    title_en: str
    options: dict[str, str]
    quantity: int
    paid: Money
    refunded: Money
    shipped_quantity: int


class PackagedLine(msgspec.Struct, frozen=True):
    line_no: int
    quantity: int


class PackageView(msgspec.Struct, frozen=True):
    package_id: UUID
    carrier: str
    tracking_no: str
    shipped_at: datetime
    lines: list[PackagedLine]


class RefundView(msgspec.Struct, frozen=True):
    """`state`: booked, sent, done or failed; `done_at`: when the gateway had paid it back."""

    refund_id: UUID
    amount: Money
    state: str
    reason: str
    asked_at: datetime
    done_at: datetime | None


class OrderView(msgspec.Struct, frozen=True):
    """An order as its buyer sees it; `total` is `goods` - `discount` + `shipping`."""

    store_id: UUID
    order_id: UUID
    checkout_id: UUID
    number: str
    state: str
    goods: Money
    discount: Money
    shipping: Money
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
    packages: list[PackageView]
    refunds: list[RefundView]


ORDERS = text("""
    SELECT o.*, (
      SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no, 'kind', l.kind,
        'product_id', l.product_id, 'sku_id', l.sku_id,
        'title_zh', l.title_zh, 'title_en', l.title_en, 'options', l.options,
        'quantity', l.quantity, 'paid', jsonb_build_object('minor', l.paid_minor,
          'currency', o.currency),
        'refunded', jsonb_build_object('minor', l.refunded_minor, 'currency', o.currency),
        'shipped_quantity', l.shipped_quantity) ORDER BY l.line_no)
      FROM order_lines l WHERE l.store_id = o.store_id AND l.order_id = o.id) AS lines, (
      SELECT jsonb_agg(jsonb_build_object('package_id', k.id, 'carrier', k.carrier,
        'tracking_no', k.tracking_no, 'shipped_at', k.shipped_at, 'lines', (
          SELECT jsonb_agg(jsonb_build_object('line_no', n.line_no, 'quantity', n.quantity)
            ORDER BY n.line_no)
          FROM package_lines n
          WHERE n.store_id = k.store_id AND n.package_id = k.id AND n.order_id = o.id))
        ORDER BY k.shipped_at, k.id)
      FROM packages k WHERE k.store_id = o.store_id AND k.shipped_at IS NOT NULL AND k.id IN (
        SELECT package_id FROM package_lines WHERE store_id = o.store_id AND order_id = o.id)
      ) AS packages, (
      SELECT jsonb_agg(jsonb_build_object('refund_id', r.id, 'amount',
        jsonb_build_object('minor', r.amount_minor, 'currency', r.currency), 'state', r.state,
        'reason', r.reason, 'asked_at', r.asked_at, 'done_at', r.done_at)
        ORDER BY r.asked_at, r.id)
      FROM refunds r WHERE r.store_id = o.store_id AND r.order_id = o.id) AS refunds
    FROM orders o
    WHERE o.buyer_id = :buyer_id
      AND (CAST(:order_id AS uuid) IS NULL OR (o.store_id = :store_id AND o.id = :order_id))
      AND (CAST(:checkout_id AS uuid) IS NULL OR o.checkout_id = :checkout_id)
      AND (CAST(:before_id AS uuid) IS NULL
        OR (o.placed_at, o.id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY o.placed_at DESC, o.id DESC LIMIT :most
""")


def _view(row: Any) -> OrderView:
    values = dict(row._mapping)
    money = {
        name: Money(values[f"{name}_minor"], row.currency)
        for name in ("goods", "discount", "shipping", "total")
    }
    nested = {
        "lines": msgspec.convert(row.lines or [], list[OrderLineView]),
        "packages": msgspec.convert(row.packages or [], list[PackageView]),
        "refunds": msgspec.convert(row.refunds or [], list[RefundView]),
    }
    made = values | {"order_id": row.id} | money | nested
    return OrderView(**{name: made[name] for name in OrderView.__struct_fields__})


async def orders_of(
    conn: AsyncConnection,
    *,
    buyer_id: PersonId,
    before: tuple[datetime, UUID] | None = None,
    checkout_id: UUID | None = None,
    most: int,
) -> list[OrderView]:
    """Newest first; `before`: instant and id of the last one seen."""
    before_at, before_id = before or (None, None)
    values = {"buyer_id": buyer_id, "before_at": before_at, "before_id": before_id, "most": most}
    one = {"order_id": None, "store_id": None, "checkout_id": checkout_id}
    return [_view(row) for row in await conn.execute(ORDERS, values | one)]


async def order_of(
    conn: AsyncConnection, *, buyer_id: PersonId, store_id: StoreId, order_id: OrderId
) -> OrderView:
    """Raises NotFound unless it is this buyer's."""
    values = {"buyer_id": buyer_id, "before_at": None, "before_id": None, "most": 1}
    one = {"order_id": order_id, "store_id": store_id, "checkout_id": None}
    row = (await conn.execute(ORDERS, values | one)).one_or_none()
    if row is None:
        raise NotFound
    return _view(row)


class CartItem(msgspec.Struct, frozen=True):
    """A SKU in the cart, as it would be sold now. `free`: units left for the way it came by: its
    link, else API."""

    store_id: UUID
    sku_id: UUID
    product_id: UUID
    quantity: int
    link_id: UUID | None
    title_zh: str
    title_en: str
    options: dict[str, str]
    price: Money
    free: int
    is_for_sale: bool


async def cart_of(conn: AsyncConnection, *, person_id: PersonId) -> list[CartItem]:
    """The cart as the API shows it, by store, the first added first."""
    rows = await conn.execute(
        text("""
            SELECT c.store_id, c.sku_id, p.id AS product_id, c.quantity, c.link_id, p.title_zh,
              p.title_en, s.options,
              jsonb_build_object('minor', s.price_minor, 'currency', st.currency) AS price,
              CASE WHEN k.quotas > 0 THEN units_for_link(c.store_id, c.sku_id,
                k.on_hand - k.reserved, c.link_id, 'api', :at)
                ELSE GREATEST(COALESCE(k.on_hand - k.reserved, 0), 0) END AS free,
              s.state = 'active' AND p.state = 'active' AND st.state = 'open' AS is_for_sale
            FROM cart_items c
            JOIN skus s ON s.store_id = c.store_id AND s.id = c.sku_id
            JOIN products p ON p.store_id = s.store_id AND p.id = s.product_id
            JOIN stores st ON st.id = c.store_id
            LEFT JOIN stock k ON k.store_id = c.store_id AND k.sku_id = c.sku_id
            WHERE c.person_id = :person_id ORDER BY c.store_id, c.added_at
        """),
        {"person_id": person_id, "at": clock.now()},
    )
    return [msgspec.convert(dict(row._mapping), CartItem) for row in rows]
