"""A creator's videos with their audience and what they sold; one video's days."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import VideoId
from dougong.base.time import local_day
from dougong.infra.settings import settings
from dougong.reads.day_figures import sold

PAGE = 24


class CreatorVideo(msgspec.Struct, frozen=True):
    """One row of the list. `orders`: by link, so one with two of the video's products is two.
    `estimated_minor`: the creator's shares on amounts paid, in the platform's currency. `media` is
    the folder of its files."""

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
    )
    SELECT v.id, v.caption_zh, v.caption_en, v.state, v.progress_bp, v.failure, v.media,
      v.seconds, v.created_at, v.published_at,
      (SELECT count(*) FROM video_views w WHERE w.video_id = v.id) AS views,
      (SELECT count(*) FROM likes w WHERE w.video_id = v.id) AS likes,
      (SELECT count(*) FROM comments w WHERE w.video_id = v.id AND w.removed_at IS NULL)
        AS comments,
      (SELECT array_agg(k.id) FROM linked k WHERE k.video_id = v.id) AS link_ids,
      (SELECT count(*) FROM linked k WHERE k.video_id = v.id AND k.removed_at IS NULL) AS links,
      (SELECT count(*) FROM clicks c JOIN linked k ON k.id = c.link_id
       WHERE k.video_id = v.id AND c.validity = 'valid') AS clicks
    FROM chosen v
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
    rows = (await conn.execute(VIDEOS, asked | {"most": PAGE + 1})).mappings().all()
    brought = await _brought(
        conn, creator_id, [id_ for row in rows for id_ in row["link_ids"] or ()]
    )
    found = []
    for row in rows:
        mine = [brought[id_] for id_ in row["link_ids"] or () if id_ in brought]
        sums = {
            "orders": sum(orders for orders, _ in mine),
            "estimated_minor": sum(minor for _, minor in mine),
        }
        found.append(msgspec.convert({**row, **sums}, CreatorVideo, strict=False))
    return found


async def _brought(
    conn: AsyncConnection, creator_id: UUID, link_ids: Sequence[UUID]
) -> dict[UUID, tuple[int, int]]:
    """(orders, the creator's share) by link, of those that sold anything."""
    if not link_ids:
        return {}
    rows = await sold(
        conn, kind="link", by=["subject"], creator_id=creator_id, subject_ids=link_ids
    )
    return {row.subject_id: (row.orders, row.earned_minor) for row in rows}


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


class VideoDay(msgspec.Struct):
    """One local day of a video. `orders` as in CreatorVideo, by the day of payment; `sold_minor`:
    what buyers paid for its products."""

    day: date
    views: int
    likes: int
    clicks: int
    orders: int = 0
    sold_minor: int = 0


DAYS = text("""
    WITH days AS (
      SELECT generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day')::date
        AS day
    ),
    linked AS (
      SELECT id FROM product_links WHERE video_id = :video_id AND creator_id = :creator_id
    ),
    acts AS (
      SELECT 'views' AS what, (first_at AT TIME ZONE :zone)::date AS day
        FROM video_views WHERE video_id = :video_id
      UNION ALL SELECT 'likes', (at AT TIME ZONE :zone)::date FROM likes
        WHERE video_id = :video_id
      UNION ALL SELECT 'clicks', (at AT TIME ZONE :zone)::date FROM clicks
        WHERE link_id IN (SELECT id FROM linked) AND validity = 'valid'
    )
    SELECT d.day,
      count(*) FILTER (WHERE a.what = 'views') AS views,
      count(*) FILTER (WHERE a.what = 'likes') AS likes,
      count(*) FILTER (WHERE a.what = 'clicks') AS clicks
    FROM days d LEFT JOIN acts a ON a.day = d.day GROUP BY d.day ORDER BY d.day
""")
LINKS = text("SELECT id FROM product_links WHERE video_id = :video_id AND creator_id = :creator_id")


async def days_of_video(
    conn: AsyncConnection, *, creator_id: UUID, video_id: VideoId, at: datetime, days: int = 30
) -> list[VideoDay]:
    """The last `days` local days, today included, oldest first."""
    video = {"creator_id": creator_id, "video_id": video_id}
    zone = settings().timezone
    last = local_day(at, ZoneInfo(zone))
    first = last - timedelta(days=days - 1)
    brought = await sold(
        conn,
        kind="link",
        by=["day"],
        creator_id=creator_id,
        subject_ids=list(await conn.scalars(LINKS, video)),
        first=first,
        last=last,
    )
    found = {
        row.day: VideoDay(row.day, row.views, row.likes, row.clicks)
        for row in await conn.execute(DAYS, video | {"first": first, "last": last, "zone": zone})
    }
    for row in brought:  # one a currency
        found[row.day].orders += row.orders
        found[row.day].sold_minor += row.paid_minor
    return list(found.values())


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
