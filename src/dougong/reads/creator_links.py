"""A creator's product links: what each earns per sale, its clicks and orders; what can be linked.

"You earn" is computed by the rules that an order placed now would freeze: the merchant's offer (or
the rule) capped by what fees leave, less the platform's cut, on the cheapest variant's price.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import VideoId
from dougong.base.money import part_of
from dougong.infra.db import like_literal
from dougong.orders.rules import capped_rate
from dougong.policy.queries import RuleBook, rules_book
from dougong.policy.rules import Facts, RuleKind
from dougong.reads.day_figures import sold


class Earning(msgspec.Struct, frozen=True):
    """What one sale of one unit brings its creator: basis points, and minor units."""

    commission_bp: int
    cut_bp: int
    earn_minor: int


class Linkable(msgspec.Struct, frozen=True):
    """A product that can be put on a video."""

    store_id: UUID
    product_id: UUID
    store_zh: str
    store_en: str
    title_zh: str
    title_en: str
    image_file: str | None
    currency: str
    price_minor: int
    in_stock: int
    earning: Earning


class CreatorLink(msgspec.Struct, frozen=True):
    """A link with its figures. `estimated_minor`: the creator's shares on amounts paid.
    `instead_of`: the product at another platform whose hidden link it stands in for."""

    link_id: UUID
    video_id: UUID
    caption_zh: str
    caption_en: str
    position: int
    product: Linkable
    is_on_sale: bool
    published_at: datetime
    clicks: int
    orders: int
    estimated_minor: int
    instead_of: str | None

    @property
    def conversion_bp(self) -> int:
        """Orders per click in basis points; at most all, 0 without clicks."""
        return min(self.orders * 10_000 // self.clicks, 10_000) if self.clicks else 0


def earning(
    book: RuleBook,
    *,
    price_minor: int,
    offered_bp: int | None,
    category: str,
    merchant_id: UUID,
    merchant_class: str,
    at: datetime,
) -> Earning:
    """What the creator gets of one unit sold from a video at this price."""

    def rate(kind: RuleKind) -> int:
        facts = Facts(
            kind=kind,
            source="own",
            surface="video",
            category=category,
            route="direct",
            party_class="merchant",
            party=str(merchant_id),
            merchant_class=merchant_class,
            at=at,
        )
        rule = book.decide(facts).rule
        return rule.value if rule else 0

    wanted = rate(RuleKind.CREATOR_COMMISSION) if offered_bp is None else offered_bp
    commission_bp = capped_rate(
        wanted, rate(RuleKind.PAYMENT_COST), rate(RuleKind.PLATFORM_SERVICE_FEE)
    )
    cut_bp = rate(RuleKind.COMMISSION_CUT)
    commission = part_of(price_minor, commission_bp)
    return Earning(commission_bp, cut_bp, commission - part_of(commission, cut_bp))


def _linkable(row: Any, book: RuleBook, at: datetime) -> Linkable:
    return Linkable(
        store_id=row.store_id,
        product_id=row.product_id,
        store_zh=row.store_zh,
        store_en=row.store_en,
        title_zh=row.title_zh,
        title_en=row.title_en,
        image_file=row.image_file,
        currency=row.currency,
        price_minor=row.price_minor or 0,
        in_stock=row.in_stock,
        earning=earning(
            book,
            price_minor=row.price_minor or 0,
            offered_bp=row.commission_bp,
            category=row.category,
            merchant_id=row.merchant_id,
            merchant_class=row.merchant_class,
            at=at,
        ),
    )


SEARCH = text("""
    SELECT p.store_id, p.id AS product_id, s.name_zh AS store_zh, s.name_en AS store_en,
      p.title_zh, p.title_en, p.category, p.commission_bp, s.currency, s.merchant_class,
      s.org_id AS merchant_id, k.price_minor, k.in_stock, i.file AS image_file
    FROM products p
    JOIN stores s ON s.id = p.store_id AND s.state = 'open'
    JOIN LATERAL (
      SELECT min(u.price_minor) AS price_minor,
        COALESCE(sum(CASE WHEN t.quotas > 0 THEN units_for_way(u.store_id, u.id,
          t.on_hand - t.reserved, 'video', NULL, :at) ELSE t.on_hand - t.reserved END), 0)::int
          AS in_stock
      FROM skus u LEFT JOIN stock t ON t.store_id = u.store_id AND t.sku_id = u.id
      WHERE u.store_id = p.store_id AND u.product_id = p.id AND u.state = 'active'
    ) k ON k.price_minor IS NOT NULL
    LEFT JOIN LATERAL (
      SELECT file FROM product_images
      WHERE store_id = p.store_id AND product_id = p.id ORDER BY position LIMIT 1
    ) i ON true
    WHERE p.state = 'active'
      AND (:words = '' OR p.title_zh ILIKE :pattern OR p.title_en ILIKE :pattern
        OR p.brand ILIKE :pattern OR s.name_zh ILIKE :pattern OR s.name_en ILIKE :pattern)
      AND NOT EXISTS (
        SELECT FROM product_links l WHERE l.video_id = :video_id AND l.store_id = p.store_id
          AND l.product_id = p.id AND l.removed_at IS NULL)
    ORDER BY COALESCE(p.commission_bp, 0) DESC, k.price_minor DESC, p.id
    LIMIT :most
