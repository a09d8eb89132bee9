"""The jobs behind an upload: turned into a stream once, whatever stops in between."""

import asyncio
import time
from uuid import UUID

import structlog

from dougong.base.errors import NotFound
from dougong.base.ids import VideoId, new_id
from dougong.content import commands as content
from dougong.content.queries import media_in_use, needed_uploads, own_video, stalled_videos
from dougong.content.rules import VideoState
from dougong.content.upload_commands import drop_stale_uploads
from dougong.flows.publish_video import BRING_BACK, PROCESS, WITHDRAW, queue_processing
from dougong.infra import clock, files
from dougong.infra.db import transaction
from dougong.infra.jobs import task
from dougong.infra.media import (
    HlsResult,
    MediaLimits,
    MediaRefused,
    MediaWorkerFailed,
    transcode_to_hls,
)
from dougong.infra.settings import settings

PROGRESS_EVERY_S = 0.5
LOST = "upload_lost"
FAULT = "fault"

log = structlog.get_logger("video")


@task(PROCESS)
async def process(*, video_id: str, creator_id: str) -> None:
    """Turn an upload into a stream. May run twice, also at the same time: each run writes a
    folder of its own, the first to finish is shown, the others' folders are removed."""
    ours, owner = VideoId(UUID(video_id)), UUID(creator_id)
    try:
        async with transaction() as conn:
            video = await own_video(conn, video_id=ours, creator_id=owner)
    except NotFound:
        return
    if video.state is not VideoState.PROCESSING or video.upload_id is None:
        return
    folder = f"videos/{ours.hex}/{new_id().hex}"
    try:
        result = await transcode_to_hls(
            files.upload_path(video.upload_id),
            files.media_path(folder),
            limits=limits(),
            progress=_Progress(ours, owner).say,
        )
    except MediaRefused as refused:
        log.info("video_refused", video_id=video_id, code=refused.code, detail=refused.detail)
        await _fail(ours, owner, refused.code)
        await asyncio.to_thread(files.remove_upload, video.upload_id)
    except FileNotFoundError:
        await _fail(ours, owner, LOST)
    except MediaWorkerFailed as error:
        log.error("media_worker_failed", video_id=video_id, detail=str(error))
        await _fail(ours, owner, FAULT)
    else:
        await _show(ours, owner, video.upload_id, folder, result)


def limits() -> MediaLimits:
    return MediaLimits(
        max_bytes=settings().upload_max_bytes, max_seconds=settings().upload_max_seconds
    )


async def _show(
    video_id: VideoId, creator_id: UUID, upload_id: UUID, folder: str, result: HlsResult
) -> None:
    async with transaction() as conn:
        is_shown = await content.mark_ready(
            conn,
            video_id=video_id,
            creator_id=creator_id,
            media=folder,
            seconds=result.seconds,
            width=result.width,
            height=result.height,
            at=await clock.refresh(conn),
        )
    if not is_shown:
        await asyncio.to_thread(files.remove_media, folder)
        return
    await asyncio.to_thread(files.remove_siblings, folder)
    await asyncio.to_thread(files.remove_upload, upload_id)


async def _fail(video_id: VideoId, creator_id: UUID, failure: str) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await content.mark_failed(
            conn, video_id=video_id, creator_id=creator_id, failure=failure, at=at
        )


class _Progress:
    """Writes how far it is, at most twice a second."""

    def __init__(self, video_id: VideoId, creator_id: UUID) -> None:
        self._video_id = video_id
        self._creator_id = creator_id
        self._said_at = float("-inf")

    async def say(self, share: float) -> None:
        if time.monotonic() - self._said_at < PROGRESS_EVERY_S:
            return
        self._said_at = time.monotonic()
        async with transaction() as conn:
            await content.note_progress(
                conn,
                video_id=self._video_id,
                creator_id=self._creator_id,
                progress_bp=min(int(share * 10_000), 9_999),
            )


@task(WITHDRAW)
async def withdraw(*, folder: str) -> None:
    """A removed video cannot be watched by its old address either."""
    async with transaction() as conn:
        is_shown = await media_in_use(conn, folder=folder)
    if not is_shown:
        await asyncio.to_thread(files.withdraw_media, folder)


@task(BRING_BACK)
async def bring_back(*, folder: str) -> None:
    """A restored video is played again. Withdrawing and bringing back wait for each other."""
    async with transaction() as conn:
        is_shown = await media_in_use(conn, folder=folder)
    if is_shown:
        await asyncio.to_thread(files.bring_back_media, folder)


@task("content.tidy", every="*/5 * * * * 0")
async def tidy() -> None:
    """Queue again what a crash left unfinished; forget uploads that nobody continues."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        for creator_id, video_id in await stalled_videos(conn, at=at):
            await queue_processing(conn, video_id=video_id, creator_id=creator_id)
        await drop_stale_uploads(conn, at=at)
    # A file without a row is no upload any more; a row is there before its first byte.
    stored = await asyncio.to_thread(files.stored_uploads)
    async with transaction() as conn:
        needed = await needed_uploads(conn)
    for upload_id in set(stored) - needed:
        await asyncio.to_thread(files.remove_upload, upload_id)
