"""Writes product links in a creator's live cart: on no video, shown while the creator is live."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, ProductId, StoreId, new_id
from dougong.infra import events
from dougong.infra.db import constraint_of
from dougong.links.rules import MOST_LIVE, LinkedAlready, NotLinkable, TooManyLinks
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
    row = {
        "outside_product_id": outside_product_id,
        "source": source,
        "category": category,
        "task_id": task_id,
        "verdict_rule_id": verdict_rule_id,
        "terms": dict(terms),
    }
    return await _add(conn, row, creator_id=creator_id, at=at)


async def add_own_to_live_cart(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    store_id: StoreId,
    product_id: ProductId,
    source: str,
    category: str,
    task_id: UUID | None,
    verdict_rule_id: UUID | None,
    at: datetime,
) -> LinkId:
    """Put a mini-store's product into the live cart. `source`: where it is really bought.

    Raises LinkedAlready, TooManyLinks, NotLinkable (no such product).
    """
    row = {
        "store_id": store_id,
        "product_id": product_id,
        "source": source,
        "category": category,
        "task_id": task_id,
        "verdict_rule_id": verdict_rule_id,
    }
    return await _add(conn, row, creator_id=creator_id, at=at)


def _standing(creator_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        product_links.c.creator_id == creator_id,
        product_links.c.surface == "live",
        product_links.c.removed_at.is_(None),
    )


async def _add(
    conn: AsyncConnection, what: Mapping[str, Any], *, creator_id: UUID, at: datetime
) -> LinkId:
    mine = _standing(creator_id)
    counted = select(func.count(), func.max(product_links.c.position)).where(*mine)
    standing, last = (await conn.execute(counted)).one()
    if standing >= MOST_LIVE:
        raise TooManyLinks(field="product", most=MOST_LIVE)
    link_id = LinkId(new_id())
    row = {
        **what,
        "id": link_id,
        "creator_id": creator_id,
        "surface": "live",
        "route": "task" if what["task_id"] else "direct",
        "position": min(0 if last is None else last + 1, 2 * MOST_LIVE - 1),
        "published_at": at,
    }
    try:
        async with conn.begin_nested():
            await conn.execute(insert(product_links).values(**row))
    except IntegrityError as error:
        if constraint_of(error) == "product_links_live_once":
            raise LinkedAlready(field="product") from error
        raise NotLinkable(field="product") from error
    told = ("creator_id", "store_id", "product_id", "outside_product_id", "source")
    facts = {name: str(row[name]) for name in told if row.get(name)}
    await events.record(
        conn, "links.link_published", store_id=row.get("store_id"), subject_id=link_id, at=at,
        facts=facts,
    )  # fmt: skip
    return link_id


async def reorder_live_cart(
    conn: AsyncConnection, *, creator_id: UUID, link_ids: Sequence[LinkId]
) -> None:
    """Show the live cart in this order. Ids that are not of it are passed over."""
    await conn.execute(
        text("""
            UPDATE product_links l SET position = LEAST(wanted.place - 1, :most)
            FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS wanted (id, place)
            WHERE l.id = wanted.id AND l.creator_id = :creator_id AND l.surface = 'live'
              AND l.removed_at IS NULL
        """),
        {"ids": list(link_ids), "creator_id": creator_id, "most": 2 * MOST_LIVE - 1},
    )
