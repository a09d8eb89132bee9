"""What stands behind a hand-off code, in one look: the link, its product, its source as of now."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.links.rules import LinkState


class LinkBehind(msgspec.Struct, frozen=True):
    """A product link with all that a hand-off needs, or what stands in for it. `url` is the stored
    final address of an outside product, or where a store's own product is really bought; None: it
    is bought here."""

    link_id: UUID
    creator_id: UUID
    video_id: UUID | None
    store_id: UUID | None
    product_id: UUID | None
    source: str
    state: LinkState
    reason_zh: str  # of the rule that hides it
    reason_en: str
    title_zh: str
    title_en: str
    url: str | None
    hosts: list[str]
    source_zh: str
    source_en: str
    sub_id_parameter: str
    asks: bool
    adapter: str


BEHIND = text("""
    SELECT l.id AS link_id, l.creator_id, l.video_id, l.store_id, l.product_id, l.source,
      CASE
        WHEN l.removed_at IS NOT NULL OR v.state <> 'published' THEN 'removed'
        WHEN o.state <> 'good' THEN o.state
        WHEN l.store_id IS NOT NULL AND (p.state <> 'active' OR s.state <> 'open') THEN 'gone'
        WHEN l.hidden_at IS NOT NULL THEN 'hidden'
        WHEN NOT COALESCE(now.state = 'open', true) THEN 'closed'
        ELSE 'shown'
      END AS state,
      COALESCE(r.reason_zh, now.reason_zh, '') AS reason_zh,
      COALESCE(r.reason_en, now.reason_en, '') AS reason_en,
      COALESCE(o.title, p.title_zh, '') AS title_zh, COALESCE(o.title, p.title_en, '') AS title_en,
      COALESCE(o.url, p.purchase_url) AS url,
      COALESCE(f.hosts, '{}') AS hosts,
      COALESCE(f.name_zh, '') AS source_zh, COALESCE(f.name_en, '') AS source_en,
      COALESCE(f.settings ->> 'sub_id_parameter', '') AS sub_id_parameter,
      COALESCE(f.asks_before_leaving, false) AS asks, COALESCE(f.adapter, '') AS adapter
    FROM product_links asked
    LEFT JOIN product_links instead ON instead.converts_link = asked.id
      AND instead.removed_at IS NULL
    JOIN product_links l ON l.id = COALESCE(instead.id, asked.id)
    LEFT JOIN videos v ON v.id = l.video_id
    LEFT JOIN outside_products o ON o.id = l.outside_product_id
    LEFT JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    LEFT JOIN stores s ON s.id = l.store_id
    LEFT JOIN sources f ON f.code = COALESCE(o.source, p.purchase_source)
    LEFT JOIN source_states now ON now.source = f.code
      AND now.in_force @> CAST(:at AS timestamptz)
    LEFT JOIN link_rules r ON r.id = l.hidden_rule_id
    WHERE asked.code = :code
""")


async def link_behind(conn: AsyncConnection, *, code: str, at: datetime) -> LinkBehind | None:
    """The link of a hand-off code as of an instant; None when no link ever had that code."""
    row = (await conn.execute(BEHIND, {"code": code, "at": at})).one_or_none()
    return msgspec.convert(dict(row._mapping), LinkBehind) if row else None
