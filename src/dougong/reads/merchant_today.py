"""A store's figures of today and of the last thirty days."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.base.time import local_day, start_of_day
from dougong.infra.settings import settings
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
PAID = text("""
    SELECT CAST(paid_at AT TIME ZONE :zone AS date) AS day, count(*) AS orders,
      sum(total_minor)::bigint AS paid_minor
    FROM orders
    WHERE store_id = :store_id AND paid_at >= :since
      AND state IN ('paid', 'part_shipped', 'shipped', 'received', 'final', 'refunded')
    GROUP BY 1
""")
TOP = text("""
    SELECT l.product_id, p.title_zh, p.title_en, sum(l.quantity)::bigint AS units,
      sum(l.paid_minor)::bigint AS paid_minor,
      (SELECT i.file FROM product_images i WHERE i.store_id = :store_id
        AND i.product_id = l.product_id ORDER BY i.position LIMIT 1) AS image_file
    FROM orders o
    JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id AND l.kind = 'goods'
    JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    WHERE o.store_id = :store_id AND o.paid_at >= :since
    GROUP BY l.product_id, p.title_zh, p.title_en
    ORDER BY paid_minor DESC, l.product_id LIMIT 5
""")


async def today_of(conn: AsyncConnection, *, store_id: StoreId, at: datetime) -> Today:
    zone = ZoneInfo(settings().timezone)
    today = local_day(at, zone)
    first = today - timedelta(days=DAYS - 1)
    asked = {"store_id": store_id, "low": LOW_UNITS, "today": start_of_day(today, zone)}
    counts = (await conn.execute(COUNTS, asked)).one()
    since = {"store_id": store_id, "zone": str(zone), "since": start_of_day(first, zone)}
    found = {row.day: row for row in await conn.execute(PAID, since)}
    days = [first + timedelta(days=n) for n in range(DAYS)]
    return Today(
        **counts._mapping,
        days=[
            Day(day, found[day].orders, found[day].paid_minor) if day in found else Day(day, 0, 0)
            for day in days
        ],
    )


async def top_products(conn: AsyncConnection, *, store_id: StoreId, at: datetime) -> Sequence[Any]:
    """The five products that brought most in thirty days."""
    zone = ZoneInfo(settings().timezone)
    since = start_of_day(local_day(at, zone) - timedelta(days=DAYS - 1), zone)
    return (await conn.execute(TOP, {"store_id": store_id, "since": since})).all()
