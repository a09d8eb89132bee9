"""The pages of live rooms: the list, a room in each of its states, reminders, moderation."""

import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image
from sqlalchemy import text
from tests.factories import a_person
from tests.live.sockets import ARoom, a_room, a_token, viewer
from tests.web.site import Client

from dougong.base.ids import PersonId, new_id
from dougong.flows.live_on_air import end_room, media_lost
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.live.chat_commands import add_moderator
from dougong.live.rules import EndReason


@pytest.fixture(scope="module")
async def client(connections: None) -> AsyncIterator[Client]:
    async with Client() as one:
        await one.get("/sign-in")
        yield one
        await one.app.state.hub.stop()


async def a_shopper() -> tuple[PersonId, str]:
    async with transaction() as conn:
        person_id = await a_person(conn)
    return person_id, await a_token(person_id)


def signed_in(client: Client, token: str) -> dict[str, str]:
    csrf = client.cookies["csrftoken"]
    return {"cookie": f"csrftoken={csrf}; dougong_session={token}", "x-csrftoken": csrf}


async def state_shown(client: Client, room: ARoom) -> str:
    answer = await client.get(f"/live/{room.id}")
    assert answer.status_code == 200
    return answer.text.split('data-state="')[1].split('"')[0]


async def test_a_room_is_shown_in_each_of_its_states(client: Client) -> None:
    room = await a_room()
    assert await state_shown(client, room) == "live"
    async with transaction() as conn:
        await media_lost(conn, room_id=room.id, at=clock.now())
    assert await state_shown(client, room) == "paused"
    async with transaction() as conn:
        await end_room(
            conn, room_id=room.id, creator_id=None, reason=EndReason.SILENT, at=clock.now()
        )
    assert await state_shown(client, room) == "ended"
    assert await state_shown(client, await a_room(is_on_air=False)) == "scheduled"


async def test_the_list_has_what_stands_and_not_what_is_over(
    client: Client,
) -> None:
    on_air, announced, over = await a_room(), await a_room(is_on_air=False), await a_room()
    async with transaction() as conn:
        await end_room(
            conn, room_id=over.id, creator_id=None, reason=EndReason.OPERATOR, at=clock.now()
        )
    page = (await client.get("/live")).text
    assert f"/live/{on_air.id}?" in page
    assert f"/live/{announced.id}?" in page
    assert str(over.id) not in page


async def test_there_is_no_page_of_a_room_that_is_not_there(
    client: Client,
) -> None:
    assert (await client.get(f"/live/{new_id()}")).status_code == 404


async def test_a_reminder_is_on_ones_own_page_until_the_room_is_over(
    client: Client,
) -> None:
    room, (_, token) = await a_room(is_on_air=False), await a_shopper()
    headers = signed_in(client, token)
    button = await client.post(f"/live/{room.id}/reminder", headers=headers)
    assert (button.status_code, 'aria-pressed="true"' in button.text) == (200, True)
    assert f"/live/{room.id}" in (await client.get("/me", headers=headers)).text
    button = await client.post(f"/live/{room.id}/no-reminder", headers=headers)
    assert 'aria-pressed="false"' in button.text
    assert f"/live/{room.id}" not in (await client.get("/me", headers=headers)).text


async def a_message(client: Client, room: ARoom, token: str) -> str:
    async with viewer(client.app, room.id, token=token) as one:
        one.say(do="chat", key=new_id().hex, body="骂人的话")
        return str((await one.hears("said"))["id"])


@pytest.mark.parametrize("role", ["creator", "moderator", "viewer"])
async def test_who_leads_removes_a_message_for_everybody(client: Client, role: str) -> None:
    room = await a_room()
    message = await a_message(client, room, (await a_shopper())[1])
    person_id, token = await a_shopper()
    if role == "creator":
        token = await a_token(room.owner)
    elif role == "moderator":
        async with transaction() as conn:
            await add_moderator(
                conn, creator_id=room.creator_id, person_id=person_id, at=clock.now()
            )
    async with viewer(client.app, room.id) as watching:
        await watching.hears("state")
        path = f"/live/{room.id}/messages/{message}/remove"
        answer = await client.post(path, headers=signed_in(client, token))
        assert answer.status_code == (404 if role == "viewer" else 204)
        if role != "viewer":
            assert (await watching.hears("chat_removed"))["id"] == message
            again = await client.post(path, headers=signed_in(client, token))
            assert again.status_code == 404


