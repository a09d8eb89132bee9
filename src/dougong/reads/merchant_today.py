"""A store's figures of today and of the last thirty days."""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.base.time import local_day, start_of_day
from dougong.infra.settings import settings
from dougong.reads.day_figures import sold
from dougong.reads.merchant_stock import LOW_UNITS

DAYS = 30


class Day(msgspec.Struct, frozen=True):
    """Paid orders of one local day; money in minor units."""

    day: date
    orders: int
    paid_minor: int


class Today(msgspec.Struct, frozen=True):
    to_ship: int
    to_pay: int
    low_stock: int
    on_sale: int
    refunded_minor: int  # asked for today
    days: list[Day]  # the oldest first, today last


COUNTS = text("""
    SELECT
      (SELECT count(*) FROM orders WHERE store_id = :store_id
        AND state IN ('paid', 'part_shipped')) AS to_ship,
      (SELECT count(*) FROM orders WHERE store_id = :store_id AND state = 'placed') AS to_pay,
      (SELECT count(*) FROM skus k
        JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id AND p.state = 'active'
        LEFT JOIN stock s ON s.store_id = k.store_id AND s.sku_id = k.id
        WHERE k.store_id = :store_id AND k.state = 'active'
          AND COALESCE(s.on_hand - s.reserved, 0) <= :low) AS low_stock,
      (SELECT count(*) FROM products WHERE store_id = :store_id AND state = 'active') AS on_sale,
      (SELECT COALESCE(sum(amount_minor), 0)::bigint FROM refunds
        WHERE store_id = :store_id AND asked_at >= :today) AS refunded_minor
""")
TITLES = text("""
    SELECT p.id AS product_id, p.title_zh, p.title_en,
      (SELECT i.file FROM product_images i WHERE i.store_id = p.store_id
        AND i.product_id = p.id ORDER BY i.position LIMIT 1) AS image_file
    FROM products p WHERE p.store_id = :store_id AND p.id = ANY(CAST(:ids AS uuid[]))
""")
MOST_TOP = 5


class TopProduct(msgspec.Struct, frozen=True):
    product_id: UUID
    title_zh: str
    title_en: str
    image_file: str | None
    units: int
    paid_minor: int


async def today_of(conn: AsyncConnection, *, store_id: StoreId, at: datetime) -> Today:
    zone = ZoneInfo(settings().timezone)
    today = local_day(at, zone)
    first = today - timedelta(days=DAYS - 1)
    asked = {"store_id": store_id, "low": LOW_UNITS, "today": start_of_day(today, zone)}
    counts = (await conn.execute(COUNTS, asked)).one()
    rows = await sold(conn, kind="store", by=["day"], store_id=store_id, first=first)
    found = {row.day: row for row in rows}
    days = [first + timedelta(days=n) for n in range(DAYS)]
    return Today(
        **counts._mapping,
        days=[
            Day(day, found[day].orders, found[day].paid_minor) if day in found else Day(day, 0, 0)
            for day in days
        ],
    )


async def top_products(
    conn: AsyncConnection, *, store_id: StoreId, at: datetime
) -> list[TopProduct]:
    """The five products that brought most in thirty days."""
    first = local_day(at, ZoneInfo(settings().timezone)) - timedelta(days=DAYS - 1)
    rows = await sold(conn, kind="product", by=["subject"], store_id=store_id, first=first)
    top = sorted(rows, key=lambda row: (-row.paid_minor, row.subject_id))[:MOST_TOP]
    asked = {"store_id": store_id, "ids": [row.subject_id for row in top]}
    named = {row.product_id: row._mapping for row in await conn.execute(TITLES, asked)}
    return [
        TopProduct(**named[row.subject_id], units=row.units, paid_minor=row.paid_minor)
        for row in top
    ]
