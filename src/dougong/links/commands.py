"""Writes product links."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, ProductId, StoreId, VideoId, new_id
from dougong.infra import events
from dougong.infra.db import constraint_of
from dougong.links.rules import (
    MAX_POSITION,
    MOST_LINKS,
    LinkedAlready,
    LinkGone,
    NotLinkable,
    TooManyLinks,
    WhenDenied,
)
from dougong.links.tables import product_links


async def add_link(
    conn: AsyncConnection,
    *,
    video_id: VideoId,
    creator_id: UUID,
    store_id: StoreId,
    product_id: ProductId,
    position: int,
    source: str = "own",
    category: str = "",
    verdict_rule_id: UUID | None = None,
    at: datetime,
) -> LinkId:
    """Put an own-store product on a video. `position`: 0 is shown first. `source`: where it is
    really bought; `verdict_rule_id`: the rule that let it in, if one did.

    Raises LinkedAlready, TooManyLinks, and NotLinkable when the product does not exist or the
    video is not this creator's (a foreign key on both).
    """
    await check_room(conn, video_id=video_id, creator_id=creator_id)
    link_id = LinkId(new_id())
    row = {
        "id": link_id,
        "video_id": video_id,
        "creator_id": creator_id,
        "store_id": store_id,
        "product_id": product_id,
        "position": min(position, MAX_POSITION),
        "source": source,
        "category": category,
        "verdict_rule_id": verdict_rule_id,
        "published_at": at,
    }
    try:
        async with conn.begin_nested():
            await conn.execute(insert(product_links).values(**row))
    except IntegrityError as error:
        if constraint_of(error) == "product_links_once":
            raise LinkedAlready(field="product") from error
        raise NotLinkable(field="product") from error
    facts = {k: str(row[k]) for k in ("video_id", "creator_id", "product_id")}
    await events.record(
        conn, "links.link_published", store_id=store_id, subject_id=link_id, at=at, facts=facts
    )
    return link_id


async def check_room(conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID) -> None:
    """Raises TooManyLinks."""
    there = select(func.count()).select_from(product_links)
    there = there.where(product_links.c.creator_id == creator_id)
    there = there.where(product_links.c.video_id == video_id, product_links.c.removed_at.is_(None))
    there = there.where(product_links.c.converts_link.is_(None))  # it has its link's place
    if int(await conn.scalar(there) or 0) >= MOST_LINKS:
        raise TooManyLinks(field="product", most=MOST_LINKS)


async def next_position(conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID) -> int:
    """The place after the last link that stands on a video."""
    last = select(func.max(product_links.c.position))
    last = last.where(product_links.c.creator_id == creator_id)
    last = last.where(product_links.c.video_id == video_id, product_links.c.removed_at.is_(None))
    found = await conn.scalar(last)
    return 0 if found is None else min(int(found) + 1, MAX_POSITION)


async def set_link_source(
    conn: AsyncConnection, *, store_id: StoreId, product_id: ProductId, source: str
) -> None:
    """Where the product of links that stand is really bought now."""
    await conn.execute(
        update(product_links)
        .where(product_links.c.store_id == store_id, product_links.c.product_id == product_id)
        .where(product_links.c.removed_at.is_(None))
        .values(source=source)
    )


async def remove_link(
    conn: AsyncConnection, *, link_id: LinkId, creator_id: UUID, at: datetime
) -> None:
    """Take a product off a video, and what stands in for it; what either sold keeps pointing at it.
    Where the link itself stands in for a hidden one, that one stays hidden from now on.

    Raises LinkGone.
    """
    change = (
        update(product_links)
        .where(product_links.c.creator_id == creator_id, product_links.c.id == link_id)
        .where(product_links.c.removed_at.is_(None))
        .values(removed_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise LinkGone
    await conn.execute(
        update(product_links)
        .where(product_links.c.converts_link == link_id, product_links.c.removed_at.is_(None))
        .values(removed_at=at)
    )
    replaced = select(product_links.c.converts_link).where(product_links.c.id == link_id)
    await conn.execute(
        update(product_links)
        .where(product_links.c.id == replaced.scalar_subquery())
        .values(when_denied=WhenDenied.HIDE, instead_store_id=None, instead_product_id=None)
    )
    await events.record(conn, "links.link_removed", subject_id=link_id, at=at, facts={})


async def reorder_links(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, link_ids: Sequence[LinkId]
) -> None:
    """Show the links of a video in this order. Ids that are not its own are passed over."""
    await conn.execute(
        text("""
            UPDATE product_links l SET position = LEAST(wanted.place - 1, :most)
            FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS wanted (id, place)
            WHERE l.id = wanted.id AND l.video_id = :video_id AND l.creator_id = :creator_id
              AND l.removed_at IS NULL
        """),
        {
            "ids": list(link_ids),
            "video_id": video_id,
            "creator_id": creator_id,
            "most": MAX_POSITION,
        },
    )
