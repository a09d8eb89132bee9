"""Deliveries and goods that went back, of a whole store, read page by page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId

RECEIPTS = text("""
    SELECT r.id, r.number, r.order_id AS purchase_id, o.number AS purchase_number, o.supplier_id,
      o.currency, r.warehouse_id, r.delivery_note, r.note, p.name AS by_name, r.at, c.costs,
      l.lines
    FROM goods_receipts r
    JOIN purchase_orders o ON o.store_id = r.store_id AND o.id = r.order_id
    JOIN people p ON p.id = r.by_id
    CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no,
        'sku_id', u.sku_id, 'sku', k.code, 'accepted', l.accepted, 'damaged', l.damaged,
        'short', l.short, 'over', l.over, 'lot', l.lot, 'expires_on', l.expires_on)
        ORDER BY l.line_no) AS lines
      FROM goods_receipt_lines l
      JOIN purchase_lines u ON u.store_id = l.store_id AND u.order_id = r.order_id
        AND u.line_no = l.line_no
      JOIN skus k ON k.store_id = u.store_id AND k.id = u.sku_id
      WHERE l.store_id = r.store_id AND l.receipt_id = r.id) AS l
    CROSS JOIN LATERAL (SELECT coalesce(jsonb_agg(jsonb_build_object('cost', c.kind,
        'amount_minor', c.amount_minor, 'spread_by', c.spread_by, 'at', c.at)
        ORDER BY c.at, c.id), '[]') AS costs
      FROM landed_costs c WHERE c.store_id = r.store_id AND c.receipt_id = r.id) AS c
    WHERE r.store_id = :store_id AND (CAST(:only AS uuid) IS NULL OR r.id = :only)
      AND (CAST(:purchase_id AS uuid) IS NULL OR r.order_id = :purchase_id)
      AND (CAST(:supplier_id AS uuid) IS NULL OR o.supplier_id = :supplier_id)
      AND (CAST(:since AS timestamptz) IS NULL OR r.at >= :since)
      AND (CAST(:before_at AS timestamptz) IS NULL OR (r.at, r.id) < (:before_at, :before_id))
    ORDER BY r.at DESC, r.id DESC LIMIT :most
""")

RETURNS = text("""
    SELECT r.id, r.number, r.order_id AS purchase_id, o.number AS purchase_number, o.supplier_id,
      r.currency, r.warehouse_id, r.total_minor, r.credit_minor, r.reason, p.name AS by_name, r.at,
      l.lines
    FROM supplier_returns r
    JOIN purchase_orders o ON o.store_id = r.store_id AND o.id = r.order_id
    JOIN people p ON p.id = r.by_id
    CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no,
        'sku_id', u.sku_id, 'sku', k.code, 'quantity', l.quantity, 'credited', l.credited,
        'price_minor', l.price_minor) ORDER BY l.line_no) AS lines
      FROM supplier_return_lines l
      JOIN purchase_lines u ON u.store_id = l.store_id AND u.order_id = r.order_id
        AND u.line_no = l.line_no
      JOIN skus k ON k.store_id = u.store_id AND k.id = u.sku_id
      WHERE l.store_id = r.store_id AND l.return_id = r.id) AS l
    WHERE r.store_id = :store_id AND (CAST(:only AS uuid) IS NULL OR r.id = :only)
      AND (CAST(:purchase_id AS uuid) IS NULL OR r.order_id = :purchase_id)
      AND (CAST(:supplier_id AS uuid) IS NULL OR o.supplier_id = :supplier_id)
      AND (CAST(:since AS timestamptz) IS NULL OR r.at >= :since)
      AND (CAST(:before_at AS timestamptz) IS NULL OR (r.at, r.id) < (:before_at, :before_id))
    ORDER BY r.at DESC, r.id DESC LIMIT :most
""")


class Papers(msgspec.Struct, frozen=True):
    """Which deliveries or returns; None: all."""

    only: UUID | None = None
    purchase_id: UUID | None = None
    supplier_id: UUID | None = None
    since: datetime | None = None

    def values(
        self, store_id: StoreId, before: tuple[datetime, UUID] | None, most: int
    ) -> dict[str, Any]:
        at, last = before or (None, None)
        page = {"store_id": store_id, "before_at": at, "before_id": last, "most": most}
        return msgspec.structs.asdict(self) | page


async def receipt_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    chosen: Papers,
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """Deliveries with their lines and landed costs, the newest first."""
    return (await conn.execute(RECEIPTS, chosen.values(store_id, before, most))).all()


async def return_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    chosen: Papers,
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """Goods that went back to suppliers with their lines, the newest first."""
    return (await conn.execute(RETURNS, chosen.values(store_id, before, most))).all()
