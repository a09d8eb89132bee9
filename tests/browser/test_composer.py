"""A creator pastes a share text, sees where it ends and what it leaves, and puts it on a video."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.async_api import Page, async_playwright, expect
from tests.browser.composer_opening import PASSWORD
from tests.browser.market import DESK, FLAGS, HERE, PHONE
from tests.crash.server import Server
from tests.links.outside_shop import Shop, a_shop, recorded

from browser import find

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(240)]


class LoopbackServer(Server):
    """Calls shops on loopback: what test mode may, and demo mode may not."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {"DOUGONG_ALLOW_LOOPBACK": "true"}


class Desk(NamedTuple):
    page: Page
    shop: Shop
    creator: str
    video: str
    errors: list[str]

    async def open(self, path: str, *, locale: str, phone: bool) -> None:
        await self.page.set_viewport_size(PHONE if phone else DESK)  # type: ignore[arg-type]
        url = self.page.url.split("/")[:3]
        await self.page.context.add_cookies(
            [{"name": "dougong_locale", "value": locale, "url": "/".join(url)}]
        )
        await self.page.goto(path)

    async def paste(self, label: str, button: str, text: str) -> None:
        await self.page.get_by_label(label).fill(text)
        await self.page.get_by_role("button", name=button).click()

    async def fits(self) -> None:
        wide = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="dougong-composer-") as folder:
        server = LoopbackServer(Path(folder), workers=1)
        server.start()
        try:
            server.wait_ready()
            async with a_shop("127.0.0.1") as shop, async_playwright() as playwright:
                opened = server.run(str(HERE / "composer_opening.py"), shop.host)
                assert opened.returncode == 0, opened.stderr[-4000:]
                creator, video = opened.stdout.split()
                browser = await playwright.chromium.launch(executable_path=find(), args=FLAGS)
                context = await browser.new_context(base_url=server.url)
                context.set_default_timeout(15_000)
                page = await context.new_page()
                errors: list[str] = []
                page.on("pageerror", lambda error: errors.append(str(error)))
                await page.goto("/sign-in")
                await page.get_by_label("E-mail").fill("cai@example.org")
                await page.get_by_label("Password").fill(PASSWORD)
                await page.get_by_role("button", name="Sign in").click()
                await page.wait_for_url(lambda url: "/sign-in" not in url)
                yield Desk(page, shop, creator, video, errors)
                await browser.close()
        finally:
            server.stop()


async def test_a_link_goes_from_a_share_text_to_the_feed(desk: Desk) -> None:
    page, shop = desk.page, desk.shop
    item = shop.puts("/item/88", recorded("page/json_ld.html"))
    short = shop.puts("/s/1", to=item)
    await desk.open(f"/creator/{desk.creator}/composer", locale="zh", phone=True)
    await desk.paste("链接或分享文案", "查看最终去向", f"【青山】{short}，复制打开看看「竹篮」")
    await expect(page.locator(".hops li")).to_have_count(2)
    await expect(page.locator(".final-source")).to_contain_text("青山")
    live = page.locator('[data-surface="live"]')
    await expect(live).to_contain_text("直播间的外部商品只能走任务")
    await expect(page.locator('[data-surface="video"] .verdict-tone')).to_have_text("可以")
    await desk.fits()
    await desk.open(f"/creator/{desk.creator}/composer", locale="en", phone=False)
    await desk.paste("Link or share text", "Look where it ends", short)
    await expect(page.locator('[data-surface="live"]')).to_contain_text("by task only")
    landed = page.locator(".landed")
    await expect(landed).to_contain_text("¥128.50")
    await expect(landed.locator(".is-yours")).to_contain_text("¥21.97")
    await desk.fits()
    await page.get_by_role("button", name="Publish the link").click()
    await expect(page.locator("#products")).to_contain_text("手工竹篮 大号")
    await desk.open(f"/v/{desk.video}", locale="en", phone=True)
    card = page.locator(".slide-card.is-outside").first
    await expect(card).to_contain_text("Green Hill")
    await card.click()
    sheet = page.locator("#sheet[open]")
    await expect(sheet).to_contain_text("as seen on")
    await expect(sheet.get_by_role("link", name="Go to Green Hill")).to_be_visible()
    assert desk.errors == []


async def test_bad_links_are_refused_in_plain_words(desk: Desk) -> None:
    page, shop = desk.page, desk.shop
    shop.puts("/a", to="/b")
    shop.puts("/b", to="/a")
    shop.puts("/about", recorded("page/no_product.html"))
    shop.puts("/tea", recorded("page/microdata_gb18030.html"))
    async with a_shop("127.0.0.8") as other:
        shop.puts("/away", to=other.puts("/x", b"hello"))
        composer = f"/creator/{desk.creator}/composer"
        for path, words in (
            ("/a", "leads in a circle"),
            ("/away", "cannot be put on videos here"),
            ("/about", "There is no product to link."),
            ("/tea", "明前龙井 㐂寿"),
        ):
            await desk.open(composer, locale="en", phone=True)
            await desk.paste("Link or share text", "Look where it ends", shop.at(path))
            await expect(page.get_by_text(words).first).to_be_visible()
            await desk.fits()
        await desk.open(composer, locale="zh", phone=True)
        await desk.paste("链接或分享文案", "查看最终去向", shop.at("/a"))
        await expect(page.get_by_text("链接在原地打转。")).to_be_visible()
    assert desk.errors == []
