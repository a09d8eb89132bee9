"""The hand-off: where people are sent, who is not, and what is kept of it."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import ada_url
import pytest
from sqlalchemy import text
from tests.links.factories import ALink, an_outside_link
from tests.web.accounts import Client, a_client, a_person, a_role, a_session, send

from dougong.base.access import Role
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.links.rules import click_of
from dougong.web.security import SESSION_COOKIE

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"
TAP = {
    "user-agent": PHONE,
    "accept": "text/html",
    "accept-language": "en",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "sec-fetch-user": "?1",
}
HOSTS = ["shop.example", "*.mall.example"]
SHOP = "https://shop.example/item?id=7"
HOSTILE = [
    json.loads(line)["url"]
    for line in (Path(__file__).parents[1] / "links/corpora/hand_off.jsonl").read_text().split("\n")
    if line
]


browsers: list[Client] = []


@pytest.fixture(scope="module", autouse=True)
async def browser(connections: None) -> AsyncIterator[None]:
    """One application for all tests of this file."""
    async with a_client() as client:
        browsers.append(client)
        yield
        browsers.clear()


@pytest.fixture(autouse=True)
async def afresh(browser: None) -> AsyncIterator[None]:
    """A browser without cookies, whose address has not tapped yet; afterwards the hosts are free
    for other tests' sources."""
    async with transaction() as conn:
        await conn.execute(text("DELETE FROM rate_windows"))
    browsers[0].cookies.clear()
    yield
    async with transaction() as conn:
        await conn.execute(
            text("UPDATE sources SET hosts = ARRAY[code || '.invalid'] WHERE name_zh = '竹里市集'")
        )


async def a_link(url: str = SHOP, **fields: Any) -> ALink:
    async with transaction() as conn:
        return await an_outside_link(conn, url=url, hosts=HOSTS, **fields)


async def clicks_of(link: ALink) -> list[Any]:
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT * FROM clicks WHERE link_id = :id ORDER BY at, id"), {"id": link.link_id}
        )
        return list(rows.all())


async def change(link: ALink, statement: str) -> None:
    async with transaction() as conn:
        await conn.execute(
            text(statement),
            {
                "link": link.link_id,
                "video": link.video_id,
                "product": link.outside_product_id,
                "source": link.source,
                "at": await clock.refresh(conn),
            },
        )


async def get(code: str, *, query: str = "", method: str = "GET", **told: str) -> Any:
    headers = TAP | {name.replace("_", "-"): value for name, value in told.items()}
    path = f"/go/{code}{query}"
    return await browsers[0].request(method, path, headers=headers, follow_redirects=False)


async def shown(link: ALink) -> str:
    """The token that goes with the link where it is shown; '' where it is not."""
    sheet = await browsers[0].get(f"/sheet/links/{link.link_id}", headers=TAP)
    found = re.search(r"[?;]t=([a-z2-7]{40})", sheet.text)
    return found[1] if found else ""


async def go(link: ALink, *, token: str = "", query: str = "?", **told: str) -> Any:
    return await get(link.code, query=f"{query}&t={token or await shown(link)}", **told)


async def test_a_tap_is_sent_on_with_a_signed_sub_id_and_kept() -> None:
    link = await a_link()
    answer = await go(link)
    assert answer.status_code == 303
    assert answer.headers["referrer-policy"] == "strict-origin"
    assert answer.headers["cache-control"] == "no-store"
    to = ada_url.URL(answer.headers["location"])
    asked = ada_url.URLSearchParams(to.search)
    assert (to.host, to.pathname, asked.get("id")) == ("shop.example", "/item", "7")
    (click,) = await clicks_of(link)
    assert click_of(asked.get("sub") or "", secret=settings().secret()) == click.id
    assert (click.validity, click.source, click.sub_id) == ("valid", link.source, asked.get("sub"))
    assert (click.person_id, len(click.visitor)) == (None, 24)


async def test_without_a_parameter_of_the_source_nothing_is_added() -> None:
    answer = await go(await a_link(sub_id_parameter=""))
    assert answer.headers["location"] == SHOP


@pytest.mark.parametrize("query", [
    "?url=https://evil.example/", "?next=//evil.example", "?to=https://evil.example&share=../x",
    "?share=https://evil.example/", "?redirect_uri=https://evil.example%0d%0aX:y", "?sub=theirs",
])  # fmt: skip
async def test_nothing_of_the_query_changes_where_it_leads(query: str) -> None:
    link = await a_link()
    answer = await go(link, query=query)
    (click,) = await clicks_of(link)
    assert answer.headers["location"] == f"{SHOP}&sub={click.sub_id}"
    assert click.share_code is None


