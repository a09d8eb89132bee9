"""A creator's videos with their audience and what they sold; one video's days."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import VideoId
from dougong.infra.settings import settings

PAGE = 24


class CreatorVideo(msgspec.Struct, frozen=True):
    """One row of the list. `estimated_minor`: the creator's shares on amounts paid, in the
    platform's currency. `media` is the folder of its files."""

    id: UUID
    caption_zh: str
    caption_en: str
    state: str
    progress_bp: int
    failure: str | None
    media: str | None
    seconds: float | None
    created_at: datetime
    published_at: datetime | None
    views: int
    likes: int
    comments: int
    links: int
    clicks: int
    orders: int
    estimated_minor: int


# Paged by (created_at, id), newest first; or one video alone.
VIDEOS = text("""
    WITH chosen AS (
      SELECT * FROM videos
      WHERE creator_id = :creator_id AND state <> 'removed'
        AND (CAST(:video_id AS uuid) IS NULL OR id = CAST(:video_id AS uuid))
        AND (CAST(:before AS timestamptz) IS NULL
          OR (created_at, id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
      ORDER BY created_at DESC, id DESC LIMIT :most
    ),
    linked AS (
      SELECT l.id, l.video_id, l.removed_at FROM product_links l
      JOIN chosen c ON c.id = l.video_id WHERE l.creator_id = :creator_id
    ),
    sold AS (
      SELECT g.video_id, count(DISTINCT g.order_id) AS n,
        sum(g.commission - g.commission * g.commission_cut_bp / 10000) AS estimated_minor
      FROM (
        SELECT k.video_id, ol.order_id, ol.commission_cut_bp,
          (ol.paid_minor + ol.platform_discount_minor + ol.creator_discount_minor)
            * ol.commission_bp / 10000 AS commission
        FROM order_lines ol
        JOIN linked k ON k.id = ol.link_id
        JOIN orders od ON od.store_id = ol.store_id AND od.id = ol.order_id
        WHERE ol.creator_id = :creator_id AND od.paid_at IS NOT NULL
      ) g GROUP BY g.video_id
    )
    SELECT v.id, v.caption_zh, v.caption_en, v.state, v.progress_bp, v.failure, v.media,
      v.seconds, v.created_at, v.published_at,
      (SELECT count(*) FROM video_views w WHERE w.video_id = v.id) AS views,
      (SELECT count(*) FROM likes w WHERE w.video_id = v.id) AS likes,
      (SELECT count(*) FROM comments w WHERE w.video_id = v.id AND w.removed_at IS NULL)
        AS comments,
      (SELECT count(*) FROM linked k WHERE k.video_id = v.id AND k.removed_at IS NULL) AS links,
      (SELECT count(*) FROM clicks c JOIN linked k ON k.id = c.link_id
       WHERE k.video_id = v.id AND c.validity = 'valid') AS clicks,
      COALESCE(sold.n, 0) AS orders,
      COALESCE(sold.estimated_minor, 0)::bigint AS estimated_minor
    FROM chosen v LEFT JOIN sold ON sold.video_id = v.id
    ORDER BY v.created_at DESC, v.id DESC
""")


async def videos_of_creator(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    before: tuple[datetime, UUID] | None = None,
) -> Sequence[CreatorVideo]:
    """One page (24), newest first, older than `before`; one more says that there are more."""
    return await _videos(conn, creator_id=creator_id, video_id=None, before=before)


async def video_of_creator(
    conn: AsyncConnection, *, creator_id: UUID, video_id: VideoId
) -> CreatorVideo | None:
    found = await _videos(conn, creator_id=creator_id, video_id=video_id, before=None)
    return found[0] if found else None


async def _videos(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    video_id: VideoId | None,
    before: tuple[datetime, UUID] | None,
) -> list[CreatorVideo]:
    at, last_id = before or (None, None)
    asked = {"creator_id": creator_id, "video_id": video_id, "before": at, "before_id": last_id}
    rows = await conn.execute(VIDEOS, asked | {"most": PAGE + 1})
    return [msgspec.convert(dict(row), CreatorVideo, strict=False) for row in rows.mappings()]


class RemovedVideo(msgspec.Struct, frozen=True):
    """A video that the operator took away, and what it said."""

    id: UUID
    caption_zh: str
    caption_en: str
    at: datetime
    reason: str


REMOVED = text("""
    SELECT DISTINCT ON (v.id) v.id, v.caption_zh, v.caption_en, r.resolved_at AS at,
      r.resolution_reason AS reason
    FROM videos v JOIN reports r ON r.video_id = v.id AND r.resolution = 'removed'
    WHERE v.creator_id = :creator_id AND v.state = 'removed' AND r.resolved_at > :since
    ORDER BY v.id, r.resolved_at DESC
""")


