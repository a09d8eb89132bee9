"""Writes what looks at linked products found."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.money import Money
from dougong.infra import events
from dougong.links.recheck_rules import Finding, Known, Outcome

# A look that nobody came back from is repeated after that.
CLAIMED_FOR = timedelta(minutes=10)
UNLINKED_FOR = timedelta(days=7)


class Due(NamedTuple):
    """A product whose turn it is."""

    id: UUID
    source: str
    url: str
    known: Known
    failures: int


class Owner(NamedTuple):
    """A creator with links of one kind to a product."""

    creator_id: UUID
    surface: str
    category: str
    links: int


# Of each source a few, so that a big one does not keep the others waiting. What no link shows is
# put off without a call.
CLAIM = text("""
    WITH turn AS (
      SELECT id FROM (
        SELECT id, check_after, row_number() OVER (PARTITION BY source ORDER BY check_after) AS n
        FROM outside_products WHERE state = 'good' AND check_after <= :at
      ) due WHERE n <= :each ORDER BY check_after LIMIT :most
    ),
    taken AS (
      SELECT o.id, EXISTS (
        SELECT FROM product_links l WHERE l.outside_product_id = o.id AND l.removed_at IS NULL
      ) AS is_linked
      FROM outside_products o JOIN turn USING (id)
    )
    UPDATE outside_products o SET check_after = CASE WHEN t.is_linked
        THEN CAST(:at AS timestamptz) + CAST(:claimed AS interval)
        ELSE CAST(:at AS timestamptz) + CAST(:unlinked AS interval) END
    FROM taken t WHERE o.id = t.id AND o.state = 'good' AND o.check_after <= :at
    RETURNING o.id, o.source, o.url, o.item_id, o.title, o.gtin, o.price_minor, o.currency,
      o.failures, t.is_linked
""")

NOTE = text("""
    UPDATE outside_products SET
      state = CASE WHEN :finding IN ('gone', 'moved', 'swapped') THEN :finding ELSE state END,
      price_minor = COALESCE(:price_minor, price_minor), currency = COALESCE(:currency, currency),
      seen_at = CASE WHEN :finding = 'same' THEN CAST(:at AS timestamptz) ELSE seen_at END,
      checked_at = :at, check_after = :check_after, failures = :failures
    WHERE id = :id AND state = 'good'
""")

OWNERS = text("""
    SELECT creator_id, surface, category, count(*) AS links FROM product_links
    WHERE outside_product_id = :id AND removed_at IS NULL
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")


async def claim_due(conn: AsyncConnection, *, at: datetime, most: int, each: int) -> list[Due]:
    """Up to `most` products whose turn it is, of one source up to `each`; nobody else gets them
    for ten minutes."""
    asked = {"at": at, "most": most, "each": each}
    spans = {"claimed": CLAIMED_FOR, "unlinked": UNLINKED_FOR}
    rows = (await conn.execute(CLAIM, asked | spans)).all()
    return [
        Due(row.id, row.source, row.url, _known(row), row.failures) for row in rows if row.is_linked
    ]


def _known(row: object) -> Known:
    item_id, title, gtin, minor, currency = (
        getattr(row, name) for name in ("item_id", "title", "gtin", "price_minor", "currency")
    )
    return Known(item_id, title, gtin, None if minor is None else Money(minor, currency))


async def note_check(
    conn: AsyncConnection, *, due: Due, outcome: Outcome, at: datetime
) -> list[Owner]:
    """Keep what was found. A product that is not what its links promise shows on none of them any
    more; answers whose links those are."""
    price = outcome.price
    row = {
        "id": due.id,
        "finding": outcome.finding,
        "price_minor": price.minor if price else None,
        "currency": price.currency if price else None,
        "failures": outcome.failures,
        "check_after": outcome.check_after,
        "at": at,
    }
    if (await conn.execute(NOTE, row)).rowcount != 1:
        return []  # somebody published it anew meanwhile
    if price and price != due.known.price:
        facts = {
            "source": due.source,
            "before_minor": due.known.price.minor if due.known.price else None,
            "now_minor": price.minor,
            "currency": price.currency,
        }
        await events.record(
            conn, "links.outside_price_changed", subject_id=due.id, at=at, facts=facts
        )
    if outcome.finding not in (Finding.GONE, Finding.MOVED, Finding.SWAPPED):
        return []
    return [Owner(*row) for row in await conn.execute(OWNERS, {"id": due.id})]
