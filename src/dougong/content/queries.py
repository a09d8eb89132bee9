"""Reads of the content area's own tables."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import VideoId
from dougong.content.rules import VideoState
from dougong.content.tables import uploads, videos

STALLED_AFTER = timedelta(minutes=5)


class OwnVideo(msgspec.Struct, frozen=True):
    """A video as its creator sees it. `media` is its folder, None until it is ready."""

    id: UUID
    creator_id: UUID
    upload_id: UUID | None
    caption_zh: str
    caption_en: str
    state: VideoState
    progress_bp: int
    failure: str | None
    media: str | None
    seconds: float | None
    width: int | None
    height: int | None
    created_at: datetime
    published_at: datetime | None


COLUMNS = [videos.c[name] for name in OwnVideo.__struct_fields__]


async def own_video(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, for_update: bool = False
) -> OwnVideo:
    """Raises NotFound when it is removed, or not this creator's."""
    found = select(*COLUMNS).where(videos.c.creator_id == creator_id, videos.c.id == video_id)
    found = found.where(videos.c.state != VideoState.REMOVED)
    row = (await conn.execute(found.with_for_update() if for_update else found)).one_or_none()
    if row is None:
        raise NotFound
    fields = dict(zip(OwnVideo.__struct_fields__, row, strict=True))
    return msgspec.convert(fields, OwnVideo, strict=False)


class Upload(msgspec.Struct, frozen=True):
    """How far an upload is, in bytes."""

    bytes_total: int
    bytes_received: int
    file_name: str


async def upload_of(conn: AsyncConnection, *, creator_id: UUID, upload_id: UUID) -> Upload:
    """Raises NotFound."""
    asked = select(uploads.c.bytes_total, uploads.c.bytes_received, uploads.c.file_name)
    asked = asked.where(uploads.c.creator_id == creator_id, uploads.c.id == upload_id)
    row = (await conn.execute(asked)).one_or_none()
    if row is None:
        raise NotFound
    return Upload(row.bytes_total, row.bytes_received, row.file_name)


async def needed_uploads(conn: AsyncConnection) -> set[UUID]:
    """The uploads whose bytes are still of use: unfinished, being processed, or tried again."""
    unfinished = select(uploads.c.id).where(uploads.c.finished_at.is_(None))
    used = select(videos.c.upload_id).where(
        (videos.c.state == VideoState.PROCESSING)
        | ((videos.c.state == VideoState.FAILED) & (videos.c.failure == "fault"))
    )
    return set(await conn.scalars(unfinished.union(used)))


async def stalled_videos(conn: AsyncConnection, *, at: datetime) -> list[tuple[UUID, VideoId]]:
    """(creator, video) of what has been processing for so long that its job may be lost."""
    asked = select(videos.c.creator_id, videos.c.id).where(videos.c.state == VideoState.PROCESSING)
    rows = await conn.execute(asked.where(videos.c.created_at < at - STALLED_AFTER).limit(100))
    return [(row.creator_id, VideoId(row.id)) for row in rows]


async def creator_of(conn: AsyncConnection, *, video_id: VideoId) -> UUID:
    """Raises NotFound for a removed or unknown video."""
    asked = select(videos.c.creator_id).where(videos.c.id == video_id)
    found = await conn.scalar(asked.where(videos.c.state != VideoState.REMOVED))
    if found is None:
        raise NotFound
    return UUID(str(found))


async def published_count(conn: AsyncConnection, *, creator_id: UUID) -> int:
    asked = select(func.count()).select_from(videos).where(videos.c.creator_id == creator_id)
    return int(await conn.scalar(asked.where(videos.c.state == VideoState.PUBLISHED)) or 0)


async def media_in_use(conn: AsyncConnection, *, folder: str) -> bool:
    """Whether a video that is not removed is kept in this media folder."""
    asked = select(videos.c.id).where(videos.c.media == folder)
    return await conn.scalar(asked.where(videos.c.state != VideoState.REMOVED).limit(1)) is not None