async def removed_by_operator(
    conn: AsyncConnection, *, creator_id: UUID, since: datetime
) -> list[RemovedVideo]:
    """The newest removal first."""
    rows = await conn.execute(REMOVED, {"creator_id": creator_id, "since": since})
    found = [msgspec.convert(dict(row), RemovedVideo) for row in rows.mappings()]
    return sorted(found, key=lambda video: video.at, reverse=True)


class VideoDay(msgspec.Struct, frozen=True):
    """One local day of a video. `sold_minor`: what buyers paid for its products."""

    day: date
    views: int
    likes: int
    clicks: int
    orders: int
    sold_minor: int


DAYS = text("""
    WITH days AS (
      SELECT generate_series(
        CAST((CAST(:at AS timestamptz) AT TIME ZONE :zone) AS date) - (:days - 1),
        CAST((CAST(:at AS timestamptz) AT TIME ZONE :zone) AS date),
        interval '1 day')::date AS day
    ),
    linked AS (
      SELECT id FROM product_links WHERE video_id = :video_id AND creator_id = :creator_id
    ),
    acts AS (
      SELECT 'views' AS what, (first_at AT TIME ZONE :zone)::date AS day, 1::bigint AS n
        FROM video_views WHERE video_id = :video_id
      UNION ALL SELECT 'likes', (at AT TIME ZONE :zone)::date, 1 FROM likes
        WHERE video_id = :video_id
      UNION ALL SELECT 'clicks', (at AT TIME ZONE :zone)::date, 1 FROM clicks
        WHERE link_id IN (SELECT id FROM linked) AND validity = 'valid'
      UNION ALL SELECT 'orders', (o.paid_at AT TIME ZONE :zone)::date, 1
        FROM orders o WHERE o.paid_at IS NOT NULL AND (o.store_id, o.id) IN (
          SELECT store_id, order_id FROM order_lines
          WHERE creator_id = :creator_id AND link_id IN (SELECT id FROM linked))
      UNION ALL SELECT 'sold', (o.paid_at AT TIME ZONE :zone)::date, ol.paid_minor
        FROM order_lines ol JOIN orders o ON o.store_id = ol.store_id AND o.id = ol.order_id
        WHERE ol.creator_id = :creator_id AND ol.link_id IN (SELECT id FROM linked)
          AND o.paid_at IS NOT NULL
    )
    SELECT d.day,
      COALESCE(sum(a.n) FILTER (WHERE a.what = 'views'), 0)::bigint AS views,
      COALESCE(sum(a.n) FILTER (WHERE a.what = 'likes'), 0)::bigint AS likes,
      COALESCE(sum(a.n) FILTER (WHERE a.what = 'clicks'), 0)::bigint AS clicks,
      COALESCE(sum(a.n) FILTER (WHERE a.what = 'orders'), 0)::bigint AS orders,
      COALESCE(sum(a.n) FILTER (WHERE a.what = 'sold'), 0)::bigint AS sold_minor
    FROM days d LEFT JOIN acts a ON a.day = d.day GROUP BY d.day ORDER BY d.day
""")


async def days_of_video(
    conn: AsyncConnection, *, creator_id: UUID, video_id: VideoId, at: datetime, days: int = 30
) -> list[VideoDay]:
    """The last `days` local days, today included, oldest first."""
    asked = {"creator_id": creator_id, "video_id": video_id, "at": at, "days": days}
    rows = await conn.execute(DAYS, asked | {"zone": settings().timezone})
    return [msgspec.convert(dict(row), VideoDay) for row in rows.mappings()]


class CreatorOrganisation(msgspec.Struct, frozen=True):
    """Whom the pages are about; also read by `pick(creator, "name")`."""

    id: UUID
    handle: str
    name: str
    name_en: str
    avatar_file: str | None
    followers: int

    @property
    def name_zh(self) -> str:
        return self.name


CREATORS = text("""
    SELECT o.id, o.handle, o.name, o.name_en, o.avatar_file,
      (SELECT count(*) FROM follows f WHERE f.creator_id = o.id) AS followers
    FROM organisations o WHERE o.id = ANY(CAST(:ids AS uuid[])) AND o.kind = 'creator'
    ORDER BY o.name, o.id
""")


async def creator_organisations(
    conn: AsyncConnection, *, creator_ids: Sequence[UUID]
) -> list[CreatorOrganisation]:
    """Those of the ids that are creators, by name."""
    rows = await conn.execute(CREATORS, {"ids": list(creator_ids)})
    return [msgspec.convert(dict(row), CreatorOrganisation) for row in rows.mappings()]


async def creator_organisation(conn: AsyncConnection, *, creator_id: UUID) -> CreatorOrganisation:
    """Raises NotFound."""
    found = await creator_organisations(conn, creator_ids=[creator_id])
    if not found:
        raise NotFound
    return found[0]
