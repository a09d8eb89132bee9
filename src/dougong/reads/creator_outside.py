"""A creator's links to products of other platforms, and why the hidden ones are hidden."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST = 200


class OutsideLink(msgspec.Struct, frozen=True):
    """One link. `state`: of the product there (good, gone, moved, swapped); `hidden_at`: since
    when a rule keeps it hidden, and that rule's reason. `commission_bp`: frozen at publishing.

    `when_denied`: what its creator wants to become of it then; `source_default`: what the operator
    does where nothing was chosen. `store_id`, `product_id`, `title_zh`, `title_en`: the offer of
    ours that stands in for it now (`stands_in`), or was chosen for
    that (`by_hand`). `url`: where it leads."""

    link_id: UUID
    code: str
    video_id: UUID
    caption_zh: str
    caption_en: str
    title: str
    image_file: str | None
    source: str
    source_zh: str
    source_en: str
    route: str
    price_minor: int | None
    currency: str | None
    seen_at: datetime
    state: str
    commission_bp: int | None
    published_at: datetime
    hidden_at: datetime | None
    when_denied: str
    source_default: str
    store_id: UUID | None
    product_id: UUID | None
    title_zh: str
    title_en: str
    stands_in: bool
    by_hand: bool
    url: str
    reason_zh: str
    reason_en: str
    clicks: int


LINKS = text("""
    SELECT l.id AS link_id, l.code, l.video_id, v.caption_zh, v.caption_en, o.title, o.image_file,
      l.source, f.name_zh AS source_zh, f.name_en AS source_en, l.route, o.price_minor, o.currency,
      o.seen_at, o.state, CAST(l.terms ->> 'commission_bp' AS integer) AS commission_bp,
      l.published_at, l.hidden_at, l.when_denied, f.when_denied AS source_default, o.url,
      p.store_id, p.id AS product_id, COALESCE(p.title_zh, '') AS title_zh,
      COALESCE(NULLIF(p.title_en, ''), p.title_zh, '') AS title_en, t.id IS NOT NULL AS stands_in,
      l.instead_product_id IS NOT NULL AS by_hand,
      COALESCE(r.reason_zh, '') AS reason_zh,
      COALESCE(r.reason_en, '') AS reason_en,
      (SELECT count(*) FROM clicks c WHERE c.link_id = l.id AND c.validity = 'valid') AS clicks
    FROM product_links l
    JOIN outside_products o ON o.id = l.outside_product_id
    JOIN sources f ON f.code = l.source
    JOIN videos v ON v.id = l.video_id AND v.state <> 'removed'
    LEFT JOIN product_links t ON t.converts_link = l.id AND t.removed_at IS NULL
    LEFT JOIN products p ON p.store_id = COALESCE(t.store_id, l.instead_store_id)
      AND p.id = COALESCE(t.product_id, l.instead_product_id)
    LEFT JOIN link_rules r ON r.id = l.hidden_rule_id
    WHERE l.creator_id = :creator_id AND l.removed_at IS NULL
      AND (CAST(:video_id AS uuid) IS NULL OR l.video_id = CAST(:video_id AS uuid))
    ORDER BY CASE WHEN CAST(:video_id AS uuid) IS NOT NULL THEN l.position ELSE 0 END,
      l.hidden_at IS NULL, l.published_at DESC, l.id LIMIT :most
""")


async def outside_links(
    conn: AsyncConnection, *, creator_id: UUID, video_id: UUID | None = None
) -> list[OutsideLink]:
    """Up to 200: of one video in its order, or all, the hidden ones first, then the newest."""
    asked = {"creator_id": creator_id, "video_id": video_id, "most": MOST}
    rows = (await conn.execute(LINKS, asked)).mappings()
    return [msgspec.convert(dict(row), OutsideLink) for row in rows]
