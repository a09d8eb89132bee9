"""Links as the policy book judges them: page by page through all that stand."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId
from dougong.policy.rules import Facts, link_case


class StandingLink(msgspec.Struct, frozen=True):
    """A link that is not removed, with what rules match on."""

    id: LinkId
    creator_id: UUID
    source: str
    surface: str
    category: str
    merchant_class: str
    is_hidden: bool
    hidden_rule_id: UUID | None

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


# A link by task is judged by what was frozen when the task was agreed: no sweep looks at it.
STANDING = text("""
    SELECT l.id, l.creator_id, l.source, l.surface,
      COALESCE(NULLIF(l.category, ''), p.category, '') AS category,
      COALESCE(s.merchant_class, '') AS merchant_class,
      l.hidden_at IS NOT NULL AS is_hidden, l.hidden_rule_id
    FROM product_links l
    LEFT JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    LEFT JOIN stores s ON s.id = l.store_id
    WHERE l.removed_at IS NULL AND l.route = 'direct' AND l.id > :after
    ORDER BY l.id LIMIT :most
""")
FIRST = UUID(int=0)


async def standing_links(
    conn: AsyncConnection, *, after: UUID | None, most: int
) -> Sequence[StandingLink]:
    """The next links by id, which is by the time at which they were made."""
    rows = await conn.execute(STANDING, {"after": after or FIRST, "most": most})
    return [StandingLink(*row) for row in rows]


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
