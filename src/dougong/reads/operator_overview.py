"""The operator's figures of a window: turnover, revenue by kind and day, orders by state."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.time import start_of_day
from dougong.ledger.rules import PLATFORM
from dougong.reads.day_figures import gained, sold

REVENUE_KINDS = (
    "platform_service_fee",
    "platform_commission_cut",
    "platform_payment_cost",
    "coupon_cost",
)

# Several figures of orders as they are now, by the store's own indexes.
BUYERS = text("""
    SELECT count(DISTINCT o.buyer_id) FROM stores s
    JOIN orders o ON o.store_id = s.id AND o.paid_at >= :since AND o.paid_at < :until
    WHERE s.currency = :currency
""")

STATES = text("""
    SELECT o.state, count(*) AS orders FROM stores s
    JOIN orders o ON o.store_id = s.id AND o.placed_at >= :since AND o.placed_at < :until
    WHERE s.currency = :currency GROUP BY o.state
""")

# Of this window, and of the one before it, which is as long.
REFUNDS = text("""
    SELECT
      coalesce(sum(r.amount_minor) FILTER (WHERE r.asked_at >= :since), 0)::bigint AS now_minor,
      coalesce(sum(r.amount_minor) FILTER (WHERE r.asked_at < :since), 0)::bigint AS before_minor
    FROM stores s
    JOIN refunds r ON r.store_id = s.id AND r.asked_at >= :before AND r.asked_at < :until
    WHERE s.currency = :currency
""")

STORES = text("SELECT id, code, name_zh, name_en FROM stores WHERE id = ANY(CAST(:ids AS uuid[]))")
MOST_TOP = 8


class TopStore(msgspec.Struct, frozen=True):
    id: UUID
    code: str
    name_zh: str
    name_en: str
    orders: int
    gmv_minor: int


class Before(msgspec.Struct, frozen=True):
    """The same figures of the window before, which is as long."""

    gmv_minor: int
    revenue_minor: int
    refunded_minor: int


class Overview(msgspec.Struct, frozen=True):
    """All amounts in minor units of one currency. `revenue`: kind to amounts by day of `days`;
    coupons that the platform pays are negative."""

    placed: int
    paid: int
    gmv_minor: int
    buyers: int
    stores: int
    refunded_minor: int
    states: dict[str, int]
    days: list[date]
    turnover: list[int]
    revenue: dict[str, list[int]]
    top: list[TopStore]
    before: Before

    def revenue_minor(self) -> int:
        return sum(sum(amounts) for amounts in self.revenue.values())

    def take_rate_bp(self) -> int:
        """Revenue as a share of the turnover after refunds, in basis points."""
        base = self.gmv_minor - self.refunded_minor
        return self.revenue_minor() * 10_000 // base if base > 0 else 0


async def overview(
    conn: AsyncConnection,
    *,
    since: datetime,
    until: datetime,
    first_day: date,
    last_day: date,
    zone: str,
    currency: str,
) -> Overview:
    """The window [since, until), which is the local days first_day to last_day. Orders count as
    paid on the day of payment, as placed by when they were placed; revenue when it was booked."""
    days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    first_before = first_day - timedelta(days=len(days))
    where = {"since": since, "until": until, "currency": currency}
    longer = where | {"before": start_of_day(first_before, ZoneInfo(zone))}
    paid = [
        row
        for row in await sold(
            conn, kind="store", by=["store", "day"], first=first_before, last=last_day
        )
        if row.currency == currency
    ]
    now = [row for row in paid if row.day >= first_day]
    turnover = dict.fromkeys(days, 0)
    for row in now:
        turnover[row.day] += row.paid_minor
    revenue, revenue_before = await _revenue(conn, days, first=first_before, currency=currency)
    refunds = (await conn.execute(REFUNDS, longer)).one()
    states = {row.state: row.orders for row in await conn.execute(STATES, where)}
    return Overview(
        placed=sum(states.values()),
        paid=sum(row.orders for row in now),
        gmv_minor=sum(row.paid_minor for row in now),
        buyers=int(await conn.scalar(BUYERS, where) or 0),
        stores=len({row.store_id for row in now}),
        refunded_minor=refunds.now_minor,
        states=states,
        days=days,
        turnover=list(turnover.values()),
        revenue=revenue,
        top=await _top(conn, now),
        before=Before(
            gmv_minor=sum(row.paid_minor for row in paid if row.day < first_day),
            revenue_minor=revenue_before,
            refunded_minor=refunds.before_minor,
        ),
    )


async def _revenue(
    conn: AsyncConnection, days: list[date], *, first: date, currency: str
) -> tuple[dict[str, list[int]], int]:
    """Kind to amounts by day of `days`, and the sum of the days from `first` to before them."""
    revenue = {kind: [0] * len(days) for kind in REVENUE_KINDS}
    before = 0
    for row in await gained(
        conn,
        owner_id=PLATFORM,
        purposes=REVENUE_KINDS,
        by_day=True,
        first=first,
        last=days[-1],
    ):
        if row.currency != currency:
            continue
        if row.day < days[0]:
            before += row.gained_minor
        else:
            revenue[row.purpose][(row.day - days[0]).days] = row.gained_minor
    return revenue, before


async def _top(conn: AsyncConnection, paid: Sequence[Any]) -> list[TopStore]:
    """The stores that sold most, by amount."""
    orders: Counter[UUID] = Counter()
    minor: Counter[UUID] = Counter()
    for row in paid:
        orders[row.store_id] += row.orders
        minor[row.store_id] += row.paid_minor
    best = sorted(minor, key=lambda store_id: (-minor[store_id], store_id))[:MOST_TOP]
    named = {row.id: row._mapping for row in await conn.execute(STORES, {"ids": best})}
    return [
        TopStore(**named[store_id], orders=orders[store_id], gmv_minor=minor[store_id])
        for store_id in best
    ]


async def currencies(conn: AsyncConnection) -> list[str]:
    """The currencies in which stores sell."""
    found = await conn.scalars(text("SELECT DISTINCT currency::text FROM stores ORDER BY 1"))
    return list(found)
