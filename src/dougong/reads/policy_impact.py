"""What a drafted rule would change: which links, creators, merchants and tasks are under another
verdict, and which orders of the last days, here and elsewhere, would have paid another fee.

Nothing that was agreed is touched by a rule. The preview judges what stands now, and what was sold
lately, once by the book and once by the book with the draft in it, at the instant of its start.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.money import part_of
from dougong.infra.settings import settings
from dougong.policy.queries import RuleBook, rules_book
from dougong.policy.rules import (
    FEE_KINDS,
    LINK_KINDS,
    PRECEDENCE,
    Facts,
    Rule,
    RuleKind,
    link_case,
    link_verdict,
)
from dougong.reads.impact_elsewhere import fees_elsewhere

DAYS = 28


class Owner(msgspec.Struct):
    """One creator or merchant, and what would change for it. `before_minor`, `after_minor`: fees
    on what it sold in the last days, by the book and by the book with the draft."""

    id: UUID
    kind: str
    name_zh: str
    name_en: str
    denied: int = 0
    allowed: int = 0
    clicks: int = 0
    orders: int = 0
    paid_minor: int = 0
    before_minor: int = 0
    after_minor: int = 0


class Impact(msgspec.Struct):
    """`denied`, `allowed`: links that would be hidden, or shown again. `tasks`: agreed ones that
    fall under the rule's columns and keep their terms. `by_day`: local day to orders and money."""

    at: datetime
    looked: int = 0
    denied: int = 0
    allowed: int = 0
    tasks: int = 0
    owners: list[Owner] = []
    by_day: dict[date, list[int]] = {}
    currency: str = "CNY"


GROUPS = text("""
    SELECT l.creator_id, l.store_id, l.source, l.surface,
      COALESCE(NULLIF(l.category, ''), p.category, '') AS category,
      COALESCE(s.merchant_class, '') AS merchant_class, s.org_id AS merchant_id, count(*) AS links
    FROM product_links l
    LEFT JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    LEFT JOIN stores s ON s.id = l.store_id
    WHERE l.removed_at IS NULL AND l.route = 'direct'
    GROUP BY 1, 2, 3, 4, 5, 6, 7
""")

# What links of a group brought in the last days, by local day: here, and at other platforms.
BROUGHT = text("""
    WITH link AS (
      SELECT l.id, l.creator_id, l.store_id, l.source, l.surface,
        COALESCE(NULLIF(l.category, ''), p.category, '') AS category
      FROM product_links l
      LEFT JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
      WHERE l.removed_at IS NULL AND l.route = 'direct'
    ), click AS (
      SELECT link_id, (at AT TIME ZONE :zone)::date AS day, count(*) AS clicks
      FROM clicks WHERE at >= :since AND validity = 'valid' GROUP BY 1, 2
    ), bought AS (
      SELECT x.link_id, (o.paid_at AT TIME ZONE :zone)::date AS day,
        count(DISTINCT o.id) AS orders, sum(x.paid_minor)::bigint AS paid_minor
      FROM orders o JOIN order_lines x ON x.store_id = o.store_id AND x.order_id = o.id
      WHERE o.paid_at >= :since AND x.link_id IS NOT NULL GROUP BY 1, 2
      UNION ALL
      SELECT c.link_id, (o.paid_at AT TIME ZONE :zone)::date, count(*), sum(o.paid_minor)::bigint
      FROM referral_orders o JOIN referral_rulings r ON r.id = o.ruling_id
      JOIN referral_claims c ON c.id = r.claim_id
      WHERE o.paid_at >= :since AND o.state <> 'closed' AND c.link_id IS NOT NULL GROUP BY 1, 2
    ), sold AS (
      SELECT link_id, day, sum(orders)::bigint AS orders, sum(paid_minor)::bigint AS paid_minor
      FROM bought GROUP BY 1, 2
    )
    SELECT k.creator_id, k.store_id, k.source, k.surface, k.category,
      COALESCE(c.day, s.day) AS day, COALESCE(sum(c.clicks), 0)::bigint AS clicks,
      COALESCE(sum(s.orders), 0)::bigint AS orders,
      COALESCE(sum(s.paid_minor), 0)::bigint AS paid_minor
    FROM click c FULL JOIN sold s USING (link_id, day)
    JOIN link k ON k.id = COALESCE(c.link_id, s.link_id)
    GROUP BY 1, 2, 3, 4, 5, 6
""")

SOLD = text("""
    SELECT s.org_id AS merchant_id, s.merchant_class, x.category,
      COALESCE(l.surface, 'search') AS surface, COALESCE(l.route, 'direct') AS route,
      (o.paid_at AT TIME ZONE :zone)::date AS day, count(DISTINCT o.id) AS orders,
      sum(x.paid_minor)::bigint AS paid_minor
    FROM orders o
    JOIN order_lines x ON x.store_id = o.store_id AND x.order_id = o.id AND x.kind = 'goods'
    JOIN stores s ON s.id = o.store_id
    LEFT JOIN product_links l ON l.id = x.link_id
    WHERE o.paid_at >= :since AND s.currency = :currency
    GROUP BY 1, 2, 3, 4, 5, 6
""")

TASKS = text("""
    SELECT count(*) FROM task_agreements
    WHERE state = 'agreed' AND ends_at > :at AND :source IN ('*', source)
      AND :surface IN ('*', surface)
      AND (:category IN ('*', category) OR starts_with(category, :category || '/'))
""")

