"""What a creator earns: estimated on amounts paid, settled by the books. The two never mix.

Estimated is the creator's share of each paid line as if nothing were ever refunded; *open* is what
is left of it after refunds while the order is not final; settled is what the ledger moved to and
from the creator's payable account. The share's formula is that of `orders.rules.line_shares`
(a test holds them equal).
"""

from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra.settings import settings

PAGE = 30


class Totals(msgspec.Struct, frozen=True):
    """Of one currency, since the beginning, in minor units."""

    currency: str
    orders: int
    estimated_minor: int
    open_minor: int
    settled_minor: int


class Day(msgspec.Struct, frozen=True):
    day: date
    estimated_minor: int
    settled_minor: int


class EarningRow(msgspec.Struct, frozen=True):
    """One order's part for this creator, in minor units of its currency."""

    store_id: UUID
    order_id: UUID
    number: str
    store_zh: str
    store_en: str
    title_zh: str
    title_en: str
    image_file: str | None
    lines: int
    currency: str
    state: str
    paid_at: datetime
    paid_minor: int
    refunded_minor: int
    commission_bp: int
    estimated_minor: int
    open_minor: int
    settled_minor: int


TOTALS = text("""
    WITH shares AS (
      SELECT ol.store_id, ol.order_id, od.state, od.currency,
        e.commission - e.commission * ol.commission_cut_bp / 10000 AS estimated,
        l.commission - l.commission * ol.commission_cut_bp / 10000 AS kept
      FROM order_lines ol
      JOIN orders od ON od.store_id = ol.store_id AND od.id = ol.order_id
      CROSS JOIN LATERAL (SELECT
        (ol.paid_minor + ol.platform_discount_minor + ol.creator_discount_minor)
          * ol.commission_bp / 10000 AS commission) e
      CROSS JOIN LATERAL (SELECT
        (ol.paid_minor - ol.refunded_minor
          + ol.platform_discount_minor
          - ol.platform_discount_minor * ol.refunded_minor / ol.paid_minor
          + ol.creator_discount_minor
          - ol.creator_discount_minor * ol.refunded_minor / ol.paid_minor)
          * ol.commission_bp / 10000 AS commission) l
      WHERE ol.creator_id = :creator_id AND od.paid_at IS NOT NULL
    ),
    accounts AS (
      SELECT store_id, id, currency FROM ledger_accounts
      WHERE owner_id = :creator_id AND purpose = 'creator_payable'
    ),
    settled AS (
      SELECT a.currency,
        COALESCE(sum(t.amount_minor) FILTER (WHERE t.dst = a.id), 0)
          - COALESCE(sum(t.amount_minor) FILTER (WHERE t.src = a.id), 0) AS n
      FROM accounts a
      JOIN ledger_transfers t ON t.store_id = a.store_id AND a.id IN (t.dst, t.src)
      WHERE t.part = 'creator'
      GROUP BY a.currency
    ),
    sold AS (
      SELECT currency, count(DISTINCT (store_id, order_id)) AS orders,
        sum(estimated) AS estimated,
        COALESCE(sum(kept) FILTER (WHERE state NOT IN ('final', 'refunded')), 0) AS open
      FROM shares GROUP BY currency
    )
    SELECT COALESCE(sold.currency, settled.currency) AS currency,
      COALESCE(sold.orders, 0)::bigint AS orders,
      COALESCE(sold.estimated, 0)::bigint AS estimated_minor,
      COALESCE(sold.open, 0)::bigint AS open_minor,
      COALESCE(settled.n, 0)::bigint AS settled_minor
    FROM sold FULL JOIN settled ON settled.currency = sold.currency
    ORDER BY 1
""")


async def totals(conn: AsyncConnection, *, creator_id: UUID) -> list[Totals]:
    """One row per currency; the platform's currency with zeros where nothing was sold."""
    rows = (await conn.execute(TOTALS, {"creator_id": creator_id})).mappings().all()
    found = [msgspec.convert(dict(row), Totals) for row in rows]
    return found or [Totals(settings().currency, 0, 0, 0, 0)]


