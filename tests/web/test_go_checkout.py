"""From a tap to a cart at a UCP shop: on the source's hosts only, with the click's sub-id."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from tests.links.factories import ALink, a_source, an_outside_link
from tests.links.ucp_shop import Shop
from tests.links.ucp_shops import serving
from tests.web.accounts import Client, a_client
from tests.web.test_go import TAP

from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.links.rules import click_of

browsers: list[Client] = []


@pytest.fixture(scope="module", autouse=True)
async def browser(connections: None) -> AsyncIterator[None]:
    async with a_client() as client:
        browsers.append(client)
        yield
        browsers.clear()


@pytest.fixture(autouse=True)
async def afresh(browser: None) -> AsyncIterator[None]:
    async with transaction() as conn:
        await conn.execute(text("DELETE FROM rate_windows"))
    browsers[0].cookies.clear()
    yield


class Sends:
    """Changes one of the shop's answers."""

    def __init__(self, what: str, **changes: Any) -> None:
        self.what, self.changes = what, changes

    def __call__(self, shop: Shop, what: str, body: dict[str, Any]) -> None:
        if what == self.what:
            body |= self.changes


async def a_link(shop: Shop, *, adapter: str = "ucp", asks: bool = False) -> ALink:
    async with transaction() as conn:
        hosts = [f"127.0.0.1:{shop.port}"]
        source = await a_source(conn, hosts=hosts, adapter=adapter, asks=asks)
        link = await an_outside_link(conn, url=f"{shop.url}/item/1", hosts=hosts, source=source)
        await conn.execute(
            text("UPDATE outside_products SET item_id = :item WHERE id = :id"),
            {"id": link.outside_product_id, "item": shop.item},
        )
        return link


async def post(link: ALink, rest: str = "/checkout") -> Any:
    client = browsers[0]
    page = await client.get("/sign-in")
    token = page.cookies.get("csrftoken") or client.cookies.get("csrftoken") or ""
    sheet = await client.get(f"/sheet/links/{link.link_id}", headers=TAP)
    shown = re.search(r"t=([a-z2-7]{40})", sheet.text)
    assert shown
    return await client.post(
        f"/go/{link.code}{rest}",
        data={"_csrf_token": token, "token": shown[1]},
        headers=TAP | {"x-csrftoken": token},
        follow_redirects=False,
    )


async def clicks_of(link: ALink) -> list[Any]:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT * FROM clicks WHERE link_id = :id"), {"id": link.link_id}
        )
        return list(found.all())


@pytest.mark.parametrize("traits", [("cart",), ()])
async def test_the_shopper_goes_on_in_the_cart_that_was_opened(traits: tuple[str, ...]) -> None:
    with serving(Shop(*traits)) as shop:
        link = await a_link(shop)
        answer = await post(link)
        assert answer.status_code == 303
        kind = "cart_" if traits else "chk_"
        assert answer.headers["location"].startswith(f"{shop.url}/checkout/{kind}")
        asked = [one for one in shop.asked if one[1].startswith("/ucp/v1/")]
    assert len(asked) == 1
    (click,) = await clicks_of(link)
    assert click.validity == "valid"
    sent = json.loads(shop.bodies[-1])
    assert click_of(sent["attribution"]["sub_id"], secret=settings().secret()) == click.id
    assert sent["line_items"] == [{"item": {"id": shop.item}, "quantity": 1}]
    assert "buyer" not in sent


@pytest.mark.parametrize(
    "spoil",
    [
        Sends("create", continue_url=None),
        Sends("create", STATUS=404),
        Sends("create", STATUS=500),
    ],
)
async def test_without_a_cart_the_shopper_goes_to_the_product(spoil: Sends) -> None:
    with serving(Shop(spoil=spoil)) as shop:
        answer = await post(await a_link(shop))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{shop.url}/item/1")


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/cart", "javascript:alert(1)", "http://127.0.0.1.evil.example/", "//x"],
)
async def test_nobody_is_sent_to_a_host_that_is_not_listed(url: str) -> None:
    with serving(Shop(spoil=Sends("create", continue_url=url))) as shop:
        answer = await post(await a_link(shop))
    assert answer.status_code == 422
    assert "location" not in answer.headers


async def test_a_cart_that_does_not_add_up_is_not_handed_over() -> None:
    totals = [{"type": "subtotal", "amount": 12900}, {"type": "total", "amount": 12901}]
    with serving(Shop("cart", spoil=Sends("cart", totals=totals))) as shop:
        answer = await post(await a_link(shop))
    assert answer.status_code == 422
    assert "totals_sum" in answer.text


async def test_a_source_of_another_kind_leads_to_its_product() -> None:
    with serving(Shop()) as shop:
        answer = await post(await a_link(shop, adapter="page"))
        assert answer.headers["location"].startswith(f"{shop.url}/item/1")
        assert shop.asked == []


async def test_the_page_that_asks_offers_the_cart() -> None:
    with serving(Shop()) as shop:
        link = await a_link(shop, asks=True)
        page = await browsers[0].get(f"/go/{link.code}", headers=TAP)
    assert f'action="/go/{link.code}/checkout"' in page.text
    assert f"https://127.0.0.1:{shop.port}" in page.headers["content-security-policy"]
    assert [click.validity for click in await clicks_of(link)] == ["no_shelf"]
