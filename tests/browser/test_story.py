"""From a video to settled money, in a real Chromium, against a real server."""

import pytest
from playwright.async_api import expect
from tests.browser.market import Market
from tests.browser.story import told

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(240)]

# Two lamps at ¥129.00, shipped free. All rates are the first rules of a new platform.
PAID = 25_800
SERVICE_FEE = 1_290  # 5 %
COMMISSION = 5_160  # 20 %, as the merchant's feed offers it
CUT = 516  # 10 % of the commission
COST = 154  # 0.6 %, rounded down
CREATOR = COMMISSION - CUT
MERCHANT = PAID - SERVICE_FEE - COMMISSION - COST


def yuan(minor: int) -> str:
    return f"{minor / 100:,.2f}"


async def test_a_sale_is_settled_and_explained_to_the_fen(market: Market) -> None:
    left = await told(market)

    page = await market.page_of("creator", phone=False)
    await page.goto(f"/creator/{left.creator}/earnings")
    settled = page.locator(".stat").filter(has_text="Settled")
    await expect(settled).to_contain_text(yuan(CREATOR))

    page = await market.page_of("merchant", phone=False)
    await page.goto(f"/merchant/stores/{left.store}/money")
    settled = page.locator(".stat").filter(has_text="Settled for you")
    await expect(settled).to_contain_text(yuan(MERCHANT))

    await page.locator(f"main a[href$='{left.order}']", has_text="Why?").click()
    await expect(page.get_by_text("Every fen is explained.")).to_be_visible()
    await expect(page.locator(".explained-total")).to_contain_text(yuan(PAID))
    for amount in (SERVICE_FEE, CUT, COST, CREATOR, MERCHANT):
        await expect(page.locator(".explained-table")).to_contain_text(yuan(amount))
    assert market.server.doctor_finds() == {}