async def test_no_hostile_stored_address_is_followed() -> None:
    link = await a_link()
    for url in (one for one in HOSTILE if "\0" not in one):  # PostgreSQL's text holds no NUL
        async with transaction() as conn:
            await conn.execute(
                text("UPDATE outside_products SET url = :url WHERE id = :id"),
                {"url": url, "id": link.outside_product_id},
            )
        answer = await go(link)
        assert (answer.status_code, answer.headers.get("location")) == (403, None), url
        assert "does not belong to Bamboo Market" in answer.text
        assert len(url) < 12 or url not in answer.text
    assert {click.validity for click in await clicks_of(link)} == {"hidden"}


async def test_the_list_of_now_counts_not_that_of_publishing() -> None:
    link = await a_link()
    assert (await go(link)).status_code == 303
    await change(link, "UPDATE sources SET hosts = '{other.example}' WHERE code = :source")
    answer = await go(link)
    assert (answer.status_code, "location" in answer.headers) == (403, False)


GONE = [
    ("UPDATE product_links SET removed_at = :at WHERE id = :link", "taken off"),
    ("UPDATE product_links SET hidden_at = :at WHERE id = :link", "not shown any more"),
    ("UPDATE outside_products SET state = 'gone' WHERE id = :product", "not sold any more"),
    ("UPDATE outside_products SET state = 'moved' WHERE id = :product", "no longer ends at"),
    ("UPDATE outside_products SET state = 'swapped' WHERE id = :product", "Another product"),
    ("UPDATE videos SET state = 'removed' WHERE id = :video", "taken off"),
    (
        """INSERT INTO source_states VALUES (gen_random_uuid(), :source, 'closed',
           tstzrange(CAST(:at AS timestamptz) - interval '1 hour', NULL), '通道关闭',
           'Closed since July.')""",
        "Closed since July.",
    ),
]


@pytest.mark.parametrize(("statement", "words"), GONE)
async def test_a_link_that_is_not_shown_says_why_and_leads_nowhere(
    statement: str, words: str
) -> None:
    link = await a_link()
    await change(link, statement)
    answer = await go(link)
    assert (answer.status_code, "location" in answer.headers) == (410, False)
    assert words in answer.text
    assert "shop.example" not in answer.text
    assert [click.validity for click in await clicks_of(link)] == ["hidden"]


async def test_the_rule_that_hides_a_link_speaks_in_both_languages() -> None:
    link = await a_link()
    await change(
        link,
        """WITH rule AS (
             INSERT INTO link_rules (id, kind, source, announced_at, in_force, allowed, reason_zh,
               reason_en, author_id)
             VALUES (gen_random_uuid(), 'link', :source, :at,
               tstzrange(CAST(:at AS timestamptz) - interval '1 hour', NULL), false,
               '七月起不再允许', 'Not allowed since July', gen_random_uuid())
             RETURNING id)
           UPDATE product_links SET hidden_at = :at, hidden_rule_id = (SELECT id FROM rule)
           WHERE id = :link""",
    )
    assert "Not allowed since July" in (await go(link)).text
    assert "七月起不再允许" in (await go(link, accept_language="zh-CN")).text


async def test_an_unknown_code_is_not_found() -> None:
    link = await a_link()
    for code in ("nosuchcode", "%2e%2e", "x" * 300, link.code + "x"):
        answer = await get(code)
        assert (answer.status_code, "location" in answer.headers) == (404, False)


