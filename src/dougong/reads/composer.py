"""What the link composer compares: offers of our stores, what of them goes back, what is known."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.money import FULL_BP
from dougong.base.time import local_day
from dougong.infra.db import like_literal
from dougong.infra.settings import settings
from dougong.reads.day_figures import sold

HISTORY = timedelta(days=180)
MOST_OFFERS = 6


class OwnOffer(msgspec.Struct, frozen=True):
    """A product of ours on sale, at its cheapest variant's price. `commission_bp`: what the
    merchant offers, or None. `returned_bp`: of what was paid at its store in the last 180 days,
    what went back; `orders` says of how many orders."""

    store_id: UUID
    product_id: UUID
    store_zh: str
    store_en: str
    title_zh: str
    title_en: str
    image_file: str | None
    category: str
    currency: str
    price_minor: int
    commission_bp: int | None
    merchant_id: UUID
    merchant_class: str
    purchase_source: str
    orders: int
    returned_bp: int


OFFERS = text("""
    WITH chosen AS (
      SELECT p.store_id, p.id, min(u.price_minor) AS price_minor
      FROM products p
      JOIN stores s ON s.id = p.store_id AND s.state = 'open'
      JOIN skus u ON u.store_id = p.store_id AND u.product_id = p.id AND u.state = 'active'
      WHERE p.state = 'active' AND CASE
        WHEN CAST(:product_id AS uuid) IS NOT NULL
          THEN p.id = CAST(:product_id AS uuid) AND p.store_id = CAST(:store_id AS uuid)
        WHEN :pattern <> '' THEN p.title_zh ILIKE :pattern OR p.title_en ILIKE :pattern
          OR p.brand ILIKE :pattern OR s.name_zh ILIKE :pattern OR s.name_en ILIKE :pattern
        ELSE EXISTS (SELECT FROM skus g WHERE g.store_id = p.store_id AND g.product_id = p.id
          AND g.state = 'active' AND g.gtin = ANY(CAST(:gtins AS text[]))) END
      GROUP BY p.store_id, p.id ORDER BY 3, 2 LIMIT :most
    )
    SELECT p.store_id, p.id AS product_id, s.name_zh AS store_zh, s.name_en AS store_en,
      p.title_zh, p.title_en, i.file AS image_file, p.category, s.currency, c.price_minor,
      p.commission_bp, s.org_id AS merchant_id, s.merchant_class, p.purchase_source
    FROM chosen c
    JOIN products p ON p.store_id = c.store_id AND p.id = c.id
    JOIN stores s ON s.id = c.store_id
    LEFT JOIN LATERAL (
      SELECT file FROM product_images
      WHERE store_id = p.store_id AND product_id = p.id ORDER BY position LIMIT 1
    ) i ON true
    ORDER BY c.price_minor, p.id
""")


async def picture_of(conn: AsyncConnection, *, source: str, item_id: str) -> str | None:
    """The file of an outside product's picture; None for one that has none, or is not known."""
    found = await conn.scalar(
        text("SELECT image_file FROM outside_products WHERE source = :source AND item_id = :item"),
        {"source": source, "item": item_id},
    )
    return str(found) if found else None


REFUNDED = text("""
    SELECT store_id, sum(amount_minor)::bigint AS refunded_minor FROM refunds
    WHERE store_id = ANY(CAST(:stores AS uuid[])) AND state <> 'failed'
      AND asked_at >= :since AND asked_at < :at
    GROUP BY store_id
""")


