"""What could stand in for links that rules deny: our own offers of the same product."""

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class StandIn(msgspec.Struct, frozen=True):
    """An offer of ours, on sale here, that could stand in for a link."""

    link_id: UUID
    creator_id: UUID
    surface: str
    store_id: UUID
    product_id: UUID
    category: str
    merchant_class: str


# The one that was chosen by hand, or those with the same GTIN in any of its lengths, the cheapest
# first; none that is bought elsewhere, or is on the video or in the live cart already.
STAND_INS = text("""
    SELECT l.id AS link_id, l.creator_id, l.surface, p.store_id, p.id AS product_id, p.category,
      s.merchant_class
    FROM product_links l
    JOIN outside_products o ON o.id = l.outside_product_id
    CROSS JOIN LATERAL (
      SELECT l.instead_store_id AS store_id, l.instead_product_id AS product_id
      WHERE l.instead_product_id IS NOT NULL
      UNION
      SELECT g.store_id, g.product_id
      FROM (VALUES (8), (12), (13), (14)) AS digits (n)
      JOIN skus g ON g.gtin = lpad(ltrim(o.gtin, '0'), digits.n, '0') AND g.state = 'active'
      WHERE l.instead_product_id IS NULL AND length(ltrim(o.gtin, '0')) <= digits.n
    ) AS same
    JOIN products p ON p.store_id = same.store_id AND p.id = same.product_id
      AND p.state = 'active' AND p.purchase_url IS NULL
    JOIN stores s ON s.id = p.store_id AND s.state = 'open'
    JOIN LATERAL (
      SELECT min(price_minor) AS price_minor FROM skus
      WHERE store_id = p.store_id AND product_id = p.id AND state = 'active'
    ) AS k ON k.price_minor IS NOT NULL
    WHERE l.id = ANY(CAST(:link_ids AS uuid[])) AND l.removed_at IS NULL
      AND NOT EXISTS (SELECT FROM product_links t
        WHERE t.converts_link = l.id AND t.removed_at IS NULL)
      AND NOT EXISTS (SELECT FROM product_links t
        WHERE t.store_id = p.store_id AND t.product_id = p.id AND t.removed_at IS NULL
          AND (t.video_id = l.video_id OR (l.surface = 'live' AND t.surface = 'live'
            AND t.creator_id = l.creator_id)))
    ORDER BY l.id, k.price_minor, p.id
""")


async def stand_ins(conn: AsyncConnection, *, link_ids: Collection[UUID]) -> Sequence[StandIn]:
    """Every offer for every link that nothing stands in for yet, the cheapest of each first."""
    rows = await conn.execute(STAND_INS, {"link_ids": list(link_ids)})
    return [StandIn(*row) for row in rows]
