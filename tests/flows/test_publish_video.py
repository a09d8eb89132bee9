"""From chunks to a published video, with everything that can stop in between."""

import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.content.factories import (
    AT,
    a_member,
    a_person,
    a_product,
    a_video,
    an_organisation,
)

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, VideoId, new_id
from dougong.content import reaction_commands
from dougong.content.queries import own_video
from dougong.content.rules import BadReport, VideoState, WrongOffset, WrongVideoState
from dougong.content.upload_commands import start_upload
from dougong.flows import process_video, publish_video
from dougong.infra import clock, files
from dougong.infra.db import transaction
from dougong.infra.media_encode import encode_frames
from dougong.links.rules import NotLinkable
from dougong.reads.creator_videos import removed_by_operator


def a_clip(path: Path, *, seconds: int = 2) -> bytes:
    def frames() -> Iterator[Image.Image]:
        for n in range(10 * seconds):
            shade = int(127 + 120 * math.sin(n / 5))
            yield Image.new("RGB", (96, 160), (shade, 90, 255 - shade))

    encode_frames(frames(), path=path, fps=10, width=96, height=160)
    return path.read_bytes()


async def upload(
    creator_id: UUID, data: bytes, *, chunk: int = 4096, file_name: str = "clip.mp4"
) -> VideoId:
    """Send a file in chunks, each in a transaction of its own."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        upload_id = await start_upload(
            conn,
            creator_id=creator_id,
            started_by=PersonId(await a_person(conn)),
            file_name=file_name,
            bytes_total=len(data),
            most_bytes=10_000_000,
            at=at,
        )
    video_id: VideoId | None = None
    for offset in range(0, len(data), chunk):
        async with transaction() as conn:
            video_id = await publish_video.receive_chunk(
                conn,
                creator_id=creator_id,
                upload_id=upload_id,
                offset=offset,
                data=data[offset : offset + chunk],
                at=at,
            )
    assert video_id is not None
    return video_id


async def a_creator() -> UUID:
    async with transaction() as conn:
        return await an_organisation(conn)


async def run_job(creator_id: UUID, video_id: VideoId) -> None:
    await process_video.process(video_id=str(video_id), creator_id=str(creator_id))


async def test_an_upload_becomes_a_stream_and_is_published(tmp_path: Path) -> None:
    creator_id = await a_creator()
    video_id = await upload(creator_id, a_clip(tmp_path / "clip.mp4"))
    async with transaction() as conn:
        job = await conn.scalar(
            text("""
                SELECT count(*) FROM procrastinate_jobs
                WHERE task_name = 'content.process' AND args ->> 'video_id' = :id
            """),
            {"id": str(video_id)},
        )
        video = await own_video(conn, video_id=video_id, creator_id=creator_id)
    assert (job, video.state) == (1, VideoState.PROCESSING)
    await run_job(creator_id, video_id)
    async with transaction() as conn:
        ready = await own_video(conn, video_id=video_id, creator_id=creator_id)
        assert (ready.state, ready.progress_bp) == (VideoState.READY, 10_000)
        assert (ready.width, ready.height) == (96, 160)
        assert ready.seconds == pytest.approx(2.0, abs=0.2)
        assert ready.media is not None and ready.upload_id is not None
        assert (files.media_path(ready.media) / "index.m3u8").exists()
        assert (files.media_path(ready.media) / "poster.jpg").exists()
        assert not files.upload_path(ready.upload_id).exists()
        await publish_video.publish_video(conn, video_id=video_id, creator_id=creator_id, at=AT)
    # A job that is delivered twice changes nothing.
    await run_job(creator_id, video_id)
    async with transaction() as conn:
        again = await own_video(conn, video_id=video_id, creator_id=creator_id)
    assert (again.state, again.media) == (VideoState.PUBLISHED, ready.media)


async def test_a_job_cut_off_before_its_commit_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    creator_id = await a_creator()
    video_id = await upload(creator_id, a_clip(tmp_path / "clip.mp4"))

    async def crash(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(process_video.content, "mark_ready", crash)
        with pytest.raises(KeyboardInterrupt):
            await run_job(creator_id, video_id)
    await run_job(creator_id, video_id)
    async with transaction() as conn:
        video = await own_video(conn, video_id=video_id, creator_id=creator_id)
    assert video.state is VideoState.READY and video.media is not None
    # What the cut-off run left is gone; what is shown is whole.
    folder = files.media_path(video.media)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


async def test_a_hostile_file_fails_with_a_code_and_leaves_nothing() -> None:
    creator_id = await a_creator()
    playlist = b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/secret\n"
    video_id = await upload(creator_id, playlist, file_name="holiday.mp4")
    await run_job(creator_id, video_id)
    async with transaction() as conn:
        video = await own_video(conn, video_id=video_id, creator_id=creator_id)
    assert (video.state, video.failure) == (VideoState.FAILED, "unknown_container")
    assert video.upload_id is not None and not files.upload_path(video.upload_id).exists()
    assert not files.media_path(f"videos/{video_id.hex}").exists()


async def test_a_lost_upload_fails_with_a_code() -> None:
    creator_id = await a_creator()
    video_id = await upload(creator_id, b"x" * 100)
    async with transaction() as conn:
        video = await own_video(conn, video_id=video_id, creator_id=creator_id)
    assert video.upload_id is not None
    files.remove_upload(video.upload_id)
    await run_job(creator_id, video_id)
    async with transaction() as conn:
        video = await own_video(conn, video_id=video_id, creator_id=creator_id)
    assert (video.state, video.failure) == (VideoState.FAILED, "upload_lost")


async def test_a_fault_of_ours_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    creator_id = await a_creator()
    video_id = await upload(creator_id, a_clip(tmp_path / "clip.mp4"))

    async def fail(*_: object, **__: object) -> None:
        raise process_video.MediaWorkerFailed("no room")

    with monkeypatch.context() as patched:
        patched.setattr(process_video, "transcode_to_hls", fail)
        await run_job(creator_id, video_id)
    async with transaction() as conn:
        video = await own_video(conn, video_id=video_id, creator_id=creator_id)
        assert (video.state, video.failure) == (VideoState.FAILED, "fault")
    await process_video.tidy()
    async with transaction() as conn:
        await publish_video.try_again(conn, video_id=video_id, creator_id=creator_id, at=AT)
    await run_job(creator_id, video_id)
    async with transaction() as conn:
        video = await own_video(conn, video_id=video_id, creator_id=creator_id)
    assert video.state is VideoState.READY


async def test_a_chunk_is_taken_at_its_place_only() -> None:
    creator_id = await a_creator()
    async with transaction() as conn:
        upload_id = await start_upload(
            conn,
            creator_id=creator_id,
            started_by=PersonId(await a_person(conn)),
            file_name="a.mp4",
            bytes_total=10,
            most_bytes=100,
            at=AT,
        )
        place = {"creator_id": creator_id, "upload_id": upload_id, "at": AT}
        await publish_video.receive_chunk(conn, **place, offset=0, data=b"12345")
    for offset in (0, 3, 6, 10):
        with pytest.raises(WrongOffset) as refused:
            async with transaction() as conn:
                await publish_video.receive_chunk(conn, **place, offset=offset, data=b"678")
        assert refused.value.facts == {"offset": 5}
    with pytest.raises(WrongOffset):  # beyond the announced end
        async with transaction() as conn:
            await publish_video.receive_chunk(conn, **place, offset=5, data=b"678901")
    with pytest.raises(NotFound):
        async with transaction() as conn:
            await publish_video.receive_chunk(
                conn, creator_id=new_id(), upload_id=upload_id, offset=5, data=b"678", at=AT
            )


async def test_bytes_of_a_chunk_that_was_not_committed_are_overwritten() -> None:
    creator_id = await a_creator()
    async with transaction() as conn:
        upload_id = await start_upload(
            conn,
            creator_id=creator_id,
            started_by=PersonId(await a_person(conn)),
            file_name="a.mp4",
            bytes_total=6,
            most_bytes=100,
            at=AT,
        )
    place = {"creator_id": creator_id, "upload_id": upload_id, "at": AT}
    with pytest.raises(RuntimeError):
        async with transaction() as conn:
            await publish_video.receive_chunk(conn, **place, offset=0, data=b"XXXXX")
            raise RuntimeError("cut off before the commit")
    async with transaction() as conn:
        await publish_video.receive_chunk(conn, **place, offset=0, data=b"abc")
    async with transaction() as conn:
        assert await publish_video.receive_chunk(conn, **place, offset=3, data=b"def")
    assert files.upload_path(upload_id).read_bytes() == b"abcdef"


async def test_stale_uploads_are_forgotten_with_their_bytes() -> None:
    creator_id = await a_creator()
    made = []
    async with transaction() as conn:
        now = await clock.refresh(conn)
        for age_h in (25, 1):
            upload_id = await start_upload(
                conn,
                creator_id=creator_id,
                started_by=PersonId(await a_person(conn)),
                file_name="a.mp4",
                bytes_total=10,
                most_bytes=100,
                at=now - timedelta(hours=age_h),
            )
            await publish_video.receive_chunk(
                conn,
                creator_id=creator_id,
                upload_id=upload_id,
                offset=0,
                data=b"123",
                at=now,
            )
            made.append(upload_id)
    await process_video.tidy()
    assert [files.upload_path(one).exists() for one in made] == [False, True]


async def test_only_what_is_on_sale_is_linked(conn: AsyncConnection) -> None:
    creator_id = await an_organisation(conn)
    video_id = await a_video(conn, creator_id=creator_id)
    store_id, product_id = await a_product(conn)
    link = {"video_id": video_id, "store_id": store_id, "product_id": product_id, "at": AT}
    with pytest.raises(NotFound):
        await publish_video.link_product(conn, creator_id=await an_organisation(conn), **link)
    await conn.execute(
        text("UPDATE products SET state = 'draft' WHERE id = :id"), {"id": product_id}
    )
    with pytest.raises(NotLinkable):
        await publish_video.link_product(conn, creator_id=creator_id, **link)
    await conn.execute(
        text("UPDATE products SET state = 'active' WHERE id = :id"), {"id": product_id}
    )
    assert await publish_video.link_product(conn, creator_id=creator_id, **link)


async def test_a_video_is_published_once_and_by_its_creator(conn: AsyncConnection) -> None:
    creator_id = await an_organisation(conn)
    video_id = await a_video(conn, creator_id=creator_id, published=False)
    with pytest.raises(NotFound):
        await publish_video.publish_video(
            conn, video_id=video_id, creator_id=await an_organisation(conn), at=AT
        )
    await publish_video.publish_video(conn, video_id=video_id, creator_id=creator_id, at=AT)
    with pytest.raises(WrongVideoState):
        await publish_video.publish_video(conn, video_id=video_id, creator_id=creator_id, at=AT)


async def test_a_video_removed_by_the_operator_cannot_be_watched_by_its_address() -> None:
    async with transaction() as conn:
        creator_id = await an_organisation(conn)
        video_id = await a_video(conn, creator_id=creator_id)
        video = await own_video(conn, video_id=video_id, creator_id=creator_id)
        operator = PersonId(await a_member(conn, org_id=creator_id))
        await reaction_commands.report(
            conn, video_id=video_id, person_id=operator, reason="fake", note="", at=AT
        )
        assert video.media is not None
        folder = files.media_path(video.media)
        folder.mkdir(parents=True)
        (folder / "index.m3u8").write_text("#EXTM3U")
        await publish_video.resolve_reports(
            conn,
            video_id=video_id,
            resolution="removed",
            reason="a counterfeit",
            resolved_by=operator,
            at=AT,
        )
    await process_video.withdraw(folder=video.media)
    assert not folder.exists()
    async with transaction() as conn:
        with pytest.raises(NotFound):
            await own_video(conn, video_id=video_id, creator_id=creator_id)


async def removed_by(conn: AsyncConnection, resolution: str) -> tuple[VideoId, UUID, PersonId]:
    """A published video that somebody reported, as the operator decided; its creator."""
    creator_id = await an_organisation(conn)
    video_id = await a_video(conn, creator_id=creator_id)
    operator = PersonId(await a_member(conn, org_id=creator_id))
    told = {"video_id": video_id, "at": AT}
    await reaction_commands.report(conn, **told, person_id=operator, reason="fake", note="")
    decided = {"resolution": resolution, "reason": "a counterfeit", "resolved_by": operator}
    await publish_video.resolve_reports(conn, **told, **decided)
    return video_id, creator_id, operator


async def test_a_removed_video_comes_back_with_its_files() -> None:
    async with transaction() as made:
        video_id, creator_id, operator = await removed_by(made, "removed")
        folder = await made.scalar(
            text("SELECT media FROM videos WHERE id = :id"), {"id": video_id}
        )
    place = files.media_path(folder)
    place.mkdir(parents=True)
    (place / "index.m3u8").write_text("#EXTM3U")
    await process_video.withdraw(folder=folder)
    restore = {"video_id": video_id, "restored_by": operator, "at": AT}
    async with transaction() as made:
        told = await removed_by_operator(made, creator_id=creator_id, since=AT - timedelta(days=1))
        assert [(one.id, one.reason) for one in told] == [(video_id, "a counterfeit")]
        with pytest.raises(BadReport):
            async with made.begin_nested():
                await publish_video.restore_video(made, **restore, reason=" ")
        await publish_video.restore_video(made, **restore, reason="it is genuine")
        assert not await removed_by_operator(made, creator_id=creator_id, since=AT)
    for _ in range(2):
        await process_video.bring_back(folder=folder)
    assert (place / "index.m3u8").read_text() == "#EXTM3U"
    async with transaction() as made:
        video = await own_video(made, video_id=video_id, creator_id=creator_id)
        assert video.state is VideoState.PUBLISHED
        with pytest.raises(WrongVideoState):
            await publish_video.restore_video(made, **restore, reason="once more")


async def test_what_the_creator_removed_stays_removed(conn: AsyncConnection) -> None:
    video_id, creator_id, operator = await removed_by(conn, "removed")
    restore = {"video_id": video_id, "restored_by": operator, "at": AT}
    await publish_video.restore_video(conn, **restore, reason="fine")
    await publish_video.remove_video(
        conn, video_id=video_id, creator_id=creator_id, at=AT, why="creator"
    )
    with pytest.raises(WrongVideoState):
        await publish_video.restore_video(conn, **restore, reason="fine")


async def test_a_moderator_removes_a_comment_and_it_is_audited(conn: AsyncConnection) -> None:
    video_id = await a_video(conn, creator_id=await an_organisation(conn))
    writer, other = PersonId(await a_person(conn)), PersonId(await a_person(conn))
    comment_id = await reaction_commands.add_comment(
        conn, video_id=video_id, person_id=writer, body="spam", at=AT
    )
    act = {"video_id": video_id, "comment_id": comment_id, "person_id": other, "at": AT}
    with pytest.raises(NotFound):
        await publish_video.remove_comment(conn, **act, creator_ids=[], is_moderator=False)
    await publish_video.remove_comment(conn, **act, creator_ids=[], is_moderator=True)
    found = await conn.execute(
        text("SELECT action FROM audit_log WHERE subject = :id"), {"id": str(comment_id)}
    )
    assert found.scalars().all() == ["content.comment_removed"]
