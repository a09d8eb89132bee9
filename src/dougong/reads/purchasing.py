"""Suppliers and purchase orders as a buyer sees them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId
from dougong.reads.merchant_stock import like

SUPPLIERS = text("""
    SELECT s.*, s.token_hash IS NOT NULL AS has_page,
      (SELECT count(*) FROM supplier_items i WHERE i.store_id = s.store_id
        AND i.supplier_id = s.id) AS items,
      (SELECT count(*) FROM purchase_orders o WHERE o.store_id = s.store_id
        AND o.supplier_id = s.id AND o.state IN ('approved', 'sent', 'part_received'))
        AS open_orders
    FROM suppliers s
    WHERE s.store_id = :store_id AND (CAST(:only AS uuid) IS NULL OR s.id = :only)
      AND (CAST(:words AS text) = '' OR s.code ILIKE :pattern OR s.name ILIKE :pattern
        OR s.contact ILIKE :pattern)
      AND (CAST(:is_open AS boolean) IS NULL OR (s.closed_at IS NULL) = :is_open)
      AND s.code > :after
    ORDER BY s.code LIMIT :most
""")


async def supplier_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    words: str = "",
    is_open: bool | None = None,
    after: str = "",
    most: int,
) -> Sequence[Any]:
    """By code, with how many SKUs they sell and how many orders wait for them."""
    asked = {"store_id": store_id, "words": words, "pattern": like(words), "is_open": is_open}
    return (
        await conn.execute(SUPPLIERS, asked | {"after": after, "most": most, "only": None})
    ).all()


async def supplier_of(conn: AsyncConnection, *, store_id: StoreId, supplier_id: UUID) -> Any:
    """Raises NotFound."""
    asked = {"store_id": store_id, "words": "", "pattern": "", "is_open": None, "after": ""}
    row = (await conn.execute(SUPPLIERS, asked | {"most": 1, "only": supplier_id})).one_or_none()
    if row is None:
        raise NotFound
    return row


class PriceRow(msgspec.Struct):
    id: UUID
    from_quantity: int
    price_minor: int
    starts_at: datetime
    ends_at: datetime | None
    in_force: bool


class ItemRow(msgspec.Struct):
    """A SKU that a supplier sells; `prices`: from the lowest quantity on, past ones too."""

    sku_id: UUID
    code: str
    title_zh: str
    title_en: str
    options: dict[str, Any]
    supplier_sku: str
    pack_size: int
    min_quantity: int
    lead_days: int | None
    is_dropship: bool
    prices: list[PriceRow]


async def item_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID,
    at: datetime,
    sku_id: UUID | None = None,
    after: str = "",
    most: int = 500,
) -> list[ItemRow]:
    """What a supplier sells, by our code; of one SKU, if it is given."""
    rows = await conn.execute(
        text("""
            SELECT i.sku_id, k.code, d.title_zh, d.title_en, k.options, i.supplier_sku,
              i.pack_size, i.min_quantity, i.lead_days, i.is_dropship, coalesce((
                SELECT jsonb_agg(jsonb_build_object('id', p.id, 'from_quantity', p.from_quantity,
                  'price_minor', p.price_minor, 'starts_at', lower(p.in_force),
                  'ends_at', upper(p.in_force),
                  'in_force', p.in_force @> CAST(:at AS timestamptz))
                  ORDER BY p.from_quantity, lower(p.in_force))
                FROM supplier_prices p WHERE p.store_id = i.store_id
                  AND p.supplier_id = i.supplier_id AND p.sku_id = i.sku_id), '[]') AS prices
            FROM supplier_items i
            JOIN skus k ON k.store_id = i.store_id AND k.id = i.sku_id
            JOIN products d ON d.store_id = k.store_id AND d.id = k.product_id
            WHERE i.store_id = :store_id AND i.supplier_id = :supplier_id AND k.code > :after
              AND (CAST(:sku_id AS uuid) IS NULL OR i.sku_id = :sku_id)
            ORDER BY k.code LIMIT :most
        """),
        {
            "store_id": store_id,
            "supplier_id": supplier_id,
            "at": at,
            "sku_id": sku_id,
            "after": after,
            "most": most,
        },
    )
    return [msgspec.convert(dict(row), ItemRow) for row in rows.mappings()]


class OrderFilter(msgspec.Struct, frozen=True):
    """`words`: number, supplier, SKU; `state`: one, `open` (not at its end) or "" for all."""

    state: str = ""
    words: str = ""
    supplier_id: UUID | None = None
    sku_id: UUID | None = None
    since: datetime | None = None  # when they were made


OPEN_STATES = ("draft", "approved", "sent", "part_received", "received")
PURCHASES = text("""
    SELECT o.*, s.name AS supplier_name, s.code AS supplier_code,
      l.units, l.received, l.lines,
      o.state IN ('sent', 'part_received') AND o.expected_on < CAST(:today AS date) AS is_late
    FROM purchase_orders o
    JOIN suppliers s ON s.store_id = o.store_id AND s.id = o.supplier_id
    CROSS JOIN LATERAL (SELECT sum(quantity) AS units, sum(received) AS received,
      count(*) AS lines FROM purchase_lines p
      WHERE p.store_id = o.store_id AND p.order_id = o.id) AS l
    WHERE o.store_id = :store_id
      AND (CAST(:states AS text[]) IS NULL OR o.state = ANY(:states))
      AND (CAST(:supplier_id AS uuid) IS NULL OR o.supplier_id = :supplier_id)
      AND (CAST(:since AS timestamptz) IS NULL OR o.made_at >= :since)
      AND (CAST(:sku_id AS uuid) IS NULL OR EXISTS (SELECT FROM purchase_lines p
        WHERE p.store_id = o.store_id AND p.order_id = o.id AND p.sku_id = :sku_id))
      AND (CAST(:words AS text) = '' OR o.number ILIKE :pattern OR s.name ILIKE :pattern
        OR s.code ILIKE :pattern OR EXISTS (SELECT FROM purchase_lines p
          JOIN skus k ON k.store_id = p.store_id AND k.id = p.sku_id
          WHERE p.store_id = o.store_id AND p.order_id = o.id AND k.code ILIKE :pattern))
      AND (CAST(:before_at AS timestamptz) IS NULL OR (o.made_at, o.id) < (:before_at, :before_id))
    ORDER BY o.made_at DESC, o.id DESC LIMIT :most