DAYS = text("""
    WITH days AS (
      SELECT generate_series(
        CAST((CAST(:at AS timestamptz) AT TIME ZONE :zone) AS date) - (:days - 1),
        CAST((CAST(:at AS timestamptz) AT TIME ZONE :zone) AS date),
        interval '1 day')::date AS day
    ),
    estimated AS (
      SELECT (od.paid_at AT TIME ZONE :zone)::date AS day,
        sum(e.commission - e.commission * ol.commission_cut_bp / 10000) AS n
      FROM order_lines ol
      JOIN orders od ON od.store_id = ol.store_id AND od.id = ol.order_id
      CROSS JOIN LATERAL (SELECT
        (ol.paid_minor + ol.platform_discount_minor + ol.creator_discount_minor)
          * ol.commission_bp / 10000 AS commission) e
      WHERE ol.creator_id = :creator_id AND od.paid_at >= :since AND od.currency = :currency
      GROUP BY 1
    ),
    settled AS (
      SELECT (n.counts_at AT TIME ZONE :zone)::date AS day,
        sum(CASE WHEN t.dst = a.id THEN t.amount_minor ELSE -t.amount_minor END) AS n
      FROM ledger_accounts a
      JOIN ledger_transfers t ON t.store_id = a.store_id AND a.id IN (t.dst, t.src)
      JOIN ledger_entries n ON n.store_id = t.store_id AND n.id = t.entry_id
      WHERE a.owner_id = :creator_id AND a.purpose = 'creator_payable' AND t.part = 'creator'
        AND a.currency = :currency AND n.counts_at >= :since
      GROUP BY 1
    )
    SELECT d.day, COALESCE(e.n, 0)::bigint AS estimated_minor,
      COALESCE(s.n, 0)::bigint AS settled_minor
    FROM days d LEFT JOIN estimated e ON e.day = d.day LEFT JOIN settled s ON s.day = d.day
    ORDER BY d.day
""")


async def days(
    conn: AsyncConnection, *, creator_id: UUID, currency: str, at: datetime, most: int = 30
) -> list[Day]:
    """The last `most` local days, today included, oldest first."""
    asked = {
        "creator_id": creator_id,
        "currency": currency,
        "at": at,
        "since": at - timedelta(days=most + 1),
        "days": most,
        "zone": settings().timezone,
    }
    rows = await conn.execute(DAYS, asked)
    return [msgspec.convert(dict(row), Day) for row in rows.mappings()]


ORDERS = text("""
    WITH lines AS (
      SELECT ol.*, od.paid_at, od.state, od.currency, od.number,
        e.commission - e.commission * ol.commission_cut_bp / 10000 AS estimated,
        l.commission - l.commission * ol.commission_cut_bp / 10000 AS kept
      FROM order_lines ol
      JOIN orders od ON od.store_id = ol.store_id AND od.id = ol.order_id
      CROSS JOIN LATERAL (SELECT
        (ol.paid_minor + ol.platform_discount_minor + ol.creator_discount_minor)
          * ol.commission_bp / 10000 AS commission) e
      CROSS JOIN LATERAL (SELECT
        (ol.paid_minor - ol.refunded_minor
          + ol.platform_discount_minor
          - ol.platform_discount_minor * ol.refunded_minor / ol.paid_minor
          + ol.creator_discount_minor
          - ol.creator_discount_minor * ol.refunded_minor / ol.paid_minor)
          * ol.commission_bp / 10000 AS commission) l
      WHERE ol.creator_id = :creator_id AND od.paid_at IS NOT NULL
        AND (CAST(:before AS timestamptz) IS NULL
          OR (od.paid_at, od.id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
    ),
    page AS (
      SELECT store_id, order_id, number, currency, state, paid_at,
        (array_agg(title_zh ORDER BY line_no))[1] AS title_zh,
        (array_agg(title_en ORDER BY line_no))[1] AS title_en,
        (array_agg(image_file ORDER BY line_no))[1] AS image_file,
        (array_agg(commission_bp ORDER BY line_no))[1] AS commission_bp,
        count(*) AS lines, sum(paid_minor)::bigint AS paid_minor,
        sum(refunded_minor)::bigint AS refunded_minor,
        sum(estimated)::bigint AS estimated_minor,
        (CASE WHEN state IN ('final', 'refunded') THEN 0 ELSE sum(kept) END)::bigint AS open_minor
      FROM lines GROUP BY store_id, order_id, number, currency, state, paid_at
      ORDER BY paid_at DESC, order_id DESC LIMIT :most
    )
    SELECT p.*, s.name_zh AS store_zh, s.name_en AS store_en, COALESCE((
        SELECT sum(CASE WHEN t.dst = a.id THEN t.amount_minor ELSE -t.amount_minor END)
        FROM ledger_entries n
        JOIN ledger_transfers t ON t.store_id = n.store_id AND t.entry_id = n.id
        JOIN ledger_accounts a ON a.store_id = t.store_id AND a.id IN (t.dst, t.src)
        WHERE n.store_id = p.store_id AND n.order_id = p.order_id AND t.part = 'creator'
          AND a.owner_id = :creator_id AND a.purpose = 'creator_payable'
      ), 0)::bigint AS settled_minor
    FROM page p JOIN stores s ON s.id = p.store_id
    ORDER BY p.paid_at DESC, p.order_id DESC
""")


async def orders(
    conn: AsyncConnection, *, creator_id: UUID, before: tuple[datetime, UUID] | None = None
) -> list[EarningRow]:
    """One page (30) of paid orders, newest first; one more says that there are more."""
    paid_at, order_id = before or (None, None)
    asked = {"creator_id": creator_id, "before": paid_at, "before_id": order_id, "most": PAGE + 1}
    rows = await conn.execute(ORDERS, asked)
    return [msgspec.convert(dict(row), EarningRow) for row in rows.mappings()]
