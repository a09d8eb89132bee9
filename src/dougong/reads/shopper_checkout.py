"""What a checkout offers one shopper: the coupons of a store that this person can still use."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.reads.shopper_products import CouponHint

USABLE = text("""
    SELECT u.code, u.name_zh, u.name_en, u.amount_off_minor, u.percent_off_bp,
      u.min_spend_minor, u.funder
    FROM coupons u
    WHERE u.store_id = :store_id AND u.usable @> CAST(:at AS timestamptz) AND u.used < u.quota
      AND NOT EXISTS (
        SELECT FROM coupon_uses x WHERE x.store_id = u.store_id AND x.coupon_id = u.id
          AND x.person_id = :person_id AND x.released_at IS NULL)
    ORDER BY u.min_spend_minor, u.code LIMIT 12
""")


async def usable_coupons(
    conn: AsyncConnection, *, store_id: UUID, person_id: UUID, at: datetime
) -> list[CouponHint]:
    asked = {"store_id": store_id, "person_id": person_id, "at": at}
    return [CouponHint(**row._mapping) for row in await conn.execute(USABLE, asked)]
