"""What flows of freight insurance must know of a store: what it insures for, what comes back."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.insurance_rules import COUNTED_DAYS, NoInsurance
from dougong.base.ids import StoreId

A_DAY = timedelta(days=1)


class Insured(msgspec.Struct, frozen=True):
    """The product in force, and how much came back lately to a store that has taken it."""

    id: UUID
    version: int
    name_zh: str
    name_en: str
    near_minor: int
    far_minor: int
    bands: list[dict[str, Any]]
    since: datetime | None
    counted: int
    came_back: int


NOW = text("""
    SELECT p.id, p.version, p.name_zh, p.name_en, p.near_minor, p.far_minor, p.bands,
      i.since, coalesce(i.counted, 0) AS counted, coalesce(i.came_back, 0) AS came_back
    FROM stores s
    LEFT JOIN insured_stores i ON i.store_id = s.id AND i.since <= :at
      AND (i.until IS NULL OR i.until > :at)
    JOIN insurance_products p ON p.currency = s.currency AND p.approved_by IS NOT NULL
      AND p.in_force @> CAST(:at AS timestamptz)
    WHERE s.id = :store_id AND (:offered OR i.since IS NOT NULL)
""")


async def insurance_of(
    conn: AsyncConnection, *, store_id: StoreId, at: datetime, offered: bool = False
) -> Insured | None:
    """What a store insures its orders with at an instant, None where it does not.

    offered: what it could take, also where it has not; raises NoInsurance where there is nothing.
    """
    row = (
        await conn.execute(NOW, {"store_id": store_id, "at": at, "offered": offered})
    ).one_or_none()
    if row is None and offered:
        raise NoInsurance
    return Insured(**row._mapping) if row else None


async def insuring_stores(
    conn: AsyncConnection, *, store_ids: Collection[UUID], at: datetime
) -> set[UUID]:
    """Which of these stores insure the way back of what is ordered now."""
    found = await conn.scalars(
        text("""
            SELECT i.store_id FROM insured_stores i JOIN stores s ON s.id = i.store_id
            JOIN insurance_products p ON p.currency = s.currency AND p.approved_by IS NOT NULL
              AND p.in_force @> CAST(:at AS timestamptz)
            WHERE i.store_id = ANY(CAST(:ids AS uuid[])) AND i.since <= :at
              AND (i.until IS NULL OR i.until > :at)
        """),
        {"ids": list(store_ids), "at": at},
    )
    return set(found)


async def return_province(conn: AsyncConnection, *, store_id: StoreId) -> str:
    """Where goods go back to: the default return address, else the default warehouse."""
    found: str | None = await conn.scalar(
        text("""
            SELECT province FROM (
              SELECT province, 1 AS n FROM return_addresses
              WHERE store_id = :store_id AND is_default AND closed_at IS NULL
              UNION ALL
              SELECT province, 2 FROM warehouses WHERE store_id = :store_id AND is_default
            ) p WHERE province <> '' ORDER BY n LIMIT 1
        """),
        {"store_id": store_id},
    )
    return found or ""


async def returns_of(conn: AsyncConnection, *, store_id: StoreId, at: datetime) -> tuple[int, int]:
    """(Orders paid in the last 90 days and sent, those of them of which goods came back)."""
    row = (
        await conn.execute(
            text("""
                SELECT count(*) AS counted, count(*) FILTER (WHERE EXISTS (
                    SELECT FROM cases c WHERE c.store_id = o.store_id AND c.order_id = o.id
                      AND c.kind IN ('return_refund', 'exchange') AND c.inspection IN
                        ('as_new', 'damaged'))) AS came_back
                FROM orders o
                WHERE o.store_id = :store_id AND o.paid_at >= :since AND o.paid_at < :at
                  AND o.state IN ('part_shipped', 'shipped', 'received', 'final', 'refunded')
            """),
            {"store_id": store_id, "since": at - COUNTED_DAYS, "at": at},
        )
    ).one()
    return row.counted, row.came_back


async def stores_to_count(conn: AsyncConnection, *, at: datetime) -> list[StoreId]:
    """Insuring stores whose returns were counted a day ago or more."""
    found = await conn.scalars(
        text("""
            SELECT store_id FROM insured_stores WHERE until IS NULL AND counted_at <= :before
            ORDER BY store_id
        """),
        {"before": at - A_DAY},
    )
    return [StoreId(one) for one in found]
