"""What a creator earns at other platforms: estimated on what was paid, settled by the books.

Estimated is the creator's share of what the source expects to pay, at the ruling's rates; *open* is
that of orders that are not settled yet; settled is what the ledger moved to and from the creator's
account. The share's formula is that of `referrals.rules.referral_shares` (a test holds them equal).
"""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.time import local_day
from dougong.infra.settings import settings
from dougong.reads.creator_earnings import PAGE, Day, Totals
from dougong.reads.day_figures import gained


class ElsewhereRow(msgspec.Struct, frozen=True):
    """One order at a source, in minor units of its currency. `settled_minor`: what is booked."""

    order_id: UUID
    source_zh: str
    source_en: str
    order_ref: str
    title: str
    state: str
    currency: str
    paid_at: datetime
    paid_minor: int
    service_fee_bp: int
    commission_cut_bp: int
    estimated_minor: int
    settled_minor: int
    refunded_minor: int
    is_booked: bool


SUMS = text("""
    SELECT o.currency::text, count(*) AS orders, sum(e.estimated)::bigint AS estimated_minor,
      coalesce(sum(e.estimated) FILTER (WHERE o.state IN ('paid', 'received')), 0)::bigint
        AS open_minor
    FROM referral_rulings r JOIN referral_orders o ON o.ruling_id = r.id
    CROSS JOIN LATERAL (SELECT o.estimated_minor - o.estimated_minor * r.service_fee_bp / 10000
      AS left_over) f
    CROSS JOIN LATERAL (SELECT f.left_over - f.left_over * r.commission_cut_bp / 10000
      AS estimated) e
    WHERE r.creator_id = :creator_id GROUP BY o.currency
""")


async def totals_elsewhere(conn: AsyncConnection, *, creator_id: UUID) -> list[Totals]:
    """One row per currency; none where nothing was ever sold elsewhere."""
    rows = {row.currency: row for row in await conn.execute(SUMS, {"creator_id": creator_id})}
    booked = await gained(
        conn, owner_id=creator_id, purposes=["creator_payable"], part="referral", by_day=False
    )
    settled = {row.currency: row.gained_minor for row in booked}
    return [
        Totals(
            currency=one,
            orders=rows[one].orders if one in rows else 0,
            estimated_minor=rows[one].estimated_minor if one in rows else 0,
            open_minor=rows[one].open_minor if one in rows else 0,
            settled_minor=settled.get(one, 0),
        )
        for one in sorted(rows.keys() | settled.keys())
    ]


DAYS = text("""
    SELECT CAST(o.paid_at AT TIME ZONE :zone AS date) AS day,
      sum(f.left_over - f.left_over * r.commission_cut_bp / 10000)::bigint AS estimated
    FROM referral_rulings r JOIN referral_orders o ON o.ruling_id = r.id
    CROSS JOIN LATERAL (SELECT o.estimated_minor - o.estimated_minor * r.service_fee_bp / 10000
      AS left_over) f
    WHERE r.creator_id = :creator_id AND o.currency = :currency
      AND CAST(o.paid_at AT TIME ZONE :zone AS date) BETWEEN :first AND :last
    GROUP BY 1
""")


async def days_elsewhere(
    conn: AsyncConnection, *, creator_id: UUID, currency: str, at: datetime, most: int = 30
) -> list[Day]:
    """The last `most` local days, today included, oldest first."""
    zone = settings().timezone
    last = local_day(at, ZoneInfo(zone))
    first = last - timedelta(days=most - 1)
    asked = {"creator_id": creator_id, "currency": currency, "zone": zone}
    rows = await conn.execute(DAYS, asked | {"first": first, "last": last})
    estimated = {row.day: row.estimated for row in rows}
    booked = await gained(
        conn,
        owner_id=creator_id,
        purposes=["creator_payable"],
        part="referral",
        by_day=True,
        first=first,
        last=last,
    )
    settled = {row.day: row.gained_minor for row in booked if row.currency == currency}
    shown = [first + timedelta(days=n) for n in range(most)]
    return [Day(day, estimated.get(day, 0), settled.get(day, 0)) for day in shown]


ORDERS = text("""
    SELECT o.id AS order_id, s.name_zh AS source_zh, s.name_en AS source_en, o.order_ref, o.title,
      o.state, o.currency::text, o.paid_at, o.paid_minor, r.service_fee_bp, r.commission_cut_bp,
      e.estimated AS estimated_minor, (t.left_over - t.left_over * r.commission_cut_bp / 10000)
        AS settled_minor, o.refunded_minor, o.booked_at IS NOT NULL AS is_booked
    FROM referral_rulings r JOIN referral_orders o ON o.ruling_id = r.id
    JOIN sources s ON s.code = o.source
    CROSS JOIN LATERAL (SELECT o.estimated_minor - o.estimated_minor * r.service_fee_bp / 10000
      AS left_over) f
    CROSS JOIN LATERAL (SELECT f.left_over - f.left_over * r.commission_cut_bp / 10000
      AS estimated) e
    CROSS JOIN LATERAL (SELECT coalesce(o.settled_minor, 0) - o.refunded_minor AS kept) k
    CROSS JOIN LATERAL (SELECT k.kept - k.kept * r.service_fee_bp / 10000 AS left_over) t
    WHERE r.creator_id = :creator_id
      AND (:words = '' OR o.order_ref = :words OR o.title ILIKE '%' || :words || '%')
      AND (CAST(:before AS timestamptz) IS NULL
        OR (o.paid_at, o.id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY o.paid_at DESC, o.id DESC LIMIT :most
""")


async def orders_elsewhere(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    words: str = "",
    before: tuple[datetime, UUID] | None = None,
    most: int = PAGE + 1,
) -> list[ElsewhereRow]:
    """The newest first. words: an order number there, or a part of its title."""
    at, order_id = before or (None, None)
    asked = {"creator_id": creator_id, "words": words, "most": most}
    rows = await conn.execute(ORDERS, asked | {"before": at, "before_id": order_id})
    return [msgspec.convert(dict(row), ElsewhereRow) for row in rows.mappings()]
