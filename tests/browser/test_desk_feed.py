"""On a desk the feed has a dock: the product stands beside its video, and comments open there."""

import re

import pytest
from playwright.async_api import expect
from tests.browser.market import Market
from tests.browser.story import told

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(240)]


async def test_the_product_is_bought_and_talked_about_beside_the_video(market: Market) -> None:
    left = await told(market)
    page = await market.page_of("shopper", phone=False)
    await page.goto(f"/v/{left.video}")
    dock = page.locator("#dock")
    await expect(dock.get_by_role("heading", name="Celadon Lamp")).to_be_visible()
    await page.keyboard.press("c")
    await expect(dock.get_by_role("heading", name=re.compile("comment"))).to_be_visible()
    await expect(page.locator("#sheet")).to_be_hidden()
    await dock.get_by_role("button", name="Close").click()
    await dock.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("#toast")).to_contain_text("Added to your cart")
    await page.close()
