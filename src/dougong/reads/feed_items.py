"""A video as the feed shows it, with its creator, its counts and its product cards."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.money import Money
from dougong.content.rules import PLAYLIST, POSTER, Engagement
from dougong.infra.files import public_url

MOST_CANDIDATES = 2_000


class LinkCard(msgspec.Struct, frozen=True):
    """One product on a video. `price` is its cheapest variant's; `image` an address or None."""

    link_id: UUID
    store_id: UUID
    product_id: UUID
    title_zh: str
    title_en: str
    image: str | None
    price: Money

    @property
    def price_minor(self) -> int:
        return self.price.minor

    @property
    def currency(self) -> str:
        return self.price.currency


class OutsideCard(msgspec.Struct, frozen=True):
    """A product on a video that is bought at another platform. `price`: as it was last seen there,
    at `seen_at`; None where it could not be read. `go`: our address that leads there. `image`: an
    address of ours, or None."""

    link_id: UUID
    title_zh: str
    title_en: str
    source: str
    source_zh: str
    source_en: str
    price: Money | None
    seen_at: datetime
    go: str
    image: str | None = None


class FeedItem(msgspec.Struct, frozen=True):
    """One published video. Addresses begin with a slash; `seconds` is its length."""

    video_id: UUID
    creator_id: UUID
    handle: str
    creator_zh: str
    creator_en: str
    avatar: str | None
    caption_zh: str
    caption_en: str
    playlist: str
    poster: str
    seconds: float
    width: int
    height: int
    published_at: datetime
    views: int
    likes: int
    comments: int
    links: list[LinkCard]
    outside: list[OutsideCard] = []
    liked_by_me: bool = False
    following: bool = False


class FeedPage(msgspec.Struct, frozen=True):
    """`next_cursor` is None at the end."""

    items: list[FeedItem]
    next_cursor: str | None


class Candidate(msgspec.Struct, frozen=True):
    """A feed item with what its ranking needs."""

    item: FeedItem
    engagement: Engagement


# The newest published videos at an instant, or exactly the ones asked for; counts up to `at`.
VIDEOS = text("""
    WITH chosen AS (
      SELECT * FROM videos
      WHERE state = 'published' AND published_at <= :at
        AND (CAST(:ids AS uuid[]) IS NULL OR id = ANY(CAST(:ids AS uuid[])))
      ORDER BY published_at DESC, id DESC LIMIT :most
    ),
    liked AS (
      SELECT l.video_id, count(*) AS n FROM likes l JOIN chosen c ON c.id = l.video_id
      WHERE l.at <= :at GROUP BY 1
    ),
    said AS (
      SELECT m.video_id, count(*) AS n FROM comments m JOIN chosen c ON c.id = m.video_id
      WHERE m.removed_at IS NULL AND m.at <= :at GROUP BY 1
    ),
    seen AS (
      SELECT w.video_id, count(*) AS n FROM video_views w JOIN chosen c ON c.id = w.video_id
      WHERE w.first_at <= :at GROUP BY 1
    ),
    clicked AS (
      SELECT p.video_id, count(*) AS n FROM clicks k
      JOIN product_links p ON p.id = k.link_id JOIN chosen c ON c.id = p.video_id
      WHERE k.at <= :at AND k.validity = 'valid' GROUP BY 1
    )
    SELECT v.id, v.creator_id, o.handle, o.name, o.name_en, o.avatar_file,
      v.caption_zh, v.caption_en, v.media, v.seconds, v.width, v.height, v.published_at,
      COALESCE(liked.n, 0) AS likes, COALESCE(said.n, 0) AS comments,
      COALESCE(seen.n, 0) AS views, COALESCE(clicked.n, 0) AS clicks
    FROM chosen v JOIN organisations o ON o.id = v.creator_id
    LEFT JOIN liked ON liked.video_id = v.id
    LEFT JOIN said ON said.video_id = v.id
    LEFT JOIN seen ON seen.video_id = v.id
    LEFT JOIN clicked ON clicked.video_id = v.id
    ORDER BY v.published_at DESC, v.id DESC
""")

CARDS = text("""
    SELECT l.video_id, l.id, l.store_id, l.product_id, p.title_zh, p.title_en, s.currency,
      k.price_minor, i.file
    FROM product_links l
    JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id AND p.state = 'active'
    JOIN stores s ON s.id = l.store_id AND s.state = 'open'
    JOIN LATERAL (
      SELECT min(price_minor) AS price_minor FROM skus
      WHERE store_id = l.store_id AND product_id = l.product_id AND state = 'active'
    ) k ON k.price_minor IS NOT NULL
    LEFT JOIN LATERAL (
      SELECT file FROM product_images
      WHERE store_id = l.store_id AND product_id = l.product_id ORDER BY position LIMIT 1
    ) i ON true
    WHERE l.video_id = ANY(CAST(:ids AS uuid[])) AND l.removed_at IS NULL AND l.hidden_at IS NULL
      AND p.purchase_url IS NULL
    ORDER BY l.video_id, l.position, l.id
""")

