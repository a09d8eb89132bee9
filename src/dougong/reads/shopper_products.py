"""What a shopper sees of one product, and of a store's or a search's many."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra import clock
from dougong.supply.quota_rules import Channel

PAGE = 24


class ProductImage(msgspec.Struct, frozen=True):
    file: str
    width: int
    height: int


class Variant(msgspec.Struct, frozen=True):
    """One SKU that is on sale; `free`: units that can be bought now."""

    sku_id: UUID
    code: str
    options: dict[str, str]
    price_minor: int
    list_price_minor: int | None
    gtin: str | None
    free: int


class CouponHint(msgspec.Struct, frozen=True):
    """A coupon that anybody can use now; one of the two reductions is set.

    `funder`: who pays the reduction: merchant, platform or creator.
    """

    code: str
    name_zh: str
    name_en: str
    amount_off_minor: int | None
    percent_off_bp: int | None
    min_spend_minor: int
    funder: str


class Seller(msgspec.Struct, frozen=True):
    """`shipping_fee_minor` is free from `free_shipping_from_minor` on (None: never)."""

    id: UUID
    code: str
    name_zh: str
    name_en: str
    tagline_zh: str
    tagline_en: str
    logo_file: str | None
    currency: str
    shipping_fee_minor: int
    free_shipping_from_minor: int | None


class Away(msgspec.Struct, frozen=True):
    """Where a product is really bought, when not here. `is_open`: whether its source is now."""

    url: str
    source_zh: str
    source_en: str
    hosts: tuple[str, ...]
    is_open: bool


class ProductView(msgspec.Struct, frozen=True):
    """A product on sale with all that its sheet and its page show; amounts in minor units."""

    id: UUID
    code: str
    title_zh: str
    title_en: str
    description_zh: str
    description_en: str
    brand: str
    category: str
    category_zh: str
    category_en: str
    store: Seller
    images: tuple[ProductImage, ...]
    variants: tuple[Variant, ...]
    coupons: tuple[CouponHint, ...]
    away: Away | None
    is_insured: bool  # the freight of a return is paid

    @property
    def cheapest(self) -> Variant:
        """The cheapest variant that can be bought, else the cheapest."""
        return min(self.variants, key=lambda one: (one.free == 0, one.price_minor))

    @property
    def dearest_minor(self) -> int:
        return max(one.price_minor for one in self.variants)

    @property
    def free(self) -> int:
        return sum(one.free for one in self.variants)


PRODUCT = text("""
    SELECT p.id, p.code, p.title_zh, p.title_en, p.description_zh, p.description_en, p.brand,
      p.category, c.name_zh AS category_zh, c.name_en AS category_en,
      to_jsonb(st) AS store,
      (SELECT jsonb_agg(jsonb_build_object('file', i.file, 'width', i.width, 'height', i.height)
         ORDER BY i.position)
       FROM product_images i WHERE i.store_id = p.store_id AND i.product_id = p.id) AS images,
      (SELECT jsonb_agg(jsonb_build_object('sku_id', s.id, 'code', s.code, 'options', s.options,
         'price_minor', s.price_minor, 'list_price_minor', s.list_price_minor, 'gtin', s.gtin,
         'free', CASE WHEN k.quotas > 0 THEN units_for_link(s.store_id, s.id,
           k.on_hand - k.reserved, :link_id, :straight, :at)
           ELSE COALESCE(k.on_hand - k.reserved, 0) END) ORDER BY s.position, s.code)
       FROM skus s LEFT JOIN stock k ON k.store_id = s.store_id AND k.sku_id = s.id
       WHERE s.store_id = p.store_id AND s.product_id = p.id AND s.state = 'active') AS variants,
      (SELECT jsonb_agg(jsonb_build_object('code', u.code, 'name_zh', u.name_zh,
         'name_en', u.name_en, 'amount_off_minor', u.amount_off_minor,
         'percent_off_bp', u.percent_off_bp, 'min_spend_minor', u.min_spend_minor,
         'funder', u.funder)
         ORDER BY u.min_spend_minor, u.code)
       FROM coupons u WHERE u.store_id = p.store_id AND u.usable @> CAST(:at AS timestamptz)
         AND u.used < u.quota) AS coupons,
      EXISTS (SELECT FROM insured_stores i JOIN insurance_products ip
        ON ip.currency = st.currency AND ip.approved_by IS NOT NULL
        AND ip.in_force @> CAST(:at AS timestamptz)
        WHERE i.store_id = p.store_id AND i.since <= :at
          AND (i.until IS NULL OR i.until > :at)) AS is_insured,
      CASE WHEN p.purchase_url IS NOT NULL THEN jsonb_build_object('url', p.purchase_url,
        'source_zh', f.name_zh, 'source_en', f.name_en, 'hosts', f.hosts,
        'is_open', COALESCE(t.state = 'open', true)) END AS away
    FROM products p
    JOIN stores st ON st.id = p.store_id AND st.state = 'open'
    JOIN categories c ON c.path = p.category
    LEFT JOIN sources f ON f.code = p.purchase_source
    LEFT JOIN source_states t ON t.source = f.code AND t.in_force @> CAST(:at AS timestamptz)
    WHERE p.store_id = :store_id AND p.id = :product_id AND p.state = 'active'
