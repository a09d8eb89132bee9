"""What is set aside for channels and rooms, and the rooms that could have something."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import SkuId, StoreId

OF_SKU = text("""
    SELECT q.*, q.units - q.used AS left, r.title_zh, r.title_en, p.name AS made_by_name
    FROM stock_quotas q JOIN people p ON p.id = q.made_by LEFT JOIN live_rooms r ON r.id = q.room_id
    WHERE q.store_id = :store_id AND q.sku_id = :sku_id
    ORDER BY q.ended_at IS NOT NULL, q.made_at DESC, q.id LIMIT 50
""")

# Rooms that are not over, with the product in their host's live cart.
ROOMS = text("""
    SELECT r.id, r.creator_id AS host_id, r.title_zh, r.title_en, o.name AS host_name
    FROM skus k
    JOIN product_links l ON l.store_id = k.store_id AND l.product_id = k.product_id
      AND l.surface = 'live' AND l.removed_at IS NULL
    JOIN live_rooms r ON r.creator_id = l.creator_id AND r.ended_at IS NULL
    JOIN organisations o ON o.id = r.creator_id
    WHERE k.store_id = :store_id AND k.id = :sku_id
    ORDER BY r.id DESC LIMIT 50
""")

OF_ROOM = text("""
    SELECT q.id, q.units, q.units - q.used AS left, q.starts_at, q.ends_at, k.code, k.options,
      p.title_zh, p.title_en
    FROM stock_quotas q
    JOIN skus k ON k.store_id = q.store_id AND k.id = q.sku_id
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    WHERE q.room_id = :room_id AND q.ended_at IS NULL ORDER BY k.code, q.id LIMIT 100
""")


async def quotas_of_sku(
    conn: AsyncConnection, *, store_id: StoreId, sku_id: SkuId
) -> Sequence[Any]:
    """Those in force and planned first."""
    return (await conn.execute(OF_SKU, {"store_id": store_id, "sku_id": sku_id})).all()


async def rooms_for_sku(
    conn: AsyncConnection, *, store_id: StoreId, sku_id: SkuId
) -> Sequence[Any]:
    return (await conn.execute(ROOMS, {"store_id": store_id, "sku_id": sku_id})).all()


async def units_for_room(conn: AsyncConnection, *, room_id: UUID) -> Sequence[Any]:
    """What merchants have set aside for a room."""
    return (await conn.execute(OF_ROOM, {"room_id": room_id})).all()
