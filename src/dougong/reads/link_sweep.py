"""Links as the policy book judges them: page by page through all that stand."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId
from dougong.policy.rules import Facts, link_case

Case = tuple[UUID, str, str, str, str]  # all that a verdict on a link depends on, but the instant


class StandingLink(msgspec.Struct, frozen=True):
    """A link that is not removed, with what rules match on. `converts`: an own-store offer is to
    stand in for it while it is denied."""

    id: LinkId
    creator_id: UUID
    source: str
    surface: str
    category: str
    merchant_class: str
    is_hidden: bool
    hidden_rule_id: UUID | None
    converts: bool = False

    @property
    def case(self) -> Case:
        return self.creator_id, self.source, self.surface, self.category, self.merchant_class

    def facts(self, at: datetime) -> Facts:
        return link_case(
            source=self.source,
            surface=self.surface,
            category=self.category,
            route="direct",
            creator=str(self.creator_id),
            merchant_class=self.merchant_class,
            at=at,
        )


class Page(msgspec.Struct, frozen=True):
    """`links`: those of the page that stand. `after`: the last link of it, None where it was empty;
    `is_last`: none comes behind it."""

    links: Sequence[StandingLink]
    after: LinkId | None
    is_last: bool


# A link by task is judged by what was frozen when the task was agreed: no sweep looks at it. The
# page is cut by the key alone, before anything else is asked: a plan that finds "all that stand"
# first, as it may without statistics, reads the whole table for every page.
PAGE = text("""
    WITH page AS MATERIALIZED (
      SELECT id, creator_id, store_id, product_id, source, surface, category, hidden_at,
        hidden_rule_id, when_denied, outside_product_id IS NOT NULL AS can,
        removed_at IS NULL AND route = 'direct' AS stands
      FROM product_links WHERE id > :after ORDER BY id LIMIT :most
    )
    SELECT l.id, l.creator_id, l.source, l.surface,
      COALESCE(NULLIF(l.category, ''), p.category, '') AS category,
      COALESCE(s.merchant_class, '') AS merchant_class,
      l.hidden_at IS NOT NULL AS is_hidden, l.hidden_rule_id,
      l.can AND COALESCE(NULLIF(l.when_denied, 'default'), f.when_denied) = 'convert' AS converts,
      l.stands
    FROM page l
    LEFT JOIN sources f ON f.code = l.source
    LEFT JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    LEFT JOIN stores s ON s.id = l.store_id
    ORDER BY l.id
""")
FIRST = UUID(int=0)


async def standing_links(conn: AsyncConnection, *, after: UUID | None, most: int) -> Page:
    """The next page of links by id, which is by the time at which they were made."""
    rows = (await conn.execute(PAGE, {"after": after or FIRST, "most": most})).all()
    links = [StandingLink(*row[:-1]) for row in rows if row.stands]
    return Page(links, rows[-1].id if rows else None, len(rows) < most)


OF_PRODUCT = text("""
    SELECT l.id, l.creator_id, l.source, l.surface,
      COALESCE(NULLIF(l.category, ''), p.category) AS category, s.merchant_class,
      l.hidden_at IS NOT NULL AS is_hidden, l.hidden_rule_id
    FROM product_links l
    JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    JOIN stores s ON s.id = l.store_id
    WHERE l.store_id = :store_id AND l.product_id = :product_id
      AND l.removed_at IS NULL AND l.route = 'direct'
""")


async def links_of_product(
    conn: AsyncConnection, *, store_id: UUID, product_id: UUID
) -> Sequence[StandingLink]:
    """The links of one product of a store, those by task left out."""
    rows = await conn.execute(OF_PRODUCT, {"store_id": store_id, "product_id": product_id})
    return [StandingLink(*row) for row in rows]


OF_ID = text("""
    SELECT l.id, l.creator_id, l.source, l.surface, l.category, '' AS merchant_class,
      l.hidden_at IS NOT NULL AS is_hidden, l.hidden_rule_id,
      COALESCE(NULLIF(l.when_denied, 'default'), f.when_denied) = 'convert' AS converts
    FROM product_links l JOIN sources f ON f.code = l.source
    WHERE l.id = :link_id AND l.outside_product_id IS NOT NULL
      AND l.removed_at IS NULL AND l.route = 'direct'
""")


async def one_link(conn: AsyncConnection, *, link_id: UUID) -> Sequence[StandingLink]:
    """A link to another platform, unless it is by task."""
    return [StandingLink(*row) for row in await conn.execute(OF_ID, {"link_id": link_id})]
