"""WHIP (RFC 9725) as a publisher sees it: who is let in, what is refused, and by which status."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from tests.live.opening import (
    ARoom,
    Client,
    a_caller,
    a_room,
    an_ingest,
    bearer,
    becomes,
    offer,
    publish,
    publishers_of,
)
from tests.live.publisher import APublisher

from dougong.flows.live_on_air import end_room
from dougong.flows.publish_live import take_key_back
from dougong.infra import clock, live_control
from dougong.infra.db import transaction
from dougong.live.rules import EndReason

FRAGMENT = "application/trickle-ice-sdpfrag"
A_FRAGMENT = (
    "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
    "a=candidate:1 1 UDP 2130706431 198.51.100.1 39132 typ host\r\na=end-of-candidates\r\n"
)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with a_caller() as made:
        yield made


async def ended(room: ARoom) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await end_room(conn, room_id=room.id, creator_id=None, reason=EndReason.OPERATOR, at=at)


async def test_options_tell_other_origins_what_they_may_send(client: Client) -> None:
    answered = await client.options(
        f"/whip/{uuid4()}",
        headers={"Origin": "https://obs.example", "Access-Control-Request-Method": "POST"},
    )
    told = answered.headers
    assert answered.status_code == 204
    assert told["access-control-allow-origin"] == "*"
    assert told["access-control-allow-methods"] == "POST, PATCH, DELETE, OPTIONS"
    assert told["access-control-allow-headers"] == "Authorization, Content-Type, If-Match"
    assert (told["accept-post"], told["accept-patch"]) == ("application/sdp", FRAGMENT)


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Basic bGl2ZV8=", "Bearer live_other"])
async def test_a_strangers_key_is_refused_and_changes_nothing(
    client: Client, authorization: str
) -> None:
    room = await a_room()
    headers = {"Content-Type": "application/sdp"}
    if authorization:
        headers["Authorization"] = authorization
    answered = await client.post(room.whip, content="v=0\r\n", headers=headers)
    assert (answered.status_code, answered.json()["code"]) == (401, "stream_key_refused")
    assert answered.headers["www-authenticate"] == "Bearer"
    assert answered.headers["access-control-allow-origin"] == "*"
    assert await publishers_of(room) == []


async def test_another_rooms_key_is_a_strangers_key(client: Client) -> None:
    mine, other = await a_room(), await a_room()
    answered = await client.post(mine.whip, content="v=0\r\n", headers=bearer(other.key.key))
    assert answered.status_code == 401


async def test_an_ended_rooms_link_is_gone(client: Client) -> None:
    room = await a_room()
    await ended(room)
    answered = await client.post(room.whip, content="v=0\r\n", headers=bearer(room.key.key))
    assert (answered.status_code, answered.json()["code"]) == (410, "room_over")


async def test_a_revoked_key_opens_nothing(client: Client) -> None:
    room = await a_room()
    await take_key_back(room_id=room.id, creator_id=room.creator_id, key_id=room.key.id)
    answered = await client.post(room.whip, content="v=0\r\n", headers=bearer(room.key.key))
    assert answered.status_code == 401


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"v=0\r\n", 415),
        ("application/sdp", b"\xff\xfe", 400),
        ("application/sdp", b"v=0\r\n" + b"a" * 70_000, 413),
    ],
)
async def test_only_an_offer_of_some_size_is_read(
    client: Client, kind: str, body: bytes, status: int
) -> None:
    room = await a_room()
    answered = await client.post(room.whip, content=body, headers=bearer(room.key.key, kind))
    assert answered.status_code == status
    assert answered.headers["access-control-allow-origin"] == "*"
    assert await publishers_of(room) == []


async def test_without_an_ingest_a_publisher_may_come_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_control, "AWAY_FOR_S", 0.1)
    room = await a_room()
    answered = await client.post(room.whip, content="v=0\r\n", headers=bearer(room.key.key))
    assert (answered.status_code, answered.headers["retry-after"]) == (503, "2")
    assert [one.end_reason for one in await publishers_of(room)] == ["ingest_away"]


async def test_another_room_of_the_creator_on_air_comes_first(client: Client) -> None:
    first = await a_room()
    second = await a_room(creator=first)
    async with an_ingest():
        publisher, _ = await publish(client, first)
        await becomes(first, "live")
        answered = await offer(client, second, APublisher())
        await publisher.close()
    assert (answered.status_code, answered.json()["code"]) == (409, "on_air_already")


async def test_a_session_from_offer_to_delete(client: Client) -> None:
    room = await a_room()
    async with an_ingest():
        publisher = APublisher()
        answered = await offer(client, room, publisher)
        assert answered.status_code == 201
        assert answered.headers["content-type"].startswith("application/sdp")
        place, tag = answered.headers["location"], answered.headers["etag"]
        assert place.startswith(f"{room.whip}/")
        await publisher.take(answered.text)
        await publisher.connected()
        await becomes(room, "live")
        key = room.key.key
        for headers, status in (
            (bearer(key, FRAGMENT), 428),
            (bearer(key, FRAGMENT, **{"If-Match": "*"}), 422),
            (bearer(key, FRAGMENT, **{"If-Match": '"other"'}), 412),
            (bearer("live_other", FRAGMENT, **{"If-Match": tag}), 401),
            (bearer(key, "text/plain", **{"If-Match": tag}), 415),
            (bearer(key, FRAGMENT, **{"If-Match": tag}), 204),
        ):
            told = await client.patch(place, content=A_FRAGMENT, headers=headers)
            assert told.status_code == status, told.text
        assert (await client.delete(place, headers=bearer("live_other"))).status_code == 401
        assert (await client.delete(place, headers=bearer(key))).status_code == 200
        assert (await client.delete(place, headers=bearer(key))).status_code == 404
        await becomes(room, "paused")
        await publisher.close()
    assert [one.end_reason for one in await publishers_of(room)] == ["left"]


async def test_a_second_publisher_is_refused_while_the_first_one_sends(client: Client) -> None:
    room = await a_room()
    async with an_ingest():
        first, _ = await publish(client, room)
        await becomes(room, "live")
        answered = await offer(client, room, APublisher())
        await first.close()
    assert (answered.status_code, answered.json()["code"]) == (409, "published_already")
    assert len(await publishers_of(room)) == 1


@pytest.mark.parametrize(
    ("sdp", "status"),
    [
        ("garbage", 400),
        ("v=0\r\nm=video", 400),
        ("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", 422),
    ],
)
async def test_a_broken_offer_leaves_no_publisher(client: Client, sdp: str, status: int) -> None:
    room = await a_room()
    async with an_ingest():
        answered = await client.post(room.whip, content=sdp, headers=bearer(room.key.key))
    assert answered.status_code == status
    assert [one.end_reason for one in await publishers_of(room)] == ["refused"]
