"""The socket of a room: all state at once, chat with its rules, likes, presence; nobody waits."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from litestar import Litestar
from sqlalchemy import text
from tests.factories import a_person
from tests.live.sockets import ARoom, AViewer, a_room, a_token, viewer

from dougong.base.ids import PersonId, RoomId, new_id
from dougong.flows.live_on_air import end_room
from dougong.infra import broadcast, clock
from dougong.infra.db import engine, transaction
from dougong.live.chat_commands import mute, set_chat, set_keywords
from dougong.live.rules import MOST_MESSAGES, EndReason
from dougong.web.app import create_app
from dougong.web.live import seat


@pytest.fixture(scope="module")
async def app(connections: None) -> AsyncIterator[Litestar]:
    made = create_app()
    yield made
    await made.state.hub.stop()


@pytest.fixture
async def room(connections: None) -> ARoom:
    return await a_room()


async def a_shopper() -> tuple[PersonId, str]:
    async with transaction() as conn:
        person_id = await a_person(conn, name="李小花")
    return person_id, await a_token(person_id)


async def written(room: ARoom) -> list[str]:
    async with engine().connect() as conn:
        found = await conn.scalars(
            text("SELECT body FROM live_messages WHERE room_id = :id ORDER BY at, body"),
            {"id": room.id},
        )
        return list(found)


async def test_a_late_joiner_gets_the_whole_state_in_one_message(
    app: Litestar, room: ARoom
) -> None:
    async with viewer(app, room.id, token=await a_token()) as early:
        early.say(do="chat", key="1", body="开播啦")
        await early.hears("said")
        app.state.hub.rooms[str(room.id)].read_at = float("-inf")  # a second has gone by
        async with viewer(app, room.id) as late:
            state = await late.hears("state")
    assert late.heard[0] is state
    assert state["room"]["state"] == "live"
    assert [one["body"] for one in state["chat"]] == ["开播啦"]
    assert (state["pin"], state["shelf"], state["likes"]) == (None, [], 0)


async def test_the_studio_hears_all_and_is_no_viewer(app: Litestar, room: ARoom) -> None:
    async with viewer(app, room.id, came_from="backstage") as studio:
        async with viewer(app, room.id):
            await studio.until(lambda: [v["count"] for v in studio.of("viewers")[-1:]] == [1])
        await studio.until(lambda: [v["count"] for v in studio.of("viewers")[-1:]] == [0])
    async with engine().connect() as conn:
        visits = text("SELECT count(*) FROM live_visits WHERE room_id = :id")
        assert await conn.scalar(visits, {"id": room.id}) == 1


async def test_what_is_said_while_the_state_is_kept_is_not_missed(
    app: Litestar, room: ARoom
) -> None:
    async with viewer(app, room.id) as first:
        await first.hears("state")
        async with transaction() as conn:
            await broadcast.say(conn, room.id, "notice", {"text": "x"})
        await first.hears("notice")
        async with viewer(app, room.id) as second:
            await second.hears("notice")


async def test_what_is_said_in_one_moment_is_one_frame(app: Litestar, room: ARoom) -> None:
    async with viewer(app, room.id) as one:
        await one.hears("viewers")
        async with transaction() as conn:
            for number in range(5):
                await broadcast.say(conn, room.id, "notice", {"number": number})
                await broadcast.say(conn, room.id, "likes", {"count": number, "added": 1})
        await one.hears("likes")
    assert [told["number"] for told in one.of("notice")] == [0, 1, 2, 3, 4]
    assert [told["count"] for told in one.of("likes")] == [4]
    assert max(one.frames[1:]) >= 6


async def test_a_message_reaches_everybody_once_and_its_writer_is_told(
    app: Litestar, room: ARoom
) -> None:
    _, token = await a_shopper()
    async with viewer(app, room.id, token=token) as one, viewer(app, room.id) as other:
        one.say(do="chat", key="k", body="<b>多少钱</b>？")
        said = await one.hears("said")
        chat = await other.hears("chat")
    assert said["key"] == "k"
    assert said["id"] == chat["id"]
    assert (chat["name"], chat["body"], chat["role"]) == ("李小花", "多少钱？", "viewer")


async def test_a_message_that_is_sent_again_is_written_once(app: Litestar, room: ARoom) -> None:
    _, token = await a_shopper()
    async with viewer(app, room.id, token=token) as one:
        one.say(do="chat", key="k", body="在吗")
        first = await one.hears("said")
    async with viewer(app, room.id, token=token) as again:
        again.say(do="chat", key="k", body="在吗")
        assert (await again.hears("said"))["id"] == first["id"]
    assert await written(room) == ["在吗"]


async def test_two_workers_hear_each_other(app: Litestar, room: ARoom) -> None:
    other = create_app()
    try:
        async with (
            viewer(app, room.id, token=await a_token()) as here,
            viewer(other, room.id) as there,
        ):
            here.say(do="chat", key="k", body="听得到吗")
            assert (await there.hears("chat"))["body"] == "听得到吗"
            await app.state.hub.tick()
            await other.state.hub.tick()
            await here.until(lambda: here.of("viewers")[-1]["count"] == 2)
    finally:
        await other.state.hub.stop()


async def test_nothing_is_told_of_what_was_rolled_back(app: Litestar, room: ARoom) -> None:
    async with viewer(app, room.id) as one:
        with pytest.raises(ZeroDivisionError):
            async with transaction() as conn:
                at = clock.now()
                await end_room(
                    conn, room_id=room.id, creator_id=None, reason=EndReason.OPERATOR, at=at
                )
                raise ZeroDivisionError
        async with transaction() as conn:
            await broadcast.say(conn, room.id, "notice", {"text": "still here"})
        await one.hears("notice")
        assert one.of("room") == []


async def refused(app: Litestar, room: ARoom, token: str, body: str = "你好") -> str:
    async with viewer(app, room.id, token=token) as one:
        one.say(do="chat", key=new_id().hex, body=body)
        await one.until(lambda: bool(one.of("refused") or one.of("said")))
        return str(one.of("refused")[0]["code"]) if one.of("refused") else "said"


async def test_who_is_not_signed_in_reads_only(app: Litestar, room: ARoom) -> None:
    assert await refused(app, room, token="") == "sign_in_needed"
    async with viewer(app, room.id) as one:
        one.say(do="like")
        assert (await one.hears("refused"))["code"] == "sign_in_needed"


async def test_a_session_that_ends_ends_the_writing(app: Litestar, room: ARoom) -> None:
    person_id, token = await a_shopper()
    async with viewer(app, room.id, token=token) as one:
        async with transaction() as conn:
            await conn.execute(
                text("UPDATE sessions SET ended_at = now() WHERE person_id = :p"), {"p": person_id}
            )
        one.say(do="chat", key="k", body="你好")
        assert (await one.hears("refused"))["code"] == "sign_in_needed"


async def test_who_is_muted_is_told_so(app: Litestar, room: ARoom) -> None:
    person_id, token = await a_shopper()
    async with transaction() as conn:
        at = clock.now()
        for lasts in (None, timedelta(minutes=5)):
            await mute(
                conn, room_id=room.id, person_id=person_id, by_id=room.owner, lasts=lasts, at=at
            )
    assert await refused(app, room, token) == "muted"
    async with transaction() as conn:
        await mute(
            conn, room_id=room.id, person_id=person_id, by_id=room.owner,
            lasts=timedelta(minutes=5), at=at - timedelta(minutes=6),
        )  # fmt: skip
    assert await refused(app, room, token) == "said"


async def test_words_that_are_not_wanted_are_refused_but_to_who_leads(
    app: Litestar, room: ARoom
) -> None:
    async with transaction() as conn:
        await set_keywords(conn, creator_id=room.creator_id, words=["加V信", " "], at=clock.now())
    assert await refused(app, room, await a_token(), "请 加 v-信 聊") == "word_refused"
    assert await refused(app, room, await a_token(room.owner), "不要加V信") == "said"


async def test_followers_only(app: Litestar, room: ARoom) -> None:
    person_id, token = await a_shopper()
    async with transaction() as conn:
        await set_chat(
            conn, room_id=room.id, creator_id=room.creator_id, chat="followers", slow_mode_s=0
        )
    assert await refused(app, room, token) == "followers_only"
    async with transaction() as conn:
        await conn.execute(
            text("INSERT INTO follows (person_id, creator_id, at) VALUES (:p, :c, now())"),
            {"p": person_id, "c": room.creator_id},
        )
    assert await refused(app, room, token) == "said"


async def test_slow_mode_says_how_long_to_wait(app: Litestar, room: ARoom) -> None:
    async with transaction() as conn:
        await set_chat(
            conn, room_id=room.id, creator_id=room.creator_id, chat="open", slow_mode_s=30
        )
    async with viewer(app, room.id, token=await a_token()) as one:
        one.say(do="chat", key="1", body="一")
        await one.hears("said")
        one.say(do="chat", key="2", body="二")
        told = await one.hears("refused")
    assert told["code"] == "chat_too_fast"
    assert 28 <= told["retry_after_s"] <= 30


async def test_a_flood_is_limited_and_then_put_out(app: Litestar, room: ARoom) -> None:
    async with viewer(app, room.id, token=await a_token()) as one:
        for number in range(200):
            one.say(do="chat", key=str(number), body=f"{number:03}")
        await one.until(lambda: one.closed is not None)
    assert one.closed == seat.FLOOD
    assert len(await written(room)) == MOST_MESSAGES


async def test_who_never_reads_is_put_out_and_nobody_waits(app: Litestar, room: ARoom) -> None:
    async with viewer(app, room.id, reads=False) as stuck, viewer(app, room.id) as other:
        async with transaction() as conn:
            for number in range(seat.MOST_WAITING + 2):
                await broadcast.say(conn, room.id, "notice", {"number": number})
        await other.hears("notice", count=seat.MOST_WAITING + 2)
        await stuck.until(lambda: stuck.closed is not None)
    assert stuck.closed == seat.SLOW


async def test_garbage_is_refused_and_too_much_of_it_ends_it(app: Litestar, room: ARoom) -> None:
    async with viewer(app, room.id) as one:
        one.say_text("{not json")
        assert (await one.hears("refused"))["code"] == "bad_input"
        one.say_text("x" * 5_000)
        await one.until(lambda: one.closed is not None)
    assert one.closed == 1009


async def test_another_site_cannot_open_it(app: Litestar, room: ARoom) -> None:
    foreign = await AViewer().open(app, room.id, origin="https://evil.example")
    assert (foreign.closed, foreign.is_accepted) == (4403, False)
    ours = await AViewer().open(app, room.id, origin="http://127.0.0.1:8000")
    await ours.hears("state")
    await ours.leave()


async def test_there_is_no_socket_of_a_room_that_is_not_there(app: Litestar) -> None:
    one = await AViewer().open(app, RoomId(new_id()))
    await one.until(lambda: one.closed is not None)
    assert one.closed == 4404


async def test_likes_are_summed_and_told_once_a_second(app: Litestar, room: ARoom) -> None:
    async with viewer(app, room.id, token=await a_token()) as one:
        await one.hears("state")
        one.say(do="like", count=3)
        one.say(do="like", count=99)
        likes = await one.hears("likes")
    assert likes["count"] == 13


async def test_visits_and_minutes_are_written(app: Litestar, room: ARoom) -> None:
    person_id, token = await a_shopper()
    async with viewer(app, room.id, token=token) as one, viewer(app, room.id):
        await one.hears("state")
        await app.state.hub.tick()
    async with engine().connect() as conn:
        visits = (
            await conn.execute(
                text("""
                    SELECT person_id, came_from, left_at >= joined_at AS has_left FROM live_visits
                    WHERE room_id = :id ORDER BY person_id NULLS LAST
                """),
                {"id": room.id},
            )
        ).all()
        minute = (
            await conn.execute(
                text("""
                    SELECT max(viewers) AS viewers, sum(joined) AS joined FROM live_minutes
                    WHERE room_id = :id
                """),
                {"id": room.id},
            )
        ).one()
    assert visits == [(person_id, "feed", True), (None, "feed", True)]
    assert (minute.viewers, minute.joined) == (2, 2)


async def test_a_lost_broadcast_is_made_good_by_the_state(
    app: Litestar, room: ARoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with viewer(app, room.id) as one:
        await one.hears("state")
        app.state.hub._missed()
        await one.hears("state", count=2)


async def test_a_worker_that_stops_asks_its_pages_to_come_back(app: Litestar, room: ARoom) -> None:
    async with viewer(app, room.id) as one:
        await one.hears("state")
        await app.state.hub.stop()
        await one.until(lambda: one.closed is not None)
    assert one.closed == seat.AWAY
    await asyncio.sleep(0)
