"""Coupons of the stores whose goods are in a creator's live cart."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class DroppableCoupon(msgspec.Struct, frozen=True):
    """A coupon that can be used now. `left`: uses that are left, less what other drops of it in
    rooms on air have promised and nobody has claimed yet."""

    store_id: UUID
    coupon_id: UUID
    store_zh: str
    store_en: str
    code: str
    name_zh: str
    name_en: str
    funder: str
    amount_off_minor: int | None
    percent_off_bp: int | None
    min_spend_minor: int
    currency: str
    left: int


DROPPABLE = text("""
    SELECT c.store_id, c.id AS coupon_id, s.name_zh AS store_zh, s.name_en AS store_en, c.code,
      c.name_zh, c.name_en, c.funder, c.amount_off_minor, c.percent_off_bp, c.min_spend_minor,
      s.currency, GREATEST(c.quota - c.used - COALESCE(d.promised, 0), 0)::int AS left
    FROM coupons c JOIN stores s ON s.id = c.store_id AND s.state = 'open'
    LEFT JOIN LATERAL (
      SELECT sum(d.quota - d.taken) AS promised FROM live_coupon_drops d
      WHERE d.store_id = c.store_id AND d.coupon_id = c.id AND d.ends_at > :at
    ) d ON true
    WHERE c.usable @> CAST(:at AS timestamptz) AND c.used < c.quota
      AND c.store_id IN (
        SELECT store_id FROM product_links WHERE creator_id = :creator_id AND surface = 'live'
          AND removed_at IS NULL AND hidden_at IS NULL)
      AND (c.funder <> 'creator' OR c.funder_org_id = :creator_id)
    ORDER BY s.name_zh, c.code
""")


async def droppable_coupons(
    conn: AsyncConnection, *, creator_id: UUID, at: datetime
) -> Sequence[DroppableCoupon]:
    """What this creator can drop: of the stores in the live cart, and no other creator's."""
    rows = await conn.execute(DROPPABLE, {"creator_id": creator_id, "at": at})
    return [DroppableCoupon(**row._mapping) for row in rows]


async def store_coupon(conn: AsyncConnection, *, store_id: UUID, coupon_id: UUID) -> Any:
    """`code`, `name_zh`, `name_en` of a coupon that is there."""
    found = await conn.execute(
        text("SELECT code, name_zh, name_en FROM coupons WHERE store_id = :s AND id = :c"),
        {"s": store_id, "c": coupon_id},
    )
    return found.one()
