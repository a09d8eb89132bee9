"""Writes what to order, as it was last reckoned."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId


class Reckoned(msgspec.Struct, frozen=True):
    """One SKU's suggestion with the figures behind it (plain data)."""

    sku_id: UUID
    supplier_id: UUID
    quantity: int
    free: int
    on_order: int
    figures: dict[str, Any]


WRITE = text("""
    INSERT INTO reorder_suggestions (store_id, sku_id, supplier_id, quantity, free, on_order,
      figures, at)
    SELECT :store_id, r.sku_id, r.supplier_id, r.quantity, r.free, r.on_order, r.figures, :at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (sku_id uuid, supplier_id uuid,
      quantity integer, free integer, on_order integer, figures jsonb)
""")


async def replace_suggestions(
    conn: AsyncConnection, *, store_id: StoreId, rows: Sequence[Reckoned], at: datetime
) -> None:
    """All of a store's suggestions anew; two at once wait for each other."""
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"reorder:{store_id}"},
    )
    await conn.execute(
        text("DELETE FROM reorder_suggestions WHERE store_id = :store_id"), {"store_id": store_id}
    )
    if rows:
        told = msgspec.json.encode(rows).decode()
        await conn.execute(WRITE, {"store_id": store_id, "rows": told, "at": at})
