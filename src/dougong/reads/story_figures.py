"""What a played story tells of itself: links, taps, orders, and what each party has earned."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class ShownLink(msgspec.Struct, frozen=True):
    link_id: UUID
    code: str
    source: str
    surface: str
    product_id: UUID | None


class StoryClick(msgspec.Struct, frozen=True):
    """A click that counts, with what its report will name."""

    link_id: UUID
    source: str
    sub_id: str
    at: datetime
    item_id: str
    category: str


SHOWN = text("""
    SELECT l.id, l.code, l.source, l.surface, l.product_id FROM product_links l
    JOIN organisations o ON o.id = l.creator_id
    LEFT JOIN outside_products x ON x.id = l.outside_product_id
    WHERE l.removed_at IS NULL AND l.hidden_at IS NULL
    ORDER BY o.handle, l.surface, l.source, l.published_at, x.item_id, l.category, l.route
""")

CLICKS = text("""
    SELECT c.link_id, c.source, c.sub_id, c.at, COALESCE(x.item_id, p.code) AS item_id,
      split_part(l.category, '/', 1) AS category
    FROM clicks c
    JOIN product_links l ON l.id = c.link_id
    JOIN organisations o ON o.id = l.creator_id
    LEFT JOIN outside_products x ON x.id = l.outside_product_id
    LEFT JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    WHERE c.validity = 'valid' AND c.sub_id IS NOT NULL AND c.at >= :since AND c.at < :until
    ORDER BY c.at, o.handle, x.item_id
""")


async def shown_links(conn: AsyncConnection) -> Sequence[ShownLink]:
    return [ShownLink(*row) for row in await conn.execute(SHOWN)]


async def clicks_between(
    conn: AsyncConnection, *, since: datetime, until: datetime
) -> Sequence[StoryClick]:
    rows = await conn.execute(CLICKS, {"since": since, "until": until})
    return [StoryClick(*row) for row in rows]


class Figures(msgspec.Struct, frozen=True):
    """As of one instant. Money in minor units of CNY.

    `shown`, `hidden`: links by source. `balances`: what each purpose has gained so far. Counts
    and sums are of the window; `estimated_minor` is what the orders outside may bring.
    """

    shown: dict[str, int]
    hidden: dict[str, int]
    clicks: int
    invalid: int
    orders_outside: int
    paid_outside_minor: int
    estimated_minor: int
    orders_own: int
    paid_own_minor: int
    balances: dict[str, int]


LINKS = text("""
    SELECT source, count(*) FILTER (WHERE hidden_at IS NULL) AS shown,
      count(*) FILTER (WHERE hidden_at IS NOT NULL) AS hidden
    FROM product_links WHERE removed_at IS NULL GROUP BY source ORDER BY source
""")

WINDOW = text("""
    SELECT
      (SELECT count(*) FROM clicks WHERE at >= :since AND at < :until AND validity = 'valid'),
      (SELECT count(*) FROM clicks WHERE at >= :since AND at < :until AND validity <> 'valid'),
      (SELECT count(*) FROM referral_orders WHERE paid_at >= :since AND paid_at < :until),
      (SELECT COALESCE(sum(paid_minor), 0)::bigint FROM referral_orders
       WHERE paid_at >= :since AND paid_at < :until AND state <> 'closed'),
      (SELECT COALESCE(sum(estimated_minor), 0)::bigint FROM referral_orders
       WHERE paid_at >= :since AND paid_at < :until AND state <> 'closed'),
      (SELECT count(*) FROM orders WHERE paid_at >= :since AND paid_at < :until),
      (SELECT COALESCE(sum(total_minor), 0)::bigint FROM orders
       WHERE paid_at >= :since AND paid_at < :until)
""")

# What each purpose has gained, over all books.
BALANCES = text("""
    SELECT purpose, sum(amount)::bigint AS minor FROM (
      SELECT a.purpose, t.amount_minor AS amount FROM ledger_transfers t
      JOIN ledger_accounts a ON a.store_id = t.store_id AND a.id = t.dst
      UNION ALL
      SELECT a.purpose, -t.amount_minor FROM ledger_transfers t
      JOIN ledger_accounts a ON a.store_id = t.store_id AND a.id = t.src
    ) moves GROUP BY purpose ORDER BY purpose
""")


async def figures(conn: AsyncConnection, *, since: datetime, until: datetime) -> Figures:
    links: Sequence[Any] = (await conn.execute(LINKS)).all()
    window = (await conn.execute(WINDOW, {"since": since, "until": until})).one()
    balances = {row.purpose: row.minor for row in await conn.execute(BALANCES)}
    clicks, invalid, outside, paid_outside, estimated, own, paid_own = window
    return Figures(
        shown={row.source: row.shown for row in links},
        hidden={row.source: row.hidden for row in links if row.hidden},
        clicks=clicks,
        invalid=invalid,
        orders_outside=outside,
        paid_outside_minor=paid_outside,
        estimated_minor=estimated,
        orders_own=own,
        paid_own_minor=paid_own,
        balances=balances,
    )


TOLD = text("""
    SELECT o.handle, (e.facts ->> 'links')::int AS links, e.facts ->> 'reason_en' AS reason
    FROM events e JOIN organisations o ON o.id = e.subject_id
    WHERE e.kind = 'links.links_hidden' AND e.at >= :since ORDER BY o.handle, reason
""")


async def told_since(conn: AsyncConnection, *, since: datetime) -> Sequence[Any]:
    """Owners who heard that links were hidden: `handle`, `links`, `reason`."""
    return (await conn.execute(TOLD, {"since": since})).all()


EARNED = text("""
    SELECT o.handle, sum(CASE WHEN a.id = t.dst THEN t.amount_minor ELSE -t.amount_minor END)
      ::bigint AS minor
    FROM ledger_accounts a
    JOIN ledger_transfers t ON t.store_id = a.store_id AND a.id IN (t.src, t.dst)
    JOIN organisations o ON o.id = a.owner_id
    WHERE a.purpose = 'creator_payable' GROUP BY o.handle ORDER BY o.handle
""")


async def earned_by_creator(conn: AsyncConnection) -> dict[str, int]:
    """Handle to what has been settled for the creator, over all books."""
    return {row.handle: row.minor for row in await conn.execute(EARNED)}
