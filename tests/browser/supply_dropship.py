"""One thing lies in no warehouse of the store: its supplier sends it to the buyer and is paid."""

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import expect
from tests.browser.market import PHONE
from tests.browser.supply_people import Told, watched, yes

SKU = "P1-1"
PRICE, COST = 4_500, 2_500
NUMBER = "YX20260001"


async def a_supplier_sends_it_itself(told: Told) -> None:
    """Cai buys it; the supplier's page shows it, on a phone and without an account."""
    address = await _a_supplier_has_a_page(told)
    await _cai_buys(told)
    phone: Any = PHONE
    context = await told.market.browser.new_context(viewport=phone)
    page = watched(await context.new_page(), told.market.errors)
    await page.goto(told.market.server.url + urlsplit(address).path)
    slip = page.locator(".slip-card")
    await expect(slip).to_contain_text("Cai 13800138003")
    await slip.get_by_role("button", name="Accept").click()
    await expect(slip).to_contain_text("You accepted it")
    await slip.get_by_label("Carrier").select_option("EMS")
    await slip.get_by_label("Tracking number").fill(NUMBER)
    await slip.get_by_role("button", name="I have sent it").click()
    await expect(page.get_by_text("Nothing to send", exact=True)).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text(f"EMS {NUMBER}")
    await _its_way_is_told(told)
    await _the_supplier_is_paid(told)
    await page.reload()
    await expect(page.get_by_role("main")).to_contain_text("DS-")
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide == 0
    await context.close()


async def _a_supplier_has_a_page(told: Told) -> str:
    """It sends the SKU itself, for 25.00; how many it has is the store's stock. Answers the address
    of its page, which is shown this once."""
    async with told.page("mei", phone=False) as page:
        await page.goto(f"{told.desk}/suppliers?new=1")
        form = page.locator("#new")
        await form.get_by_label("Code").fill("YX")
        await form.get_by_label("Name", exact=True).fill("Yixing Clay")
        await form.get_by_role("button").first.click()
        await page.wait_for_url(re.compile("/suppliers/[0-9a-f-]{36}"))
        await page.get_by_label("Your code or barcode").fill(SKU)
        await page.get_by_label("The supplier sends it to the buyer itself").check()
        await page.get_by_role("button", name="Save the SKU").click()
        await page.get_by_label("Price of one").fill(f"{COST / 100:.2f}")
        await page.get_by_role("button", name="Add the price").click()
        await expect(page.locator(".price-list")).to_contain_text("25.00")
        await page.get_by_role("button", name="Open the page").click()
        address = await page.locator(".page-address").inner_text()
        await page.goto(f"{told.desk}/stock?q={SKU}")
        await page.get_by_label(f"On hand: {SKU}").fill("3")
        await page.get_by_role("button", name="Set", exact=True).click()
        await expect(page.locator("tr.is-saved")).to_be_visible()
    return address


async def _cai_buys(told: Told) -> None:
    async with told.page("cai") as page:
        await page.goto(f"/p/{told.people.store}/{told.people.sent_by_supplier}")
        await page.get_by_role("button", name="Buy now").click()
        await page.get_by_role("button", name="Place order and pay").click()
        await page.get_by_role("button", name="Pay now").click()
        await expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()
        await page.locator(".line-title").click()
        await page.wait_for_url("**/orders/*/*")
        told.dropshipped = page.url.rsplit("/", 1)[1]


async def _its_way_is_told(told: Told) -> None:
    """The store writes down what it hears of the parcel; the buyer reads it."""
    async with told.page("mei", phone=False) as page:
        await page.goto(f"{told.desk}/purchasing/dropship?show=shipped")
        await page.get_by_role("link", name=NUMBER).click()
        await page.get_by_text("Add what you heard").click()
        await page.get_by_label("What happened").select_option("delivered")
        await page.get_by_label("Where").fill("Hangzhou")
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.locator(".story li strong")).to_have_text("Delivered")
    async with told.page("cai") as page:
        await page.goto(f"/orders/{told.people.store}/{told.dropshipped}")
        await expect(page.locator(".package")).to_contain_text(f"EMS {NUMBER}")
        await expect(page.locator(".parcel-state")).to_have_text("Delivered")
        await page.get_by_text("Its way", exact=True).click()
        await expect(page.locator(".parcel-way li")).to_contain_text("Hangzhou")


async def _the_supplier_is_paid(told: Told) -> None:
    async with told.page("mei", phone=False) as page:
        await page.goto(f"{told.desk}/purchasing/dropship?show=shipped")
        await yes(page, "Make the statement")
        await expect(page.get_by_role("link", name="As PDF")).to_be_visible()
        await page.goto(f"{told.desk}/suppliers")
        await page.get_by_role("link", name="Yixing Clay").click()
        await page.get_by_role("link", name="What is owed to it, and why").click()
        await expect(page.get_by_role("main")).to_contain_text("Dropship statement")
        await page.get_by_label("Amount").fill(f"{COST / 100:.2f}")
        await page.get_by_label("Reference of the bank").fill("BOC-1")
        await page.get_by_role("button", name="Enter the payment").click()
        owed = page.locator(".card").filter(has_text="Owed by the books")
        await expect(owed).to_contain_text("0.00")
