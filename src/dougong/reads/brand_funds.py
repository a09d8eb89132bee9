"""What a brand has paid in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

PAID_IN = text("""
    SELECT i.id, i.amount_minor, i.currency::text, i.asked_at, i.booked_at, p.name AS payer
    FROM pay_ins i JOIN people p ON p.id = i.payer_id
    WHERE i.owner_id = :brand_id AND i.purpose = 'funds'
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (i.asked_at, i.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY i.asked_at DESC, i.id DESC LIMIT :most
""")


async def paid_in(
    conn: AsyncConnection, *, brand_id: UUID, before: tuple[datetime, UUID] | None = None, most: int
) -> list[Row[Any]]:
    """The newest first, by whom; `booked_at` None where the money has not come."""
    before_at, before_id = before or (None, None)
    asked = {
        "brand_id": brand_id, "before_at": before_at, "before_id": before_id, "most": most,
    }  # fmt: skip
    return list((await conn.execute(PAID_IN, asked)).all())
