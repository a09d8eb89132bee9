"""What a creator can put into the live cart, and what flash offers can be made of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra import clock
from dougong.live.rules import RoomGone


class StudioRoom(msgspec.Struct, frozen=True):
    id: UUID
    creator_id: UUID
    title_zh: str
    title_en: str
    state: str
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_on_air(self) -> bool:
        return self.state in ("live", "paused")


async def studio_room(conn: AsyncConnection, *, room_id: UUID, creator_id: UUID) -> StudioRoom:
    """Raises RoomGone: no such room, or another creator's."""
    found = await conn.execute(
        text("""
            SELECT id, creator_id, title_zh, title_en, state, started_at, ended_at
            FROM live_rooms WHERE id = :room_id AND creator_id = :creator_id
        """),
        {"room_id": room_id, "creator_id": creator_id},
    )
    row = found.one_or_none()
    if row is None:
        raise RoomGone
    return StudioRoom(**row._mapping)


CHOICES = text("""
    SELECT p.store_id, p.id AS product_id, s.name_zh AS store_zh, s.name_en AS store_en, p.title_zh,
      p.title_en, s.currency, k.price_minor, k.stock, i.file AS image_file
    FROM products p
    JOIN stores s ON s.id = p.store_id AND s.state = 'open'
    JOIN LATERAL (
      SELECT min(u.price_minor) AS price_minor,
        COALESCE(sum(CASE WHEN t.quotas > 0 THEN units_for_way(u.store_id, u.id,
          t.on_hand - t.reserved, 'live', CAST(:creator_id AS uuid), :at)
          ELSE t.on_hand - t.reserved END), 0)::int AS stock
      FROM skus u LEFT JOIN stock t ON t.store_id = u.store_id AND t.sku_id = u.id
      WHERE u.store_id = p.store_id AND u.product_id = p.id AND u.state = 'active'
    ) k ON k.price_minor IS NOT NULL
    LEFT JOIN product_images i ON i.store_id = p.store_id AND i.product_id = p.id
      AND i.position = 0
    WHERE p.state = 'active'
      AND (:words = '' OR concat_ws(' ', p.title_zh, p.title_en, p.brand, s.name_zh, s.name_en)
        ILIKE :pattern)
      AND NOT EXISTS (
        SELECT FROM product_links l WHERE l.creator_id = :creator_id AND l.surface = 'live'
          AND l.store_id = p.store_id AND l.product_id = p.id AND l.removed_at IS NULL)
    ORDER BY EXISTS (
        SELECT FROM product_links l WHERE l.creator_id = :creator_id AND l.store_id = p.store_id
          AND l.product_id = p.id AND l.removed_at IS NULL) DESC,
      COALESCE(p.commission_bp, 0) DESC, k.price_minor DESC, p.id
    LIMIT :most
""")


async def cart_choices(
    conn: AsyncConnection, *, creator_id: UUID, words: str, most: int = 8
) -> Sequence[Any]:
    """Products on sale that are not in the live cart yet: those on one's videos first."""
    plain = words.strip()[:60]
    escaped = plain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    asked = {"words": plain, "pattern": f"%{escaped}%", "creator_id": creator_id, "most": most}
    asked["at"] = clock.now()
    return (await conn.execute(CHOICES, asked)).all()


SKUS = text("""
    SELECT l.id AS link_id, u.store_id, u.id AS sku_id, u.options, u.code, u.price_minor,
      s.currency, p.title_zh, p.title_en, CASE WHEN t.quotas > 0 THEN units_for_way(
        u.store_id, u.id, t.on_hand - t.reserved, 'live', l.creator_id, :at)
        ELSE COALESCE(t.on_hand - t.reserved, 0) END AS free
    FROM product_links l
    JOIN skus u ON u.store_id = l.store_id AND u.product_id = l.product_id AND u.state = 'active'
    JOIN products p ON p.store_id = u.store_id AND p.id = u.product_id AND p.state = 'active'
    JOIN stores s ON s.id = u.store_id AND s.state = 'open'
    LEFT JOIN stock t ON t.store_id = u.store_id AND t.sku_id = u.id
    WHERE l.creator_id = :creator_id AND l.surface = 'live' AND l.removed_at IS NULL
      AND l.hidden_at IS NULL
    ORDER BY l.position, l.id, u.position, u.code
""")


async def skus_of_cart(conn: AsyncConnection, *, creator_id: UUID) -> Sequence[Any]:
    """Every variant on sale in the live cart, with its store; `free`: what the host can sell."""
    return (await conn.execute(SKUS, {"creator_id": creator_id, "at": clock.now()})).all()


async def live_tasks(conn: AsyncConnection, *, creator_id: UUID, at: datetime) -> Sequence[Any]:
    """Agreed tasks for live rooms that run now: `id`, `source`, `category`, `brand`, `ends_at`."""
    found = await conn.execute(
        text("""
            SELECT a.id, a.source, a.category, o.name AS brand_zh,
              COALESCE(NULLIF(o.name_en, ''), o.name) AS brand_en, a.ends_at
            FROM task_agreements a JOIN organisations o ON o.id = a.brand_id
            WHERE a.creator_id = :creator_id AND a.surface = 'live' AND a.state = 'agreed'
              AND a.agreed_at <= :at AND a.ends_at > :at
            ORDER BY a.ends_at, a.id LIMIT 50
        """),
        {"creator_id": creator_id, "at": at},
    )
    return found.all()


class TaskProduct(msgspec.Struct, frozen=True):
    """What a task from a brief is about, and when it is to be shown: [starts_at, ends_at)."""

    starts_at: datetime
    ends_at: datetime
    store_id: UUID | None = None
    product_id: UUID | None = None
    outside_product_id: UUID | None = None


async def task_product(conn: AsyncConnection, *, task_id: UUID) -> TaskProduct | None:
    """None for a task that was agreed without a brief: it names no product."""
    terms = await conn.scalar(
        text("SELECT terms FROM task_works WHERE task_id = :task_id"), {"task_id": task_id}
    )
    return msgspec.convert(terms, TaskProduct) if terms is not None else None
