"""Writes a whole batch of orders of one store with one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, PersonId, StoreId
from dougong.infra.db import fetch


class OrderRow(msgspec.Struct, frozen=True):
    """A row of `orders`, as it is placed."""

    id: OrderId
    number: str
    checkout_id: UUID
    buyer_id: PersonId
    idempotency_key: str
    request_hash: str  # bytea in its hex form
    currency: str
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    total_minor: int
    address: dict[str, Any]
    coupon_id: UUID | None
    receive_within_s: int
    receive_rule_id: UUID | None
    after_sales_window_s: int
    after_sales_rule_id: UUID | None
    placed_at: datetime
    pay_by: datetime


class LineRow(msgspec.Struct, frozen=True):
    """A row of `order_lines`: what was bought, and the rules frozen for its money."""

    order_id: OrderId
    line_no: int
    kind: str
    product_id: UUID | None
    sku_id: UUID | None
    title_zh: str
    title_en: str
    options: dict[str, str]
    image_file: str | None
    category: str
    quantity: int
    unit_price_minor: int
    gross_minor: int
    merchant_discount_minor: int
    platform_discount_minor: int
    creator_discount_minor: int
    discount_creator_id: UUID | None
    paid_minor: int
    link_id: UUID | None
    creator_id: UUID | None
    service_fee_bp: int
    service_fee_rule_id: UUID | None
    commission_bp: int
    commission_rule_id: UUID | None
    commission_cut_bp: int
    commission_cut_rule_id: UUID | None
    payment_cost_bp: int
    payment_cost_rule_id: UUID | None


INSERT_BATCH = """
    WITH made AS (
      INSERT INTO orders (store_id, id, number, checkout_id, buyer_id, idempotency_key,
        request_hash, state, currency, goods_minor, discount_minor, shipping_minor, total_minor,
        address, coupon_id, receive_within_s, receive_rule_id, after_sales_window_s,
        after_sales_rule_id, placed_at, pay_by)
      SELECT %(store_id)s, id, number, checkout_id, buyer_id, idempotency_key, request_hash,
        'placed', currency, goods_minor, discount_minor, shipping_minor, total_minor, address,
        coupon_id, receive_within_s, receive_rule_id, after_sales_window_s, after_sales_rule_id,
        placed_at, pay_by
      FROM json_populate_recordset(NULL::orders, %(orders)s::json)
      RETURNING id, number, buyer_id, total_minor, currency, placed_at, pay_by
    ), lines AS (
      INSERT INTO order_lines (store_id, order_id, line_no, kind, product_id, sku_id, title_zh,
        title_en, options, image_file, category, quantity, unit_price_minor, gross_minor,
        merchant_discount_minor, platform_discount_minor, creator_discount_minor,
        discount_creator_id, paid_minor, link_id, creator_id, service_fee_bp, service_fee_rule_id,
        commission_bp, commission_rule_id, commission_cut_bp, commission_cut_rule_id,
        payment_cost_bp, payment_cost_rule_id)
      SELECT %(store_id)s, order_id, line_no, kind, product_id, sku_id, title_zh, title_en, options,
        image_file, category, quantity, unit_price_minor, gross_minor, merchant_discount_minor,
        platform_discount_minor, creator_discount_minor, discount_creator_id, paid_minor, link_id,
        creator_id, service_fee_bp, service_fee_rule_id, commission_bp, commission_rule_id,
        commission_cut_bp, commission_cut_rule_id, payment_cost_bp, payment_cost_rule_id
      FROM json_populate_recordset(NULL::order_lines, %(lines)s::json)
    ), due AS (
      INSERT INTO deadlines (store_id, kind, subject_id, due_at)
      SELECT %(store_id)s, 'pay_by', id, pay_by FROM made
    ), said AS (
      INSERT INTO events (kind, store_id, subject_id, at, facts)
      SELECT 'order.placed', %(store_id)s, id, placed_at,
        jsonb_build_object('number', number, 'total_minor', total_minor, 'currency', currency)
      FROM made
    )
    DELETE FROM cart_items c
    USING unnest(%(people)s::uuid[], %(skus)s::uuid[]) AS bought (person_id, sku_id)
    WHERE c.store_id = %(store_id)s AND c.person_id = bought.person_id AND c.sku_id = bought.sku_id
"""


async def insert_placed(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    orders: Sequence[OrderRow],
    lines: Sequence[LineRow],
) -> None:
    """Write orders with their lines, pay-by deadlines and events; empty the carts they came from.

    Raises IntegrityError when a row breaks a constraint: the caller then tries fewer at once.
    """
    buyers = {order.id: order.buyer_id for order in orders}
    goods = [line for line in lines if line.sku_id is not None]
    encode = msgspec.json.encode
    await fetch(
        conn,
        INSERT_BATCH,
        {
            "store_id": store_id,
            "orders": encode(orders).decode(),
            "lines": encode(lines).decode(),
            "people": [buyers[line.order_id] for line in goods],
            "skus": [line.sku_id for line in goods],
        },
    )


class PlacedRow(msgspec.Struct, frozen=True):
    """An order that an earlier request with the same key made."""

    store_id: StoreId
    id: OrderId
    number: str
    checkout_id: UUID
    request_hash: bytes
    currency: str
    total_minor: int
    pay_by: datetime


# One look into an index for each key, whatever the planner believes of a table that fills up with
# the very sale it plans for: LIMIT keeps it from reading all orders instead.
BEFORE = """
    SELECT o.buyer_id, o.idempotency_key, o.store_id, o.id, o.number, o.checkout_id,
      o.request_hash, o.currency, o.total_minor, o.pay_by
    FROM unnest(%(checkouts)s::uuid[]) AS c (checkout_id) CROSS JOIN LATERAL (
      SELECT * FROM orders
      WHERE checkout_id = c.checkout_id AND buyer_id IS NOT NULL
        AND store_id <> %(store_id)s LIMIT 1
    ) o
    UNION ALL
    SELECT o.buyer_id, o.idempotency_key, o.store_id, o.id, o.number, o.checkout_id,
      o.request_hash, o.currency, o.total_minor, o.pay_by
    FROM unnest(%(people)s::uuid[], %(keys)s::text[]) AS k (person_id, key) CROSS JOIN LATERAL (
      SELECT * FROM orders
      WHERE store_id = %(store_id)s AND buyer_id = k.person_id AND idempotency_key = k.key LIMIT 1
    ) o
"""


async def placed_before(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    keys: Sequence[tuple[PersonId, str]],
    checkouts: Sequence[UUID],
) -> Mapping[tuple[PersonId, str], PlacedRow]:
    """(buyer, key) to the order that it has already made: in this store, or else in another one
    of the same checkout."""
    rows = await fetch(
        conn,
        BEFORE,
        {
            "store_id": store_id,
            "checkouts": list(checkouts),
            "people": [person for person, _ in keys],
            "keys": [key for _, key in keys],
        },
    )
    return {(row[0], row[1]): PlacedRow(*row[2:]) for row in rows}