""")


async def product_view(
    conn: AsyncConnection,
    *,
    store_id: UUID,
    product_id: UUID,
    link_id: UUID | None,
    straight: Channel = Channel.SHOP,
    at: datetime,
) -> ProductView | None:
    """None when it is not on sale: no such product, a draft, or nothing that can be chosen.

    What is free of it is what can be bought by the link that led here, or by `straight`.
    """
    asked = {"store_id": store_id, "product_id": product_id, "at": at}
    asked |= {"link_id": link_id, "straight": straight}
    row = (await conn.execute(PRODUCT, asked)).one_or_none()
    if row is None or not row.variants:
        return None
    found = dict(row._mapping)
    found |= {name: found[name] or [] for name in ("images", "coupons")}
    return msgspec.convert(found, ProductView)


LINK_CODE = text("""
    SELECT code FROM product_links
    WHERE id = :link_id AND store_id = :store_id AND product_id = :product_id
      AND removed_at IS NULL AND hidden_at IS NULL
""")


async def link_code(
    conn: AsyncConnection, *, link_id: UUID | None, store_id: UUID, product_id: UUID
) -> str | None:
    """The hand-off code of a link that shows this product."""
    asked = {"link_id": link_id, "store_id": store_id, "product_id": product_id}
    found: str | None = await conn.scalar(LINK_CODE, asked) if link_id else None
    return found


class ProductCard(msgspec.Struct, frozen=True):
    """A product in a grid: its cheapest price, and whether anything is left."""

    store_id: UUID
    product_id: UUID
    title_zh: str
    title_en: str
    image_file: str | None
    price_minor: int
    list_price_minor: int | None
    currency: str
    store_code: str
    store_zh: str
    store_en: str
    free: int
    created_at: datetime


CARDS = text("""
    SELECT p.store_id, p.id AS product_id, p.title_zh, p.title_en, i.file AS image_file,
      s.price_minor, s.list_price_minor, st.currency, st.code AS store_code,
      st.name_zh AS store_zh, st.name_en AS store_en, s.free, p.created_at
    FROM products p
    JOIN stores st ON st.id = p.store_id AND st.state = 'open'
    JOIN LATERAL (
      SELECT min(s.price_minor) AS price_minor, min(s.list_price_minor) AS list_price_minor,
        COALESCE(sum(CASE WHEN k.quotas > 0 THEN units_for_way(s.store_id, s.id,
          k.on_hand - k.reserved, :way, NULL, :at) ELSE k.on_hand - k.reserved END), 0)::int AS free
      FROM skus s LEFT JOIN stock k ON k.store_id = s.store_id AND k.sku_id = s.id
      WHERE s.store_id = p.store_id AND s.product_id = p.id AND s.state = 'active'
    ) s ON s.price_minor IS NOT NULL
    LEFT JOIN product_images i ON i.store_id = p.store_id AND i.product_id = p.id
      AND i.position = 0
    WHERE p.state = 'active'
      AND (CAST(:store_id AS uuid) IS NULL OR p.store_id = :store_id)
      AND (CAST(:words AS text) IS NULL OR concat_ws(' ', p.title_zh, p.title_en, p.brand,
        st.name_zh, st.name_en) ILIKE ALL (CAST(:patterns AS text[])))
      AND (CAST(:category AS text) IS NULL OR p.category = :category
        OR p.category LIKE :category || '/%')
      AND (CAST(:after_id AS uuid) IS NULL OR (s.free > 0, p.created_at, p.id)
        < (:after_free, CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY (s.free > 0) DESC, p.created_at DESC, p.id DESC
    LIMIT :most OFFSET :skip
""")


async def product_cards(
    conn: AsyncConnection,
    *,
    store_id: UUID | None = None,
    words: str = "",
    category: str | None = None,
    page: int = 0,
    after: tuple[bool, datetime, UUID] | None = None,
    most: int = PAGE,
    way: Channel = Channel.SHOP,
) -> tuple[list[ProductCard], bool]:
    """One page of products on sale, and whether more follow. Every word must be found; `free` is
    what this way can sell.

    `after`: instead of a page number, whether something was left of the last card of the page
    before, when it was made, and its product's id.
    """
    patterns = [f"%{_literal(word)}%" for word in words.split()][:8]
    after_free, after_at, after_id = after or (False, None, None)
    rows = await conn.execute(
        CARDS,
        {
            "store_id": store_id,
            "words": words or None,
            "patterns": patterns,
            "category": category,
            "after_free": after_free,
            "after_at": after_at,
            "after_id": after_id,
            "most": most + 1,
            "skip": page * most,
            "way": way,
            "at": clock.now(),
        },
    )
    found = [ProductCard(**row._mapping) for row in rows]
    return found[:most], len(found) > most


def _literal(word: str) -> str:
    """A word for LIKE, its wildcards taken literally."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class VideoCard(msgspec.Struct, frozen=True):
    """A video in a grid. `media`: the folder below the media directory."""

    id: UUID
    caption_zh: str
    caption_en: str
    media: str
    handle: str
    creator_zh: str
    creator_en: str
    likes: int


VIDEOS = text("""
    SELECT v.id, v.caption_zh, v.caption_en, v.media, o.handle, o.name AS creator_zh,
      COALESCE(NULLIF(o.name_en, ''), o.name) AS creator_en,
      (SELECT count(*) FROM likes l WHERE l.video_id = v.id) AS likes
    FROM videos v JOIN organisations o ON o.id = v.creator_id
    WHERE v.state = 'published' AND v.published_at <= :at
      AND (CAST(:creator_id AS uuid) IS NULL OR v.creator_id = :creator_id)
      AND (CAST(:product_id AS uuid) IS NULL OR EXISTS (
        SELECT FROM product_links p WHERE p.video_id = v.id AND p.removed_at IS NULL
          AND p.hidden_at IS NULL
          AND p.store_id = :store_id AND p.product_id = :product_id))
      AND (CAST(:store_only AS uuid) IS NULL OR EXISTS (
        SELECT FROM product_links p WHERE p.video_id = v.id AND p.removed_at IS NULL
          AND p.hidden_at IS NULL
          AND p.store_id = :store_only))
      AND concat_ws(' ', v.caption_zh, v.caption_en, o.name, o.name_en, o.handle)
        ILIKE ALL (CAST(:patterns AS text[]))
    ORDER BY v.published_at DESC, v.id DESC LIMIT :most
""")


async def video_cards(
    conn: AsyncConnection,
    *,
    at: datetime,
    creator_id: UUID | None = None,
    store_id: UUID | None = None,
    product_id: UUID | None = None,
    words: str = "",
    most: int = PAGE,
) -> list[VideoCard]:
    """The newest published videos: of a creator, of a store's goods, of a product, by words."""
    rows = await conn.execute(
        VIDEOS,
        {
            "at": at,
            "creator_id": creator_id,
            "store_id": store_id,
            "product_id": product_id,
            "store_only": store_id if product_id is None else None,
            "patterns": [f"%{_literal(word)}%" for word in words.split()][:8],
            "most": most,
        },
    )
    return [VideoCard(**row._mapping) for row in rows]


async def open_store(conn: AsyncConnection, *, code: str) -> Seller | None:
    """None for a store that is unknown or closed."""
    row = (
        await conn.execute(
            text("SELECT * FROM stores WHERE code = :code AND state = 'open'"), {"code": code}
        )
    ).one_or_none()
    if row is None:
        return None
    return Seller(**{name: getattr(row, name) for name in Seller.__struct_fields__})


async def creator_profile(
    conn: AsyncConnection, *, handle: str, person_id: UUID | None
) -> Any | None:
    """The creator's row with `followers`, `likes`, `videos` and `following` by this person."""
    return (
        await conn.execute(
            text("""
                SELECT o.id, o.handle, o.name, o.name_en, o.bio_zh, o.bio_en, o.avatar_file,
                  (SELECT count(*) FROM follows f WHERE f.creator_id = o.id) AS followers,
                  (SELECT count(*) FROM videos v WHERE v.creator_id = o.id
                    AND v.state = 'published') AS videos,
                  (SELECT count(*) FROM likes l JOIN videos v ON v.id = l.video_id
                    WHERE v.creator_id = o.id AND v.state = 'published') AS likes,
                  EXISTS (SELECT FROM follows f WHERE f.creator_id = o.id
                    AND f.person_id = CAST(:person_id AS uuid)) AS following
                FROM organisations o WHERE o.handle = :handle AND o.kind = 'creator'
            """),
            {"handle": handle, "person_id": person_id},
        )
    ).one_or_none()


async def store_names(conn: AsyncConnection, *, store_ids: Sequence[UUID]) -> dict[UUID, Seller]:
    rows = await conn.execute(
        text("SELECT * FROM stores WHERE id = ANY(CAST(:ids AS uuid[]))"), {"ids": list(store_ids)}
    )
    names = Seller.__struct_fields__
    return {row.id: Seller(**{name: getattr(row, name) for name in names}) for row in rows}


async def top_categories(conn: AsyncConnection) -> Sequence[Any]:
    """path, name_zh, name_en of the top categories that hold something on sale."""
    found = await conn.execute(
        text("""
            SELECT c.path, c.name_zh, c.name_en FROM categories c
            WHERE c.parent IS NULL AND EXISTS (
              SELECT FROM products p WHERE p.state = 'active'
                AND (p.category = c.path OR p.category LIKE c.path || '/%'))
            ORDER BY c.position, c.path
        """)
    )
    return found.all()
