"""Writes product links in a creator's live cart: on no video, shown while the creator is live."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, new_id
from dougong.infra import events
from dougong.links.rules import MAX_POSITION, MOST_LIVE, LinkedAlready, TooManyLinks
from dougong.links.tables import product_links


async def add_to_live_cart(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    outside_product_id: UUID,
    source: str,
    category: str,
    task_id: UUID | None,
    verdict_rule_id: UUID | None,
    terms: Mapping[str, Any],
    at: datetime,
) -> LinkId:
    """Put an outside product into the live cart, with all that was decided frozen.

    Raises LinkedAlready, TooManyLinks.
    """
    mine = (
        product_links.c.creator_id == creator_id,
        product_links.c.surface == "live",
        product_links.c.removed_at.is_(None),
    )
    standing = await conn.scalar(select(func.count()).select_from(product_links).where(*mine))
    if (standing or 0) >= MOST_LIVE:
        raise TooManyLinks(field="product", most=MOST_LIVE)
    same = select(product_links.c.id).where(
        *mine, product_links.c.outside_product_id == outside_product_id
    )
    if await conn.scalar(same) is not None:
        raise LinkedAlready(field="product")
    link_id = LinkId(new_id())
    row = {
        "id": link_id,
        "creator_id": creator_id,
        "outside_product_id": outside_product_id,
        "source": source,
        "surface": "live",
        "route": "task" if task_id else "direct",
        "task_id": task_id,
        "category": category,
        "verdict_rule_id": verdict_rule_id,
        "terms": dict(terms),
        "position": min(standing or 0, MAX_POSITION),
        "published_at": at,
    }
    await conn.execute(insert(product_links).values(**row))
    told = ("creator_id", "outside_product_id", "source")
    facts = {name: str(row[name]) for name in told}
    await events.record(conn, "links.link_published", subject_id=link_id, at=at, facts=facts)
    return link_id
