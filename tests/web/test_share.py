"""Sharing as people see it: the sheet, the card, the text with a code, the way back in."""

import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.content.factories import a_product, a_video, an_organisation
from tests.links.factories import an_outside_link
from tests.web.accounts import Client, a_client, a_person, a_role, a_session, send

from dougong.base.access import Role
from dougong.base.ids import VideoId, new_id
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.links.commands import add_link
from dougong.links.share_commands import set_channel_state
from dougong.links.share_rules import ChannelState, code_in
from dougong.web.security import SESSION_COOKIE
from dougong.web.shopper.share import MOST_SHARES_A_MINUTE

EN = {"accept-language": "en", "user-agent": "Mozilla/5.0 (iPhone) Safari/604.1"}
FRAGMENT = EN | {"hx-request": "true"}


@pytest.fixture(scope="module")
async def client(connections: None) -> AsyncIterator[Client]:
    async with a_client() as made:
        made.headers.update(EN)
        yield made


@pytest.fixture(autouse=True)
async def afresh(client: Client) -> None:
    client.cookies.clear()
    async with transaction() as conn:
        await conn.execute(text("DELETE FROM rate_windows"))


@pytest.fixture
async def video_id(connections: None) -> VideoId:
    """A published video with a product on it."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        creator_id = await an_organisation(conn)
        made = await a_video(conn, creator_id=creator_id, at=at - timedelta(minutes=1))
        store_id, product_id = await a_product(conn)
        await add_link(
            conn,
            video_id=made,
            creator_id=creator_id,
            store_id=store_id,
            product_id=product_id,
            position=0,
            at=at,
        )
    return made


async def block(channel: str) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        blocked = ChannelState.BLOCKED
        why = {"reason_zh": "打不开", "reason_en": "Blocked there"}
        await set_channel_state(conn, channel=channel, state=blocked, starts=at, at=at, **why)


def said_on(page: str) -> str:
    found = re.search(r'<textarea class="share-said"[^>]*>(.*?)</textarea>', page, re.S)
    assert found
    return found[1]


async def test_the_sheet_is_a_fragment_and_without_script_a_page(
    client: Client, video_id: VideoId
) -> None:
    path = f"/videos/{video_id}/share"
    fragment = await client.get(path, headers=FRAGMENT)
    page = await client.get(path)
    assert (fragment.status_code, page.status_code) == (200, 200)
    assert ("<html" in fragment.text, "<html" in page.text) == (False, True)
    for name in ("WeChat", "Weibo", "QQ", "Douyin", "Copy link"):
        assert name in fragment.text


async def test_an_open_channel_gets_the_address_of_a_card(
    client: Client, video_id: VideoId
) -> None:
    answer = await send(client, f"/videos/{video_id}/share/copy")
    address = said_on(answer.text)
    assert f"/v/{video_id}?share=" in address
    assert "<svg" in answer.text
    card = await client.get(address.split("//")[1].partition("/")[2].join(["/", ""]))
    assert '<meta property="og:title" content="Weaving">' in card.text
    assert re.search(r'<meta property="og:image" content="http://[^"]+poster.jpg">', card.text)
    assert re.search(rf'<meta property="og:url" content="http://[^"]+/v/{video_id}">', card.text)
    code = address.partition("share=")[2]
    assert f'data-by-share="{code}"' in card.text


async def test_a_blocked_channel_gets_a_text_whose_code_opens_the_video(
    client: Client, video_id: VideoId
) -> None:
    await block("qq")
    answer = await send(client, f"/videos/{video_id}/share/qq")
    words = said_on(answer.text)
    code = code_in(words)
    assert code
    assert "http" not in words
    assert "does not open our links" in answer.text
    for pasted in (words, code, code.lower()):
        found = await client.get("/search", params={"q": pasted}, follow_redirects=False)
        assert found.status_code == 303
        assert found.headers["location"] == f"/v/{video_id}?share={code}"


async def test_a_tap_on_a_shared_video_keeps_its_code(client: Client, video_id: VideoId) -> None:
    answer = await send(client, f"/videos/{video_id}/share/copy")
    code = said_on(answer.text).partition("share=")[2]
    async with transaction() as conn:
        link_id = await conn.scalar(
            text("SELECT id FROM product_links WHERE video_id = :id"), {"id": video_id}
        )
    assert (await send(client, f"/links/{link_id}/clicks", share=code)).status_code == 204
    async with transaction() as conn:
        kept = await conn.scalar(
            text("SELECT share_code FROM clicks WHERE link_id = :id"), {"id": link_id}
        )
    assert kept == code


async def test_a_link_to_another_shop_keeps_the_code_too(client: Client) -> None:
    async with transaction() as conn:
        host = f"s{new_id().hex[-12:]}.example"
        link = await an_outside_link(conn, url=f"https://{host}/1", hosts=[host])
        await conn.execute(
            text("UPDATE videos SET published_at = :at WHERE id = :id"),
            {"at": await clock.refresh(conn) - timedelta(minutes=1), "id": link.video_id},
        )
    answer = await send(client, f"/videos/{link.video_id}/share/copy")
    code = said_on(answer.text).partition("share=")[2]
    page = await client.get(f"/v/{link.video_id}?share={code}")
    assert f'href="/go/{link.code}?share={code}"' in page.text
    sheet = await client.get(f"/sheet/links/{link.link_id}?share={code}", headers=FRAGMENT)
    way = re.search(rf'href="(/go/{link.code}\?share={code}&amp;t=[a-z2-7]{{40}})"', sheet.text)
    assert way
    sent = await client.get(
        html.unescape(way[1]), headers={"accept": "text/html"}, follow_redirects=False
    )
    assert (sent.status_code, "share" in sent.headers["location"]) == (303, False)
    async with transaction() as conn:
        kept = await conn.scalar(
            text("SELECT share_code FROM clicks WHERE link_id = :id"), {"id": link.link_id}
        )
    assert kept == code


async def test_an_unknown_code_is_searched_for_as_words(client: Client) -> None:
    answer = await client.get("/search", params={"q": "ZZZZZZZZZZ"}, follow_redirects=False)
    assert (answer.status_code, "Nothing found" in answer.text) == (200, True)


async def test_codes_cannot_be_tried_one_after_the_other(client: Client) -> None:
    tried: list[int] = []
    while 429 not in tried and len(tried) < 2 * MOST_SHARES_A_MINUTE + 2:  # a minute may begin
        tried.append((await client.get("/search", params={"q": "ZZZZZZZZZZ"})).status_code)
    assert (tried[0], tried[-1]) == (200, 429)
    assert (await client.get("/search", params={"q": "tea"})).status_code == 200


@pytest.mark.parametrize("path", ["{v}/share/pigeon", "{v}/share/x%2f..", "{o}/share/copy"])
async def test_what_is_not_there_cannot_be_shared(
    client: Client, video_id: VideoId, path: str
) -> None:
    filled = path.format(v=video_id, o="0199d3b0-0000-7000-8000-000000000000")
    assert (await send(client, f"/videos/{filled}")).status_code == 404


async def test_the_operator_blocks_a_channel_from_a_date_on(client: Client) -> None:
    from dougong.accounts import commands

    person_id = await a_person()
    org_id = await a_role(await a_person(), Role.CREATOR)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await conn.execute(
            text("UPDATE organisations SET kind = 'operator' WHERE id = :id"), {"id": org_id}
        )
        await commands.give_role(
            conn, person_id=person_id, org_id=org_id, role=Role.OPERATOR, at=at
        )
    client.cookies.set(SESSION_COOKIE, await a_session(person_id))
    fields = {"channel": "douyin", "state": "blocked", "reason_zh": "屏蔽", "reason_en": "Blocked"}
    late = await send(client, "/operator/channels", **fields, starts="2001-01-01T00:00")
    empty = await send(client, "/operator/channels", **fields | {"reason_en": ""})
    good = await send(client, "/operator/channels", **fields)
    again = await send(client, "/operator/channels", **fields, starts="2020-01-01T00:00")
    assert [one.status_code for one in (late, empty, good, again)] == [422, 400, 303, 422]
    page = await client.get("/operator/channels")
    assert "Blocked: a text with a code" in page.text
    async with transaction() as conn:
        noted = await conn.scalar(
            text("SELECT count(*) FROM audit_log WHERE person_id = :id AND action = :act"),
            {"id": person_id, "act": "links.share_channel_state"},
        )
    assert noted == 1
