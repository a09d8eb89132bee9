"""Writes videos: made, processed, published, edited, removed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import VideoId, new_id
from dougong.content.rules import (
    MAX_CAPTION_CHARACTERS,
    CaptionTooLong,
    VideoState,
    WrongVideoState,
    states_before,
)
from dougong.content.tables import videos
from dougong.infra import events
from dougong.infra.plain_text import plain_text


async def create_ready_video(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    caption_zh: str,
    caption_en: str,
    media: str,
    seconds: float,
    width: int,
    height: int,
    at: datetime,
) -> VideoId:
    """A video whose files are already there: imports and demo data.

    media: its folder below the media directory, with `index.m3u8` and `poster.jpg` in it.
    """
    video_id = VideoId(new_id())
    await conn.execute(
        insert(videos).values(
            id=video_id,
            creator_id=creator_id,
            caption_zh=caption(caption_zh),
            caption_en=caption(caption_en),
            state=VideoState.READY,
            progress_bp=10_000,
            media=media,
            seconds=seconds,
            width=width,
            height=height,
            created_at=at,
        )
    )
    await events.record(
        conn,
        "content.video_ready",
        subject_id=video_id,
        at=at,
        facts={"creator_id": str(creator_id)},
    )
    return video_id


async def create_processing_video(
    conn: AsyncConnection, *, creator_id: UUID, upload_id: UUID, at: datetime
) -> VideoId:
    """A video that waits for its upload to be turned into a stream. One per upload."""
    video_id = VideoId(new_id())
    row = {"id": video_id, "creator_id": creator_id, "upload_id": upload_id, "created_at": at}
    await conn.execute(insert(videos).values(**row, state=VideoState.PROCESSING))
    await events.record(
        conn,
        "content.video_created",
        subject_id=video_id,
        at=at,
        facts={"creator_id": str(creator_id)},
    )
    return video_id


def caption(text: str) -> str:
    """Clean plain text. Raises CaptionTooLong."""
    clean = plain_text(text)
    if len(clean) > MAX_CAPTION_CHARACTERS:
        raise CaptionTooLong(field="caption", most=MAX_CAPTION_CHARACTERS)
    return clean


async def edit_captions(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, zh: str, en: str, at: datetime
) -> None:
    """Raises WrongVideoState for a removed or foreign video, CaptionTooLong."""
    change = (
        update(videos)
        .where(videos.c.creator_id == creator_id, videos.c.id == video_id)
        .where(videos.c.state != VideoState.REMOVED)
        .values(caption_zh=caption(zh), caption_en=caption(en))
    )
    await _one(conn, change)
    await events.record(conn, "content.video_edited", subject_id=video_id, at=at, facts={})


async def publish(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, at: datetime
) -> None:
    """Raises WrongVideoState unless it is this creator's and ready."""
    change = (
        update(videos)
        .where(videos.c.creator_id == creator_id, videos.c.id == video_id)
        .where(videos.c.state.in_(states_before(VideoState.PUBLISHED)))
        .values(state=VideoState.PUBLISHED, published_at=at)
    )
    await _one(conn, change)
    facts = {"creator_id": str(creator_id)}
    await events.record(conn, "content.video_published", subject_id=video_id, at=at, facts=facts)


async def remove(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, at: datetime, why: str
) -> None:
    """Take a video away for good. `why`: creator or operator. Raises WrongVideoState."""
    change = (
        update(videos)
        .where(videos.c.creator_id == creator_id, videos.c.id == video_id)
        .where(videos.c.state.in_(states_before(VideoState.REMOVED)))
        .values(state=VideoState.REMOVED)
    )
    await _one(conn, change)
    await events.record(
        conn, "content.video_removed", subject_id=video_id, at=at, facts={"why": why}
    )


RESTORE = text("""
    UPDATE videos v SET state = CASE WHEN published_at IS NULL THEN 'ready' ELSE 'published' END
    WHERE id = :id AND state = 'removed' AND media IS NOT NULL AND EXISTS (
      SELECT FROM reports r WHERE r.video_id = v.id AND r.resolution = 'removed')
    RETURNING creator_id, media
""")


async def restore(conn: AsyncConnection, *, video_id: VideoId, at: datetime) -> tuple[UUID, str]:
    """Take the operator's own removal back; answers the creator and the folder of the files.

    Raises WrongVideoState for a video that its creator removed, or that is not removed.
    """
    found = (await conn.execute(RESTORE, {"id": video_id})).one_or_none()
    if found is None:
        raise WrongVideoState
    facts = {"creator_id": str(found.creator_id)}
    await events.record(conn, "content.video_restored", subject_id=video_id, at=at, facts=facts)
    return found.creator_id, found.media


async def note_progress(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, progress_bp: int
) -> None:
    """How far the processing is, in basis points; never backwards."""
    await conn.execute(
        update(videos)
        .where(videos.c.creator_id == creator_id, videos.c.id == video_id)
        .where(videos.c.state == VideoState.PROCESSING, videos.c.progress_bp < progress_bp)
        .values(progress_bp=progress_bp)
    )


async def mark_ready(
    conn: AsyncConnection,
    *,
    video_id: VideoId,
    creator_id: UUID,
    media: str,
    seconds: float,
    width: int,
    height: int,
    at: datetime,
) -> bool:
    """Show the finished files. False when it is no longer processing: the files are not used."""
    change = (
        update(videos)
        .where(videos.c.creator_id == creator_id, videos.c.id == video_id)
        .where(videos.c.state == VideoState.PROCESSING)
        .values(
            state=VideoState.READY,
            progress_bp=10_000,
            failure=None,
            media=media,
            seconds=seconds,
            width=width,
            height=height,
        )
    )
    if (await conn.execute(change)).rowcount != 1:
        return False
    facts = {"creator_id": str(creator_id), "seconds": seconds}
    await events.record(conn, "content.video_ready", subject_id=video_id, at=at, facts=facts)
    return True


async def mark_failed(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, failure: str, at: datetime
) -> None:
    """`failure`: a code of infra.media, or `fault`. Does nothing when no longer processing."""
    change = (
        update(videos)
        .where(videos.c.creator_id == creator_id, videos.c.id == video_id)
        .where(videos.c.state == VideoState.PROCESSING)
        .values(state=VideoState.FAILED, failure=failure)
    )
    if (await conn.execute(change)).rowcount == 1:
        facts = {"creator_id": str(creator_id), "failure": failure}
        await events.record(conn, "content.video_failed", subject_id=video_id, at=at, facts=facts)


async def restart(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, at: datetime
) -> None:
    """Process once more what failed by a fault of ours. Raises WrongVideoState."""
    change = (
        update(videos)
        .where(videos.c.creator_id == creator_id, videos.c.id == video_id)
        .where(videos.c.state.in_(states_before(VideoState.PROCESSING)))
        .where(videos.c.failure == "fault")
        .values(state=VideoState.PROCESSING, failure=None, progress_bp=0)
    )
    await _one(conn, change)
    await events.record(conn, "content.video_restarted", subject_id=video_id, at=at, facts={})


async def _one(conn: AsyncConnection, change: Any) -> None:
    if (await conn.execute(change)).rowcount != 1:
        raise WrongVideoState
