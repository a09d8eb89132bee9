"""How stores stand: what a score counts, what is late now, deposits, penalties."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, StoreId
from dougong.ledger.rules import Purpose
from dougong.reads.merchant_stock import like
from dougong.standing.queries import deposits_at
from dougong.standing.rules import (
    Count,
    DepositAsked,
    Formula,
    Metric,
    PartScore,
    deposit_due,
    deposits_asked,
)

FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)

# An order counts when the time that was promised for it is over; one that was given back before it
# left does not. Paid at most 60 days before that.
SHIPPED = text("""
    SELECT count(*) FILTER (WHERE o.shipped_at <= p.promised_by) AS good, count(*) AS of
    FROM orders o JOIN ship_promises p ON p.store_id = o.store_id AND p.order_id = o.id
    WHERE o.store_id = :store_id
      AND o.paid_at >= CAST(:since AS timestamptz) - interval '60 days' AND o.paid_at < :at
      AND p.promised_by >= :since AND p.promised_by < :at
      AND NOT (o.state = 'refunded' AND o.shipped_at IS NULL)
""")
# Shipped within the days; paid at most 60 days before that.
SENT_BACK = text("""
    SELECT count(*) FILTER (WHERE NOT EXISTS (
        SELECT FROM refunds r WHERE r.store_id = o.store_id AND r.order_id = o.id
          AND r.asked_at > o.shipped_at AND r.asked_at < :at)) AS good,
      count(*) AS of
    FROM orders o WHERE o.store_id = :store_id
      AND o.paid_at >= CAST(:since AS timestamptz) - interval '60 days' AND o.paid_at < :at
      AND o.shipped_at >= :since AND o.shipped_at < :at
""")


# A case is answered by its merchant, or its deadline answers. What its buyer took back before that,
# or what still waits in time, does not count.
ANSWERED = text("""
    SELECT count(*) FILTER (WHERE m.side IN ('merchant', 'rule')) AS good, count(*) AS of
    FROM cases c JOIN LATERAL (
      SELECT side FROM case_moves m
      WHERE m.store_id = c.store_id AND m.case_id = c.id AND m.from_state = 'asked' AND m.at < :at
      ORDER BY n LIMIT 1) m ON m.side IN ('merchant', 'rule', 'deadline')
    WHERE c.store_id = :store_id AND c.opened_at >= :since AND c.opened_at < :at
""")
# The last ruling of a case counts; it is against the merchant where the merchant bears a refund.
RULED = text("""
    SELECT count(*) FILTER (WHERE r.outcome = 'nothing' OR r.bearer <> 'merchant') AS good,
      count(*) AS of
    FROM cases c JOIN case_rulings r ON r.store_id = c.store_id AND r.case_id = c.id
    WHERE c.store_id = :store_id AND r.at >= :since AND r.at < :at
      AND NOT EXISTS (SELECT FROM case_rulings l WHERE l.store_id = r.store_id
        AND l.case_id = r.case_id AND l.instance > r.instance AND l.at < :at)
""")
COUNTED = (
    (Metric.SHIPPED_IN_TIME, SHIPPED),
    (Metric.NOT_SENT_BACK, SENT_BACK),
    (Metric.ANSWERED_IN_TIME, ANSWERED),
    (Metric.RULED_FOR, RULED),
)


async def counts(
    conn: AsyncConnection, *, store_id: StoreId, formula: Formula, at: datetime
) -> Mapping[Metric, Count]:
    """What the formula counts of a store in its days before `at`."""
    asked = {"store_id": store_id, "at": at, "since": at - timedelta(days=formula.days)}
    found: dict[Metric, Count] = {}
    for metric, statement in COUNTED:
        row = (await conn.execute(statement, asked)).one()
        found[metric] = Count(row.good, row.of)
    return found


OPEN_STORES = text("""
    SELECT s.id FROM stores s WHERE s.state = 'open' AND s.id > :after
      AND NOT EXISTS (SELECT FROM store_scores c WHERE c.store_id = s.id AND c.day = :day)
    ORDER BY s.id LIMIT 100
""")


async def open_stores(
    conn: AsyncConnection, *, after: UUID, without_score_of: date
) -> Sequence[UUID]:
    """The next hundred, in the order of their ids."""
    return (await conn.scalars(OPEN_STORES, {"after": after, "day": without_score_of})).all()


class DayScore(NamedTuple):
    day: date
    score_bp: int | None
    parts: list[PartScore]


SCORES = text("""
    SELECT day, score_bp, facts FROM store_scores
    WHERE store_id = :store_id AND day > :since ORDER BY day