async def own_offers(
    conn: AsyncConnection,
    *,
    gtin: str | None = None,
    words: str = "",
    product: tuple[UUID, UUID] | None = None,
    at: datetime,
) -> list[OwnOffer]:
    """Up to six products on sale: one by (store, id), those with the words, or those with the
    GTIN in any of its lengths; the cheapest first."""
    plain = words.strip()[:60]
    escaped = like_literal(plain)
    if not (gtin or plain or product):
        return []
    asked = {
        "store_id": product[0] if product else None,
        "product_id": product[1] if product else None,
        "pattern": f"%{escaped}%" if plain else "",
        "gtins": gtin_forms(gtin) if gtin else [],
        "most": MOST_OFFERS,
    }
    rows = (await conn.execute(OFFERS, asked)).mappings().all()
    known = await _returned(conn, sorted({row["store_id"] for row in rows}), at=at)
    return [
        msgspec.convert({**row, **known.get(row["store_id"], NO_HISTORY)}, OwnOffer) for row in rows
    ]


NO_HISTORY = {"orders": 0, "returned_bp": 0}


async def _returned(
    conn: AsyncConnection, store_ids: Sequence[UUID], *, at: datetime
) -> dict[UUID, dict[str, int]]:
    """Of each store, how many orders were paid in HISTORY, and what part of it went back."""
    if not store_ids:
        return {}
    first = local_day(at - HISTORY, ZoneInfo(settings().timezone))
    asked = {"stores": list(store_ids), "since": at - HISTORY, "at": at}
    back = {row.store_id: row.refunded_minor for row in await conn.execute(REFUNDED, asked)}
    paid = await sold(conn, kind="store", by=["store"], subject_ids=store_ids, first=first)
    return {
        row.store_id: {
            "orders": row.orders,
            "returned_bp": min(back.get(row.store_id, 0) * FULL_BP // row.paid_minor, FULL_BP),
        }
        for row in paid
        if row.paid_minor
    }


def gtin_forms(gtin: str) -> list[str]:
    """The same number in every length that holds it: GTIN-14 is the others with zeros before."""
    digits = gtin.lstrip("0")
    return [digits.zfill(length) for length in (8, 12, 13, 14) if len(digits) <= length]


class Behind(msgspec.Struct, frozen=True):
    """What a share code or a hand-off code of ours stands for: a product of ours, or an address."""

    store_id: UUID | None
    product_id: UUID | None
    url: str | None


BEHIND = text("""
    SELECT l.store_id, l.product_id, o.url
    FROM product_links l
    LEFT JOIN outside_products o ON o.id = l.outside_product_id
    WHERE l.removed_at IS NULL AND (l.code = CAST(:link_code AS text) OR l.id = (
      SELECT COALESCE(s.link_id, (SELECT f.id FROM product_links f
          WHERE f.video_id = s.video_id AND f.removed_at IS NULL
          ORDER BY f.position, f.id LIMIT 1))
      FROM share_codes s WHERE s.code = ANY(CAST(:codes AS text[])) LIMIT 1))
    LIMIT 1
""")


async def behind_code(
    conn: AsyncConnection, *, codes: Sequence[str] = (), link_code: str = ""
) -> Behind | None:
    """The product of the first share code that there is (a video's first one where the code names
    none), or of a link's own code."""
    asked = {"codes": list(codes), "link_code": link_code or None}
    row = (await conn.execute(BEHIND, asked)).mappings().one_or_none()
    return msgspec.convert(dict(row), Behind) if row else None


VIDEOS = text("""
    SELECT v.id, v.caption_zh, v.caption_en, v.state, v.published_at,
      (SELECT count(*) FROM product_links l WHERE l.video_id = v.id AND l.removed_at IS NULL)
        AS links
    FROM videos v
    WHERE v.creator_id = :creator_id AND v.state IN ('published', 'ready')
    ORDER BY v.created_at DESC, v.id DESC LIMIT 50
""")


class VideoChoice(msgspec.Struct, frozen=True):
    """A video that a link can be put on."""

    id: UUID
    caption_zh: str
    caption_en: str
    state: str
    published_at: datetime | None
    links: int


async def videos_to_choose(conn: AsyncConnection, *, creator_id: UUID) -> list[VideoChoice]:
    """The newest 50 of a creator, published or ready to be."""
    rows = (await conn.execute(VIDEOS, {"creator_id": creator_id})).mappings()
    return [msgspec.convert(dict(row), VideoChoice) for row in rows]
