"""What the pages of freight insurance show: versions, the pool by month, stores, policies."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST_MONTHS = 24


async def versions(conn: AsyncConnection) -> Sequence[Any]:
    """Every version of the product, the newest first, with who drafted it."""
    found = await conn.execute(
        text("""
            SELECT p.id, p.currency::text AS currency, p.version, p.name_zh, p.name_en,
              p.near_minor, p.far_minor, p.bands, lower(p.in_force) AS starts,
              upper(p.in_force) AS ends, p.approved_at, m.name AS made_by_name,
              p.made_by, a.name AS approved_by_name
            FROM insurance_products p LEFT JOIN people m ON m.id = p.made_by
            LEFT JOIN people a ON a.id = p.approved_by
            ORDER BY p.currency, p.version DESC LIMIT 100
        """)
    )
    return found.all()


class Month(msgspec.Struct, frozen=True):
    """What came into the pool and went out of it in a local month."""

    month: str
    currency: str
    premiums: int
    premium_minor: int
    claims: int
    claim_minor: int

    @property
    def result_minor(self) -> int:
        return self.premium_minor - self.claim_minor


MONTHS = text("""
    WITH moved AS (
      SELECT to_char(p.charged_at AT TIME ZONE :zone, 'YYYY-MM') AS month, p.currency,
        1 AS premiums, p.premium_minor, 0 AS claims, 0 AS claim_minor
      FROM insurance_policies p
      WHERE p.charged_at IS NOT NULL AND (CAST(:store_id AS uuid) IS NULL OR p.store_id = :store_id)
      UNION ALL
      SELECT to_char(c.at AT TIME ZONE :zone, 'YYYY-MM'), p.currency, 0, 0, 1, c.amount_minor
      FROM insurance_claims c
      JOIN insurance_policies p ON p.store_id = c.store_id AND p.order_id = c.order_id
      WHERE CAST(:store_id AS uuid) IS NULL OR c.store_id = :store_id
    )
    SELECT month, currency::text AS currency, sum(premiums) AS premiums,
      sum(premium_minor)::bigint AS premium_minor, sum(claims) AS claims,
      sum(claim_minor)::bigint AS claim_minor
    FROM moved GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT :most
""")


async def months(conn: AsyncConnection, *, zone: str, store_id: UUID | None = None) -> list[Month]:
    """Of all stores or of one, the oldest of the last two years first."""
    asked = {"zone": zone, "store_id": store_id, "most": MOST_MONTHS}
    found = [Month(**row._mapping) for row in await conn.execute(MONTHS, asked)]
    return found[::-1]


async def insuring(conn: AsyncConnection) -> Sequence[Any]:
    """Stores that insure now, those with most returns first."""
    found = await conn.execute(
        text("""
            SELECT i.store_id, s.name_zh, s.name_en, i.since, i.counted, i.came_back,
              i.counted_at
            FROM insured_stores i JOIN stores s ON s.id = i.store_id
            WHERE i.until IS NULL
            ORDER BY i.came_back::numeric / greatest(i.counted, 1) DESC, s.code LIMIT 200
        """)
    )
    return found.all()


POLICIES = text("""
    SELECT p.order_id, o.number, o.state, p.currency::text AS currency, p.premium_minor,
      p.cover_minor, p.route, p.return_bp, p.at, p.charged_at, v.version,
      c.amount_minor AS claim_minor, c.at AS claimed_at, c.case_id, k.number AS case_number
    FROM insurance_policies p JOIN orders o ON o.store_id = p.store_id AND o.id = p.order_id
    JOIN insurance_products v ON v.id = p.product_id
    LEFT JOIN insurance_claims c ON c.store_id = p.store_id AND c.order_id = p.order_id
    LEFT JOIN cases k ON k.store_id = c.store_id AND k.id = c.case_id
    WHERE p.store_id = :store_id AND (NOT :claimed OR c.order_id IS NOT NULL)
      AND (CAST(:at AS timestamptz) IS NULL OR (p.at, p.order_id) < (:at, :id))
    ORDER BY p.at DESC, p.order_id DESC LIMIT :most
""")


async def policies(
    conn: AsyncConnection,
    *,
    store_id: UUID,
    claimed: bool,
    before: tuple[datetime, UUID] | None,
    most: int,
) -> Sequence[Any]:
    """A store's insured orders, the newest first; `claimed`: only those that paid."""
    at, order_id = before or (None, None)
    asked = {"store_id": store_id, "claimed": claimed, "at": at, "id": order_id, "most": most}
    return (await conn.execute(POLICIES, asked)).all()


class Cover(msgspec.Struct, frozen=True):
    """What an order's freight insurance pays, and has paid. is_over: the order was final, or
    never sent, before anything came back."""

    currency: str
    cover_minor: int
    route: str
    name_zh: str
    name_en: str
    claimed_at: datetime | None
    case_id: UUID | None
    is_over: bool
    premium_minor: int
    charged_at: datetime | None


async def cover_of(conn: AsyncConnection, *, store_id: UUID, order_id: UUID) -> Cover | None:
    """None for an order that is not insured."""
    found = await conn.execute(
        text("""
            SELECT p.currency::text AS currency, p.cover_minor, p.route, v.name_zh, v.name_en,
              c.at AS claimed_at, c.case_id, c.order_id IS NULL
                AND (o.state = 'final' OR o.state = 'refunded') AS is_over,
              p.premium_minor, p.charged_at
            FROM insurance_policies p
            JOIN orders o ON o.store_id = p.store_id AND o.id = p.order_id
            JOIN insurance_products v ON v.id = p.product_id
            LEFT JOIN insurance_claims c ON c.store_id = p.store_id AND c.order_id = p.order_id
            WHERE p.store_id = :store_id AND p.order_id = :order_id
        """),
        {"store_id": store_id, "order_id": order_id},
    )
    row = found.one_or_none()
    return Cover(**row._mapping) if row else None
