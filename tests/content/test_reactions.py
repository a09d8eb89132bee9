"""What the audience does: once each, in plain text, on published videos only."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.content.factories import AT, a_person, a_video, an_organisation

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId
from dougong.content import commands, reaction_commands
from dougong.content.rules import (
    MAX_WATCHED_MS,
    BadReport,
    CaptionTooLong,
    CommentRefused,
    VideoGone,
)
from dougong.flows.follow_creator import follow_creator
from dougong.infra.plain_text import plain_text

HOSTILE = [
    ("<script>alert(1)</script>hi", "hi"),
    ("<img src=x onerror=alert(1)>", ""),
    ("<b>bold</b> & <i>loud</i>", "bold & loud"),
    ("1 < 2 & 3 > 2", "1 < 2 & 3 > 2"),
    ("a\x00b\x1bc", "abc"),
    ("good\u202egnp.exe", "goodgnp.exe"),
    ("<svg/onload=alert(1)>text", "text"),
    ("a\n\n\n\n\nb", "a\n\nb"),
    ("  spaced  ", "spaced"),
    ('"><iframe src="javascript:alert(1)">', '">'),
]


@pytest.mark.parametrize(("typed", "want"), HOSTILE)
def test_text_is_plain(typed: str, want: str) -> None:
    assert plain_text(typed) == want


@given(st.text(max_size=200))
def test_cleaning_is_safe_for_any_text(typed: str) -> None:
    clean = plain_text(typed)
    assert not any(ord(c) < 32 and c != "\n" for c in clean)
    assert "\u202e" not in clean


async def test_a_like_counts_once_and_can_be_taken_back(conn: AsyncConnection) -> None:
    video_id = await a_video(conn, creator_id=await an_organisation(conn))
    person_id = PersonId(await a_person(conn))
    for _ in range(2):
        await reaction_commands.like(conn, video_id=video_id, person_id=person_id, at=AT)
    count = text("SELECT count(*) FROM likes WHERE video_id = :v")
    assert await conn.scalar(count, {"v": video_id}) == 1
    await reaction_commands.unlike(conn, video_id=video_id, person_id=person_id, at=AT)
    assert await conn.scalar(count, {"v": video_id}) == 0


async def test_only_published_videos_take_reactions(conn: AsyncConnection) -> None:
    creator_id = await an_organisation(conn)
    video_id = await a_video(conn, creator_id=creator_id, published=False)
    who = {"video_id": video_id, "person_id": PersonId(await a_person(conn)), "at": AT}
    with pytest.raises(VideoGone):
        await reaction_commands.like(conn, **who)
    with pytest.raises(VideoGone):
        await reaction_commands.add_comment(conn, **who, body="hello")
    with pytest.raises(VideoGone):
        await reaction_commands.seen(conn, **who, watched_ms=10)
    with pytest.raises(VideoGone):
        await reaction_commands.report(conn, **who, reason="spam", note="")
    with pytest.raises(NotFound):
        await follow_creator(conn, creator_id=creator_id, person_id=who["person_id"], at=AT)


@pytest.mark.parametrize("body", ["", "   ", "<p></p>", "x" * 501])
async def test_empty_and_long_comments_are_refused(conn: AsyncConnection, body: str) -> None:
    video_id = await a_video(conn, creator_id=await an_organisation(conn))
    with pytest.raises(CommentRefused):
        await reaction_commands.add_comment(
            conn, video_id=video_id, person_id=PersonId(await a_person(conn)), body=body, at=AT
        )


async def test_a_comment_is_removed_by_its_writer_or_the_creator(conn: AsyncConnection) -> None:
    creator_id = await an_organisation(conn)
    video_id = await a_video(conn, creator_id=creator_id)
    writer, stranger = PersonId(await a_person(conn)), PersonId(await a_person(conn))

    async def comment() -> dict[str, object]:
        comment_id = await reaction_commands.add_comment(
            conn, video_id=video_id, person_id=writer, body="真好看", at=AT
        )
        return {"video_id": video_id, "comment_id": comment_id, "at": AT}

    first = await comment()
    other = await an_organisation(conn)
    with pytest.raises(NotFound):
        await reaction_commands.remove_comment(
            conn, **first, person_id=stranger, creator_ids=[other]
        )
    await reaction_commands.remove_comment(conn, **first, person_id=writer, creator_ids=[])
    with pytest.raises(NotFound):  # gone already
        await reaction_commands.remove_comment(conn, **first, person_id=writer, creator_ids=[])
    await reaction_commands.remove_comment(
        conn, **await comment(), person_id=stranger, creator_ids=[creator_id]
    )


async def test_watching_is_bounded_and_adds_up(conn: AsyncConnection) -> None:
    video_id = await a_video(conn, creator_id=await an_organisation(conn))
    person_id = PersonId(await a_person(conn))
    for n, watched in enumerate((5_000, 10**12, -50)):
        await reaction_commands.seen(
            conn,
            video_id=video_id,
            person_id=person_id,
            watched_ms=watched,
            at=AT + timedelta(minutes=n),
        )
    row = (
        await conn.execute(
            text("SELECT first_at, last_at, watched_ms FROM video_views WHERE video_id = :v"),
            {"v": video_id},
        )
    ).one()
    assert row.watched_ms == 5_000 + MAX_WATCHED_MS
    assert (row.first_at, row.last_at) == (AT, AT + timedelta(minutes=2))


async def test_reports_are_closed_once_with_a_reason(conn: AsyncConnection) -> None:
    video_id = await a_video(conn, creator_id=await an_organisation(conn))
    person_id = PersonId(await a_person(conn))
    told = {"video_id": video_id, "person_id": person_id, "at": AT}
    with pytest.raises(BadReport):
        await reaction_commands.report(conn, **told, reason="dislike", note="")
    for _ in range(2):
        await reaction_commands.report(conn, **told, reason="spam", note="again")
    close = {"video_id": video_id, "resolution": "kept", "resolved_by": person_id, "at": AT}
    with pytest.raises(BadReport):
        await reaction_commands.resolve_reports(conn, **close, reason=" ")
    assert await reaction_commands.resolve_reports(conn, **close, reason="fine") == 1
    with pytest.raises(NotFound):
        await reaction_commands.resolve_reports(conn, **close, reason="fine")


async def test_a_long_caption_is_refused_and_nothing_changes(conn: AsyncConnection) -> None:
    creator_id = await an_organisation(conn)
    video_id = await a_video(conn, creator_id=creator_id)
    with pytest.raises(CaptionTooLong):
        await commands.edit_captions(
            conn, video_id=video_id, creator_id=creator_id, zh="好" * 301, en="", at=AT
        )
    await commands.edit_captions(
        conn, video_id=video_id, creator_id=creator_id, zh="<b>好</b>", en="<i>ok", at=AT
    )
    row = (
        await conn.execute(
            text("SELECT caption_zh, caption_en FROM videos WHERE id = :v"), {"v": video_id}
        )
    ).one()
    assert tuple(row) == ("好", "ok")
