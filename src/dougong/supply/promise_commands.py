"""Writes by when orders have to be shipped, and which were not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, StoreId


async def make_promise(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    promised_by: datetime,
    rule_id: UUID | None,
    at: datetime,
) -> None:
    """Freeze it; a second time changes nothing."""
    await conn.execute(
        text("""
            INSERT INTO ship_promises (store_id, order_id, promised_by, rule_id, made_at)
            VALUES (:s, :o, :by, :rule, :at) ON CONFLICT (store_id, order_id) DO NOTHING
        """),
        {"s": store_id, "o": order_id, "by": promised_by, "rule": rule_id, "at": at},
    )


async def keep_promise(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> None:
    """Nothing is left to ship."""
    await conn.execute(
        text("""
            UPDATE ship_promises SET kept_at = :at
            WHERE store_id = :s AND order_id = :o AND kept_at IS NULL
        """),
        {"s": store_id, "o": order_id, "at": at},
    )


LATE = text("""
    WITH due AS MATERIALIZED (
      SELECT store_id, order_id FROM ship_promises
      WHERE kept_at IS NULL AND late_at IS NULL AND promised_by <= :at
      ORDER BY promised_by LIMIT :most FOR UPDATE SKIP LOCKED
    ), told AS (
      SELECT d.store_id, d.order_id, o.number, o.state IN ('paid', 'part_shipped') AS waits,
        (SELECT sum(quantity - shipped_quantity - returned_quantity)::int FROM order_lines l
          WHERE l.store_id = d.store_id AND l.order_id = d.order_id AND l.kind = 'goods') AS units
      FROM due d JOIN orders o ON o.store_id = d.store_id AND o.id = d.order_id
    )
    UPDATE ship_promises p SET
      late_at = CASE WHEN t.waits AND t.units > 0 THEN CAST(:at AS timestamptz) END,
      late_units = CASE WHEN t.waits AND t.units > 0 THEN t.units END,
      kept_at = CASE WHEN t.waits AND t.units > 0 THEN p.kept_at ELSE :at END
    FROM told t WHERE p.store_id = t.store_id AND p.order_id = t.order_id
    RETURNING p.store_id, p.order_id, p.promised_by, p.rule_id, p.late_at, p.late_units, t.number
""")


async def note_late(conn: AsyncConnection, *, at: datetime, most: int) -> Sequence[Any]:
    """Promises that were not kept by an instant, each once: those that are late have `late_at`;
    what waits for no goods any more is over. Several workers share them."""
    return (await conn.execute(LATE, {"at": at, "most": most})).all()
