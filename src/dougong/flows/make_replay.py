"""The recording of a room that has ended becomes a video of its creator, published like any other.

The segments are there already: they are linked into the video's folder, none is encoded again.
"""

import asyncio
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RoomId, new_id
from dougong.content import commands as content
from dougong.content.rules import MAX_CAPTION_CHARACTERS
from dougong.infra import clock, files
from dougong.infra.db import transaction
from dougong.infra.jobs import defer, task
from dougong.infra.live_processes import room_folder
from dougong.infra.live_segments import Recording, copy_recording
from dougong.live.commands import keep_replay, lock_room
from dougong.live.rules import RoomGone, RoomState

REPLAY = "live.replay"


async def queue_replay(conn: AsyncConnection, *, room_id: RoomId) -> None:
    await defer(conn, REPLAY, queueing_lock=f"replay:{room_id}", room_id=str(room_id))


@task(REPLAY)
async def make_replay(*, room_id: str) -> None:
    """May run twice: the first to finish is kept, the other's files are removed."""
    ours = RoomId(UUID(room_id))
    folder = f"replays/{ours.hex}/{new_id().hex}"
    recording = await asyncio.to_thread(copy_recording, room_folder(ours), files.media_path(folder))
    if recording is None:
        return
    try:
        async with transaction() as conn:
            is_kept = await _keep(conn, room_id=ours, folder=folder, recording=recording)
    except RoomGone:
        is_kept = False
    if not is_kept:
        await asyncio.to_thread(files.remove_media, folder)


async def _keep(
    conn: AsyncConnection, *, room_id: RoomId, folder: str, recording: Recording
) -> bool:
    room = await lock_room(conn, room_id=room_id, creator_id=None)
    if room.state != RoomState.ENDED or room.replay_video_id is not None:
        return False
    at = await clock.refresh(conn)
    video_id = await content.create_ready_video(
        conn,
        creator_id=room.creator_id,
        caption_zh=room.title_zh[:MAX_CAPTION_CHARACTERS],
        caption_en=room.title_en[:MAX_CAPTION_CHARACTERS],
        media=folder,
        seconds=recording.seconds,
        width=recording.width,
        height=recording.height,
        at=at,
    )
    await content.publish(conn, video_id=video_id, creator_id=room.creator_id, at=at)
    await keep_replay(conn, room_id=room_id, video_id=video_id)
    return True
