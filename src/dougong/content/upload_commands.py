"""Writes uploads: a row says how many bytes are durable; the bytes are in infra.files."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, new_id
from dougong.content.rules import (
    MAX_FILE_NAME_CHARACTERS,
    MAX_OPEN_UPLOADS,
    STALE_UPLOAD_S,
    TooManyUploads,
    UploadTooBig,
    WrongOffset,
)
from dougong.content.tables import uploads
from dougong.infra.plain_text import plain_text


async def start_upload(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    started_by: PersonId,
    file_name: str,
    bytes_total: int,
    most_bytes: int,
    at: datetime,
) -> UUID:
    """Raises UploadTooBig (also for an empty file), TooManyUploads."""
    if not 0 < bytes_total <= most_bytes:
        raise UploadTooBig(field="file", most_mb=most_bytes // 1_000_000)
    waiting = select(func.count()).select_from(uploads).where(uploads.c.creator_id == creator_id)
    fresh = uploads.c.started_at > at - timedelta(seconds=STALE_UPLOAD_S)
    if int(await conn.scalar(waiting.where(uploads.c.finished_at.is_(None), fresh)) or 0) >= (
        MAX_OPEN_UPLOADS
    ):
        raise TooManyUploads(most=MAX_OPEN_UPLOADS)
    upload_id = new_id()
    row = {"creator_id": creator_id, "id": upload_id, "started_by": started_by, "started_at": at}
    name = plain_text(file_name)[:MAX_FILE_NAME_CHARACTERS] or "video"
    await conn.execute(insert(uploads).values(**row, file_name=name, bytes_total=bytes_total))
    return upload_id


TAKE = text("""
    UPDATE uploads SET bytes_received = bytes_received + :length,
      finished_at = CASE WHEN bytes_received + :length = bytes_total
        THEN CAST(:at AS timestamptz) END
    WHERE creator_id = :creator_id AND id = :id AND finished_at IS NULL
      AND bytes_received = :offset AND bytes_received + :length <= bytes_total
    RETURNING finished_at IS NOT NULL AS is_finished
""")


async def take_chunk(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    upload_id: UUID,
    offset: int,
    length: int,
    at: datetime,
) -> bool:
    """Claim the place of a chunk; its row stays locked until the caller has stored the bytes.

    True when it was the last chunk. Raises WrongOffset (with the offset to go on from), or
    NotFound for a foreign or removed upload.
    """
    asked = {"creator_id": creator_id, "id": upload_id, "offset": offset, "length": length}
    taken = (await conn.execute(TAKE, asked | {"at": at})).one_or_none()
    if taken is not None:
        return bool(taken.is_finished)
    where = (uploads.c.creator_id == creator_id, uploads.c.id == upload_id)
    stands = await conn.scalar(select(uploads.c.bytes_received).where(*where))
    if stands is None:
        raise NotFound
    raise WrongOffset(offset=stands)


async def drop_upload(conn: AsyncConnection, *, creator_id: UUID, upload_id: UUID) -> None:
    """Give an unfinished upload up. Raises NotFound."""
    change = delete(uploads).where(uploads.c.creator_id == creator_id, uploads.c.id == upload_id)
    if (await conn.execute(change.where(uploads.c.finished_at.is_(None)))).rowcount != 1:
        raise NotFound


async def drop_stale_uploads(conn: AsyncConnection, *, at: datetime) -> list[UUID]:
    """Forget unfinished uploads that nobody continued; the caller removes their bytes."""
    change = delete(uploads).where(uploads.c.finished_at.is_(None))
    old = change.where(uploads.c.started_at < at - timedelta(seconds=STALE_UPLOAD_S))
    return list(await conn.scalars(old.returning(uploads.c.id)))
