"""What a merchant sees of warehouses: what lies where, how it came to be so, counts, transfers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, SkuId, StoreId

WAREHOUSES = text("""
    SELECT w.*, COALESCE(l.skus, 0) AS skus, COALESCE(l.on_hand, 0) AS on_hand,
      COALESCE(l.allocated, 0) AS allocated, COALESCE(l.damaged, 0) AS damaged,
      COALESCE(l.transit, 0) AS transit
    FROM warehouses w LEFT JOIN (
      SELECT warehouse_id, count(*) FILTER (WHERE on_hand > 0) AS skus, sum(on_hand) AS on_hand,
        sum(allocated) AS allocated, sum(damaged + inspecting) AS damaged, sum(transit) AS transit
      FROM stock_levels WHERE store_id = :store_id GROUP BY warehouse_id
    ) l ON l.warehouse_id = w.id
    WHERE w.store_id = :store_id ORDER BY w.closed_at IS NOT NULL, w.is_default DESC, w.code
""")

POLICIES = text("""
    SELECT p.*, lower(p.in_force) AS starts, upper(p.in_force) AS ends, o.name AS made_by_name
    FROM allocation_policies p JOIN people o ON o.id = p.made_by
    WHERE p.store_id = :store_id ORDER BY lower(p.in_force) DESC LIMIT 20
""")

SKU = text("""
    SELECT k.id, k.code, k.options, k.gtin, p.id AS product_id, p.title_zh, p.title_en,
      COALESCE(s.on_hand, 0) AS on_hand, COALESCE(s.reserved, 0) AS reserved,
      c.quantity AS costed, c.cost_minor
    FROM skus k JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    LEFT JOIN stock s ON s.store_id = k.store_id AND s.sku_id = k.id
    LEFT JOIN stock_costs c ON c.store_id = k.store_id AND c.sku_id = k.id
    WHERE k.store_id = :store_id AND k.id = :sku_id
""")

SKU_LEVELS = text("""
    SELECT w.id, w.code, w.name_zh, w.name_en, w.is_default, COALESCE(l.on_hand, 0) AS on_hand,
      COALESCE(l.allocated, 0) AS allocated, COALESCE(l.damaged, 0) AS damaged,
      COALESCE(l.inspecting, 0) AS inspecting, COALESCE(l.transit, 0) AS transit,
      COALESCE(b.bin, '') AS bin
    FROM warehouses w LEFT JOIN stock_levels l
      ON l.store_id = w.store_id AND l.warehouse_id = w.id AND l.sku_id = :sku_id
    LEFT JOIN pick_bins b
      ON b.store_id = w.store_id AND b.warehouse_id = w.id AND b.sku_id = :sku_id
    WHERE w.store_id = :store_id AND (w.closed_at IS NULL OR l.on_hand > 0)
    ORDER BY w.is_default DESC, w.code
""")

BATCHES = text("""
    SELECT b.lot, b.expires_on, b.received_at, b.on_hand, w.code
    FROM stock_batches b JOIN warehouses w ON w.store_id = b.store_id AND w.id = b.warehouse_id
    WHERE b.store_id = :store_id AND b.sku_id = :sku_id AND b.on_hand > 0
    ORDER BY b.expires_on NULLS LAST, b.received_at LIMIT 100
