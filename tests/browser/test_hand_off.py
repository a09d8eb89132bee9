"""In a real Chromium: people get to the shop and count once, pictures and frames count nothing,
no stored address leads to an unlisted host, and a shared code brings a friend to the video."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from tests.browser.market import DESK, PHONE, Market

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(240)]

HERE = Path(__file__).parent
# Headless Chromium names itself; whoever does is taken for a program.
AGENT = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"


class Shop:
    """Where shoppers end: notes what is asked of it, and serves one page that stuffs clicks."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []
        self.referrers: list[str] = []
        self.page = "<title>The shop</title><h1>The shop</h1>"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        if path != "/favicon.ico":
            self.asked.append(path)
            found = re.search(r"(?im)^referer: (.*)\r$", head)
            self.referrers.append(found[1] if found else "")
        body = self.page.encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()


class Outside:
    def __init__(self, market: Market, shop: Shop, made: dict[str, Any]) -> None:
        self.market, self.shop, self.made = market, shop, made

    async def page(self, *, locale: str = "en", phone: bool = True, script: bool = True) -> Page:
        """A new visitor's page."""
        size = PHONE if phone else DESK
        context = await self.market.browser.new_context(
            base_url=self.market.server.url,
            user_agent=AGENT,
            locale={"en": "en-US", "zh": "zh-CN"}[locale],
            viewport=size,  # type: ignore[arg-type]
            java_script_enabled=script,
        )
        context.set_default_timeout(15_000)
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
        return await context.new_page()

    async def tap(self, page: Page, link_id: str) -> None:
        """A tap on the way there, on the sheet that shows the product."""
        await page.goto(f"/sheet/links/{link_id}")
        await page.get_by_role("link", name="Go to").click()

    def kept(self, link_id: str) -> list[str]:
        done = self.market.server.run(str(HERE / "clicks_of.py"), link_id)
        assert done.returncode == 0, done.stderr[-2000:]
        return list(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
async def outside(market: Market) -> AsyncIterator[Outside]:
    shop = Shop()
    server = await asyncio.start_server(shop.serve, "127.0.0.1")
    shop.port = server.sockets[0].getsockname()[1]
    made = market.server.run(str(HERE / "outside.py"), f"127.0.0.1:{shop.port}")
    assert made.returncode == 0, made.stderr[-4000:]
    yield Outside(market, shop, json.loads(made.stdout.splitlines()[-1]))
    server.close()


async def test_a_tap_reaches_the_shop_with_its_sub_id(outside: Outside) -> None:
    before = outside.kept(outside.made["plain_link"])
    page = await outside.page()
    await outside.tap(page, outside.made["plain_link"])
    await page.wait_for_url("**/plain*")
    assert re.fullmatch(r"/plain\?sub=[a-z2-7]{32}", outside.shop.asked[-1])
    # The shop learns our site, not the page.
    assert outside.shop.referrers[-1] == outside.market.server.url.rstrip("/") + "/"
    await outside.tap(page, outside.made["plain_link"])
    await page.wait_for_url("**/plain*")
    assert outside.kept(outside.made["plain_link"])[len(before) :] == ["valid", "repeat"]
    await page.context.close()


async def test_nothing_but_a_tap_counts(outside: Outside) -> None:
    """A foreign page stuffs clicks by picture, script, style, frame, fetch and moving on."""
    before = outside.kept(outside.made["plain_link"])
    to = f"{outside.market.server.url.rstrip('/')}/go/{outside.made['plain']}"
    outside.shop.page = f"""
      <title>Stuffing</title><img src="{to}?1"><script src="{to}?2"></script>
      <link rel="stylesheet" href="{to}?3"><iframe src="{to}?4"></iframe>
      <embed src="{to}?5"><link rel="prefetch" href="{to}?6">
      <script>fetch("{to}?7", {{mode: "no-cors"}}).catch(() => 0);
      setTimeout(() => (location.href = "{to}?8"), 600);</script>"""
    page = await outside.page()
    await page.goto(f"http://127.0.0.1:{outside.shop.port}/stuffing")
    await page.wait_for_url("**/go/**")
    await expect(page.get_by_role("heading", name="You are leaving for")).to_be_visible()
    outside.shop.page = "<title>The shop</title>"
    after = outside.kept(outside.made["plain_link"])
    assert len(after) >= len(before) + 5
    assert set(after[len(before) :]) <= {"no_act", "prefetch"}
    await page.context.close()


async def test_a_foreign_page_with_a_stolen_token_gets_no_click(outside: Outside) -> None:
    """Somebody taps on a foreign page that leads here: with a token that was shown to another
    visitor the shop is one tap more away, and only that tap counts."""
    thief = await outside.page()
    sheet = await thief.request.get(
        f"/sheet/links/{outside.made['plain_link']}", headers={"user-agent": "Mozilla/5.0 thief"}
    )
    stolen = re.search(r"t=[a-z2-7]{40}", await sheet.text())
    assert stolen
    ours = outside.market.server.url.rstrip("/")
    outside.shop.page = f'<a href="{ours}/go/{outside.made["prize"]}?{stolen[0]}">Win a phone</a>'
    page = await outside.page()
    await page.goto(f"http://127.0.0.1:{outside.shop.port}/prize")
    await page.get_by_role("link").click()
    await page.wait_for_url("**/go/**")
    assert outside.kept(outside.made["prize_link"]) == ["no_shelf"]
    await page.get_by_role("button", name="Go on to").click()
    await page.wait_for_url("**/prized*")
    assert outside.kept(outside.made["prize_link"]) == ["no_shelf", "valid"]
    await page.context.close()
    await thief.context.close()


@pytest.mark.parametrize(("locale", "words", "button"), [
    ("en", "You are leaving for Bamboo Market", "Go on to Bamboo Market"),
    ("zh", "您即将前往竹里市集", "继续前往竹里市集"),
])  # fmt: skip
@pytest.mark.parametrize("script", [True, False])
async def test_a_page_stands_between_where_the_source_asks_for_it(
    outside: Outside, locale: str, words: str, button: str, script: bool
) -> None:
    page = await outside.page(locale=locale, script=script)
    asked = len(outside.shop.asked)
    await page.goto(f"/go/{outside.made['asks']}")
    await expect(page.get_by_role("heading", name=words)).to_be_visible()
    assert len(outside.shop.asked) == asked
    await page.get_by_role("button", name=button).click()
    await page.wait_for_url("**/asks*")
    assert len(outside.shop.asked) == asked + 1
    await page.context.close()


async def test_no_stored_address_leads_to_an_unlisted_host(outside: Outside) -> None:
    page = await outside.page()
    ours = outside.market.server.url.rstrip("/")
    gone: list[str] = []
    refused = 0
    page.on("request", lambda sent: sent.url.startswith(ours) or gone.append(sent.url))
    for code in outside.made["hostile"]:
        answer = await page.goto(f"/go/{code}", wait_until="commit")
        assert answer is not None
        assert (answer.status in (403, 429), page.url) == (True, f"{ours}/go/{code}")
        refused += answer.status == 403  # 429: more taps in a minute than anybody makes
    assert (gone, refused >= 60) == ([], True)
    await page.context.close()


@pytest.mark.parametrize("phone", [True, False])
async def test_a_video_is_shared_where_links_open_and_where_not(
    outside: Outside, phone: bool
) -> None:
    page = await outside.page(phone=phone)
    await page.goto(f"/v/{outside.made['video']}")
    await page.locator(".act-share").first.click()
    sheet = page.locator("#sheet .share")
    await sheet.get_by_role("button", name="Copy link").click()
    said = sheet.get_by_label("What to share")
    await expect(said).to_have_value(re.compile(rf"/v/{outside.made['video']}\?share="))
    await expect(sheet.locator(".share-qr svg")).to_be_visible()
    await sheet.get_by_role("button", name="WeChat").click()
    await expect(said).to_have_value(re.compile(r"^￥[2-9A-Z]{10}￥ Weaving\n"))
    await sheet.get_by_role("button", name="Copy", exact=True).click()
    assert "http" not in await said.input_value()
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    friend = await outside.page(phone=phone)
    await friend.goto("/search")
    await friend.locator("#q").fill(await said.input_value())
    await friend.locator("#q").press("Enter")
    await friend.wait_for_url(re.compile(rf"/v/{outside.made['video']}\?share=[2-9A-Z]{{10}}"))
    await page.context.close()
    await friend.context.close()


async def test_without_script_a_video_is_shared_too(outside: Outside) -> None:
    page = await outside.page(script=False)
    await page.goto(f"/v/{outside.made['video']}")
    await page.goto(await page.locator(".act-share").first.get_attribute("href") or "")
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_label("What to share")).to_have_value(re.compile(r"\?share="))
    await page.context.close()