@pytest.mark.parametrize(
    ("told", "status", "validity"),
    [
        ({"sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}, 200, "no_act"),
        ({"sec_fetch_dest": "iframe"}, 200, "no_act"),
        ({"sec_fetch_user": ""}, 200, "no_act"),
        ({"sec_purpose": "prefetch;prerender"}, 503, "prefetch"),
        ({"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, 200, "bot"),
    ],
)
async def test_machines_get_a_page_and_count_nothing(
    told: dict[str, str], status: int, validity: str
) -> None:
    link = await a_link()
    answer = await go(link, **told)
    assert (answer.status_code, "location" in answer.headers) == (status, False)
    assert [click.validity for click in await clicks_of(link)] == [validity]


async def test_head_says_whether_it_is_there_and_not_where_it_leads() -> None:
    link = await a_link()
    answer = await go(link, method="HEAD")
    assert (answer.status_code, answer.content, "location" in answer.headers) == (200, b"", False)
    await change(link, "UPDATE product_links SET removed_at = :at WHERE id = :link")
    assert (await go(link, method="HEAD")).status_code == 410
    assert [click.validity for click in await clicks_of(link)] == ["prefetch", "hidden"]


def token_in(page: Any) -> str:
    """The token in the page that stands between."""
    found = re.search(r'name="token" value="([a-z2-7]{40})"', page.text)
    assert found
    return found[1]


async def test_from_elsewhere_a_page_stands_between_and_its_button_counts() -> None:
    link = await a_link()
    page = await get(link.code)
    assert (page.status_code, "location" in page.headers) == (200, False)
    assert "You are leaving for Bamboo Market" in page.text
    async with a_client() as client:
        client.headers.update(TAP)
        sent = await send(client, f"/go/{link.code}", token=token_in(page))
    assert sent.status_code == 303
    assert [click.validity for click in await clicks_of(link)] == ["no_shelf", "valid"]


async def test_a_token_is_good_for_one_click_of_one_visitor_on_one_link() -> None:
    link, other = await a_link(), await a_link()
    token = await shown(link)
    assert (await go(other, token=token)).status_code == 200
    stranger = PHONE.replace("18_0", "17_0")
    assert (await go(link, token=token, user_agent=stranger)).status_code == 200
    assert (await go(link, token=token)).status_code == 303
    async with transaction() as conn:
        await conn.execute(
            text("UPDATE clicks SET at = at - interval '40 minutes' WHERE link_id = :id"),
            {"id": link.link_id},
        )
    assert (await go(link, token=token)).status_code == 303  # back, and on once more
    found = [click.validity for click in await clicks_of(link)]
    assert sorted(found) == ["no_shelf", "repeat", "valid"]
    assert [click.validity for click in await clicks_of(other)] == ["no_shelf"]


async def test_a_second_tap_goes_on_and_counts_nothing() -> None:
    link = await a_link()
    assert [(await go(link)).status_code for _ in range(3)] == [303] * 3
    found = await clicks_of(link)
    assert [click.validity for click in found] == ["valid", "repeat", "repeat"]
    assert len({click.sub_id for click in found}) == 3


async def test_a_creators_member_goes_on_and_counts_nothing() -> None:
    person_id = await a_person()
    org_id = await a_role(person_id, Role.CREATOR)
    link = await a_link(creator_id=UUID(str(org_id)))
    browsers[0].cookies.set(SESSION_COOKIE, await a_session(person_id))
    answer = await go(link)
    assert answer.status_code == 303
    (click,) = await clicks_of(link)
    assert (click.validity, click.person_id) == ("self", person_id)


async def test_where_the_source_asks_for_it_a_page_stands_between() -> None:
    link = await a_link(asks=True)
    en, zh = await go(link), await go(link, accept_language="zh")
    assert (en.status_code, "location" in en.headers) == (200, False)
    assert "You are leaving for Bamboo Market" in en.text
    assert "您即将前往竹里市集" in zh.text
    assert "<script" not in en.text.split('<main id="main"')[1].split("</main>")[0]
    assert "form-action 'self' https://shop.example;" in en.headers["content-security-policy"]
    assert await clicks_of(link) == []  # to look at the page is no click
    async with a_client() as client:
        client.headers.update(TAP)
        sent = await send(client, f"/go/{link.code}", token=token_in(en))
    (click,) = await clicks_of(link)
    assert (sent.status_code, click.validity) == (303, "valid")
    assert sent.headers["location"] == f"{SHOP}&sub={click.sub_id}"


async def test_the_form_needs_its_token() -> None:
    link = await a_link(asks=True)
    answer = await go(link, method="POST")
    assert (answer.status_code, "location" in answer.headers) == (403, False)


async def test_a_tap_as_often_as_nobody_taps_is_refused() -> None:
    link = await a_link()
    token = await shown(link)
    found = [(await go(link, token=token)).status_code for _ in range(122)]
    assert (found[0], found[-1]) == (303, 429)


async def test_the_address_as_a_picture() -> None:
    link = await a_link()
    answer, missing = await get(f"{link.code}/qr.svg"), await get("nosuchcode/qr.svg")
    assert (answer.status_code, missing.status_code) == (200, 404)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert b"<svg" in answer.content
    assert await clicks_of(link) == []


async def test_a_link_into_an_own_store_leads_to_its_product() -> None:
    from tests.content.factories import a_product, a_video, an_organisation

    from dougong.base.ids import VideoId
    from dougong.links.commands import add_link

    async with transaction() as conn:
        creator_id = await an_organisation(conn)
        at = await clock.refresh(conn)
        video_id = await a_video(conn, creator_id=creator_id, at=at - timedelta(minutes=1))
        store_id, product_id = await a_product(conn)
        link_id = await add_link(
            conn,
            video_id=VideoId(video_id),
            creator_id=creator_id,
            store_id=store_id,
            product_id=product_id,
            position=0,
            at=at,
        )
        code = await conn.scalar(
            text("SELECT code FROM product_links WHERE id = :id"), {"id": link_id}
        )
    answer = await get(str(code))
    page = await browsers[0].get(answer.headers["location"])
    assert answer.headers["location"] == f"/p/{store_id}/{product_id}?link={link_id}"
    assert page.status_code == 200
