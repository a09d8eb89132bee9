"""The big screen of a room: who watches, what sells, minute by minute, and where they came from.

An order belongs to a room when its line's link was in the creator's live cart and it was placed
while the room was on air or within AFTERWARDS of it, before the creator's next room began: carts
that were filled in the room may be paid a little later.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra.db import like_literal

AFTERWARDS = timedelta(minutes=30)
MOST_PRODUCTS, MOST_MINUTES = 50, 1_440


class Product(msgspec.Struct, frozen=True):
    """What one product sold in the room. `explained_s`: for how long it was explained."""

    link_id: UUID
    title_zh: str
    title_en: str
    orders: int
    units: int
    paid_minor: int
    refunded_minor: int
    explained_s: int


class Minute(msgspec.Struct, frozen=True):
    minute: datetime
    viewers: int
    joined: int
    messages: int
    paid_minor: int


class Origin(msgspec.Struct, frozen=True):
    """Where viewers came from, and what those who bought had paid."""

    came_from: str
    visits: int
    buyers: int
    paid_minor: int


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """What a room sold, as SOLD tells it."""

    currency: str
    orders_placed: int
    orders_paid: int
    buyers: int
    units: int
    placed_minor: int
    paid_minor: int
    refunded_minor: int
    products: list[Product]
    minutes: list[Minute]
    origins: list[Origin]

    @property
    def net_minor(self) -> int:
        return self.paid_minor - self.refunded_minor


class Board(Sold, frozen=True, kw_only=True):
    """All figures of a room until now. Money in the minor units of `currency`, of lines alone:
    `placed_minor` also counts what is not paid. `viewers`: this very minute."""

    room_id: UUID
    creator_id: UUID
    title_zh: str
    title_en: str
    creator: str
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    viewers: int
    viewers_most: int
    visitors: int
    likes: int
    messages: int
    gift_coins: int
    gift_minor: int

    def conversion_bp(self) -> int:
        """Buyers of visitors, in basis points."""
        return self.buyers * 10_000 // self.visitors if self.visitors else 0


ROOM = text("""
    SELECT r.id, r.creator_id, r.title_zh, r.title_en, r.state, r.started_at, r.ended_at, o.name,
      LEAST(COALESCE(r.ended_at, :at) + CAST(:afterwards AS interval),
        (SELECT min(n.started_at) FROM live_rooms n
         WHERE n.creator_id = r.creator_id AND n.started_at > r.started_at)) AS until
    FROM live_rooms r JOIN organisations o ON o.id = r.creator_id
    WHERE r.id = :room_id AND (CAST(:creator_id AS uuid) IS NULL OR r.creator_id = :creator_id)
""")

AUDIENCE = text("""
    SELECT
      COALESCE((SELECT m.viewers FROM live_minutes m WHERE m.room_id = :room_id
        AND m.minute > :at - interval '2 minutes' ORDER BY m.minute DESC LIMIT 1), 0) AS viewers,
      COALESCE((SELECT max(viewers) FROM live_minutes WHERE room_id = :room_id), 0) AS most,
      COALESCE((SELECT sum(likes) FROM live_minutes WHERE room_id = :room_id), 0)::bigint AS likes,
      (SELECT count(*) FROM live_messages WHERE room_id = :room_id AND removed_at IS NULL)
        AS messages,
      (SELECT count(*) FROM (SELECT FROM live_visits WHERE room_id = :room_id GROUP BY visitor) v)
        AS visitors,
      COALESCE((SELECT sum(coins) FROM gifts WHERE room_id = :room_id AND reversed_at IS NULL), 0)
        ::bigint AS gift_coins,
      COALESCE((SELECT sum(value_minor) FROM gifts
        WHERE room_id = :room_id AND reversed_at IS NULL), 0)::bigint AS gift_minor
