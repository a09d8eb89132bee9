"""A creator's live cart as a room shows it: every link with its price and stock of this moment."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, RoomId
from dougong.reads.link_sweep import StandingLink


class ShelfLink(msgspec.Struct, frozen=True):
    """A link of the live cart. `price_minor` is the cheapest variant's, or what was last seen
    elsewhere; `stock` counts all variants, None elsewhere. `go`: our address that leads there."""

    link_id: LinkId
    creator_id: UUID
    position: int
    source: str
    source_zh: str
    source_en: str
    route: str
    task_id: UUID | None
    store_id: UUID | None
    product_id: UUID | None
    outside_product_id: UUID | None
    title_zh: str
    title_en: str
    image_file: str | None
    category: str
    merchant_class: str
    price_minor: int | None
    currency: str | None
    stock: int | None
    is_on_sale: bool
    verdict_rule_id: UUID | None
    is_hidden: bool
    hidden_rule_id: UUID | None
    converts: bool
    reason_zh: str  # of the rule that hides it
    reason_en: str
    code: str

    @property
    def go(self) -> str | None:
        return f"/go/{self.code}" if self.outside_product_id else None

    def standing_link(self) -> StandingLink:
        """As sweeps judge it."""
        return StandingLink(
            self.link_id, self.creator_id, self.source, "live", self.category,
            self.merchant_class, self.is_hidden, self.hidden_rule_id, self.converts,
        )  # fmt: skip


SHELF = text("""
    SELECT l.id AS link_id, l.creator_id, l.position, l.source,
      COALESCE(f.name_zh, '') AS source_zh, COALESCE(f.name_en, '') AS source_en, l.route,
      l.task_id, l.store_id, l.product_id, l.outside_product_id,
      COALESCE(p.title_zh, o.title, '') AS title_zh, COALESCE(p.title_en, o.title, '') AS title_en,
      i.file AS image_file, COALESCE(NULLIF(l.category, ''), p.category, '') AS category,
      COALESCE(s.merchant_class, '') AS merchant_class,
      COALESCE(k.price_minor, o.price_minor) AS price_minor,
      CASE WHEN k.price_minor IS NULL THEN o.currency ELSE s.currency END AS currency, k.stock,
      COALESCE(p.state = 'active' AND s.state = 'open' AND k.price_minor IS NOT NULL,
        o.state = 'good', false) AS is_on_sale,
      l.verdict_rule_id, l.hidden_at IS NOT NULL AS is_hidden, l.hidden_rule_id,
      l.outside_product_id IS NOT NULL
        AND COALESCE(NULLIF(l.when_denied, 'default'), f.when_denied) = 'convert' AS converts,
      COALESCE(r.reason_zh, '') AS reason_zh, COALESCE(r.reason_en, '') AS reason_en, l.code
    FROM product_links l
    LEFT JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    LEFT JOIN stores s ON s.id = l.store_id
    LEFT JOIN outside_products o ON o.id = l.outside_product_id
    LEFT JOIN sources f ON f.code = l.source
    LEFT JOIN link_rules r ON r.id = l.hidden_rule_id
    LEFT JOIN product_images i ON i.store_id = l.store_id AND i.product_id = l.product_id
      AND i.position = 0
    LEFT JOIN LATERAL (
      SELECT min(u.price_minor) AS price_minor,
        COALESCE(sum(t.on_hand - t.reserved), 0)::int AS stock
      FROM skus u LEFT JOIN stock t ON t.store_id = u.store_id AND t.sku_id = u.id
      WHERE u.store_id = l.store_id AND u.product_id = l.product_id AND u.state = 'active'
    ) k ON l.store_id IS NOT NULL
    WHERE l.creator_id = :creator_id AND l.surface = 'live' AND l.removed_at IS NULL
      AND (CAST(:link_id AS uuid) IS NULL OR l.id = :link_id)
    ORDER BY l.position, l.id
""")


async def live_shelf(conn: AsyncConnection, *, creator_id: UUID) -> Sequence[ShelfLink]:
    """Every link that stands in the live cart, the hidden ones too, in the creator's order."""
    rows = await conn.execute(SHELF, {"creator_id": creator_id, "link_id": None})
    return [ShelfLink(**row._mapping) for row in rows]


async def shelf_link(conn: AsyncConnection, *, creator_id: UUID, link_id: UUID) -> ShelfLink | None:
    """One link of the live cart; None when it does not stand there."""
    asked = {"creator_id": creator_id, "link_id": link_id}
    row = (await conn.execute(SHELF, asked)).one_or_none()
    return ShelfLink(**row._mapping) if row else None


class OnAir(msgspec.Struct, frozen=True):
    room_id: RoomId
    creator_id: UUID


async def rooms_on_air(conn: AsyncConnection) -> Sequence[OnAir]:
    rows = await conn.execute(
        text("SELECT id, creator_id FROM live_rooms WHERE state IN ('live', 'paused') ORDER BY id")
    )
    return [OnAir(*row) for row in rows]


async def links_explained(conn: AsyncConnection) -> set[LinkId]:
    """The links that any room explains now."""
    rows = await conn.scalars(text("SELECT link_id FROM live_explanations WHERE ended_at IS NULL"))
    return {LinkId(one) for one in rows}