# Products of sources, and those of our stores that are really bought at one.
OUTSIDE = text("""
    SELECT l.video_id, l.id, l.code, f.code AS source, f.name_zh AS source_zh,
      f.name_en AS source_en, COALESCE(o.title, p.title_zh) AS title_zh,
      COALESCE(o.title, NULLIF(p.title_en, ''), p.title_zh) AS title_en,
      COALESCE(o.price_minor, k.price_minor) AS price_minor,
      COALESCE(o.currency, s.currency) AS currency, COALESCE(o.seen_at, p.updated_at) AS seen_at,
      COALESCE(o.image_file, i.file) AS file
    FROM product_links l
    LEFT JOIN outside_products o ON o.id = l.outside_product_id
    LEFT JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    LEFT JOIN stores s ON s.id = l.store_id
    LEFT JOIN LATERAL (
      SELECT min(price_minor) AS price_minor FROM skus
      WHERE store_id = l.store_id AND product_id = l.product_id AND state = 'active'
    ) k ON true
    LEFT JOIN product_images i ON i.store_id = l.store_id AND i.product_id = l.product_id
      AND i.position = 0
    JOIN sources f ON f.code = COALESCE(o.source, p.purchase_source)
    LEFT JOIN source_states t ON t.source = f.code AND t.in_force @> CAST(:at AS timestamptz)
    WHERE l.removed_at IS NULL AND l.hidden_at IS NULL AND COALESCE(t.state, 'open') = 'open'
      AND l.video_id = ANY(CAST(:ids AS uuid[])) AND l.source <> 'own'
      AND (o.state = 'good' OR (p.purchase_url IS NOT NULL AND p.state = 'active'
        AND s.state = 'open' AND k.price_minor IS NOT NULL))
    ORDER BY l.video_id, l.position, l.id
""")

VIDEO_OF = text("""
    SELECT l.video_id FROM product_links l JOIN videos v ON v.id = l.video_id
    WHERE l.id = :link_id AND v.state = 'published'
""")


async def candidates(
    conn: AsyncConnection, *, at: datetime, ids: Sequence[UUID] | None = None
) -> list[Candidate]:
    """The newest published videos, or those of `ids` that are published; newest first."""
    asked = None if ids is None else list(ids)
    found = await conn.execute(VIDEOS, {"at": at, "ids": asked, "most": MOST_CANDIDATES})
    rows = found.all()
    cards: dict[UUID, list[LinkCard]] = {}
    for row in await conn.execute(CARDS, {"ids": [row.id for row in rows]}):
        cards.setdefault(row.video_id, []).append(_card(row))
    outside: dict[UUID, list[OutsideCard]] = {}
    for row in await conn.execute(OUTSIDE, {"ids": [row.id for row in rows], "at": at}):
        outside.setdefault(row.video_id, []).append(_outside(row))
    return [_candidate(row, cards, outside) for row in rows]


async def outside_card(conn: AsyncConnection, *, link_id: UUID, at: datetime) -> OutsideCard | None:
    """One outside link as its video shows it; None when it does not."""
    video_id = await conn.scalar(VIDEO_OF, {"link_id": link_id})
    rows = await conn.execute(OUTSIDE, {"ids": [video_id] if video_id else [], "at": at})
    return next((_outside(row) for row in rows if row.id == link_id), None)


def _outside(row: Any) -> OutsideCard:
    known = row.price_minor is not None
    return OutsideCard(
        link_id=row.id,
        title_zh=row.title_zh,
        title_en=row.title_en,
        source=row.source,
        source_zh=row.source_zh,
        source_en=row.source_en,
        price=Money(row.price_minor, row.currency) if known else None,
        seen_at=row.seen_at,
        go=f"/go/{row.code}",
        image=public_url(row.file) if row.file else None,
    )


def _card(row: Any) -> LinkCard:
    return LinkCard(
        link_id=row.id,
        store_id=row.store_id,
        product_id=row.product_id,
        title_zh=row.title_zh,
        title_en=row.title_en,
        image=public_url(row.file) if row.file else None,
        price=Money(row.price_minor, row.currency),
    )


def _candidate(
    row: Any, cards: Mapping[UUID, list[LinkCard]], outside: Mapping[UUID, list[OutsideCard]]
) -> Candidate:
    item = FeedItem(
        video_id=row.id,
        creator_id=row.creator_id,
        handle=row.handle,
        creator_zh=row.name,
        creator_en=row.name_en or row.name,
        avatar=public_url(row.avatar_file) if row.avatar_file else None,
        caption_zh=row.caption_zh,
        caption_en=row.caption_en,
        playlist=public_url(f"{row.media}/{PLAYLIST}"),
        poster=public_url(f"{row.media}/{POSTER}"),
        seconds=float(row.seconds or 0),
        width=row.width or 720,
        height=row.height or 1280,
        published_at=row.published_at,
        views=row.views,
        likes=row.likes,
        comments=row.comments,
        links=cards.get(row.id, []),
        outside=outside.get(row.id, []),
    )
    seen = Engagement(
        views=row.views, likes=row.likes, comments=row.comments, link_clicks=row.clicks
    )
    return Candidate(item, seen)


MINE = text("""
    SELECT 'likes' AS what, video_id AS id FROM likes
      WHERE person_id = :person AND video_id = ANY(CAST(:ids AS uuid[]))
    UNION ALL
    SELECT 'follows', creator_id FROM follows WHERE person_id = :person
""")


async def for_person(
    conn: AsyncConnection, items: Sequence[FeedItem], *, person_id: UUID | None
) -> list[FeedItem]:
    """The same items, with what this person liked and follows."""
    if person_id is None or not items:
        return list(items)
    ids = [item.video_id for item in items]
    rows = (await conn.execute(MINE, {"person": person_id, "ids": ids})).all()
    likes = {row.id for row in rows if row.what == "likes"}
    follows = {row.id for row in rows if row.what == "follows"}
    return [
        marked(item, liked=item.video_id in likes, following=item.creator_id in follows)
        for item in items
    ]


def marked(item: FeedItem, *, liked: bool, following: bool) -> FeedItem:
    if not liked and not following:
        return item
    return msgspec.structs.replace(item, liked_by_me=liked, following=following)