""")


async def search_linkable(
    conn: AsyncConnection, *, video_id: VideoId, words: str, at: datetime, most: int = 12
) -> list[Linkable]:
    """Products on sale whose title, brand or store holds the words, best offers first; those
    already on the video are left out."""
    plain = words.strip()[:60]
    escaped = like_literal(plain)
    asked = {
        "words": plain,
        "pattern": f"%{escaped}%",
        "video_id": video_id,
        "most": most,
        "at": at,
    }
    rows = (await conn.execute(SEARCH, asked)).all()
    book = await rules_book(conn)
    return [_linkable(row, book, at) for row in rows]


LINKS = text("""
    SELECT l.id AS link_id, l.video_id, l.position, l.published_at, v.caption_zh, v.caption_en,
      p.store_id, p.id AS product_id, s.name_zh AS store_zh, s.name_en AS store_en,
      p.title_zh, p.title_en, p.category, p.commission_bp, s.currency, s.merchant_class,
      s.org_id AS merchant_id, k.price_minor, k.in_stock, i.file AS image_file,
      p.state = 'active' AND s.state = 'open' AND k.price_minor IS NOT NULL AS is_on_sale,
      COALESCE(c.n, 0) AS clicks, COALESCE(o.n, 0) AS orders,
      COALESCE(o.estimated_minor, 0)::bigint AS estimated_minor, e.title AS instead_of
    FROM product_links l
    JOIN videos v ON v.id = l.video_id AND v.state <> 'removed'
    JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    JOIN stores s ON s.id = l.store_id
    JOIN LATERAL (
      SELECT min(u.price_minor) AS price_minor,
        COALESCE(sum(CASE WHEN t.quotas > 0 THEN units_for_way(u.store_id, u.id,
          t.on_hand - t.reserved, 'video', NULL, :at) ELSE t.on_hand - t.reserved END), 0)::int
          AS in_stock
      FROM skus u LEFT JOIN stock t ON t.store_id = u.store_id AND t.sku_id = u.id
      WHERE u.store_id = p.store_id AND u.product_id = p.id AND u.state = 'active'
    ) k ON true
    LEFT JOIN LATERAL (
      SELECT file FROM product_images
      WHERE store_id = p.store_id AND product_id = p.id ORDER BY position LIMIT 1
    ) i ON true
    LEFT JOIN LATERAL (
      SELECT count(*) AS n FROM clicks WHERE link_id = l.id AND validity = 'valid'
    ) c ON true
    LEFT JOIN product_links h ON h.id = l.converts_link
    LEFT JOIN outside_products e ON e.id = h.outside_product_id
    LEFT JOIN unnest(CAST(:sold_ids AS uuid[]), CAST(:sold_orders AS bigint[]),
      CAST(:sold_minor AS bigint[])) AS o (link_id, n, estimated_minor) ON o.link_id = l.id
    WHERE l.creator_id = :creator_id AND l.removed_at IS NULL
      AND (CAST(:video_id AS uuid) IS NULL OR l.video_id = CAST(:video_id AS uuid))
    ORDER BY CASE WHEN CAST(:video_id AS uuid) IS NULL THEN 0 ELSE l.position END,
      COALESCE(o.estimated_minor, 0) DESC, clicks DESC, l.published_at DESC, l.id
    LIMIT :most
""")

LINK_IDS = text("""
    SELECT id FROM product_links WHERE creator_id = :creator_id AND removed_at IS NULL
      AND (CAST(:video_id AS uuid) IS NULL OR video_id = CAST(:video_id AS uuid))
""")

MOST_LINKS_SHOWN = 200

ORDER = text("""
    SELECT id, outside_product_id IS NOT NULL AS is_outside FROM product_links
    WHERE creator_id = :creator_id AND video_id = :video_id AND removed_at IS NULL
    ORDER BY position, id
""")


async def order_of_video(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID
) -> list[tuple[UUID, bool]]:
    """All links of a video in their order, and which of them lead to another platform."""
    rows = await conn.execute(ORDER, {"creator_id": creator_id, "video_id": video_id})
    return [(row.id, row.is_outside) for row in rows]


async def links_of_creator(
    conn: AsyncConnection, *, creator_id: UUID, at: datetime
) -> Sequence[CreatorLink]:
    """Up to 200 links, the best earning first."""
    return await _links(conn, creator_id=creator_id, video_id=None, at=at)


async def links_of_video(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, at: datetime
) -> Sequence[CreatorLink]:
    """The links of one video in the order in which they are shown."""
    return await _links(conn, creator_id=creator_id, video_id=video_id, at=at)


async def _links(
    conn: AsyncConnection, *, creator_id: UUID, video_id: VideoId | None, at: datetime
) -> list[CreatorLink]:
    asked: dict[str, Any] = {"creator_id": creator_id, "video_id": video_id, "at": at}
    asked["most"] = MOST_LINKS_SHOWN
    brought = await sold(
        conn,
        kind="link",
        by=["subject"],
        creator_id=creator_id,
        subject_ids=list(await conn.scalars(LINK_IDS, asked)),
    )
    asked["sold_ids"] = [row.subject_id for row in brought]
    asked["sold_orders"] = [row.orders for row in brought]
    asked["sold_minor"] = [row.earned_minor for row in brought]
    rows = (await conn.execute(LINKS, asked)).all()
    book = await rules_book(conn)
    return [
        CreatorLink(
            link_id=row.link_id,
            video_id=row.video_id,
            caption_zh=row.caption_zh,
            caption_en=row.caption_en,
            position=row.position,
            product=_linkable(row, book, at),
            is_on_sale=row.is_on_sale,
            published_at=row.published_at,
            clicks=row.clicks,
            orders=row.orders,
            estimated_minor=row.estimated_minor,
            instead_of=row.instead_of,
        )
        for row in rows
    ]