""")


async def purchase_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    chosen: OrderFilter,
    today: date,
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """The newest first, with what came of them."""
    states = None if not chosen.state else [chosen.state]
    if chosen.state == "open":
        states = list(OPEN_STATES)
    at, last = before or (None, None)
    asked: dict[str, Any] = {"store_id": store_id, "states": states, "today": today, "most": most}
    asked |= {"words": chosen.words, "pattern": like(chosen.words)}
    asked |= {"supplier_id": chosen.supplier_id, "sku_id": chosen.sku_id, "since": chosen.since}
    return (await conn.execute(PURCHASES, asked | {"before_at": at, "before_id": last})).all()


async def state_counts(conn: AsyncConnection, *, store_id: StoreId) -> dict[str, int]:
    """How many orders are in each state."""
    rows = await conn.execute(
        text("""
            SELECT state, count(*) FROM purchase_orders WHERE store_id = :store_id GROUP BY state
        """),
        {"store_id": store_id},
    )
    return {row[0]: row[1] for row in rows}


class Purchase(msgspec.Struct):
    """One order with its lines, receipts, bills and returns, as rows."""

    order: Any
    lines: Sequence[Any]
    receipts: Sequence[Any]
    bills: Sequence[Any]
    returns: Sequence[Any]


ONE = text("""
    SELECT o.*, s.name AS supplier_name, s.code AS supplier_code, s.contact, s.email, s.phone,
      s.payment_days, m.name AS made_by_name, a.name AS approved_by_name
    FROM purchase_orders o JOIN suppliers s ON s.store_id = o.store_id AND s.id = o.supplier_id
    JOIN people m ON m.id = o.made_by LEFT JOIN people a ON a.id = o.approved_by
    WHERE o.store_id = :store_id AND o.id = :id
""")
LINES = text("""
    SELECT l.*, k.code, k.options, k.gtin, k.weight_g, p.title_zh, p.title_en, i.pack_size,
      (SELECT g.file FROM product_images g WHERE g.store_id = p.store_id AND g.product_id = p.id
        ORDER BY g.position LIMIT 1) AS image_file
    FROM purchase_lines l
    JOIN purchase_orders o ON o.store_id = l.store_id AND o.id = l.order_id
    JOIN skus k ON k.store_id = l.store_id AND k.id = l.sku_id
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    LEFT JOIN supplier_items i ON i.store_id = l.store_id AND i.supplier_id = o.supplier_id
      AND i.sku_id = l.sku_id
    WHERE l.store_id = :store_id AND l.order_id = :id ORDER BY l.line_no
