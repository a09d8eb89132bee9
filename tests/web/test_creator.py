"""The creator's console over HTTP: tus uploads, whose videos, what is shown and what is refused."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from tests.content.factories import (
    a_member,
    a_product,
    a_session,
    a_video,
    an_organisation,
)
from tests.factories import the_rules
from tests.flows.test_publish_video import a_clip
from tests.links.factories import an_outside_link
from tests.web.site import Client

from dougong.base.ids import VideoId, new_id
from dougong.content.queries import own_video
from dougong.flows.process_video import process
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.links.commands import add_link
from dougong.web.creator import uploads
from dougong.web.security import SESSION_COOKIE


class Creator(msgspec.Struct):
    id: UUID
    person_id: UUID
    token: str


async def a_creator() -> Creator:
    async with transaction() as conn:
        await clock.refresh(conn)
        org_id = await an_organisation(conn)
        person_id = await a_member(conn, org_id=org_id)
        return Creator(org_id, person_id, await a_session(conn, person_id=person_id))


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client() as made:
        await made.get("/healthz")
        yield made


def as_(client: Client, creator: Creator) -> Client:
    client.cookies.set(SESSION_COOKIE, creator.token)
    client.headers["x-csrftoken"] = client.cookies["csrftoken"]
    return client


def tus(**headers: str) -> dict[str, str]:
    return {"Tus-Resumable": "1.0.0"} | {k.replace("_", "-"): v for k, v in headers.items()}


async def start(client: Client, creator: Creator, length: int, **more: str) -> Any:
    name = base64.b64encode("假日 <b>.mp4".encode()).decode()
    headers = tus(Upload_Length=str(length), Upload_Metadata=f"filename {name}") | more
    return await client.post(f"/creator/{creator.id}/uploads", headers=headers)


async def send(client: Client, place: str, offset: int, data: bytes, **more: str) -> Any:
    kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
    return await client.patch(place, content=data, headers=tus() | kind | more)


async def test_an_interrupted_upload_goes_on_and_becomes_a_video(
    client: Client, tmp_path: Path
) -> None:
    creator = await a_creator()
    data = a_clip(tmp_path / "clip.mp4")
    as_(client, creator)
    made = await start(client, creator, len(data))
    assert made.status_code == 201, made.text
    place = made.headers["location"]
    half = len(data) // 2
    first = await send(client, place, 0, data[:half])
    assert (first.status_code, first.headers["upload-offset"]) == (204, str(half))
    # The browser is closed and opened again: it asks where it was.
    where = await client.head(place, headers=tus())
    assert where.headers["upload-offset"] == str(half)
    assert where.headers["upload-length"] == str(len(data))
    last = await send(client, place, half, data[half:])
    assert last.status_code == 204
    page = last.headers["video-location"]
    waiting = await client.get(page)
    assert waiting.status_code == 200 and "hx-trigger" in waiting.text
    video_id = UUID(page.rpartition("/")[2])
    await process(video_id=str(video_id), creator_id=str(creator.id))
    over = await client.get(f"{page}/progress")
    assert over.headers["hx-refresh"] == "true"
    ready = await client.get(page)
    assert "data-hls" in ready.text
    published = await client.post(f"{page}/publish", data={}, follow_redirects=False)
    assert published.status_code == 303
    async with transaction() as conn:
        video = await own_video(conn, video_id=VideoId(video_id), creator_id=creator.id)
    assert video.state == "published"


async def test_a_wrong_offset_is_told_where_to_go_on(client: Client) -> None:
    creator = await a_creator()
    as_(client, creator)
    place = (await start(client, creator, 100)).headers["location"]
    await send(client, place, 0, b"x" * 40)
    for offset in (0, 39, 41, 100):
        refused = await send(client, place, offset, b"y" * 10)
        assert (refused.status_code, refused.headers["refusal-code"]) == (409, "wrong_offset")
    where = await client.head(place, headers=tus())
    assert where.headers["upload-offset"] == "40"


@pytest.mark.parametrize("length", ["0", "500000001", "99999999999999"])
async def test_too_big_and_empty_files_are_refused(client: Client, length: str) -> None:
    creator = await a_creator()
    as_(client, creator)
    refused = await start(client, creator, int(length))
    assert (refused.status_code, refused.headers["refusal-code"]) == (413, "upload_too_big")
    assert "500" in refused.text


async def test_a_chunk_larger_than_announced_or_allowed_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    creator = await a_creator()
    as_(client, creator)
    place = (await start(client, creator, 10)).headers["location"]
    refused = await send(client, place, 0, b"x" * 11)
    assert refused.status_code == 409
    big = (await start(client, creator, 20_000_000)).headers["location"]
    refused = await send(client, big, 0, b"x" * (uploads.MAX_CHUNK_BYTES + 1))
    assert refused.status_code == 413
    where = await client.head(big, headers=tus())
    assert where.headers["upload-offset"] == "0"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.0"}, 412),
        ({"Upload-Length": "many"}, 400),
        ({"Upload-Length": "-5"}, 400),
        ({"Upload-Metadata": "filename %%%"}, 400),
    ],
)
async def test_a_broken_request_is_refused(
    client: Client, headers: dict[str, str], status: int
) -> None:
    creator = await a_creator()
    as_(client, creator)
    assert (await start(client, creator, 10, **headers)).status_code == status


async def test_an_upload_can_be_given_up(client: Client) -> None:
    creator = await a_creator()
    as_(client, creator)
    place = (await start(client, creator, 10)).headers["location"]
    assert (await client.delete(place, headers=tus())).status_code == 204
    assert (await client.head(place, headers=tus())).status_code == 404


async def test_a_foreign_creator_finds_nothing(client: Client) -> None:
    owner, thief = await a_creator(), await a_creator()
    as_(client, owner)
    place = (await start(client, owner, 10)).headers["location"]
    async with transaction() as conn:
        video_id = await a_video(conn, creator_id=owner.id)
    as_(client, thief)
    stolen = place.replace(str(owner.id), str(thief.id))
    for where in (place, stolen):
        assert (await client.head(where, headers=tus())).status_code == 404
        assert (await send(client, where, 0, b"x")).status_code == 404
        assert (await client.delete(where, headers=tus())).status_code == 404
    for whose in (owner, thief):
        page = f"/creator/{whose.id}/videos/{video_id}"
        assert (await client.get(page)).status_code == 404
        for act in ("caption", "publish", "remove", "retry"):
            answer = await client.post(f"{page}/{act}", data={"_csrf_token": ""})
            assert answer.status_code in {404, 409}, act
    async with transaction() as conn:
        video = await own_video(conn, video_id=video_id, creator_id=owner.id)
    assert (video.state, video.caption_zh) == ("published", "竹编")


async def test_without_signing_in_one_is_asked_to(client: Client) -> None:
    creator = await a_creator()
    answer = await client.get(f"/creator/{creator.id}/videos", follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_every_page_of_the_console_opens(client: Client, locale: str) -> None:
    creator = await a_creator()
    as_(client, creator)
    client.cookies.set("dougong_locale", locale)
    async with transaction() as conn:
        await the_rules(conn)
        now = await clock.refresh(conn)
        video_id = await a_video(
            conn, creator_id=creator.id, at=now, caption_zh="“><script>x</script>", caption_en=""
        )
        store_id, product_id = await a_product(conn, price_minor=9_900, commission_bp=2_000)
    page = f"/creator/{creator.id}/videos/{video_id}"
    found = await client.get(f"{page}/products?q=Bamboo basket")
    assert found.status_code == 200 and 'class="found"' in found.text
    form = {"store_id": str(store_id), "product_id": str(product_id)}
    assert (
        await client.post(f"{page}/links", data=form, follow_redirects=False)
    ).status_code == 303
    for path in ("", "/videos", "/upload", "/links", "/earnings", f"/videos/{video_id}"):
        answer = await client.get(f"/creator/{creator.id}{path}" if path else "/creator")
        assert answer.status_code == 200, (path, answer.text)
        assert "<script>x" not in answer.text
    # 20 % of ¥99.00, less the platform's tenth of the commission
    assert "¥17.82" in (await client.get(f"/creator/{creator.id}/links")).text


async def test_links_are_moved_and_taken_off(client: Client) -> None:
    creator = await a_creator()
    as_(client, creator)
    async with transaction() as conn:
        now = await clock.refresh(conn)
        video_id = await a_video(conn, creator_id=creator.id, at=now)
        products = [await a_product(conn) for _ in range(3)]
    page = f"/creator/{creator.id}/videos/{video_id}"
    for store_id, product_id in products:
        form = {"store_id": str(store_id), "product_id": str(product_id)}
        assert (await client.post(f"{page}/links", data=form)).status_code == 200
    refused = await client.post(f"{page}/links", data=form)
    assert refused.status_code == 409

    async def shown() -> list[UUID]:
        async with transaction() as conn:
            found = await conn.execute(
                text("""
                    SELECT id, product_id FROM product_links
                    WHERE video_id = :v AND removed_at IS NULL ORDER BY position
                """),
                {"v": video_id},
            )
            rows = found.all()
        links.update({row.product_id: row.id for row in rows})
        return [row.product_id for row in rows]

    links: dict[UUID, UUID] = {}
    ids = [product_id for _, product_id in products]
    assert await shown() == ids
    await client.post(f"{page}/links/{links[ids[2]]}/move", data={"to": "up"})
    assert await shown() == [ids[0], ids[2], ids[1]]
    await client.post(f"{page}/links/{links[ids[0]]}/move", data={"to": "up"})
    assert await shown() == [ids[0], ids[2], ids[1]]
    await client.post(f"{page}/links/{links[ids[2]]}/remove", data={})
    assert await shown() == [ids[0], ids[1]]
    missing = await client.post(f"{page}/links/{new_id()}/remove", data={})
    assert missing.status_code == 404


async def test_links_to_other_platforms_are_moved_among_themselves(client: Client) -> None:
    creator = await a_creator()
    as_(client, creator)
    host = f"s{new_id().hex[-12:]}.example"
    async with transaction() as conn:
        outside = [
            await an_outside_link(conn, url="", hosts=[f"{n}.{host}"], creator_id=creator.id)
            for n in range(3)
        ]
        video_id = outside[0].video_id
        store_id, product_id = await a_product(conn)
        now = await clock.refresh(conn)
        place = {"store_id": store_id, "product_id": product_id, "position": 1}
        own = await add_link(conn, video_id=video_id, creator_id=creator.id, **place, at=now)
        for position, link in zip((0, 2, 3), outside, strict=True):
            await conn.execute(
                text("UPDATE product_links SET video_id = :v, position = :p WHERE id = :id"),
                {"v": video_id, "p": position, "id": link.link_id},
            )
    page = f"/creator/{creator.id}/videos/{video_id}"

    async def shown() -> list[UUID]:
        async with transaction() as conn:
            rows = await conn.execute(
                text("SELECT id FROM product_links WHERE video_id = :v ORDER BY position"),
                {"v": video_id},
            )
            return [row.id for row in rows]

    first, second, third = (link.link_id for link in outside)
    assert await shown() == [first, own, second, third]
    assert f"{page}/links/{second}/move" in (await client.get(page)).text
    await client.post(f"{page}/links/{second}/move", data={"to": "up"})
    assert await shown() == [second, own, first, third]
    await client.post(f"{page}/links/{third}/move", data={"to": "down"})
    assert await shown() == [second, own, first, third]


async def test_a_caption_too_long_is_refused_at_its_field(client: Client) -> None:
    creator = await a_creator()
    as_(client, creator)
    async with transaction() as conn:
        video_id = await a_video(conn, creator_id=creator.id)
    page = f"/creator/{creator.id}/videos/{video_id}"
    answer = await client.post(
        f"{page}/caption", data={"caption_zh": "好" * 301, "caption_en": "kept"}
    )
    assert answer.status_code == 422
    assert 'aria-describedby="error-caption_zh' in answer.text and "kept" in answer.text
    assert (
        await client.post(f"{page}/caption", data={"caption_zh": "a", "state": "removed"})
    ).status_code == 400
