"""A store's coupons and how they are used."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.reads.merchant_stock import like

LAST = UUID(int=2**128 - 1)

LIST = text("""
    SELECT c.id, c.code, c.name_zh, c.name_en, c.funder, c.amount_off_minor, c.percent_off_bp,
      c.min_spend_minor, c.quota, c.used, lower(c.usable) AS starts_at, upper(c.usable) AS ends_at,
      CASE WHEN c.used >= c.quota THEN 'used_up' WHEN lower(c.usable) > :at THEN 'upcoming'
        WHEN upper(c.usable) <= :at THEN 'over' ELSE 'live' END AS state,
      (SELECT COALESCE(sum(u.discount_minor), 0)::bigint FROM coupon_uses u
        WHERE u.store_id = c.store_id AND u.coupon_id = c.id AND u.released_at IS NULL)
        AS given_minor
    FROM coupons c WHERE c.store_id = :store_id AND c.id < :before
      AND (CAST(:words AS text) = '' OR c.code ILIKE :pattern OR c.name_zh ILIKE :pattern
        OR c.name_en ILIKE :pattern)
      AND (CAST(:is_open AS boolean) IS NULL
        OR (c.used < c.quota AND upper(c.usable) > :at) = :is_open)
    ORDER BY c.id DESC LIMIT :most
""")


async def coupon_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    at: datetime,
    words: str = "",
    is_open: bool | None = None,
    before: UUID | None = None,
    most: int,
) -> Sequence[Any]:
    """The newest first; `state` is used_up, upcoming, over or live at that instant. words: code or
    name; `is_open`: only those that can be used now or later, or only the others."""
    asked = {"store_id": store_id, "at": at, "before": before or LAST, "most": most}
    found = {"words": words, "pattern": like(words), "is_open": is_open}
    return (await conn.execute(LIST, asked | found)).all()