""")


async def scores(conn: AsyncConnection, *, store_id: StoreId, since: date) -> list[DayScore]:
    """Of each day after `since`, the oldest first."""
    found = await conn.execute(SCORES, {"store_id": store_id, "since": since})
    return [DayScore(row.day, row.score_bp, _parts(row.facts)) for row in found]


def _parts(facts: Any) -> list[PartScore]:
    return msgspec.convert(facts, list[PartScore])


class DepositState(NamedTuple):
    """Minor units: what the store has left, what it has to, and the category that asks for most."""

    held_minor: int
    due_minor: int
    category: str

    @property
    def missing_minor(self) -> int:
        return max(0, self.due_minor - self.held_minor)

    @property
    def spare_minor(self) -> int:
        return max(0, self.held_minor - self.due_minor)


HELD = text("""
    SELECT COALESCE(sum(CASE WHEN t.dst = a.id THEN t.amount_minor ELSE -t.amount_minor END), 0)
      ::bigint
    FROM ledger_accounts a
    JOIN ledger_transfers t ON t.store_id = a.store_id AND (t.dst = a.id OR t.src = a.id)
    WHERE a.store_id = :book AND a.owner_id = :store_id AND a.purpose = :purpose
      AND a.currency = :currency
""")
SOLD_IN = text("""
    SELECT DISTINCT category FROM products WHERE store_id = :store_id AND state = 'active'
""")


async def deposit_of(
    conn: AsyncConnection, *, store_id: StoreId, currency: str, at: datetime
) -> DepositState:
    asked = {"book": PLATFORM_BOOK, "store_id": store_id, "currency": currency}
    held = await conn.scalar(HELD, asked | {"purpose": Purpose.DEPOSIT.value})
    rules = await deposits_at(conn, currency=currency, at=at)
    category, due = deposit_due(rules, await _sold_in(conn, store_id))
    return DepositState(int(held or 0), due, category)


async def _sold_in(conn: AsyncConnection, store_id: StoreId) -> list[str]:
    return sorted((await conn.scalars(SOLD_IN, {"store_id": store_id})).all())


async def deposits_by_category(
    conn: AsyncConnection, *, store_id: StoreId, currency: str, at: datetime
) -> list[DepositAsked]:
    """What each category that the store sells in asks for; the highest of them is due."""
    rules = await deposits_at(conn, currency=currency, at=at)
    return deposits_asked(rules, await _sold_in(conn, store_id))


LATE = text("""
    SELECT o.id, o.number, w.promised_by, o.total_minor, o.currency, o.store_id, o.state,
      s.name_zh, s.name_en
    FROM ship_promises w JOIN orders o ON o.store_id = w.store_id AND o.id = w.order_id
    JOIN stores s ON s.id = o.store_id
    WHERE w.kept_at IS NULL AND w.promised_by <= :at AND o.state IN ('paid', 'part_shipped')
      AND (CAST(:store_id AS uuid) IS NULL OR w.store_id = :store_id)
      AND NOT EXISTS (SELECT FROM penalty_orders p JOIN penalties x
        ON x.store_id = p.store_id AND x.id = p.penalty_id AND x.reversed_at IS NULL
        WHERE p.store_id = o.store_id AND p.order_id = o.id AND x.violation = 'late_shipping')
    ORDER BY w.promised_by, o.id LIMIT :most
""")


async def late_orders(
    conn: AsyncConnection, *, at: datetime, store_id: StoreId | None = None, most: int
) -> Sequence[Any]:
    """Not wholly shipped by when it was promised, and not punished for it yet: the most overdue
    first."""
    return (await conn.execute(LATE, {"at": at, "store_id": store_id, "most": most})).all()


WAITING = text("""
    SELECT (SELECT count(*) FROM (SELECT FROM penalty_appeals
        WHERE answered_at IS NULL LIMIT :most) a) AS appeals,
      (SELECT count(*) FROM (SELECT FROM ship_promises w
        JOIN orders o ON o.store_id = w.store_id AND o.id = w.order_id
        WHERE w.kept_at IS NULL AND w.promised_by <= :at AND o.state IN ('paid', 'part_shipped')
        LIMIT :most) l) AS late
