"""Writes what the audience does: likes, comments, follows, views, hidden videos, reports."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, VideoId, new_id
from dougong.content.rules import (
    MAX_COMMENT_CHARACTERS,
    MAX_NOTE_CHARACTERS,
    MAX_WATCHED_MS,
    REPORT_REASONS,
    BadReport,
    CommentRefused,
    VideoGone,
    VideoState,
)
from dougong.content.tables import comments, follows, hidden_videos, likes, reports, videos
from dougong.infra import events
from dougong.infra.plain_text import plain_text


async def _published(conn: AsyncConnection, video_id: VideoId) -> UUID:
    """Its creator. Raises VideoGone."""
    found = select(videos.c.creator_id).where(videos.c.id == video_id)
    creator_id = await conn.scalar(found.where(videos.c.state == VideoState.PUBLISHED))
    if creator_id is None:
        raise VideoGone
    return UUID(str(creator_id))


async def like(
    conn: AsyncConnection, *, video_id: VideoId, person_id: PersonId, at: datetime
) -> None:
    """Liking twice is liking once. Raises VideoGone."""
    await _published(conn, video_id)
    row = {"video_id": video_id, "person_id": person_id, "at": at}
    made = await conn.execute(upsert(likes).values(**row).on_conflict_do_nothing())
    if made.rowcount:
        await _said(conn, "content.video_liked", video_id, person_id, at)


async def unlike(
    conn: AsyncConnection, *, video_id: VideoId, person_id: PersonId, at: datetime
) -> None:
    change = delete(likes).where(likes.c.video_id == video_id, likes.c.person_id == person_id)
    if (await conn.execute(change)).rowcount:
        await _said(conn, "content.like_withdrawn", video_id, person_id, at)


async def add_comment(
    conn: AsyncConnection, *, video_id: VideoId, person_id: PersonId, body: str, at: datetime
) -> UUID:
    """Raises CommentRefused (nothing left after cleaning, or too long), VideoGone."""
    await _published(conn, video_id)
    clean = plain_text(body)
    if not clean or len(clean) > MAX_COMMENT_CHARACTERS:
        raise CommentRefused(field="body", most=MAX_COMMENT_CHARACTERS)
    comment_id = new_id()
    row = {"video_id": video_id, "id": comment_id, "person_id": person_id}
    await conn.execute(insert(comments).values(**row, body=clean, at=at))
    facts = {"comment_id": str(comment_id)}
    await _said(conn, "content.comment_written", video_id, person_id, at, **facts)
    return comment_id


async def remove_comment(
    conn: AsyncConnection,
    *,
    video_id: VideoId,
    comment_id: UUID,
    person_id: PersonId,
    creator_ids: list[UUID],
    at: datetime,
    is_moderator: bool = False,
) -> None:
    """By its writer, by the video's creator (`creator_ids`: whom this person acts for), or by a
    moderator. Raises NotFound for anybody else, and when it is gone already.
    """
    mine = select(videos.c.id).where(videos.c.id == video_id, videos.c.creator_id.in_(creator_ids))
    change = (
        update(comments)
        .where(comments.c.video_id == video_id, comments.c.id == comment_id)
        .where((comments.c.person_id == person_id) | comments.c.video_id.in_(mine) | is_moderator)
        .where(comments.c.removed_at.is_(None))
        .values(removed_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
    facts = {"comment_id": str(comment_id)}
    await _said(conn, "content.comment_removed", video_id, person_id, at, **facts)


async def follow(
    conn: AsyncConnection, *, creator_id: UUID, person_id: PersonId, at: datetime
) -> None:
    """A creator that shows something; whether it does is for flows/follow_creator.py to ask."""
    row = {"person_id": person_id, "creator_id": creator_id, "at": at}
    made = await conn.execute(upsert(follows).values(**row).on_conflict_do_nothing())
    if made.rowcount:
        facts = {"person_id": str(person_id)}
        await events.record(
            conn, "content.creator_followed", subject_id=creator_id, at=at, facts=facts
        )


async def unfollow(
    conn: AsyncConnection, *, creator_id: UUID, person_id: PersonId, at: datetime
) -> None:
    change = delete(follows).where(follows.c.person_id == person_id)
    if (await conn.execute(change.where(follows.c.creator_id == creator_id))).rowcount:
        facts = {"person_id": str(person_id)}
        await events.record(
            conn, "content.follow_withdrawn", subject_id=creator_id, at=at, facts=facts
        )


async def hide(
    conn: AsyncConnection, *, video_id: VideoId, person_id: PersonId, at: datetime
) -> None:
    """Never show this video to this person again. Raises VideoGone."""
    await _published(conn, video_id)
    row = {"person_id": person_id, "video_id": video_id, "at": at}
    await conn.execute(upsert(hidden_videos).values(**row).on_conflict_do_nothing())


SEEN = text("""
    INSERT INTO video_views AS v (person_id, video_id, first_at, last_at, watched_ms)
    SELECT :person_id, id, :at, :at, :watched_ms FROM videos
    WHERE id = :video_id AND state = 'published'
    ON CONFLICT (person_id, video_id) DO UPDATE
    SET last_at = GREATEST(v.last_at, excluded.last_at),
      watched_ms = LEAST(v.watched_ms + excluded.watched_ms, 1000000000)
