"""A creator's live cart as a room shows it: every link with its price and stock of this moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, RoomId
from dougong.infra import clock
from dougong.infra.files import public_url
from dougong.reads.link_sweep import StandingLink


class ShelfLink(msgspec.Struct, frozen=True):
    """A link of the live cart. `price_minor` is the cheapest variant's, or what was last seen
    elsewhere; `stock` counts what the host's rooms can sell of all variants, None elsewhere.
    `go`: our address that leads there."""

    link_id: LinkId
    creator_id: UUID
    position: int
    source: str
    source_zh: str
    source_en: str
    route: str
    task_id: UUID | None
    store_id: UUID | None
    product_id: UUID | None
    outside_product_id: UUID | None
    title_zh: str
    title_en: str
    image_file: str | None
    category: str
    merchant_class: str
    price_minor: int | None
    currency: str | None
    stock: int | None
    is_on_sale: bool
    verdict_rule_id: UUID | None
    is_hidden: bool
    hidden_rule_id: UUID | None
    converts: bool
    reason_zh: str  # of the rule that hides it
    reason_en: str
    code: str

    @property
    def go(self) -> str | None:
        return f"/go/{self.code}" if self.outside_product_id else None

    def standing_link(self) -> StandingLink:
        """As sweeps judge it."""
        return StandingLink(
            self.link_id, self.creator_id, self.source, "live", self.category,
            self.merchant_class, self.is_hidden, self.hidden_rule_id, self.converts,
        )  # fmt: skip


SHELF = text("""
    SELECT l.id AS link_id, l.creator_id, l.position, l.source,
      COALESCE(f.name_zh, '') AS source_zh, COALESCE(f.name_en, '') AS source_en, l.route,
      l.task_id, l.store_id, l.product_id, l.outside_product_id,
      COALESCE(p.title_zh, o.title, '') AS title_zh, COALESCE(p.title_en, o.title, '') AS title_en,
      COALESCE(i.file, o.image_file) AS image_file,
      COALESCE(NULLIF(l.category, ''), p.category, '') AS category,
      COALESCE(s.merchant_class, '') AS merchant_class,
      COALESCE(k.price_minor, o.price_minor) AS price_minor,
      CASE WHEN k.price_minor IS NULL THEN o.currency ELSE s.currency END AS currency, k.stock,
      COALESCE(p.state = 'active' AND s.state = 'open' AND k.price_minor IS NOT NULL,
        o.state = 'good', false) AS is_on_sale,
      l.verdict_rule_id, l.hidden_at IS NOT NULL AS is_hidden, l.hidden_rule_id,
      l.outside_product_id IS NOT NULL
        AND COALESCE(NULLIF(l.when_denied, 'default'), f.when_denied) = 'convert' AS converts,
      COALESCE(r.reason_zh, '') AS reason_zh, COALESCE(r.reason_en, '') AS reason_en, l.code
    FROM product_links l
    LEFT JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    LEFT JOIN stores s ON s.id = l.store_id
    LEFT JOIN outside_products o ON o.id = l.outside_product_id
    LEFT JOIN sources f ON f.code = l.source
    LEFT JOIN link_rules r ON r.id = l.hidden_rule_id
    LEFT JOIN product_images i ON i.store_id = l.store_id AND i.product_id = l.product_id
      AND i.position = 0
    LEFT JOIN LATERAL (
      SELECT min(u.price_minor) AS price_minor,
        COALESCE(sum(CASE WHEN t.quotas > 0 THEN units_for_way(u.store_id, u.id,
          t.on_hand - t.reserved, 'live', l.creator_id, :at)
          ELSE t.on_hand - t.reserved END), 0)::int AS stock
      FROM skus u LEFT JOIN stock t ON t.store_id = u.store_id AND t.sku_id = u.id
      WHERE u.store_id = l.store_id AND u.product_id = l.product_id AND u.state = 'active'
    ) k ON l.store_id IS NOT NULL
    WHERE l.creator_id = :creator_id AND l.surface = 'live' AND l.removed_at IS NULL
      AND (CAST(:link_id AS uuid) IS NULL OR l.id = :link_id)
    ORDER BY l.position, l.id
""")


async def live_shelf(
    conn: AsyncConnection, *, creator_id: UUID, at: datetime | None = None
) -> Sequence[ShelfLink]:
    """Every link that stands in the live cart, the hidden ones too, in the creator's order."""
    asked = {"creator_id": creator_id, "link_id": None, "at": at or clock.now()}
    rows = await conn.execute(SHELF, asked)
    return [ShelfLink(**row._mapping) for row in rows]


async def shelf_link(conn: AsyncConnection, *, creator_id: UUID, link_id: UUID) -> ShelfLink | None:
    """One link of the live cart; None when it does not stand there."""
    asked = {"creator_id": creator_id, "link_id": link_id, "at": clock.now()}
    row = (await conn.execute(SHELF, asked)).one_or_none()
    return ShelfLink(**row._mapping) if row else None


