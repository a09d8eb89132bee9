"""Goods are ordered, come in at the door, and sell out in a live room."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import msgspec
from playwright.async_api import expect
from tests.browser.story import uuid_of
from tests.browser.supply_counts import the_shelf_is_counted
from tests.browser.supply_people import (
    ACCEPTED,
    COST,
    DAMAGED,
    FOUND,
    MISSING,
    ORDERED,
    PRICE,
    SKU,
    Told,
    scans,
    yes,
)
from tests.crash.buyers import Plan

from dougong.base.ids import LinkId, OrgId, RoomId, SkuId
from dougong.flows.flash_offer import open_offer
from dougong.infra.clock import wall_now
from dougong.infra.db import make_engine
from dougong.infra.embedded_postgres import APP


async def goods_are_ordered(told: Told) -> None:
    """A supplier, an order of eight, approved and sent; the supplier's PDF opens."""
    assert (await told.stock())["on_hand"] == 0
    async with told.page("mei", phone=False) as page:
        await page.goto(f"{told.desk}/suppliers?new=1")
        form = page.locator("#new")
        await form.get_by_label("Code").fill("JDZ")
        await form.get_by_label("Name", exact=True).fill("Jingdezhen Ware")
        await form.get_by_role("button").first.click()
        await page.wait_for_url(re.compile("/suppliers/[0-9a-f-]{36}"))
        told.supplier = uuid_of(page.url, "suppliers")

        await page.goto(f"{told.desk}/purchasing/new?supplier={told.supplier}")
        await page.locator("input[name=sku]").first.fill(SKU)
        await page.locator("input[name=quantity]").first.fill(str(ORDERED))
        await page.locator("input[name=price]").first.fill(f"{COST / 100:.2f}")
        await page.get_by_role("button", name="Save the draft").click()
        await page.wait_for_url(re.compile("/purchasing/[0-9a-f-]{36}"))
        told.purchase = uuid_of(page.url, "purchasing")
        here = page.locator("[aria-current=step]")
        await expect(here).to_have_text("Draft")
        await yes(page, "Approve")
        await expect(here).to_have_text("Approved")
        await page.get_by_role("button", name="Mark as sent").click()
        await expect(here).to_have_text(re.compile("Sent"))
        paper = await page.request.get(f"{told.desk}/purchasing/{told.purchase}/order.pdf")
        assert (await paper.body()).startswith(b"%PDF")


async def they_come_with_a_difference(told: Told) -> None:
    """At the door, on a phone: six are good, one is broken, one is not there."""
    async with told.page("mei") as page:
        await page.goto(f"{told.work}/receive")
        await page.locator(".work-list a").click()
        for n in range(1, ACCEPTED + 2):
            await scans(page, SKU)
            await expect(page.get_by_role("status")).to_contain_text(str(n))
        await page.get_by_role("button", name="Undo").click()
        await scans(page, "4006381333931")
        await expect(page.get_by_role("alert")).to_contain_text("4006381333931")
        assert await page.get_by_label(f"Accepted {SKU}").input_value() == str(ACCEPTED)
        await page.get_by_text("Damaged, missing, batch").click()
        await page.get_by_label("Damaged").fill(str(DAMAGED))
        await page.get_by_label("Missing").fill(str(MISSING))
        await page.get_by_role("button", name="Take in").click()
        await expect(page.get_by_role("status")).to_contain_text("The goods can be sold now.")
    async with told.page("mei", phone=False) as page:
        await page.goto(f"{told.desk}/purchasing/{told.purchase}")
        receipt = page.get_by_role("row").filter(has_text=SKU).last
        cells = await receipt.get_by_role("cell").all_inner_texts()
        assert cells[1:4] == [str(ACCEPTED), str(DAMAGED), str(MISSING)]
    assert (await told.stock())["on_hand"] == ACCEPTED


