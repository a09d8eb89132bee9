"""Gifts as the operator looks through them, and what the app earned by the month."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK
from dougong.infra.db import like_literal


class GiftRow(msgspec.Struct, frozen=True):
    id: UUID
    given_at: datetime
    giver: str
    creator: str
    creator_id: UUID
    name_zh: str
    name_en: str
    count: int
    coins: int
    currency: str
    value_minor: int
    platform_minor: int
    creator_minor: int
    fee_bp: int
    reversed_at: datetime | None
    reversal_reason: str | None


GIFTS = text("""
    SELECT g.id, g.given_at, p.name AS giver, o.name AS creator, g.creator_id, k.name_zh,
      k.name_en, g.count, g.coins, g.currency::text, g.value_minor, g.platform_minor,
      g.creator_minor, g.fee_bp, g.reversed_at, g.reversal_reason
    FROM gifts g JOIN people p ON p.id = g.person_id JOIN organisations o ON o.id = g.creator_id
    JOIN gift_kinds k ON k.code = g.kind
    WHERE (:words = '' OR p.name ILIKE :like OR o.name ILIKE :like)
      AND (:state = '' OR (:state = 'back') = (g.reversed_at IS NOT NULL))
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (g.given_at, g.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY g.given_at DESC, g.id DESC LIMIT :most
""")


async def gift_rows(
    conn: AsyncConnection,
    *,
    words: str,
    state: str,
    before: tuple[datetime, UUID] | None,
    most: int,
) -> list[GiftRow]:
    """Newest first. `words`: a part of the giver's or the creator's name; `state`: given, back or
    empty for all."""
    before_at, before_id = before or (None, None)
    asked = {
        "words": words,
        "like": f"%{like_literal(words)}%",
        "state": state,
        "before_at": before_at,
        "before_id": before_id,
        "most": most,
    }
    return [GiftRow(**row) for row in (await conn.execute(GIFTS, asked)).mappings()]


class MonthRow(msgspec.Struct, frozen=True):
    """In-app purchases of one month in one market. `rank` among the apps whose takings of that
    month and market somebody has counted; None where nobody has. `of`: how many, with us."""

    month: date
    market: str
    bought_minor: int
    refunded_minor: int
    payers: int
    rank: int | None
    of: int

    @property
    def net_minor(self) -> int:
        return self.bought_minor - self.refunded_minor


# A refund counts in the month in which it was asked for.
MONTHS = text("""
    WITH moved AS (
      SELECT date_trunc('month', l.bought_at AT TIME ZONE :zone)::date AS month, l.market,
        l.price_minor AS bought, 0::bigint AS refunded, l.person_id
      FROM coin_lots l WHERE l.currency = :currency
      UNION ALL
      SELECT date_trunc('month', r.asked_at AT TIME ZONE :zone)::date, l.market, 0, r.amount_minor,
        NULL
      FROM refunds r JOIN coin_lots l ON l.pay_in_id = r.order_id
      WHERE r.store_id = :book AND r.currency = :currency
    ), ours AS (
      SELECT month, market, sum(bought)::bigint AS bought_minor,
        sum(refunded)::bigint AS refunded_minor, count(DISTINCT person_id) AS payers
      FROM moved WHERE month BETWEEN :since AND :until GROUP BY month, market
    )
    SELECT o.*, CASE WHEN n.of > 0 THEN n.before + 1 END AS rank, n.of + (n.of > 0)::int AS of
    FROM ours o CROSS JOIN LATERAL (
      SELECT count(*) AS of,
        count(*) FILTER (WHERE a.revenue_minor > o.bought_minor - o.refunded_minor) AS before
      FROM app_revenue_rows a
      WHERE a.month = o.month AND a.market = o.market AND a.currency = :currency
    ) n
    ORDER BY o.month DESC, o.bought_minor DESC, o.market
""")


async def app_months(
    conn: AsyncConnection, *, since: date, until: date, currency: str, zone: str
) -> list[MonthRow]:
    """By month and market, newest first. `since`, `until`: first days of months, both included."""
    asked = {"since": since, "until": until, "currency": currency, "zone": zone}
    rows = await conn.execute(MONTHS, asked | {"book": PLATFORM_BOOK})
    return [MonthRow(**row) for row in rows.mappings()]


async def ranked_apps(
    conn: AsyncConnection, *, month: date, market: str, currency: str, most: int
) -> Sequence[Any]:
    """Other apps of a month and market, most revenue first: app, revenue_minor, source."""
    found = await conn.execute(
        text("""
            SELECT app, revenue_minor, source FROM app_revenue_rows
            WHERE month = :month AND market = :market AND currency = :currency
            ORDER BY revenue_minor DESC, app LIMIT :most
        """),
        {"month": month, "market": market, "currency": currency, "most": most},
    )
    return found.all()