class OnAir(msgspec.Struct, frozen=True):
    room_id: RoomId
    creator_id: UUID


async def rooms_on_air(conn: AsyncConnection) -> Sequence[OnAir]:
    rows = await conn.execute(
        text("SELECT id, creator_id FROM live_rooms WHERE state IN ('live', 'paused') ORDER BY id")
    )
    return [OnAir(*row) for row in rows]


async def links_explained(conn: AsyncConnection) -> set[LinkId]:
    """The links that any room explains now."""
    rows = await conn.scalars(text("SELECT link_id FROM live_explanations WHERE ended_at IS NULL"))
    return {LinkId(one) for one in rows}


def card_of(link: ShelfLink) -> dict[str, Any]:
    """A link as everybody in a room hears of it. `sheet`: the fragment to buy from; `page`: where
    it leads without script."""
    own = f"{link.store_id}/{link.product_id}?link={link.link_id}"
    return {
        "link_id": str(link.link_id),
        "source": link.source,
        "source_zh": link.source_zh,
        "source_en": link.source_en,
        "route": link.route,
        "store_id": str(link.store_id) if link.store_id else None,
        "product_id": str(link.product_id) if link.product_id else None,
        "title_zh": link.title_zh,
        "title_en": link.title_en or link.title_zh,
        "image": public_url(link.image_file) if link.image_file else None,
        "price_minor": link.price_minor,
        "currency": link.currency,
        "stock": link.stock,
        "sheet": f"/sheet/links/{link.link_id}" if link.go else f"/sheet/{own}",
        "page": link.go or f"/p/{own}",
        "verdict_rule_id": str(link.verdict_rule_id) if link.verdict_rule_id else None,
    }


PINNED = text("""
    SELECT id, link_id, started_at, viewers FROM live_explanations
    WHERE room_id = :room_id AND ended_at IS NULL
""")
OFFERS = text("""
    SELECT o.id, o.store_id, o.link_id, o.product_id, o.sku_id, o.price_minor, o.currency, o.quota,
      o.quota - o.sold AS left, o.per_buyer, o.starts_at, o.ends_at, u.price_minor AS usual_minor,
      u.options, p.title_zh, p.title_en
    FROM live_offers o
    JOIN skus u ON u.store_id = o.store_id AND u.id = o.sku_id
    JOIN products p ON p.store_id = o.store_id AND p.id = o.product_id
    WHERE o.room_id = :room_id AND o.ends_at > :at AND o.stopped_at IS NULL
    ORDER BY o.starts_at DESC, o.id
""")
DROPS = text("""
    SELECT d.id, d.store_id, c.name_zh, c.name_en, c.funder, c.amount_off_minor, c.percent_off_bp,
      c.min_spend_minor, s.currency, d.quota - d.taken AS left, d.ends_at
    FROM live_coupon_drops d
    JOIN coupons c ON c.store_id = d.store_id AND c.id = d.coupon_id
    JOIN stores s ON s.id = d.store_id
    WHERE d.room_id = :room_id AND d.ends_at > :at ORDER BY d.dropped_at DESC, d.id
""")
DRAWS = text("""
    SELECT id, prize_zh, prize_en, winners, encode(seed_hash, 'hex') AS seed_hash, closes_at
    FROM live_draws WHERE room_id = :room_id AND drawn_at IS NULL ORDER BY opens_at DESC, id
""")


async def selling_now(
    conn: AsyncConnection, *, room_id: UUID, creator_id: UUID, at: datetime | None = None
) -> dict[str, Any]:
    """All that somebody who comes late has to know of what is sold: `shelf` (cards, in order),
    `pin`, `offers`, `drops` and `draws` that are open."""
    at = at or clock.now()
    shelf = await live_shelf(conn, creator_id=creator_id, at=at)
    links = [one for one in shelf if not one.is_hidden]
    asked = {"room_id": room_id, "at": at}
    pinned = (await conn.execute(PINNED, {"room_id": room_id})).one_or_none()
    found = next((one for one in links if pinned and one.link_id == pinned.link_id), None)
    pin = None
    if pinned is not None and found is not None:
        told = {"id": pinned.id, "started_at": pinned.started_at, "viewers": pinned.viewers}
        pin = card_of(found) | _plain(told)
    return {
        "shelf": [card_of(link) for link in links if link.is_on_sale],
        "pin": pin,
        "offers": [_plain(row._mapping) for row in await conn.execute(OFFERS, asked)],
        "drops": [_plain(row._mapping) for row in await conn.execute(DROPS, asked)],
        "draws": [_plain(row._mapping) for row in await conn.execute(DRAWS, {"room_id": room_id})],
    }


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Ids and instants as JSON has them."""
    return {
        name: str(value)
        if isinstance(value, UUID)
        else value.isoformat()
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    }