""")

# The lines that the room brought, summed in every way at once. They are found by the orders that
# the stores of its live cart got in its time, not by all that the creator ever sold; OFFSET 0 keeps
# the planner, who does not know how long a room lasts, from going the other way. A buyer's order
# counts to where its last visit before it came from.
SOLD = text("""
    WITH carts AS MATERIALIZED (
      SELECT id, store_id FROM product_links
      WHERE creator_id = :creator_id AND surface = 'live' AND store_id IS NOT NULL
    ), sold AS MATERIALIZED (
      SELECT l.link_id, l.title_zh, l.title_en, l.quantity, l.paid_minor, l.refunded_minor,
        o.id AS order_id, o.buyer_id, o.currency::text AS currency, o.placed_at,
        o.paid_at IS NOT NULL AS is_paid
      FROM (SELECT DISTINCT store_id FROM carts) s
      CROSS JOIN LATERAL (
        SELECT id, buyer_id, currency, placed_at, paid_at FROM orders
        WHERE store_id = s.store_id AND placed_at >= :since AND placed_at < :until OFFSET 0
      ) o
      CROSS JOIN LATERAL (
        SELECT link_id, title_zh, title_en, quantity, paid_minor, refunded_minor
        FROM order_lines
        WHERE store_id = s.store_id AND order_id = o.id AND kind = 'goods'
          AND creator_id = :creator_id AND link_id = ANY(ARRAY(SELECT id FROM carts)) OFFSET 0
      ) l
    ), most AS (
      SELECT COALESCE((SELECT currency FROM sold GROUP BY currency
        ORDER BY sum(paid_minor) DESC LIMIT 1), :currency) AS currency
    ), mine AS (
      SELECT s.* FROM sold s JOIN most m ON m.currency = s.currency
    ), explained AS (
      SELECT link_id, sum(extract(epoch FROM COALESCE(ended_at, :at) - started_at))::int AS seconds
      FROM live_explanations WHERE room_id = :room_id GROUP BY link_id
    ), by_link AS (
      SELECT link_id, max(title_zh) AS title_zh, max(title_en) AS title_en,
        count(DISTINCT order_id) AS orders, sum(quantity)::bigint AS units,
        sum(paid_minor)::bigint AS paid_minor, sum(refunded_minor)::bigint AS refunded_minor
      FROM mine WHERE is_paid GROUP BY link_id
    ), products AS (
      SELECT COALESCE(s.link_id, e.link_id) AS link_id,
        COALESCE(s.title_zh, p.title_zh, x.title, '') AS title_zh,
        COALESCE(s.title_en, p.title_en, x.title, '') AS title_en,
        COALESCE(s.orders, 0) AS orders, COALESCE(s.units, 0) AS units,
        COALESCE(s.paid_minor, 0) AS paid_minor,
        COALESCE(s.refunded_minor, 0) AS refunded_minor, COALESCE(e.seconds, 0) AS explained_s
      FROM by_link s FULL JOIN explained e ON e.link_id = s.link_id
      LEFT JOIN product_links k ON k.id = COALESCE(s.link_id, e.link_id)
      LEFT JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
      LEFT JOIN outside_products x ON x.id = k.outside_product_id
      ORDER BY 6 DESC, 8 DESC, 1 LIMIT :most_products
    ), bought AS (
      SELECT date_trunc('minute', placed_at, 'UTC') AS minute, sum(paid_minor)::bigint AS paid
      FROM mine WHERE is_paid GROUP BY 1
    ), minutes AS (
      SELECT COALESCE(m.minute, b.minute) AS minute, COALESCE(m.viewers, 0) AS viewers,
        COALESCE(m.joined, 0) AS joined, COALESCE(m.messages, 0) AS messages,
        COALESCE(b.paid, 0) AS paid_minor
      FROM (SELECT * FROM live_minutes WHERE room_id = :room_id) m
      FULL JOIN bought b ON b.minute = m.minute ORDER BY 1 LIMIT :most_minutes
    ), came AS (
      SELECT s.buyer_id, s.paid_minor, COALESCE((
        SELECT v.came_from FROM live_visits v
        WHERE v.room_id = :room_id AND v.person_id = s.buyer_id AND v.joined_at <= s.placed_at
        ORDER BY v.joined_at DESC LIMIT 1), 'unknown') AS came_from
      FROM mine s WHERE s.is_paid
    ), buying AS (
      SELECT came_from, count(DISTINCT buyer_id) AS buyers, sum(paid_minor)::bigint AS paid
      FROM came GROUP BY came_from
    ), visited AS (
      SELECT came_from, count(*) AS visits FROM live_visits WHERE room_id = :room_id
      GROUP BY came_from
    ), origins AS (
      SELECT COALESCE(v.came_from, b.came_from) AS came_from, COALESCE(v.visits, 0) AS visits,
        COALESCE(b.buyers, 0) AS buyers, COALESCE(b.paid, 0) AS paid_minor
      FROM visited v FULL JOIN buying b ON b.came_from = v.came_from
      ORDER BY 4 DESC, 2 DESC, 1
    )
    SELECT m.currency, count(DISTINCT s.order_id) AS orders_placed,
      count(DISTINCT s.order_id) FILTER (WHERE s.is_paid) AS orders_paid,
      count(DISTINCT s.buyer_id) FILTER (WHERE s.is_paid) AS buyers,
      COALESCE(sum(s.quantity) FILTER (WHERE s.is_paid), 0)::bigint AS units,
      COALESCE(sum(s.paid_minor), 0)::bigint AS placed_minor,
      COALESCE(sum(s.paid_minor) FILTER (WHERE s.is_paid), 0)::bigint AS paid_minor,
      COALESCE(sum(s.refunded_minor) FILTER (WHERE s.is_paid), 0)::bigint AS refunded_minor,
      (SELECT COALESCE(jsonb_agg(to_jsonb(x)), '[]') FROM products x) AS products,
      (SELECT COALESCE(jsonb_agg(to_jsonb(x)), '[]') FROM minutes x) AS minutes,
      (SELECT COALESCE(jsonb_agg(to_jsonb(x)), '[]') FROM origins x) AS origins
    FROM most m LEFT JOIN mine s ON true GROUP BY m.currency
