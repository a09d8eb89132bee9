"""No screen makes the browser complain, breaks its CSP or runs over a phone's edge."""

import pytest
from playwright.async_api import Page, expect
from tests.browser.market import Market
from tests.browser.screens import ROLES, look_at
from tests.browser.story import told

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(240)]
MOST_TABS = 60


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("role", ROLES)
async def test_no_screen_makes_the_browser_complain(market: Market, role: str, locale: str) -> None:
    seen = await look_at(market, role, locale)
    assert not seen.errors, "\n".join(seen.errors)
    assert not seen.too_wide, "\n".join(seen.too_wide)


async def test_the_story_makes_the_browser_complain_of_nothing(market: Market) -> None:
    await told(market)
    assert market.kept["errors of the story"] == []


async def test_a_shopper_buys_by_keyboard_alone(market: Market) -> None:
    left = await told(market)
    page = await market.page_of("shopper")
    await page.goto(f"/v/{left.video}")
    await _tab_to(page, ".slide-card")
    await page.keyboard.press("Enter")
    await page.locator("#sheet[open] .picker").wait_for()
    await _tab_to(page, "#sheet .btn-primary[type=submit]")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/checkout?**")
    await _tab_to(page, "#place .btn-primary")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/pay/sandbox/*")
    await _tab_to(page, "button[value=paid]")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()
    await page.close()


async def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there, as one who has no mouse."""
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        if await page.evaluate(
            "selector => Boolean(document.activeElement?.matches(selector))", selector
        ):
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")