""")

# What lies there after each move: counted back from what lies there now.
MOVES = text("""
    WITH now AS (
      SELECT COALESCE(on_hand, 0) AS on_hand FROM stock
      WHERE store_id = :store_id AND sku_id = :sku_id
    ), told AS (
      SELECT m.*,
        CASE WHEN dst IN ('free', 'allocated') AND src NOT IN ('free', 'allocated') THEN quantity
          WHEN src IN ('free', 'allocated') AND dst NOT IN ('free', 'allocated') THEN -quantity
          ELSE 0 END AS change
      FROM stock_moves m WHERE store_id = :store_id AND sku_id = :sku_id
        AND (:kind = '' OR kind = :kind) AND (at, id) > (:since, :no_id)
    )
    SELECT t.id, t.at, t.kind, t.quantity, t.src, t.dst, t.change, t.unit_cost_minor, t.value_minor,
      t.about_kind, t.about_id, sw.code AS src_code, dw.code AS dst_code, p.name AS by_name,
      CASE WHEN :kind = '' THEN (SELECT on_hand FROM now) - COALESCE(sum(t.change) OVER (
        ORDER BY t.at DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
      END AS balance
    FROM told t
    LEFT JOIN warehouses sw ON sw.store_id = t.store_id AND sw.id = t.src_warehouse
    LEFT JOIN warehouses dw ON dw.store_id = t.store_id AND dw.id = t.dst_warehouse
    LEFT JOIN people p ON p.id = t.by_id
    ORDER BY t.at DESC, t.id DESC LIMIT :most
""")

ALLOCATIONS = text("""
    SELECT a.line_no, a.quantity, a.shipped, a.released, a.state, a.reasons, a.at, w.code,
      w.name_zh, w.name_en
    FROM stock_allocations a
    JOIN warehouses w ON w.store_id = a.store_id AND w.id = a.warehouse_id
    WHERE a.store_id = :store_id AND a.order_id = :order_id AND a.state <> 'released'
    ORDER BY a.line_no, w.code
""")

COUNTS = text("""
    SELECT c.*, w.code, w.name_zh, w.name_en, p.name AS started_by_name, x.name AS closed_by_name,
      l.lines, l.done, l.differing, l.units
    FROM stock_counts c
    JOIN warehouses w ON w.store_id = c.store_id AND w.id = c.warehouse_id
    JOIN people p ON p.id = c.started_by
    LEFT JOIN people x ON x.id = c.closed_by
    CROSS JOIN LATERAL (
      SELECT count(*) AS lines, count(counted) AS done,
        count(*) FILTER (WHERE difference <> 0) AS differing,
        COALESCE(sum(abs(difference)), 0) AS units
      FROM stock_count_lines WHERE store_id = c.store_id AND count_id = c.id
    ) l
    WHERE c.store_id = :store_id AND (CAST(:id AS uuid) IS NULL OR c.id = :id)
      AND (CAST(:state AS text) = '' OR c.state = :state)
      AND (CAST(:warehouse_id AS uuid) IS NULL OR c.warehouse_id = :warehouse_id)
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (c.started_at, c.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY c.started_at DESC, c.id DESC LIMIT :most
""")

COUNT_LINE = text("""
    SELECT k.id AS sku_id, k.code, k.options, p.title_zh, p.title_en, l.counted,
      COALESCE(l.reason, '') AS reason
    FROM skus k
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    LEFT JOIN stock_count_lines l ON l.store_id = k.store_id AND l.sku_id = k.id
      AND l.count_id = :id
    WHERE k.store_id = :store_id AND k.id = :sku_id
""")

COUNT_LINES = text("""
    SELECT l.*, k.code, k.options, k.gtin, p.title_zh, p.title_en, o.name AS counted_by_name
    FROM stock_count_lines l
    JOIN skus k ON k.store_id = l.store_id AND k.id = l.sku_id
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    LEFT JOIN people o ON o.id = l.counted_by
    WHERE l.store_id = :store_id AND l.count_id = :id
      AND (NOT :only_left OR l.counted IS NULL)
    ORDER BY l.counted IS NULL DESC, abs(COALESCE(l.difference, 0)) DESC, k.code LIMIT :most
""")

TRANSFERS = text("""
    SELECT t.*, sw.code AS src_code, dw.code AS dst_code, p.name AS sent_by_name, l.units, l.lines
    FROM stock_transfers t
    JOIN warehouses sw ON sw.store_id = t.store_id AND sw.id = t.src_warehouse
    JOIN warehouses dw ON dw.store_id = t.store_id AND dw.id = t.dst_warehouse
    JOIN people p ON p.id = t.sent_by
    CROSS JOIN LATERAL (
      SELECT sum(x.quantity) AS units,
        jsonb_agg(jsonb_build_object('sku_id', x.sku_id, 'code', k.code, 'quantity', x.quantity,
          'arrived', x.arrived, 'damaged', x.damaged) ORDER BY k.code) AS lines
      FROM stock_transfer_lines x JOIN skus k ON k.store_id = x.store_id AND k.id = x.sku_id
      WHERE x.store_id = t.store_id AND x.transfer_id = t.id
    ) l
    WHERE t.store_id = :store_id AND (CAST(:id AS uuid) IS NULL OR t.id = :id)
      AND (CAST(:state AS text) = '' OR t.state = :state)
      AND (CAST(:warehouse_id AS uuid) IS NULL OR t.src_warehouse = :warehouse_id
        OR t.dst_warehouse = :warehouse_id)
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (t.sent_at, t.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY t.sent_at DESC, t.id DESC LIMIT :most
""")

SKU_BY_CODE = text("""
    SELECT id FROM skus WHERE store_id = :store_id AND (code = :code OR gtin = :code)
    ORDER BY code = :code DESC LIMIT 1
""")


async def warehouses_of(conn: AsyncConnection, *, store_id: StoreId) -> Sequence[Any]:
    """Open ones first, with what lies in each."""
    return (await conn.execute(WAREHOUSES, {"store_id": store_id})).all()


async def policies_of(conn: AsyncConnection, *, store_id: StoreId) -> Sequence[Any]:
    return (await conn.execute(POLICIES, {"store_id": store_id})).all()


async def sku_stock(conn: AsyncConnection, *, store_id: StoreId, sku_id: SkuId) -> Any | None:
    """A SKU with its totals, and what is known of its cost."""
    found = await conn.execute(SKU, {"store_id": store_id, "sku_id": sku_id})
    return found.one_or_none()


async def sku_levels(conn: AsyncConnection, *, store_id: StoreId, sku_id: SkuId) -> Sequence[Any]:
    return (await conn.execute(SKU_LEVELS, {"store_id": store_id, "sku_id": sku_id})).all()


async def sku_batches(conn: AsyncConnection, *, store_id: StoreId, sku_id: SkuId) -> Sequence[Any]:
    return (await conn.execute(BATCHES, {"store_id": store_id, "sku_id": sku_id})).all()


async def sku_moves(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    sku_id: SkuId,
    kind: str,
    since: datetime,
    most: int,
) -> Sequence[Any]:
    """The newest first; `balance`: what was on hand after it (not where one kind is chosen)."""
    values = {"store_id": store_id, "sku_id": sku_id, "kind": kind, "since": since,
              "no_id": UUID(int=0), "most": most}  # fmt: skip
    return (await conn.execute(MOVES, values)).all()


async def allocations_of(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId
) -> Sequence[Any]:
    """Where an order's lines ship from, and why there."""
    return (await conn.execute(ALLOCATIONS, {"store_id": store_id, "order_id": order_id})).all()


async def counts_of(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    count_id: UUID | None = None,
    state: str = "",
    warehouse_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    most: int = 50,
) -> Sequence[Any]:
    """The newest first, with what was counted."""
    values = _chosen(store_id, count_id, state, warehouse_id, before)
    return (await conn.execute(COUNTS, values | {"most": most})).all()


def _chosen(
    store_id: StoreId,
    one_id: UUID | None,
    state: str,
    warehouse_id: UUID | None,
    before: tuple[datetime, UUID] | None,
) -> dict[str, Any]:
    before_at, before_id = before or (None, None)
    return {"store_id": store_id, "id": one_id, "state": state, "warehouse_id": warehouse_id,
            "before_at": before_at, "before_id": before_id}  # fmt: skip


async def count_lines(
    conn: AsyncConnection, *, store_id: StoreId, count_id: UUID, only_left: bool, most: int
) -> Sequence[Any]:
    """What is left to count first, then what differs most."""
    values = {"store_id": store_id, "id": count_id, "only_left": only_left, "most": most}
    return (await conn.execute(COUNT_LINES, values)).all()


async def count_line(
    conn: AsyncConnection, *, store_id: StoreId, count_id: UUID, sku_id: SkuId
) -> Any:
    """One SKU of a count with what was noted of it; a SKU that is not in it yet, without."""
    values = {"store_id": store_id, "id": count_id, "sku_id": sku_id}
    return (await conn.execute(COUNT_LINE, values)).one_or_none()


async def transfers_of(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    transfer_id: UUID | None = None,
    state: str = "",
    warehouse_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """The newest first, with their lines; `warehouse_id`: from it or to it."""
    values = _chosen(store_id, transfer_id, state, warehouse_id, before)
    return (await conn.execute(TRANSFERS, values | {"most": most})).all()


async def sku_of_code(conn: AsyncConnection, *, store_id: StoreId, code: str) -> SkuId | None:
    """The SKU that a merchant's code, or a GTIN as a scanner reads it, names."""
    found = await conn.scalar(SKU_BY_CODE, {"store_id": store_id, "code": code.strip()})
    return SkuId(found) if found else None


def a_month_before(at: datetime) -> datetime:
    return at - timedelta(days=30)
