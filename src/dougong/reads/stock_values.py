"""Corrections of what stock is worth, and every change of a SKU's value that moved no unit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import SkuId, StoreId

CORRECTIONS = text("""
    SELECT c.id, c.sku_id, k.code AS sku, k.options, p.title_zh, p.title_en, c.state,
      c.unit_cost_minor, c.value_minor, c.reason, c.evidence, c.units, c.before_minor,
      c.after_minor, c.proposed_by, o.name AS proposed_by_name, c.proposed_at,
      d.name AS decided_by_name, c.decided_at, c.decided_why, s.currency
    FROM stock_value_corrections c
    JOIN stores s ON s.id = c.store_id
    JOIN skus k ON k.store_id = c.store_id AND k.id = c.sku_id
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    JOIN people o ON o.id = c.proposed_by LEFT JOIN people d ON d.id = c.decided_by
    WHERE c.store_id = :store_id AND (CAST(:id AS uuid) IS NULL OR c.id = :id)
      AND (CAST(:sku_id AS uuid) IS NULL OR c.sku_id = :sku_id)
      AND (CAST(:state AS text) = '' OR c.state = :state)
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (c.proposed_at, c.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY c.proposed_at DESC, c.id DESC LIMIT :most
""")

# Freight, duty and corrections; `about_id`: the landed cost or the correction.
CHANGES = text("""
    SELECT r.id, r.at, r.value_minor, r.about_kind, r.about_id, COALESCE(l.kind, '') AS cost_kind,
      c.units, c.before_minor, c.after_minor, COALESCE(c.reason, '') AS reason,
      COALESCE(c.evidence, '') AS evidence, COALESCE(o.name, b.name) AS by_name,
      d.name AS approved_by_name
    FROM stock_revaluations r
    LEFT JOIN stock_value_corrections c ON r.about_kind = 'correction'
      AND c.store_id = r.store_id AND c.id = r.about_id
    LEFT JOIN landed_costs l ON r.about_kind = 'landed_cost'
      AND l.store_id = r.store_id AND l.id = r.about_id
    LEFT JOIN people o ON o.id = c.proposed_by
    LEFT JOIN people d ON d.id = c.decided_by
    LEFT JOIN people b ON b.id = l.by_id
    WHERE r.store_id = :store_id AND r.sku_id = :sku_id
    ORDER BY r.at DESC, r.id DESC LIMIT :most
""")


async def corrections_of(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    correction_id: UUID | None = None,
    sku_id: UUID | None = None,
    state: str = "",
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """The newest first. `before`: when the last one of the page before was proposed, and its id."""
    before_at, before_id = before or (None, None)
    values = {"store_id": store_id, "id": correction_id, "sku_id": sku_id, "state": state,
              "before_at": before_at, "before_id": before_id, "most": most}  # fmt: skip
    return (await conn.execute(CORRECTIONS, values)).all()


async def value_changes(
    conn: AsyncConnection, *, store_id: StoreId, sku_id: SkuId, most: int
) -> Sequence[Any]:
    """The newest first."""
    values = {"store_id": store_id, "sku_id": sku_id, "most": most}
    return (await conn.execute(CHANGES, values)).all()