NAMES = text("""
    SELECT id, kind, name AS name_zh, name_en FROM organisations
    WHERE id = ANY(CAST(:ids AS uuid[]))
""")


async def impact_of(
    conn: AsyncConnection, *, rule: Rule, now: datetime, days: int = DAYS
) -> Impact:
    """What stands now and what the last `days` sold, under the draft from its start on."""
    at = max(rule.starts, now)
    book = await rules_book(conn, fresh=True)
    others = [one for one in book.rules if one.id != rule.id and not _same_cases(one, rule)]
    drafted = RuleBook([*others, rule])
    found = Impact(at=at, owners=[], by_day={}, currency=settings().currency)
    asked = {"since": now - timedelta(days=days), "zone": settings().timezone}
    if rule.kind in LINK_KINDS:
        await _links(conn, found, book, drafted, asked)
        columns = {c: getattr(rule, c) for c in ("source", "surface", "category")}
        found.tasks = int(await conn.scalar(TASKS, {**columns, "at": at}) or 0)
    elif rule.kind in FEE_KINDS:
        await _fees(conn, found, rule.kind, book, drafted, asked)
    await _name(conn, found)
    return found


def _same_cases(one: Rule, other: Rule) -> bool:
    """Rows for the very same cases: the draft can only be approved once that one has ended."""
    names = ("kind", *PRECEDENCE)
    return all(getattr(one, name) == getattr(other, name) for name in names)


async def _links(
    conn: AsyncConnection, found: Impact, book: RuleBook, drafted: RuleBook, asked: dict[str, Any]
) -> None:
    owners: dict[UUID, Owner] = {}
    changed: set[tuple[Any, ...]] = set()
    for row in await conn.execute(GROUPS):
        found.looked += row.links
        facts = link_case(
            source=row.source, surface=row.surface, category=row.category, route="direct",
            creator=str(row.creator_id), merchant_class=row.merchant_class, at=found.at,
        )  # fmt: skip
        before = link_verdict(facts, book.decide(facts).rule).allowed
        after = link_verdict(facts, drafted.decide(facts).rule).allowed
        if before == after:
            continue
        changed.add((row.creator_id, row.store_id, row.source, row.surface, row.category))
        for owner_id in filter(None, (row.creator_id, row.merchant_id)):
            owner = owners.setdefault(owner_id, Owner(owner_id, "", "", ""))
            owner.denied += 0 if after else row.links
            owner.allowed += row.links if after else 0
        found.denied += 0 if after else row.links
        found.allowed += row.links if after else 0
    if changed:
        for row in await conn.execute(BROUGHT, asked):
            if tuple(row[:5]) not in changed:
                continue
            owner = owners[row.creator_id]
            owner.clicks += row.clicks
            owner.orders += row.orders
            owner.paid_minor += row.paid_minor
            day = found.by_day.setdefault(row.day, [0, 0, 0])
            for n, value in enumerate((row.clicks, row.orders, row.paid_minor)):
                day[n] += value
    found.owners = sorted(owners.values(), key=lambda o: (-o.denied - o.allowed, o.id))


async def _fees(
    conn: AsyncConnection,
    found: Impact,
    kind: str,
    book: RuleBook,
    drafted: RuleBook,
    asked: dict[str, Any],
) -> None:
    owners: dict[UUID, Owner] = {}
    asked = asked | {"currency": found.currency}
    for row in await conn.execute(SOLD, asked):
        facts = Facts(
            kind=kind, source="own", surface=row.surface, category=row.category, route=row.route,
            party_class="merchant", party=str(row.merchant_id),
            merchant_class=row.merchant_class, at=found.at,
        )  # fmt: skip
        found.looked += row.orders
        before, after = (_rate(one, facts) for one in (book, drafted))
        if before == after:
            continue
        owner = owners.setdefault(row.merchant_id, Owner(row.merchant_id, "", "", ""))
        was, will = part_of(row.paid_minor, before), part_of(row.paid_minor, after)
        _count(found, owner, row, was, will)
    looked, elsewhere = await fees_elsewhere(
        conn, kind=RuleKind(kind), book=book, drafted=drafted, at=found.at, asked=asked
    )
    found.looked += looked
    for one in elsewhere:
        owner = owners.setdefault(one.creator_id, Owner(one.creator_id, "", "", ""))
        _count(found, owner, one, one.before_minor, one.after_minor)
    found.owners = sorted(
        owners.values(), key=lambda o: (-abs(o.after_minor - o.before_minor), o.id)
    )


def _count(found: Impact, owner: Owner, row: Any, was: int, will: int) -> None:
    """Orders of one day whose fee was `was`, and would be `will`."""
    owner.orders += row.orders
    owner.paid_minor += row.paid_minor
    owner.before_minor += was
    owner.after_minor += will
    day = found.by_day.setdefault(row.day, [0, 0, 0])
    for n, value in enumerate((row.orders, was, will)):
        day[n] += value


def _rate(book: RuleBook, facts: Facts) -> int:
    rule = book.decide(facts).rule
    return rule.value if rule else 0


async def _name(conn: AsyncConnection, found: Impact) -> None:
    rows: Sequence[Any] = (
        await conn.execute(NAMES, {"ids": [owner.id for owner in found.owners]})
    ).all()
    named: dict[UUID, Any] = defaultdict(lambda: None, {row.id: row for row in rows})
    for owner in found.owners:
        if row := named[owner.id]:
            owner.kind, owner.name_zh, owner.name_en = row.kind, row.name_zh, row.name_en
