"""What suppliers send to buyers: for the merchant, for the supplier, and on statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, StoreId

TO_GIVE = text("""
    SELECT l.line_no, l.sku_id, i.supplier_id,
      l.quantity - l.shipped_quantity - l.returned_quantity AS quantity
    FROM order_lines l
    JOIN supplier_items i ON i.store_id = l.store_id AND i.sku_id = l.sku_id AND i.is_dropship
    JOIN suppliers s ON s.store_id = i.store_id AND s.id = i.supplier_id AND s.closed_at IS NULL
    WHERE l.store_id = :store_id AND l.order_id = :order_id
      AND l.quantity > l.shipped_quantity + l.returned_quantity
      AND l.refunded_minor < l.paid_minor
""")
GIVEN = text("""
    SELECT l.line_no, l.sku_id, d.supplier_id,
      l.quantity - l.shipped_quantity - l.returned_quantity AS quantity
    FROM order_lines l
    JOIN dropship_lines d ON d.store_id = l.store_id AND d.order_id = l.order_id
      AND d.line_no = l.line_no
    WHERE l.store_id = :store_id AND l.order_id = :order_id
      AND l.quantity > l.shipped_quantity + l.returned_quantity
      AND l.refunded_minor < l.paid_minor
""")


async def lines_to_give(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, is_given: bool = False
) -> Sequence[Any]:
    """Units that are left to send of lines whose SKU a supplier sends itself; `is_given`: of those
    that were handed over."""
    statement = GIVEN if is_given else TO_GIVE
    return (await conn.execute(statement, {"store_id": store_id, "order_id": order_id})).all()


LINES = text("""
    SELECT d.*, o.number, o.state AS order_state, o.address, o.paid_at, o.currency,
      s.name AS supplier_name, l.title_zh, l.title_en, l.options, k.code, i.supplier_sku,
      p.carrier, p.tracking_no, st.number AS statement_number,
      w.is_wanted,
      CASE WHEN d.state IN ('waiting', 'refused') AND w.is_wanted THEN (
        SELECT jsonb_agg(jsonb_build_object('id', b.id, 'name', b.name) ORDER BY b.name)
        FROM supplier_items i JOIN suppliers b ON b.store_id = i.store_id AND b.id = i.supplier_id
        WHERE i.store_id = d.store_id AND i.sku_id = d.sku_id AND b.closed_at IS NULL
      ) END AS sellers
    FROM dropship_lines d
    JOIN orders o ON o.store_id = d.store_id AND o.id = d.order_id
    JOIN order_lines l ON l.store_id = d.store_id AND l.order_id = d.order_id
      AND l.line_no = d.line_no
    JOIN skus k ON k.store_id = d.store_id AND k.id = d.sku_id
    JOIN suppliers s ON s.store_id = d.store_id AND s.id = d.supplier_id
    LEFT JOIN supplier_items i ON i.store_id = d.store_id AND i.supplier_id = d.supplier_id
      AND i.sku_id = d.sku_id
    LEFT JOIN packages p ON p.store_id = d.store_id AND p.id = d.package_id
    LEFT JOIN dropship_statements st ON st.store_id = d.store_id AND st.id = d.statement_id
    CROSS JOIN LATERAL (SELECT o.state IN ('paid', 'part_shipped')
      AND l.refunded_minor < l.paid_minor
      AND l.quantity > l.shipped_quantity + l.returned_quantity AS is_wanted) w
    WHERE d.store_id = :store_id
      AND (NOT :only_open OR d.state = 'sent'
        OR (d.state IN ('waiting', 'refused') AND w.is_wanted))
      AND (CAST(:supplier_id AS uuid) IS NULL OR d.supplier_id = :supplier_id)
      AND (CAST(:states AS text[]) IS NULL OR d.state = ANY(:states))
      AND (CAST(:statement_id AS uuid) IS NULL OR d.statement_id = :statement_id)
      AND (CAST(:order_id AS uuid) IS NULL OR d.order_id = :order_id)
      AND (CAST(:line_no AS int) IS NULL OR d.line_no = :line_no)
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (d.made_at, d.order_id, d.line_no) < (:before_at, :before_id, :before_no))
    ORDER BY d.made_at DESC, d.order_id DESC, d.line_no DESC LIMIT :most
""")


async def dropship_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID | None = None,
    states: Sequence[str] | None = None,
    statement_id: UUID | None = None,
    order_id: UUID | None = None,
    line_no: int | None = None,
    only_open: bool = False,
    before: tuple[datetime, UUID, int] | None = None,
    most: int,
) -> Sequence[Any]:
    """The newest first. `is_wanted`: the order still waits for the line; `sellers`: who sells what
    is nobody's to send; `only_open`: somebody has to do something."""
    at, last, number = before or (None, None, None)
    rows = await conn.execute(
        LINES,
        {
            "store_id": store_id,
            "supplier_id": supplier_id,
            "states": list(states) if states is not None else None,
            "statement_id": statement_id,
            "order_id": order_id,
            "line_no": line_no,
            "only_open": only_open,
            "before_at": at,
            "before_id": last,
            "before_no": number,
            "most": most,
        },
    )
    return rows.all()


async def statement_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID | None = None,
    statement_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    most: int = 100,
) -> Sequence[Any]:
    """Statements of what suppliers sent, the newest first."""
    before_at, before_id = before or (None, None)
    rows = await conn.execute(
        text("""
            SELECT t.*, s.name AS supplier_name FROM dropship_statements t
            JOIN suppliers s ON s.store_id = t.store_id AND s.id = t.supplier_id
            WHERE t.store_id = :store_id
              AND (CAST(:supplier_id AS uuid) IS NULL OR t.supplier_id = :supplier_id)
              AND (CAST(:only AS uuid) IS NULL OR t.id = :only)
              AND (CAST(:before_at AS timestamptz) IS NULL
                OR (t.at, t.id) < (:before_at, :before_id))
            ORDER BY t.at DESC, t.id DESC LIMIT :most
        """),
        {
            "store_id": store_id,
            "supplier_id": supplier_id,
            "only": statement_id,
            "before_at": before_at,
            "before_id": before_id,
            "most": most,
        },
    )
    return rows.all()


async def unstated(conn: AsyncConnection, *, store_id: StoreId) -> Sequence[Any]:
    """Suppliers that have sent something that is on no statement yet."""
    rows = await conn.execute(
        text("""
            SELECT s.id, s.name, s.currency, count(*) AS lines,
              sum(d.cost_minor * d.quantity)::bigint AS total_minor
            FROM dropship_lines d
            JOIN suppliers s ON s.store_id = d.store_id AND s.id = d.supplier_id
            WHERE d.store_id = :store_id AND d.state = 'shipped' AND d.statement_id IS NULL
            GROUP BY s.id, s.name, s.currency ORDER BY s.name
        """),
        {"store_id": store_id},
    )
    return rows.all()
