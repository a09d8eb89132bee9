"""What the books and counts say about a round's components, day by day of the platform's zone."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK
from dougong.base.time import local_day
from dougong.infra.settings import settings
from dougong.partners.delivery_commands import Day, Origin
from dougong.partners.rules import Component, ComponentKind, Terms, Unit
from dougong.reads.partner_rounds import RoundNames, round_names, signed_terms, sources_of

PIECES = 12  # of a round's time, for its shape


class Found(msgspec.Struct, frozen=True):
    """All days of one origin."""

    origin: Origin
    days: list[Day]


SPENT = text("""
    SELECT CAST(e.counts_at AT TIME ZONE :zone AS date) AS day,
      sum(CASE WHEN dst.purpose = 'platform_ad_revenue' THEN t.amount_minor
        ELSE -t.amount_minor END)::bigint AS amount
    FROM ledger_accounts mine
    JOIN ledger_transfers t ON t.store_id = mine.store_id AND mine.id IN (t.src, t.dst)
    JOIN ledger_entries e ON e.store_id = t.store_id AND e.id = t.entry_id
    JOIN ledger_accounts src ON src.store_id = t.store_id AND src.id = t.src
    JOIN ledger_accounts dst ON dst.store_id = t.store_id AND dst.id = t.dst
    WHERE mine.store_id = :book AND mine.owner_id = :partner_id
      AND mine.purpose IN ('partner_receivable', 'advertiser_funds') AND mine.currency = :currency
      AND 'platform_ad_revenue' IN (src.purpose, dst.purpose)
      AND e.counts_at >= :since AND e.counts_at < :until
    GROUP BY 1 ORDER BY 1
""")
CLICKED = text("""
    SELECT CAST(at AT TIME ZONE :zone AS date) AS day, count(*)::bigint AS amount FROM clicks
    WHERE source = ANY(CAST(:sources AS text[])) AND validity = 'valid'
      AND at >= :since AND at < :until
    GROUP BY 1 ORDER BY 1
""")
ORDERED = text("""
    SELECT CAST(paid_at AT TIME ZONE :zone AS date) AS day, count(*)::bigint AS amount
    FROM referral_orders
    WHERE source = ANY(CAST(:sources AS text[])) AND state <> 'closed'
      AND paid_at >= :since AND paid_at < :until
    GROUP BY 1 ORDER BY 1
""")
SOLD = text("""
    SELECT CAST(paid_at AT TIME ZONE :zone AS date) AS day, sum(paid_minor)::bigint AS amount
    FROM referral_orders
    WHERE source = ANY(CAST(:sources AS text[])) AND state <> 'closed' AND currency = :currency
      AND paid_at >= :since AND paid_at < :until
    GROUP BY 1 ORDER BY 1
""")
# Which book knows which promise; what none knows is recorded by hand.
BOOKS: dict[tuple[ComponentKind, Unit], tuple[Origin, TextClause]] = {
    (ComponentKind.ADVERTISING, Unit.SPEND): ("books", SPENT),
    (ComponentKind.ECOMMERCE_TRAFFIC, Unit.CLICKS): ("clicks", CLICKED),
    (ComponentKind.ECOMMERCE_TRAFFIC, Unit.ORDERS): ("referrals", ORDERED),
    (ComponentKind.ECOMMERCE_TRAFFIC, Unit.GMV): ("referrals", SOLD),
}


async def days_of(
    conn: AsyncConnection,
    *,
    names: RoundNames,
    terms: Terms,
    component: Component,
    until: datetime,
) -> Found | None:
    """Every day from the period's start to `until` (or its end) that brought something; None where
    no book of ours knows it."""
    known = BOOKS.get((component.kind, component.unit))
    if known is None:
        return None
    origin, question = known
    sources = [one.code for one in await sources_of(conn, partner_id=names.partner_id)]
    asked = {
        "zone": settings().timezone,
        "book": PLATFORM_BOOK,
        "partner_id": names.partner_id,
        "currency": terms.currency,
        "sources": sources,
        "since": terms.starts,
        "until": min(until, names.ends_at or terms.ends),
    }
    taken = {name: asked[name] for name in question.compile().params}
    rows = (await conn.execute(question, taken)).all()
    return Found(origin, [Day(row.day, row.amount) for row in rows if row.amount])


RECORDED = text("""
    SELECT day, sum(amount)::bigint AS amount FROM partner_deliveries
    WHERE round_id = :round_id AND component = :component GROUP BY day ORDER BY day
""")


async def recorded_days(conn: AsyncConnection, *, round_id: UUID, component: str) -> list[Day]:
    """What was recorded, all origins together."""
    rows = await conn.execute(RECORDED, {"round_id": round_id, "component": component})
    return [Day(row.day, row.amount) for row in rows]


async def months_of_last(
    conn: AsyncConnection, *, names: RoundNames, component: Component
) -> list[int]:
    """What the last round's same component brought in each twelfth of its time; empty where it was
    none, or was counted otherwise."""
    if names.previous_id is None:
        return []
    last = await round_names(conn, round_id=names.previous_id)
    terms = await signed_terms(conn, round_id=names.previous_id)
    same = terms.component(component.kind) if terms else None
    if last is None or terms is None or same is None or same.unit is not component.unit:
        return []
    days = await recorded_days(conn, round_id=last.round_id, component=component.kind)
    return pieces(days, terms.starts, last.ends_at or terms.ends)


def pieces(days: Sequence[Day], starts: datetime, ends: datetime) -> list[int]:
    """Days summed by twelfths of [starts, ends)."""
    zone = ZoneInfo(settings().timezone)
    first, last = local_day(starts, zone), local_day(ends, zone)
    whole = max(1, (last - first).days)
    found = [0] * PIECES
    for one in days:
        place = (one.day - first).days * PIECES // whole
        found[min(max(place, 0), PIECES - 1)] += one.amount
    return found
