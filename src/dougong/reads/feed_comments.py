"""What people say under a video, and who may take it away; what was reported."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import VideoId
from dougong.content.rules import PLAYLIST, POSTER
from dougong.infra.files import public_url
from dougong.reads.feed_cursor import TimeCursor

PAGE = 30


class Comment(msgspec.Struct, frozen=True):
    """`may_remove`: by the reader who asks."""

    id: UUID
    name: str
    body: str
    at: datetime
    is_creator: bool
    may_remove: bool


class CommentPage(msgspec.Struct, frozen=True):
    items: list[Comment]
    total: int
    next_cursor: str | None


COMMENTS = text("""
    SELECT c.id, p.name, c.body, c.at, c.person_id,
      c.person_id = CAST(:reader AS uuid) AS is_mine, v.creator_id,
      EXISTS (SELECT FROM grants g WHERE g.person_id = c.person_id AND g.org_id = v.creator_id)
        AS is_creator
    FROM comments c
    JOIN videos v ON v.id = c.video_id AND v.state = 'published'
    JOIN people p ON p.id = c.person_id
    WHERE c.video_id = :video_id AND c.removed_at IS NULL
      AND (CAST(:before AS timestamptz) IS NULL
        OR (c.at, c.id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY c.at DESC, c.id DESC LIMIT :most
""")
COUNT = text("SELECT count(*) FROM comments WHERE video_id = :video_id AND removed_at IS NULL")


async def comments_of(
    conn: AsyncConnection,
    *,
    video_id: VideoId,
    reader_id: UUID | None,
    acts_for: list[UUID],
    is_moderator: bool = False,
    cursor: str = "",
) -> CommentPage:
    """The newest comments first, 30 a page; `acts_for`: creators whose videos the reader manages.

    Raises BadInput for a strange cursor.
    """
    start = TimeCursor.parse(cursor) if cursor else None
    asked = {
        "video_id": video_id,
        "reader": reader_id,
        "before": start.at if start else None,
        "before_id": start.video_id if start else None,
        "most": PAGE + 1,
    }
    rows = (await conn.execute(COMMENTS, asked)).all()
    shown = [
        Comment(
            id=row.id,
            name=row.name,
            body=row.body,
            at=row.at,
            is_creator=row.is_creator,
            may_remove=is_moderator or bool(row.is_mine) or row.creator_id in acts_for,
        )
        for row in rows[:PAGE]
    ]
    more = TimeCursor(shown[-1].at, shown[-1].id).text() if len(rows) > PAGE else None
    total = int(await conn.scalar(COUNT, {"video_id": video_id}) or 0)
    return CommentPage(shown, total, more)


async def likes_of(conn: AsyncConnection, *, video_id: VideoId) -> int:
    counted = text("SELECT count(*) FROM likes WHERE video_id = :video_id")
    return int(await conn.scalar(counted, {"video_id": video_id}) or 0)


class ReportedVideo(msgspec.Struct, frozen=True):
    """A video with open reports; `reasons` in the order in which they came."""

    video_id: UUID
    creator_id: UUID
    handle: str
    creator_zh: str
    creator_en: str
    caption_zh: str
    caption_en: str
    playlist: str
    poster: str
    first_at: datetime
    reasons: list[str]
    notes: list[str]


class ClosedReport(msgspec.Struct, frozen=True):
    """How reports of a video were decided. `is_removed`: the video is away now."""

    video_id: UUID
    caption_zh: str
    caption_en: str
    resolved_at: datetime
    resolution: str
    reason: str
    by: str
    count: int
    is_removed: bool


OPEN = text("""
    SELECT v.id AS video_id, v.creator_id, o.handle, o.name AS creator_zh,
      COALESCE(NULLIF(o.name_en, ''), o.name) AS creator_en, v.caption_zh, v.caption_en, v.media,
      min(r.at) AS first_at, array_agg(r.reason ORDER BY r.at, r.id) AS reasons,
      array_remove(array_agg(r.note ORDER BY r.at, r.id), '') AS notes
    FROM reports r
    JOIN videos v ON v.id = r.video_id AND v.state <> 'removed'
    JOIN organisations o ON o.id = v.creator_id
    WHERE r.resolved_at IS NULL
    GROUP BY v.id, o.id ORDER BY count(*) DESC, min(r.at), v.id LIMIT 50
""")

CLOSED = text("""
    SELECT r.video_id, v.caption_zh, v.caption_en, r.resolved_at, r.resolution,
      r.resolution_reason AS reason, COALESCE(p.name, '') AS by, count(*) AS count,
      v.state = 'removed' AS is_removed
    FROM reports r JOIN videos v ON v.id = r.video_id
    LEFT JOIN people p ON p.id = r.resolved_by
    WHERE r.resolved_at IS NOT NULL
    GROUP BY r.video_id, v.id, r.resolved_at, r.resolution, r.resolution_reason, p.name
    ORDER BY r.resolved_at DESC, r.video_id LIMIT 50
""")


async def open_reports(conn: AsyncConnection) -> list[ReportedVideo]:
    """Up to 50 videos that wait for a decision, the most reported first."""
    found = []
    for row in (await conn.execute(OPEN)).mappings():
        fields = dict(row)
        media = fields.pop("media")
        fields["playlist"] = public_url(f"{media}/{PLAYLIST}")
        fields["poster"] = public_url(f"{media}/{POSTER}")
        found.append(msgspec.convert(fields, ReportedVideo))
    return found


async def closed_reports(conn: AsyncConnection) -> list[ClosedReport]:
    """The last 50 decisions."""
    rows = await conn.execute(CLOSED)
    return [msgspec.convert(dict(row), ClosedReport) for row in rows.mappings()]
