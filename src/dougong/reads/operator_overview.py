"""The operator's figures of a window: turnover, revenue by kind and day, orders by state."""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.time import start_of_day
from dougong.ledger.rules import PLATFORM

REVENUE_KINDS = (
    "platform_service_fee",
    "platform_commission_cut",
    "platform_payment_cost",
    "coupon_cost",
)

TURNOVER = text("""
    SELECT count(*) AS placed, count(paid_at) AS paid,
      coalesce(sum(total_minor) FILTER (WHERE paid_at IS NOT NULL), 0)::bigint AS gmv_minor,
      count(DISTINCT buyer_id) FILTER (WHERE paid_at IS NOT NULL) AS buyers,
      count(DISTINCT store_id) FILTER (WHERE paid_at IS NOT NULL) AS stores
    FROM orders WHERE placed_at >= :since AND placed_at < :until AND currency = :currency
""")

# Of this window by day, and of the one before it, which is as long.
PAID_DAYS = text("""
    SELECT CAST(placed_at AT TIME ZONE :zone AS date) AS day, sum(total_minor)::bigint AS gmv_minor
    FROM orders
    WHERE placed_at >= :before AND placed_at < :until AND currency = :currency
      AND paid_at IS NOT NULL
    GROUP BY 1
""")

REFUNDS = text("""
    SELECT coalesce(sum(amount_minor) FILTER (WHERE asked_at >= :since), 0)::bigint AS now_minor,
      coalesce(sum(amount_minor) FILTER (WHERE asked_at < :since), 0)::bigint AS before_minor
    FROM refunds
    WHERE asked_at >= :before AND asked_at < :until AND currency = :currency
""")

STATES = text("""
    SELECT state, count(*) AS orders FROM orders
    WHERE placed_at >= :since AND placed_at < :until AND currency = :currency
    GROUP BY state
""")

# What the platform's own accounts gained, by the day on which it counts.
REVENUE = text("""
    SELECT a.purpose, CAST(e.counts_at AT TIME ZONE :zone AS date) AS day,
      sum(t.gained)::bigint AS amount_minor
    FROM ledger_accounts a
    CROSS JOIN LATERAL (
      SELECT entry_id, amount_minor AS gained FROM ledger_transfers
      WHERE store_id = a.store_id AND dst = a.id
      UNION ALL
      SELECT entry_id, -amount_minor FROM ledger_transfers
      WHERE store_id = a.store_id AND src = a.id) AS t
    JOIN ledger_entries e ON e.store_id = a.store_id AND e.id = t.entry_id
    WHERE a.owner_id = :platform AND a.currency = :currency
      AND a.purpose = ANY(CAST(:kinds AS text[]))
      AND e.counts_at >= :before AND e.counts_at < :until
    GROUP BY 1, 2
""")

TOP_STORES = text("""
    SELECT s.id, s.code, s.name_zh, s.name_en, count(*) AS orders,
      sum(o.total_minor)::bigint AS gmv_minor
    FROM orders o JOIN stores s ON s.id = o.store_id
    WHERE o.placed_at >= :since AND o.placed_at < :until AND o.currency = :currency
      AND o.paid_at IS NOT NULL
    GROUP BY s.id ORDER BY gmv_minor DESC, s.id LIMIT 8
""")


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
    """The window [since, until), which is the local days first_day to last_day."""
    days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    before = start_of_day(first_day - timedelta(days=len(days)), ZoneInfo(zone))
    where = {"since": since, "until": until, "currency": currency}
    longer = where | {"before": before, "zone": zone}
    turnover = (await conn.execute(TURNOVER, where)).mappings().one()
    paid = {row.day: row.gmv_minor for row in await conn.execute(PAID_DAYS, longer)}
    revenue = {kind: [0] * len(days) for kind in REVENUE_KINDS}
    revenue_before = 0
    gained = await conn.execute(
        REVENUE, longer | {"platform": PLATFORM, "kinds": list(REVENUE_KINDS)}
    )
    for row in gained:
        if row.day < first_day:
            revenue_before += row.amount_minor
        else:
            revenue[row.purpose][(row.day - first_day).days] = row.amount_minor
    refunds = (await conn.execute(REFUNDS, longer)).one()
    states = (await conn.execute(STATES, where)).all()
    return Overview(
        **turnover,
        refunded_minor=refunds.now_minor,
        states={row.state: row.orders for row in states},
        days=days,
        turnover=[paid.get(day, 0) for day in days],
        revenue=revenue,
        top=[TopStore(**row) for row in (await conn.execute(TOP_STORES, where)).mappings()],
        before=Before(
            gmv_minor=sum(minor for day, minor in paid.items() if day < first_day),
            revenue_minor=revenue_before,
            refunded_minor=refunds.before_minor,
        ),
    )


async def currencies(conn: AsyncConnection) -> list[str]:
    """The currencies in which stores sell."""
    found = await conn.scalars(text("SELECT DISTINCT currency::text FROM stores ORDER BY 1"))
    return list(found)