""")


async def seen(
    conn: AsyncConnection, *, video_id: VideoId, person_id: PersonId, watched_ms: int, at: datetime
) -> None:
    """A person watched for so long, counted up to MAX_WATCHED_MS at a time. Raises VideoGone."""
    asked = {"person_id": person_id, "video_id": video_id, "at": at}
    bounded = min(max(watched_ms, 0), MAX_WATCHED_MS)
    if (await conn.execute(SEEN, asked | {"watched_ms": bounded})).rowcount != 1:
        raise VideoGone


async def report(
    conn: AsyncConnection,
    *,
    video_id: VideoId,
    person_id: PersonId,
    reason: str,
    note: str,
    at: datetime,
) -> None:
    """Tell the operator. A second report of the same person is the first one. Raises BadReport,
    VideoGone."""
    clean = plain_text(note)
    if reason not in REPORT_REASONS or len(clean) > MAX_NOTE_CHARACTERS:
        raise BadReport(field="reason" if reason not in REPORT_REASONS else "note")
    await _published(conn, video_id)
    row = {"id": new_id(), "video_id": video_id, "person_id": person_id, "reason": reason}
    made = await conn.execute(
        upsert(reports).values(**row, note=clean, at=at).on_conflict_do_nothing()
    )
    if made.rowcount:
        await _said(conn, "content.video_reported", video_id, person_id, at, reason=reason)


async def resolve_reports(
    conn: AsyncConnection,
    *,
    video_id: VideoId,
    resolution: str,
    reason: str,
    resolved_by: PersonId,
    at: datetime,
) -> int:
    """Close every open report of a video: `kept` or `removed`. Answers how many were open.

    Raises NotFound when none is, BadReport without a reason or for another resolution.
    """
    clean = plain_text(reason)
    if not 1 <= len(clean) <= MAX_NOTE_CHARACTERS or resolution not in {"kept", "removed"}:
        raise BadReport(field="reason")
    change = (
        update(reports)
        .where(reports.c.video_id == video_id, reports.c.resolved_at.is_(None))
        .values(
            resolved_at=at,
            resolution=resolution,
            resolved_by=resolved_by,
            resolution_reason=clean,
        )
    )
    closed = (await conn.execute(change)).rowcount
    if not closed:
        raise NotFound
    facts = {"resolution": resolution, "reports": closed}
    await _said(conn, "content.reports_resolved", video_id, resolved_by, at, **facts)
    return int(closed)


async def reverse_removal(
    conn: AsyncConnection, *, video_id: VideoId, reason: str, resolved_by: PersonId, at: datetime
) -> None:
    """The reports that removed a video are decided anew: `kept`. Raises NotFound, BadReport."""
    clean = plain_text(reason)
    if not 1 <= len(clean) <= MAX_NOTE_CHARACTERS:
        raise BadReport(field="reason")
    decided = {"resolved_at": at, "resolved_by": resolved_by, "resolution_reason": clean}
    change = (
        update(reports)
        .where(reports.c.video_id == video_id, reports.c.resolution == "removed")
        .values(**decided, resolution="kept")
    )
    if not (await conn.execute(change)).rowcount:
        raise NotFound
    await _said(conn, "content.removal_reversed", video_id, resolved_by, at)


async def _said(
    conn: AsyncConnection,
    kind: str,
    video_id: VideoId,
    person_id: PersonId,
    at: datetime,
    **facts: Any,
) -> None:
    known = {"person_id": str(person_id)} | facts
    await events.record(conn, kind, subject_id=video_id, at=at, facts=known)
