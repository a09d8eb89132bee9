"""Takes the pictures of docs/images from a running demo market: `python tools/pictures.py URL`."""

import asyncio
import io
import re
import sys
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from browser import find

FOLDER = Path(__file__).parents[1] / "docs" / "images"
MOST_BYTES = 400_000
PLAYS_S = 3


async def a_page(browser: Browser, url: str, width: int, height: int) -> Page:
    context = await browser.new_context(base_url=url, viewport={"width": width, "height": height})
    await context.add_cookies([{"name": "dougong_locale", "value": "en", "url": url}])
    return await context.new_page()


async def keep(page: Page, name: str) -> None:
    """A picture small enough to be read with the page: 256 colours where that is not so."""
    taken = await page.screenshot()
    if len(taken) > MOST_BYTES:
        made = io.BytesIO()
        Image.open(io.BytesIO(taken)).convert("RGB").quantize(256).save(made, "png", optimize=True)
        taken = made.getvalue()
    assert len(taken) <= MOST_BYTES, name
    (FOLDER / name).write_bytes(taken)


async def feed(browser: Browser, url: str) -> None:
    page = await a_page(browser, url, 390, 844)
    await page.goto("/")
    await page.wait_for_timeout(PLAYS_S * 1000)
    assert await page.locator("video").first.evaluate("video => video.currentTime > 0")
    await keep(page, "feed.png")


async def console(browser: Browser, url: str) -> None:
    page = await a_page(browser, url, 1280, 860)
    await page.goto("/enter")
    await page.locator("button[data-role=merchant]").click()
    await page.wait_for_url("**/merchant/stores**")
    stores = page.locator("main a[href*='/merchant/stores/']")
    store = re.search(r"/stores/[0-9a-f-]{36}", await stores.first.get_attribute("href") or "")
    assert store, "the merchant has a store"
    await page.goto(f"/merchant{store[0]}/today")
    await page.wait_for_timeout(1500)
    await keep(page, "console.png")


async def main(url: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find(), args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        await feed(browser, url)
        await console(browser, url)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