""")


async def board(
    conn: AsyncConnection,
    *,
    room_id: UUID,
    creator_id: UUID | None,
    currency: str,
    at: datetime,
) -> Board | None:
    """A room's board; None for another creator's room, or one that has not begun.

    `creator_id` None: whoever's it is. `currency`: shown where nothing is sold; else the one in
    which most was.
    """
    asked: dict[str, Any] = {"room_id": room_id, "at": at, "creator_id": creator_id}
    room = (await conn.execute(ROOM, asked | {"afterwards": AFTERWARDS})).one_or_none()
    if room is None or room.started_at is None:
        return None
    asked |= {"creator_id": room.creator_id, "since": room.started_at, "until": room.until}
    seen = (await conn.execute(AUDIENCE, asked)).one()
    limits = {"most_products": MOST_PRODUCTS, "most_minutes": MOST_MINUTES}
    sold = (await conn.execute(SOLD, asked | limits | {"currency": currency})).one()
    return Board(
        room_id=room.id,
        creator_id=room.creator_id,
        title_zh=room.title_zh or room.title_en,
        title_en=room.title_en or room.title_zh,
        creator=room.name,
        state=room.state,
        started_at=room.started_at,
        ended_at=room.ended_at,
        viewers=seen.viewers if room.ended_at is None else 0,
        viewers_most=seen.most,
        visitors=seen.visitors,
        likes=seen.likes,
        messages=seen.messages,
        gift_coins=seen.gift_coins,
        gift_minor=seen.gift_minor,
        **msgspec.structs.asdict(msgspec.convert(dict(sold._mapping), Sold)),
    )


class WallRoom(msgspec.Struct, frozen=True):
    """A room on the operator's wall. `paid_minor` of this room, in the platform's currency."""

    id: UUID
    creator_id: UUID
    creator: str
    title_zh: str
    title_en: str
    state: str
    started_at: datetime | None
    announced_for: datetime
    viewers: int
    messages: int
    paid_minor: int
    protocol: str | None
    bitrate_bps: int | None
    dropped: int | None
    explaining_zh: str | None
    explaining_en: str | None


WALL = text("""
    SELECT r.id, r.creator_id, o.name AS creator, COALESCE(NULLIF(r.title_zh, ''), r.title_en)
        AS title_zh, COALESCE(NULLIF(r.title_en, ''), r.title_zh) AS title_en, r.state,
      r.started_at, r.announced_for,
      COALESCE((SELECT m.viewers FROM live_minutes m WHERE m.room_id = r.id
        AND m.minute > :at - interval '2 minutes' ORDER BY m.minute DESC LIMIT 1), 0) AS viewers,
      (SELECT count(*) FROM live_messages c WHERE c.room_id = r.id
        AND c.at > :at - interval '5 minutes') AS messages,
      COALESCE((SELECT sum(l.paid_minor)
        FROM (SELECT array_agg(id) AS links, array_agg(DISTINCT store_id) AS stores
          FROM product_links WHERE creator_id = r.creator_id AND surface = 'live'
            AND store_id IS NOT NULL) k
        CROSS JOIN LATERAL unnest(k.stores) AS s (store_id)
        CROSS JOIN LATERAL (SELECT id, store_id FROM orders
          WHERE store_id = s.store_id AND placed_at >= r.started_at AND paid_at IS NOT NULL
            AND currency = :currency OFFSET 0) d
        CROSS JOIN LATERAL (SELECT paid_minor FROM order_lines
          WHERE store_id = d.store_id AND order_id = d.id AND kind = 'goods'
            AND creator_id = r.creator_id AND link_id = ANY(k.links) OFFSET 0) l), 0)::bigint
        AS paid_minor,
      b.protocol, b.bitrate_bps, b.dropped, COALESCE(p.title_zh, x.title) AS explaining_zh,
      COALESCE(NULLIF(p.title_en, ''), p.title_zh, x.title) AS explaining_en
    FROM live_rooms r JOIN organisations o ON o.id = r.creator_id
    LEFT JOIN live_publishers b ON b.room_id = r.id AND b.ended_at IS NULL
    LEFT JOIN live_explanations e ON e.room_id = r.id AND e.ended_at IS NULL
    LEFT JOIN products p ON p.store_id = e.store_id AND p.id = e.product_id
    LEFT JOIN outside_products x ON x.id = e.outside_product_id
    WHERE CASE WHEN :only = 'scheduled' THEN r.state = 'scheduled'
        ELSE r.state IN ('live', 'paused') END
      AND (:words = '' OR o.name ILIKE :like OR r.title_zh ILIKE :like OR r.title_en ILIKE :like)
    ORDER BY viewers DESC, r.announced_for, r.id LIMIT :most
""")


async def wall(
    conn: AsyncConnection, *, words: str, only: str, currency: str, at: datetime, most: int
) -> list[WallRoom]:
    """Rooms on air, the fullest first; `only` scheduled: those that are announced."""
    like = f"%{like_literal(words)}%"
    asked = {"words": words, "like": like, "only": only, "currency": currency, "at": at,
             "most": most}  # fmt: skip
    return [WallRoom(**row) for row in (await conn.execute(WALL, asked)).mappings()]
