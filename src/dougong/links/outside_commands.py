"""Writes products of third-party sources as they were seen there, and links to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, VideoId, new_id
from dougong.infra import events
from dougong.infra.db import constraint_of
from dougong.infra.http import Hop
from dougong.links.adapters.protocol import SeenProduct
from dougong.links.commands import check_room, next_position
from dougong.links.rules import LinkedAlready, NotLinkable
from dougong.links.tables import product_links

FIRST_CHECK = timedelta(hours=6)

# What a product is (its title, number, picture) stays as it was first seen: the re-check judges
# whether another one stands there now. What it costs, and where it stands, is as seen last.
KEEP = text("""
    INSERT INTO outside_products AS known (id, source, item_id, url, title, image_url, gtin,
      category, price_minor, currency, commission_bp, seen_at, checked_at, check_after)
    VALUES (:id, :source, :item_id, :url, :title, :image_url, :gtin, :category, :price_minor,
      :currency, :commission_bp, :at, :at, :check_after)
    ON CONFLICT ON CONSTRAINT outside_products_once DO UPDATE SET
      url = excluded.url, price_minor = excluded.price_minor, currency = excluded.currency,
      commission_bp = excluded.commission_bp, seen_at = excluded.seen_at,
      checked_at = excluded.checked_at, check_after = excluded.check_after, failures = 0,
      category = CASE WHEN known.category = '' THEN excluded.category ELSE known.category END,
      image_url = COALESCE(known.image_url, excluded.image_url),
      gtin = COALESCE(known.gtin, excluded.gtin), state = 'good'
    WHERE known.state IN ('good', 'gone')
    RETURNING id
""")


async def keep_outside_product(
    conn: AsyncConnection, *, source: str, seen: SeenProduct, category: str, at: datetime
) -> UUID:
    """The product's row, new or as seen again. `category`: one of ours, or ''.

    Raises NotLinkable when another product stands at its address now, or its address leads away.
    """
    row = {
        "id": new_id(),
        "source": source,
        "item_id": seen.item_id,
        "url": seen.url,
        "title": seen.title,
        "image_url": seen.image_url,
        "gtin": seen.gtin,
        "category": category,
        "price_minor": seen.price.minor if seen.price else None,
        "currency": seen.price.currency if seen.price else None,
        "commission_bp": seen.commission_bp,
        "at": at,
        "check_after": at + FIRST_CHECK,
    }
    found = await conn.scalar(KEEP, row)
    if found is None:
        raise NotLinkable(field="product")
    return UUID(str(found))


async def picture_to_fetch(conn: AsyncConnection, *, product_id: UUID) -> str | None:
    """Where the product's picture was seen, if we have none of our own of it yet."""
    found = await conn.scalar(
        text("SELECT image_url FROM outside_products WHERE id = :id AND image_file IS NULL"),
        {"id": product_id},
    )
    return str(found) if found else None


async def set_picture(conn: AsyncConnection, *, product_id: UUID, file: str) -> None:
    """`file`: our own encoding of it, below the media directory. The first one stays."""
    await conn.execute(
        text("""
            UPDATE outside_products SET image_file = :file WHERE id = :id AND image_file IS NULL
        """),
        {"id": product_id, "file": file},
    )


async def add_outside_link(
    conn: AsyncConnection,
    *,
    video_id: VideoId,
    creator_id: UUID,
    outside_product_id: UUID,
    source: str,
    category: str,
    task_id: UUID | None,
    asked_url: str,
    hops: Sequence[Hop],
    verdict_rule_id: UUID | None,
    terms: Mapping[str, Any],
    at: datetime,
) -> LinkId:
    """Put an outside product on a video, as its last one, with all that was decided frozen.

    Raises LinkedAlready, TooManyLinks, NotLinkable.
    """
    await check_room(conn, video_id=video_id, creator_id=creator_id)
    link_id = LinkId(new_id())
    row = {
        "id": link_id,
        "video_id": video_id,
        "creator_id": creator_id,
        "outside_product_id": outside_product_id,
        "source": source,
        "surface": "video",
        "route": "task" if task_id else "direct",
        "task_id": task_id,
        "category": category,
        "asked_url": asked_url,
        "hops": [hop._asdict() for hop in hops],
        "verdict_rule_id": verdict_rule_id,
        "terms": dict(terms),
        "position": await next_position(conn, video_id=video_id, creator_id=creator_id),
        "published_at": at,
    }
    try:
        async with conn.begin_nested():
            await conn.execute(insert(product_links).values(**row))
    except IntegrityError as error:
        if constraint_of(error) == "product_links_outside_once":
            raise LinkedAlready(field="product") from error
        raise NotLinkable(field="product") from error
    told = ("video_id", "creator_id", "outside_product_id", "source")
    facts = {name: str(row[name]) for name in told}
    await events.record(conn, "links.link_published", subject_id=link_id, at=at, facts=facts)
    return link_id