""")


async def waiting(conn: AsyncConnection, *, at: datetime, most: int) -> Any:
    """How many `appeals` want an answer and how many orders are `late`, punished for or not; up to
    so many each."""
    return (await conn.execute(WAITING, {"at": at, "most": most})).one()


PENALTIES = text("""
    SELECT p.store_id, p.id, p.violation, p.words, p.fine_minor, p.currency, p.measure,
      p.measure_until, p.appeal_until, p.decided_at, p.decided_by, p.reversed_at, p.reversed_why,
      r.reason_zh, r.reason_en, s.name_zh, s.name_en, s.code,
      a.appealed_at, a.answered_at, a.outcome,
      CASE WHEN p.reversed_at IS NOT NULL THEN 'reversed'
        WHEN a.appealed_at IS NOT NULL AND a.answered_at IS NULL THEN 'appealed'
        WHEN a.outcome = 'upheld' THEN 'upheld' ELSE 'decided' END AS state
    FROM penalties p JOIN standing_rules r ON r.id = p.rule_id JOIN stores s ON s.id = p.store_id
    LEFT JOIN penalty_appeals a ON a.store_id = p.store_id AND a.penalty_id = p.id
    WHERE (CAST(:store_id AS uuid) IS NULL OR p.store_id = :store_id)
      AND (CAST(:only_id AS uuid) IS NULL OR p.id = :only_id)
      AND (CAST(:words AS text) = '' OR s.name_zh ILIKE :pattern OR s.name_en ILIKE :pattern
        OR s.code ILIKE :pattern OR p.violation ILIKE :pattern)
      AND (CAST(:appealed AS boolean) IS NOT TRUE
        OR (a.appealed_at IS NOT NULL AND a.answered_at IS NULL))
      AND (p.decided_at, p.id) < (:before_at, :before_id)
    ORDER BY p.decided_at DESC, p.id DESC LIMIT :most
""")


async def penalty_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId | None = None,
    words: str = "",
    only_appealed: bool = False,
    only_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """The newest first; `state`: decided, appealed, upheld, reversed."""
    at, penalty_id = before or (None, LAST)
    asked = {
        "store_id": store_id,
        "words": words,
        "pattern": like(words),
        "appealed": only_appealed,
        "only_id": only_id,
        "before_at": at or "infinity",
        "before_id": penalty_id,
        "most": most,
    }
    return (await conn.execute(PENALTIES, asked)).all()


ORDERS = text("""
    SELECT p.order_id, p.facts, o.number, o.state, o.total_minor, o.currency, o.paid_at,
      o.shipped_at
    FROM penalty_orders p JOIN orders o ON o.store_id = p.store_id AND o.id = p.order_id
    WHERE p.store_id = :store_id AND p.penalty_id = :penalty_id ORDER BY o.paid_at, o.id
""")


async def penalty_orders(
    conn: AsyncConnection, *, store_id: StoreId, penalty_id: UUID
) -> Sequence[Any]:
    asked = {"store_id": store_id, "penalty_id": penalty_id}
    return (await conn.execute(ORDERS, asked)).all()


NAMED = text("""
    SELECT id, number, state, total_minor, paid_at, shipped_at FROM orders
    WHERE store_id = :store_id AND number = ANY(CAST(:numbers AS text[])) ORDER BY paid_at, id
""")


async def orders_named(
    conn: AsyncConnection, *, store_id: StoreId, numbers: Sequence[str]
) -> Sequence[Any]:
    asked = {"store_id": store_id, "numbers": list(numbers)}
    return (await conn.execute(NAMED, asked)).all()


STORES = text("""
    SELECT s.id, s.code, s.name_zh, s.name_en, s.currency, d.day, d.score_bp, d.facts,
      (SELECT count(*) FROM penalties p WHERE p.store_id = s.id AND p.reversed_at IS NULL
        AND p.decided_at > CAST(:at AS timestamptz) - interval '365 days') AS penalties,
      (SELECT p.measure FROM penalties p WHERE p.store_id = s.id AND p.reversed_at IS NULL
        AND p.measure_until > :at ORDER BY p.measure_until DESC LIMIT 1) AS measure
    FROM stores s LEFT JOIN LATERAL (
      SELECT day, score_bp, facts FROM store_scores c WHERE c.store_id = s.id
      ORDER BY day DESC LIMIT 1) d ON true
    WHERE s.state = 'open' AND s.id > :after
      AND (CAST(:words AS text) = '' OR s.name_zh ILIKE :pattern OR s.name_en ILIKE :pattern
        OR s.code ILIKE :pattern)
    ORDER BY s.id LIMIT :most
""")


async def store_rows(
    conn: AsyncConnection,
    *,
    at: datetime,
    words: str = "",
    after: UUID = FIRST,
    most: int,
) -> Sequence[Any]:
    """Open stores with their last score, penalties of a year, and what they may not do now."""
    asked = {
        "at": at,
        "words": words,
        "pattern": like(words),
        "after": after,
        "most": most,
    }
    return (await conn.execute(STORES, asked)).all()