async def test_a_mute_takes_the_message_away_and_its_writer_writes_no_more(
    client: Client,
) -> None:
    room, (_, loud) = await a_room(), await a_shopper()
    message = await a_message(client, room, loud)
    headers = signed_in(client, await a_token(room.owner))
    path = f"/live/{room.id}/messages/{message}/mute"
    answer = await client.post(path, headers=headers, data={"minutes": "10"})
    assert answer.status_code == 200
    async with viewer(client.app, room.id, token=loud) as one:
        one.say(do="chat", key="again", body="还说")
        assert (await one.hears("refused"))["code"] == "muted"
    async with transaction() as conn:
        gone = await conn.scalar(
            text("SELECT removed_why FROM live_messages WHERE id = :id"), {"id": message}
        )
    assert gone == "moderator"


async def test_who_leads_cannot_be_muted(client: Client) -> None:
    room = await a_room()
    headers = signed_in(client, await a_token(room.owner))
    message = await a_message(client, room, await a_token(room.owner))
    path = f"/live/{room.id}/messages/{message}/mute"
    assert (await client.post(path, headers=headers, data={"minutes": "0"})).status_code == 404


async def test_a_creator_announces_leads_and_ends_a_room(
    client: Client,
) -> None:
    room = await a_room()
    headers, base = signed_in(client, await a_token(room.owner)), f"/creator/{room.creator_id}/live"

    async def sent(path: str, **data: str) -> int:
        answer = await client.post(base + path, headers=headers, data=data, follow_redirects=False)
        return answer.status_code

    assert await sent("", title_zh="明晚见", announced_for="") == 303
    assert await sent("", title_zh=" ", announced_for="") == 422
    assert await sent("", title_zh="x", announced_for="tomorrow") == 400
    assert await sent("/keywords", words="加V信\n假货") == 303
    assert await sent("/moderators", email="nobody@example.com") == 400
    assert await sent(f"/{room.id}/chat", chat="followers", slow_mode_s="10") == 303
    assert await sent(f"/{room.id}/pause") == 303
    page = (await client.get(base, headers=headers)).text
    assert "明晚见" in page
    assert "加v信" in page
    assert await sent(f"/{room.id}/end") == 303
    assert await sent(f"/{room.id}/end") == 409
    assert await state_shown(client, room) == "ended"


def a_picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 360), "#a33").save(out, "PNG")
    return out.getvalue()


async def send_cover(
    client: Client, room: ARoom, *, by: PersonId, data: bytes
) -> tuple[int, str | None]:
    """The status of the answer, and the room's cover afterwards."""
    answer = await client.post(
        f"/creator/{room.creator_id}/live/{room.id}/cover",
        headers=signed_in(client, await a_token(by)),
        files={"image": ("cover.png", data, "image/png")},
        follow_redirects=False,
    )
    async with transaction() as conn:
        cover = await conn.scalar(
            text("SELECT cover_file FROM live_rooms WHERE id = :id"), {"id": room.id}
        )
    return answer.status_code, cover


async def test_a_cover_is_read_anew_and_shown_in_the_list(
    client: Client,
) -> None:
    room = await a_room()
    status, cover = await send_cover(client, room, by=room.owner, data=a_picture())
    assert (status, cover is not None and cover.endswith(".webp")) == (303, True)
    assert f"/media/{cover}" in (await client.get("/live")).text


async def test_what_is_no_picture_changes_no_cover(client: Client) -> None:
    room = await a_room()
    status, cover = await send_cover(client, room, by=room.owner, data=b"GIF89a no picture")
    assert (400 <= status < 500, cover) == (True, None)


async def test_a_stranger_changes_no_cover(client: Client) -> None:
    room, (stranger, _) = await a_room(), await a_shopper()
    status, cover = await send_cover(client, room, by=stranger, data=a_picture())
    assert (status in (403, 404), cover) == (True, None)


async def test_a_creator_without_a_video_can_be_followed_from_a_room(
    client: Client,
) -> None:
    room, (_, token) = await a_room(), await a_shopper()
    headers = signed_in(client, token)
    button = await client.post(f"/channels/{room.creator_id}/follow", headers=headers)
    assert (button.status_code, 'aria-pressed="true"' in button.text) == (200, True)
    assert 'data-following="yes"' in (await client.get(f"/live/{room.id}", headers=headers)).text
