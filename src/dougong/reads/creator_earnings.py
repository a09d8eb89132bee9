"""What a creator earns: estimated on amounts paid, settled by the books. The two never mix.

Estimated is the creator's share of each paid line as if nothing were ever refunded; *open* is what
is left of it after refunds while the order is not final; settled is what the ledger moved to and
from the creator's payable account. The share's formula is that of `orders.rules.line_shares`
(a test holds them equal).
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.time import local_day, start_of_day
from dougong.infra.settings import settings
from dougong.reads.day_figures import gained, sold

PAGE = 30
USUAL_REACH = timedelta(days=30)


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


# What is left of the shares of orders that are neither final nor closed. Such orders are among the
# newest: no line before the first of them is looked at.
OPEN = text("""
    WITH first AS MATERIALIZED (
      SELECT o.id FROM orders o
      WHERE o.store_id = ANY(CAST(:stores AS uuid[]))
        AND o.state IN ('paid', 'part_shipped', 'shipped', 'received')
      ORDER BY o.id LIMIT 1
    )
    SELECT od.currency::text,
      sum(l.commission - l.commission * ol.commission_cut_bp / 10000)::bigint AS open_minor
    FROM order_lines ol
    JOIN orders od ON od.store_id = ol.store_id AND od.id = ol.order_id
      AND od.state IN ('paid', 'part_shipped', 'shipped', 'received')
    CROSS JOIN LATERAL (SELECT
      (ol.paid_minor - ol.refunded_minor
        + ol.platform_discount_minor
        - ol.platform_discount_minor * ol.refunded_minor / ol.paid_minor
        + ol.creator_discount_minor
        - ol.creator_discount_minor * ol.refunded_minor / ol.paid_minor)
        * ol.commission_bp / 10000 AS commission) l
    WHERE ol.creator_id = :creator_id AND ol.order_id >= (SELECT id FROM first)
    GROUP BY od.currency
""")


async def totals(conn: AsyncConnection, *, creator_id: UUID) -> list[Totals]:
    """One row per currency; the platform's currency with zeros where nothing was sold."""
    subject: dict[str, Any] = {"kind": "creator", "subject_ids": [creator_id]}
    rows = await sold(conn, by=["store"], creator_id=creator_id, **subject)
    orders: Counter[str] = Counter()
    estimated: Counter[str] = Counter()
    for row in rows:
        orders[row.currency] += row.orders
        estimated[row.currency] += row.earned_minor
    asked = {"creator_id": creator_id, "stores": [row.store_id for row in rows]}
    left = {row.currency: row.open_minor for row in await conn.execute(OPEN, asked)}
    booked = await gained(conn, **_payable(creator_id), by_day=False)
    settled = {row.currency: row.gained_minor for row in booked}
    found = [
        Totals(one, orders[one], estimated[one], left.get(one, 0), settled.get(one, 0))
        for one in sorted(orders.keys() | settled.keys())
    ]
    return found or [Totals(settings().currency, 0, 0, 0, 0)]


def _payable(creator_id: UUID) -> dict[str, Any]:
    """What the ledger moved to and from a creator as shares of orders."""
    return {"owner_id": creator_id, "purposes": ["creator_payable"], "part": "creator"}


async def days(
    conn: AsyncConnection, *, creator_id: UUID, currency: str, at: datetime, most: int = 30
) -> list[Day]:
    """The last `most` local days, today included, oldest first."""
    last = local_day(at, ZoneInfo(settings().timezone))
    first = last - timedelta(days=most - 1)
    window: dict[str, Any] = {"first": first, "last": last}
    subject: dict[str, Any] = {"kind": "creator", "subject_ids": [creator_id]}
    rows = await sold(conn, by=["day"], creator_id=creator_id, **subject, **window)
    estimated = {row.day: row.earned_minor for row in rows if row.currency == currency}
    booked = await gained(conn, **_payable(creator_id), by_day=True, **window)
    settled = {row.day: row.gained_minor for row in booked if row.currency == currency}
    shown = [first + timedelta(days=n) for n in range(most)]
    return [Day(day, estimated.get(day, 0), settled.get(day, 0)) for day in shown]


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
      WHERE ol.creator_id = :creator_id AND od.paid_at >= :floor
        AND od.store_id = ANY(CAST(:stores AS uuid[]))
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
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    at: datetime,
    before: tuple[datetime, UUID] | None = None,
) -> list[EarningRow]:
    """One page (30) of paid orders, newest first; one more says that there are more."""
    paid_at, order_id = before or (None, None)
    subject: dict[str, Any] = {"kind": "creator", "subject_ids": [creator_id]}
    subject |= {"by": ["store", "day"], "creator_id": creator_id}
    rows: Sequence[Any] = ()
    if paid_at is None:  # mostly a page is of the last weeks
        since = local_day(at, ZoneInfo(settings().timezone)) - USUAL_REACH
        rows = await sold(conn, first=since, **subject)
    if sum(row.orders for row in rows) <= PAGE:
        rows = await sold(conn, **subject)
    floor, stores = _reach(rows, before=paid_at)
    asked = {"creator_id": creator_id, "before": paid_at, "before_id": order_id, "most": PAGE + 1}
    found = await conn.execute(ORDERS, asked | {"floor": floor, "stores": stores})
    return [msgspec.convert(dict(row), EarningRow) for row in found.mappings()]


def _reach(rows: Sequence[Any], *, before: datetime | None) -> tuple[datetime, list[UUID]]:
    """How far back a page reaches, and in which stores, by how much was sold on each day.

    The day of `before` may be on the page before this one, so it does not count.
    """
    zone = ZoneInfo(settings().timezone)
    last = local_day(before, zone) if before else None
    shown = sorted((row for row in rows if last is None or row.day <= last), key=_newest_first)
    orders, stores, day = 0, set(), date.max
    for row in shown:
        if row.day != day and orders > PAGE:
            break
        day = row.day
        stores.add(row.store_id)
        orders += row.orders if day != last else 0
    floor = start_of_day(day, zone) if shown else datetime.max.replace(tzinfo=UTC)
    return floor, sorted(stores)


def _newest_first(row: Any) -> int:
    return -int(row.day.toordinal())
