"""A store's money: what the books hold for its merchant, and what open orders will bring.

*Settled* is read from the ledger. *Estimated* is the merchant's share of what was paid and not
refunded while an order is not final, by the formula of `orders.rules.line_shares`.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.ledger.queries import balances

LATEST = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
LAST = UUID(int=2**128 - 1)


class MoneyNow(msgspec.Struct, frozen=True):
    """In minor units of the store's currency. `escrow`: paid, belongs to nobody yet."""

    escrow_minor: int
    estimated_minor: int
    settled_minor: int
    fees_minor: int  # of final orders: service fee and payment cost
    commission_minor: int  # of final orders, to creators
    by_kind: dict[str, int]  # of final orders: what went to whom, by the purpose of the account


SHARES = (
    "merchant_payable",
    "platform_service_fee",
    "creator_payable",
    "platform_commission_cut",
    "platform_payment_cost",
)

ESTIMATED = text("""
    SELECT COALESCE(sum(b.base - b.base * l.service_fee_bp / 10000
        - b.base * l.commission_bp / 10000
        - (l.paid_minor - l.refunded_minor) * l.payment_cost_bp / 10000), 0)::bigint
    FROM orders o
    JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
    CROSS JOIN LATERAL (SELECT l.paid_minor - l.refunded_minor
      + l.platform_discount_minor - l.platform_discount_minor * l.refunded_minor / l.paid_minor
      + l.creator_discount_minor - l.creator_discount_minor * l.refunded_minor / l.paid_minor
      AS base) b
    WHERE o.store_id = :store_id AND o.state IN ('paid', 'part_shipped', 'shipped', 'received')
""")


async def money_now(conn: AsyncConnection, *, store_id: StoreId) -> MoneyNow:
    held: Counter[str] = Counter()
    for one in await balances(conn, store_id=store_id):
        held[one.purpose] += one.balance_minor
    estimated = await conn.scalar(ESTIMATED, {"store_id": store_id})
    return MoneyNow(
        escrow_minor=held["escrow"],
        estimated_minor=int(estimated or 0),
        settled_minor=held["merchant_payable"],
        fees_minor=held["platform_service_fee"] + held["platform_payment_cost"],
        commission_minor=held["creator_payable"] + held["platform_commission_cut"],
        by_kind={purpose: held[purpose] for purpose in SHARES},
    )


ORDERS = text("""
    WITH page AS (
      SELECT o.id FROM orders o
      WHERE o.store_id = :store_id AND o.paid_at IS NOT NULL
        AND (CAST(:track AS text) = '' OR (o.state = 'final') = (:track = 'settled'))
        AND (CAST(:words AS text) = '' OR o.number = :words)
        AND (CAST(:since AS timestamptz) IS NULL OR o.paid_at >= :since)
        AND (CAST(:until AS timestamptz) IS NULL OR o.paid_at < :until)
        AND (o.paid_at, o.id) < (:before_at, CAST(:before_id AS uuid))
      ORDER BY o.paid_at DESC, o.id DESC LIMIT :most
    )
    SELECT o.id, o.number, o.state, o.currency, o.paid_at, o.final_at, s.paid_minor,
      s.refunded_minor, s.merchant_minor, s.taken_minor, d.due_at AS settles_at
    FROM page
    JOIN orders o ON o.store_id = :store_id AND o.id = page.id
    LEFT JOIN deadlines d ON d.store_id = o.store_id AND d.kind = 'final_at'
      AND d.subject_id = o.id AND d.done_at IS NULL
    CROSS JOIN LATERAL (
      SELECT sum(l.paid_minor)::bigint AS paid_minor,
        sum(l.refunded_minor)::bigint AS refunded_minor,
        sum(b.base - b.base * l.service_fee_bp / 10000 - b.base * l.commission_bp / 10000
          - (l.paid_minor - l.refunded_minor) * l.payment_cost_bp / 10000)::bigint
          AS merchant_minor,
        sum(b.base * l.service_fee_bp / 10000 + b.base * l.commission_bp / 10000
          + (l.paid_minor - l.refunded_minor) * l.payment_cost_bp / 10000)::bigint AS taken_minor
      FROM order_lines l
      CROSS JOIN LATERAL (SELECT l.paid_minor - l.refunded_minor
        + l.platform_discount_minor - l.platform_discount_minor * l.refunded_minor / l.paid_minor
        + l.creator_discount_minor - l.creator_discount_minor * l.refunded_minor / l.paid_minor
        AS base) b
      WHERE l.store_id = o.store_id AND l.order_id = o.id
    ) s
    ORDER BY o.paid_at DESC, o.id DESC
""")


async def money_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    track: str = "",
    words: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """Paid orders, the newest first; track: settled, estimated or "" for both; words: an order's
    number; half-open `since` to `until` is when they were paid. `settles_at`: when the escrow is
    shared out, where that is known."""
    before_at, before_id = before or (LATEST, LAST)
    found = await conn.execute(
        ORDERS,
        {
            "store_id": store_id,
            "track": track,
            "words": words,
            "since": since,
            "until": until,
            "before_at": before_at,
            "before_id": before_id,
            "most": most,
        },
    )
    return found.all()