async def a_live_sale_sells_out(told: Told) -> None:
    """Six units in a flash offer: Ann has one in two taps, Ben and Cai have theirs, and eight
    others run for the last three."""
    await _open_the_offer(told)
    async with told.page("ann") as page:
        await page.goto(f"/live/{told.people.room}")
        offer = page.locator(".extra.is-offer")
        await expect(offer).to_contain_text("66.00")
        await offer.get_by_role("link", name="Buy").click()
        sheet = page.locator("#sheet")
        await expect(sheet.locator("[data-total]")).to_have_attribute("data-total", str(PRICE))
        await sheet.get_by_role("button", name="Place order and pay").click()
        await sheet.get_by_role("button", name="Pay now").click()
        await expect(sheet.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()
    await the_shelf_is_counted(told)
    bought = await _the_others_buy(told)
    assert bought == 2 + 3
    (sale,) = await told.asked("SELECT sold, quota FROM live_offers WHERE id = %s", told.offer)
    assert (sale["sold"], sale["quota"]) == (ACCEPTED, ACCEPTED)
    rows = await told.asked(
        """
        SELECT p.email, o.id FROM orders o JOIN people p ON p.id = o.buyer_id
        WHERE o.store_id = %s AND o.state = 'paid'
        """,
        told.people.store,
    )
    assert len(rows) == ACCEPTED
    told.orders = {row["email"].partition("@")[0]: str(row["id"]) for row in rows}
    stock = await told.stock()
    assert (stock["on_hand"], stock["reserved"]) == (ACCEPTED + FOUND, ACCEPTED)


async def _open_the_offer(told: Told) -> None:
    engine = make_engine(told.market.server.postgres.url(APP), pool_size=1)
    async with engine.begin() as conn:
        offer = await open_offer(
            conn, room_id=RoomId(told.people.room), creator_id=OrgId(told.people.creator),
            link_id=LinkId(told.people.link), sku_id=SkuId(told.people.sku), price_minor=PRICE,
            quota=ACCEPTED, per_buyer=1, lasts=timedelta(hours=1), at=wall_now(),
        )  # fmt: skip
    await engine.dispose()
    told.offer = offer.id


async def _the_others_buy(told: Told) -> int:
    """Ben and Cai first, then everybody at once, by the API; answers how many have one."""
    folder = Path(told.market.server.data_dir)
    plan = Plan(
        url=told.market.server.url, store_id=told.people.store, skus=[told.people.sku],
        price_minor=PRICE, buyers=told.people.buyers[1:], acks=str(folder / "acks"), hurry="",
        think_s=0, seed=1, offer_id=told.offer,
    )  # fmt: skip
    (folder / "plan.json").write_bytes(msgspec.json.encode(plan))
    ran = await asyncio.to_thread(
        told.market.server.run, "-m", "tests.browser.supply_crowd", str(folder / "plan.json")
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    faults = [line for line in (folder / "acks").read_text().splitlines() if '"fault"' in line]
    assert not faults, faults
    return int(ran.stdout.split()[-1])


async def what_was_missing_comes(told: Told) -> None:
    """One more at the door, and the order is closed: the broken one never comes."""
    async with told.page("mei") as page:
        await page.goto(f"{told.work}/receive")
        await page.locator(".work-list a").click()
        await page.get_by_role("button", name="One more").click()
        await page.get_by_role("button", name="Take in").click()
        await expect(page.get_by_role("status")).to_contain_text("The goods can be sold now.")
    async with told.page("mei", phone=False) as page:
        await page.goto(f"{told.desk}/purchasing/{told.purchase}")
        await yes(page, "Close")
        await expect(page.locator("[aria-current=step]")).to_have_text("Closed")


async def the_bill_is_matched(told: Told) -> None:
    """Order, receipts and bill say the same of seven units; now the supplier is owed them."""
    async with told.page("mei", phone=False) as page:
        await page.goto(f"{told.desk}/purchasing/bills/new?order={told.purchase}")
        await page.get_by_label("Number of the bill").fill("JDZ-2026-1")
        units = page.get_by_label("Units on the bill")
        await expect(units).to_have_value(str(ACCEPTED + 1))
        await page.get_by_role("button", name="Enter the bill").click()
        await expect(page.get_by_text("Everything matches.")).to_be_visible()
        await page.get_by_role("button", name="Approve", exact=True).click()
        await page.get_by_role("link", name="What is owed to it, and why").click()
        await expect(page.get_by_role("main")).to_contain_text("140.00")
