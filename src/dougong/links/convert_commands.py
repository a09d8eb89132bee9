"""Writes links to offers of ours that stand in for hidden ones, and what creators choose of that.

The hidden link keeps all that was frozen on it; what stands in is a link of its own, so that it is
shown, clicked, bought and paid for as any own-store link is. When the hidden link is shown again,
its stand-in is taken off.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, new_id
from dougong.links.rules import Instead, LinkGone


class Conversion(msgspec.Struct, frozen=True):
    """`rule_id`: the rule that lets the offer stand, if one does."""

    link_id: LinkId
    store_id: UUID
    product_id: UUID
    rule_id: UUID | None


PUT = text("""
    INSERT INTO product_links (id, video_id, creator_id, store_id, product_id, source, surface,
      route, position, verdict_rule_id, converts_link, published_at)
    SELECT c.id, l.video_id, l.creator_id, c.store_id, c.product_id, 'own', l.surface, 'direct',
      l.position, c.rule_id, l.id, :at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:links AS uuid[]), CAST(:stores AS uuid[]),
      CAST(:products AS uuid[]), CAST(:rules AS uuid[]))
      AS c (id, link_id, store_id, product_id, rule_id)
    JOIN product_links l ON l.id = c.link_id AND l.hidden_at IS NOT NULL AND l.removed_at IS NULL
    ON CONFLICT DO NOTHING RETURNING converts_link
""")


async def put_stand_ins(
    conn: AsyncConnection, *, conversions: Sequence[Conversion], at: datetime
) -> set[LinkId]:
    """Let offers stand in for hidden links; answers for which. One that is on the video already,
    or for which something stands in already, is passed over."""
    rows = {
        "ids": [new_id() for _ in conversions],
        "links": [one.link_id for one in conversions],
        "stores": [one.store_id for one in conversions],
        "products": [one.product_id for one in conversions],
        "rules": [one.rule_id for one in conversions],
    }
    return set(await conn.scalars(PUT, {**rows, "at": at}))


async def take_off_stand_ins(
    conn: AsyncConnection, *, link_ids: Collection[LinkId], at: datetime
) -> None:
    """Take off what stands in for these links; what it has sold keeps pointing at it."""
    await conn.execute(
        text("""
            UPDATE product_links SET removed_at = :at
            WHERE converts_link = ANY(CAST(:ids AS uuid[])) AND converts_link IS NOT NULL
              AND removed_at IS NULL
        """),
        {"ids": list(link_ids), "at": at},
    )


async def set_when_denied(
    conn: AsyncConnection,
    *,
    link_id: LinkId,
    creator_id: UUID,
    instead: Instead,
) -> None:
    """Raises LinkGone."""
    store_id, product_id = instead.product or (None, None)
    changed = await conn.execute(
        text("""
            UPDATE product_links SET when_denied = :choice, instead_store_id = :store_id,
              instead_product_id = :product_id
            WHERE id = :link_id AND creator_id = :creator_id AND removed_at IS NULL
              AND outside_product_id IS NOT NULL
        """),
        {
            "link_id": link_id,
            "creator_id": creator_id,
            "choice": instead.choice,
            "store_id": store_id,
            "product_id": product_id,
        },
    )
    if changed.rowcount != 1:
        raise LinkGone