""")
RECEIPTS = text("""
    SELECT r.*, w.name AS by_name, c.costs, (
      SELECT jsonb_agg(to_jsonb(l) ORDER BY l.line_no) FROM goods_receipt_lines l
      WHERE l.store_id = r.store_id AND l.receipt_id = r.id) AS lines
    FROM goods_receipts r JOIN people w ON w.id = r.by_id
    CROSS JOIN LATERAL (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', c.kind,
      'amount_minor', c.amount_minor, 'spread_by', c.spread_by, 'at', c.at) ORDER BY c.at), '[]')
      AS costs FROM landed_costs c WHERE c.store_id = r.store_id AND c.receipt_id = r.id) AS c
    WHERE r.store_id = :store_id AND r.order_id = :id ORDER BY r.at, r.id
""")
BILLS = text("""
    SELECT * FROM supplier_bills WHERE store_id = :store_id AND order_id = :id ORDER BY entered_at
""")
RETURNS = text("""
    SELECT r.*, (SELECT sum(l.quantity) FROM supplier_return_lines l
      WHERE l.store_id = r.store_id AND l.return_id = r.id) AS units
    FROM supplier_returns r WHERE r.store_id = :store_id AND r.order_id = :id ORDER BY r.at
""")


async def purchase_of(conn: AsyncConnection, *, store_id: StoreId, order_id: UUID) -> Purchase:
    """Raises NotFound."""
    named = {"store_id": store_id, "id": order_id}
    order = (await conn.execute(ONE, named)).one_or_none()
    if order is None:
        raise NotFound
    return Purchase(
        order,
        (await conn.execute(LINES, named)).all(),
        (await conn.execute(RECEIPTS, named)).all(),
        (await conn.execute(BILLS, named)).all(),
        (await conn.execute(RETURNS, named)).all(),
    )


async def skus_by_code(
    conn: AsyncConnection, *, store_id: StoreId, codes: Sequence[str]
) -> dict[str, UUID]:
    """Our code, or a GTIN, to the SKU; what is not in the answer is not this store's."""
    rows = await conn.execute(
        text("""
            SELECT c.code, coalesce(
              (SELECT id FROM skus WHERE store_id = :store_id AND code = c.code),
              (SELECT id FROM skus WHERE store_id = :store_id AND gtin = c.code LIMIT 1)) AS id
            FROM unnest(CAST(:codes AS text[])) AS c (code)
        """),
        {"store_id": store_id, "codes": list(dict.fromkeys(codes))},
    )
    return {code: sku_id for code, sku_id in rows if sku_id is not None}


async def lines_to_cost(
    conn: AsyncConnection, *, store_id: StoreId, receipt_id: UUID
) -> Sequence[Any]:
    """Accepted lines of a delivery: line_no, sku_id, accepted, weight_g, price_minor, and `valued`:
    units of the SKU on hand whose cost is known."""
    rows = await conn.execute(
        text("""
            SELECT l.line_no, p.sku_id, l.accepted, k.weight_g, p.price_minor,
              coalesce(c.quantity, 0) AS valued
            FROM goods_receipt_lines l
            JOIN goods_receipts r ON r.store_id = l.store_id AND r.id = l.receipt_id
            JOIN purchase_lines p ON p.store_id = l.store_id AND p.order_id = r.order_id
              AND p.line_no = l.line_no
            JOIN skus k ON k.store_id = p.store_id AND k.id = p.sku_id
            LEFT JOIN stock_costs c ON c.store_id = p.store_id AND c.sku_id = p.sku_id
            WHERE l.store_id = :store_id AND l.receipt_id = :receipt_id AND l.accepted > 0
            ORDER BY l.line_no
        """),
        {"store_id": store_id, "receipt_id": receipt_id},
    )
    return rows.all()


async def warehouse_rows(conn: AsyncConnection, *, store_id: StoreId) -> Sequence[Any]:
    """Open warehouses, the default one first."""
    rows = await conn.execute(
        text("""
            SELECT id, code, name_zh, name_en, is_default FROM warehouses
            WHERE store_id = :store_id AND closed_at IS NULL ORDER BY is_default DESC, code
        """),
        {"store_id": store_id},
    )
    return rows.all()


async def suppliers_by_code(
    conn: AsyncConnection, *, store_id: StoreId, codes: Sequence[str]
) -> dict[str, UUID]:
    rows = await conn.execute(
        text("""
            SELECT code, id FROM suppliers
            WHERE store_id = :store_id AND code = ANY(CAST(:codes AS text[]))
        """),
        {"store_id": store_id, "codes": list(codes)},
    )
    return {row.code: row.id for row in rows}
