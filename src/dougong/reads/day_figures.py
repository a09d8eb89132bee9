"""Figures by local day: what was counted when its entries were sealed, plus what is not sealed.

So every figure is that of this moment, and costs as much as the days it is of, whatever was sold
before. The doctor compares the counted rows with the books.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra.settings import settings

FIRST, LAST = date(1, 1, 1), date(9999, 12, 31)

# The tail is by order: its capture is not sealed yet. Formula and kinds as in orders.day_commands.
SOLD = text("""
    WITH tail AS MATERIALIZED (
      SELECT o.store_id, o.id AS order_id, o.currency,
        CAST(o.paid_at AT TIME ZONE :zone AS date) AS day, l.product_id, l.creator_id, l.link_id,
        l.kind, l.quantity, l.paid_minor, CASE WHEN l.creator_id IS NULL THEN 0
          ELSE e.commission - e.commission * l.commission_cut_bp / 10000 END AS earned_minor
      FROM ledger_waiting u
      JOIN ledger_entries n ON n.store_id = u.store_id AND n.id = u.entry_id AND n.kind = 'capture'
      JOIN orders o ON o.store_id = n.store_id AND o.id = n.order_id
      JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
      CROSS JOIN LATERAL (SELECT
        (l.paid_minor + l.platform_discount_minor + l.creator_discount_minor)
          * l.commission_bp / 10000 AS commission) e
      WHERE (CAST(:store_id AS uuid) IS NULL OR u.store_id = :store_id)
        AND (CAST(:creator_id AS uuid) IS NULL OR l.creator_id = :creator_id)
    ), waiting AS (
      SELECT t.store_id, t.day, k.subject_id, t.currency, count(DISTINCT t.order_id) AS orders,
        sum(CASE t.kind WHEN 'goods' THEN t.quantity ELSE 0 END)::bigint AS units,
        sum(t.paid_minor)::bigint AS paid_minor, sum(t.earned_minor)::bigint AS earned_minor
      FROM tail t CROSS JOIN LATERAL (SELECT CASE CAST(:kind AS text)
        WHEN 'store' THEN t.store_id
        WHEN 'product' THEN CASE t.kind WHEN 'goods' THEN t.product_id END
        WHEN 'creator' THEN t.creator_id
        WHEN 'link' THEN CASE WHEN t.creator_id IS NOT NULL THEN t.link_id END
        END AS subject_id) k
      WHERE k.subject_id IS NOT NULL AND t.day BETWEEN :first AND :last
      GROUP BY t.store_id, t.day, k.subject_id, t.currency
    ), counted AS (
      SELECT store_id, day, subject_id, currency, orders, units, paid_minor, earned_minor
      FROM sold_days
      WHERE kind = CAST(:kind AS text) AND day BETWEEN :first AND :last
        AND (CAST(:store_id AS uuid) IS NULL OR store_id = :store_id)
        AND (CAST(:subjects AS uuid[]) IS NULL OR subject_id = ANY(CAST(:subjects AS uuid[])))
      UNION ALL
      SELECT * FROM waiting
      WHERE CAST(:subjects AS uuid[]) IS NULL OR subject_id = ANY(CAST(:subjects AS uuid[]))
    )
    SELECT CASE WHEN 'store' = ANY(CAST(:by AS text[])) THEN store_id END AS store_id,
      CASE WHEN 'day' = ANY(CAST(:by AS text[])) THEN day END AS day,
      CASE WHEN 'subject' = ANY(CAST(:by AS text[])) THEN subject_id END AS subject_id,
      currency::text, sum(orders)::bigint AS orders, sum(units)::bigint AS units,
      sum(paid_minor)::bigint AS paid_minor, sum(earned_minor)::bigint AS earned_minor
    FROM counted GROUP BY 1, 2, 3, 4
""")


async def sold(
    conn: AsyncConnection,
    *,
    kind: str,
    by: Sequence[str],
    store_id: UUID | None = None,
    creator_id: UUID | None = None,
    subject_ids: Sequence[UUID] | None = None,
    first: date = FIRST,
    last: date = LAST,
) -> Sequence[Any]:
    """Paid orders of local days first to last (of payment), summed by any of store, day, subject.

    kind: store, product, creator or link, which say what a subject is. `creator_id` only narrows
    what is looked through of the tail. Amounts in minor units of `currency`.
    """
    asked: dict[str, Any] = {"kind": kind, "by": list(by)}
    asked |= {"store_id": store_id, "creator_id": creator_id}
    asked |= {"subjects": None if subject_ids is None else list(subject_ids)}
    window = {"first": first, "last": last, "zone": settings().timezone}
    return (await conn.execute(SOLD, asked | window)).all()


GAINED = text("""
    WITH chosen AS MATERIALIZED (
      SELECT store_id, id, purpose, currency FROM ledger_accounts
      WHERE owner_id = :owner_id AND purpose = ANY(CAST(:purposes AS text[]))
    ), moved AS (
      SELECT c.purpose, c.currency, d.day, d.gained_minor - d.lost_minor AS amount
      FROM chosen c JOIN ledger_days d ON d.store_id = c.store_id AND d.account_id = c.id
        AND d.day BETWEEN :first AND :last
      WHERE CAST(:part AS text) IS NULL OR d.part = :part
      UNION ALL
      SELECT c.purpose, c.currency, CAST(e.counts_at AT TIME ZONE :zone AS date),
        CASE WHEN t.dst = c.id THEN t.amount_minor ELSE -t.amount_minor END
      FROM ledger_waiting u
      JOIN ledger_entries e ON e.store_id = u.store_id AND e.id = u.entry_id
      JOIN ledger_transfers t ON t.store_id = u.store_id AND t.entry_id = u.entry_id
      JOIN chosen c ON c.store_id = t.store_id AND c.id IN (t.src, t.dst)
      WHERE (CAST(:part AS text) IS NULL OR t.part = :part)
        AND CAST(e.counts_at AT TIME ZONE :zone AS date) BETWEEN :first AND :last
    )
    SELECT purpose, currency::text, CASE WHEN CAST(:by_day AS boolean) THEN day END AS day,
      sum(amount)::bigint AS gained_minor
    FROM moved GROUP BY 1, 2, 3
""")


async def gained(
    conn: AsyncConnection,
    *,
    owner_id: UUID,
    purposes: Sequence[str],
    part: str | None = None,
    by_day: bool,
    first: date = FIRST,
    last: date = LAST,
) -> Sequence[Any]:
    """What accounts of an owner gained net of what they lost, over all books, by purpose, currency
    and local day on which it counts; `part`: only what is of that part of a line."""
    asked = {"owner_id": owner_id, "purposes": list(purposes), "part": part, "by_day": by_day}
    window = {"first": first, "last": last, "zone": settings().timezone}
    return (await conn.execute(GAINED, asked | window)).all()
