"""What lies on the shelf is counted while it sells, and a unit goes to a second warehouse."""

import re

from playwright.async_api import expect
from tests.browser.supply_people import ACCEPTED, FOUND, SKU, Told, scans, yes


async def the_shelf_is_counted(told: Told) -> None:
    """Scan by scan on a phone: one more lies there than the books say. Whoever counted may not book
    that; a colleague does."""
    async with told.page("mei", phone=False) as page:
        await page.goto(f"{told.desk}/counts")
        await page.get_by_label("Another person approves above").fill("0")
        await page.get_by_role("button", name="Start", exact=True).click()
        await page.wait_for_url(re.compile("/counts/[0-9a-f-]{36}"))
        here = page.url
    async with told.page("mei") as page:
        await page.goto(f"{told.work}/count")
        await page.locator(".work-list a").click()
        for n in range(1, ACCEPTED + FOUND + 1):
            await scans(page, SKU)
            await expect(page.locator(".work-said strong")).to_have_text(str(n))
    async with told.page("mei", phone=False) as page:
        await page.goto(here)
        await page.get_by_role("button", name="Counting is done").click()
        await yes(page, "Approve and book")
        await expect(page.get_by_role("alert")).to_contain_text("must approve this")
    async with told.page("tao", phone=False) as page:
        await page.goto(here)
        await yes(page, "Approve and book")
        await expect(page.get_by_text("Booked")).to_be_visible()


async def a_unit_goes_south(told: Told) -> None:
    """The one that nobody bought lies in the second warehouse afterwards."""
    async with told.page("mei", phone=False) as page:
        await page.goto(f"{told.desk}/warehouses")
        await page.get_by_label("Code").fill("SOUTH")
        await page.get_by_label("Name in Chinese").fill("南仓")
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.get_by_role("heading", name="SOUTH")).to_be_visible()
        await page.goto(f"{told.desk}/transfers")
        await page.get_by_label("SKU 1").fill(SKU)
        await page.get_by_label("Units 1").fill(str(FOUND))
        await page.get_by_role("button", name="Send", exact=True).click()
        await page.get_by_role("button", name="They are here").click()
        await expect(page.get_by_role("button", name="They are here")).to_have_count(0)
    lies = await told.asked(
        """
        SELECT w.code, l.on_hand FROM stock_levels l
        JOIN warehouses w ON w.store_id = l.store_id AND w.id = l.warehouse_id
        WHERE l.store_id = %s AND l.sku_id = %s ORDER BY w.code
        """,
        told.people.store, told.people.sku,
    )  # fmt: skip
    assert [(row["code"], row["on_hand"]) for row in lies] == [("MAIN", ACCEPTED), ("SOUTH", FOUND)]
