"""Share codes and channels: unguessable, the same for the same person, states by date."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.content.factories import a_person, a_video, an_organisation
from tests.links.factories import AT

from dougong.base.errors import BadInput
from dougong.base.ids import VideoId
from dougong.links.share_commands import make_share, set_channel_state
from dougong.links.share_rules import (
    LENGTH,
    LETTERS,
    ChannelGone,
    ChannelState,
    ChannelStateInPast,
    ChannelStateTaken,
    code_in,
    new_code,
    share_text,
)
from dougong.reads.sharing import channel_spans, channels_at, shared_video

WHY = {"reason_zh": "链接打不开", "reason_en": "Links do not open"}


def test_codes_have_no_letters_that_look_alike_and_do_not_repeat() -> None:
    codes = {new_code() for _ in range(2_000)}
    assert len(codes) == 2_000
    assert set("".join(codes)) == set(LETTERS)
    assert not set("01OIL") & set(LETTERS)
    assert len(LETTERS) ** LENGTH > 2**49


@pytest.mark.parametrize(
    ("said", "want"),
    [
        ("￥ABCDEFGH23￥ 竹编\n复制这段话", "ABCDEFGH23"),
        ("看看这个 ￥abcdefgh23￥ 好东西", "ABCDEFGH23"),
        ("$ ABCDEFGH23 $", "ABCDEFGH23"),
        ("¥ＡＢＣＤＥＦＧＨ２３¥", "ABCDEFGH23"),
        ("  abcdefgh23 ", "ABCDEFGH23"),
        ("￥ABCDEFGH23￥ ￥ZZZZZZZZZZ￥", "ABCDEFGH23"),
        ("ABCDEFGH23 竹编", None),
        ("￥ABCDEFGH2￥", None),
        ("￥ABCDEFGH234￥", None),
        ("￥ABCDEFGHI0￥", None),
        ("¥99.00", None),
        ("https://example.com/￥ABC￥", None),
        ("", None),
        ("x" * 2_000 + "￥ABCDEFGH23￥", None),
    ],
)
def test_a_code_is_found_in_what_was_pasted(said: str, want: str | None) -> None:
    assert code_in(said) == want


@given(st.text(max_size=200))
def test_a_share_text_leads_back_to_its_code_whatever_the_title(title: str) -> None:
    code = new_code()
    said = share_text(code=code, title=title, how="Copy this.")
    assert (code_in(said), "http" in said.replace(title, "")) == (code, False)


async def test_a_person_has_one_code_for_a_video_and_channel(conn: AsyncConnection) -> None:
    video_id = await a_video(conn, creator_id=await an_organisation(conn))
    people = [await a_person(conn), await a_person(conn), None]
    made = [
        await make_share(conn, video_id=video_id, channel=channel, person_id=person, at=AT)
        for person in people
        for channel in ("wechat", "copy", "wechat")
    ]
    assert made[0::3] == made[2::3]
    assert len(set(made)) == 6
    assert all(code_in(code) == code for code in made)


async def test_an_unknown_channel_takes_no_share(conn: AsyncConnection) -> None:
    video_id = await a_video(conn, creator_id=await an_organisation(conn))
    with pytest.raises(ChannelGone):
        await make_share(conn, video_id=video_id, channel="pigeon", person_id=None, at=AT)


async def test_a_code_opens_its_video_while_it_is_published(conn: AsyncConnection) -> None:
    creator_id = await an_organisation(conn)
    shown = await a_video(conn, creator_id=creator_id)
    draft = await a_video(conn, creator_id=creator_id, published=False)

    async def opens(video_id: VideoId) -> object:
        code = await make_share(conn, video_id=video_id, channel="qq", person_id=None, at=AT)
        return await shared_video(conn, code=code, at=AT)

    assert [await opens(shown), await opens(draft)] == [shown, None]
    assert await shared_video(conn, code="ZZZZZZZZZZ", at=AT) is None


async def test_a_channel_is_open_until_a_state_says_otherwise(conn: AsyncConnection) -> None:
    week = timedelta(days=7)
    for state, starts in ((ChannelState.BLOCKED, AT + week), (ChannelState.OPEN, AT + 2 * week)):
        await set_channel_state(conn, channel="wechat", state=state, starts=starts, at=AT, **WHY)

    async def state_at(at: object) -> str:
        return next(c.state for c in await channels_at(conn, at=at) if c.code == "wechat")  # type: ignore[arg-type]

    moment = timedelta(microseconds=1)
    assert [
        await state_at(at)
        for at in (AT, AT + week - moment, AT + week, AT + 2 * week - moment, AT + 2 * week)
    ] == ["open", "open", "blocked", "blocked", "open"]
    spans = [span for span in await channel_spans(conn) if span.channel == "wechat"]
    assert [(span.state, span.starts, span.ends) for span in spans] == [
        ("open", AT + 2 * week, None),
        ("blocked", AT + week, AT + 2 * week),
    ]


async def test_states_do_not_reach_back_nor_overtake(conn: AsyncConnection) -> None:
    async def block(**fields: object) -> None:
        asked = {"channel": "weibo", "state": ChannelState.BLOCKED, "starts": AT, "at": AT, **WHY}
        await set_channel_state(conn, **(asked | fields))  # type: ignore[arg-type]

    with pytest.raises(ChannelStateInPast):
        await block(starts=AT - timedelta(seconds=1))
    with pytest.raises(ChannelGone):
        await block(channel="pigeon")
    for reason in ("", "  ", "x" * 301):
        with pytest.raises(BadInput):
            await block(reason_en=reason)
    await block(starts=AT + timedelta(days=2))
    for days in (1, 2):
        with pytest.raises(ChannelStateTaken):
            await block(starts=AT + timedelta(days=days))
