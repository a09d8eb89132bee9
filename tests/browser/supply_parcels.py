"""What was sold is picked, packed, labelled, handed over and delivered."""

import asyncio
import re
import zlib

from playwright.async_api import Page, expect
from tests.browser.supply_people import ACCEPTED, FOUND, SKU, Told, scans, the_clock_moves, yes

from dougong.infra.code128 import widths


async def a_wave_is_picked(told: Told) -> None:
    """One wave of six orders, picked on a phone; a code that is not in it is said."""
    async with told.page("mei", phone=False) as page:
        await page.goto(f"{told.desk}/carriers")
        await page.get_by_label("Name").fill("Box Express")
        await page.get_by_label("Code").fill("box")
        await page.get_by_label("Kind").select_option("sandbox")
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.wait_for_url("**/carriers/box")
        await page.goto(f"{told.desk}/fulfilment/waves")
        await page.get_by_role("radio", name="Main warehouse").check()
        await page.get_by_role("button", name="Begin a wave").click()
        await page.wait_for_url(re.compile("/waves/[0-9a-f-]{36}"))
    async with told.page("mei") as page:
        await page.goto(f"{told.work}/pick")
        await scans(page, "4006381333931")
        await expect(page.get_by_role("alert")).to_contain_text("4006381333931")
        await _one_scan_waits_for_the_network(page)
        for n in range(2, ACCEPTED + 1):
            await scans(page, SKU)
            await expect(page.get_by_role("status").first).to_contain_text(f"{n} / {ACCEPTED}")
        await expect(page.get_by_text("Everything is picked.")).to_be_visible()


async def _one_scan_waits_for_the_network(page: Page) -> None:
    """Two scans are made without a network, one of them is taken back: one unit is picked when the
    network is there again."""
    await page.context.set_offline(True)
    await scans(page, SKU)
    await scans(page, SKU)
    await expect(page.locator("[data-net]")).to_contain_text("2")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("[data-net]")).to_contain_text("1")
    await page.context.set_offline(False)
    await expect(page.get_by_role("status").first).to_contain_text(f"1 / {ACCEPTED}")


async def parcels_are_packed(told: Told) -> None:
    """Each order into a package of its own, weighed; the carrier is asked for its waybill."""
    async with told.page("mei") as page:
        for _ in range(ACCEPTED):
            await page.goto(f"{told.work}/pack")
            await page.locator(".work-list a").first.click()
            await page.get_by_label("Weight in grams").fill("640")
            await page.get_by_label("Carrier").select_option("box")
            await page.get_by_role("button", name="Close the package").click()
            await expect(page.get_by_role("status")).to_contain_text("Packed.")
        await page.goto(f"{told.work}/pack")
        await expect(page.get_by_role("heading", name="Nothing to pack")).to_be_visible()


async def labels_are_printed(told: Told) -> None:
    """One document of six pages; the bars of each say its waybill's number."""
    async with told.page("mei", phone=False) as page:
        for _ in range(60):
            await page.goto(f"{told.desk}/fulfilment/packed")
            if await page.get_by_text("Waybill made").count() == ACCEPTED:
                break
            await asyncio.sleep(0.5)
        numbers = await page.locator("a.cell-title").all_inner_texts()
        assert len(numbers) == ACCEPTED and all(re.fullmatch(r"SB\d{8}", n) for n in numbers)
        ids = await page.locator("input[name=package]").evaluate_all("all => all.map(x => x.value)")
        asked = "&".join(f"package={one}" for one in ids)
        paper = await page.request.get(f"{told.desk}/fulfilment/labels.pdf?{asked}")
        assert paper.headers["content-type"] == "application/pdf"
        drawn = bars_of(await paper.body())
    assert sorted(drawn) == sorted(tuple(widths(one)) for one in numbers)


def bars_of(paper: bytes) -> list[tuple[int, ...]]:
    """Widths of bars and spaces, in modules, of the first barcode of every page."""
    assert paper.startswith(b"%PDF")
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", paper, re.DOTALL):
        try:
            words = zlib.decompressobj().decompress(stream).decode("latin-1")
        except zlib.error:
            continue  # not a page: a font may come in another form
        boxes = re.findall(r"([\d.]+) ([\d.]+) ([\d.]+) (-?[\d.]+) re f", words)
        if not boxes:
            continue
        first = [(float(x), float(w)) for x, y, w, _ in boxes if y == boxes[0][1]]
        module = min(width for _, width in first)
        runs = []
        for (x, width), (following, _) in zip(first, [*first[1:], (0.0, 0.0)], strict=True):
            runs += [round(width / module), round((following - x - width) / module)]
        found.append(tuple(runs[:-1]))
    return found


async def the_driver_takes_them(told: Told) -> None:
    async with told.page("mei", phone=False) as page:
        await page.goto(f"{told.desk}/fulfilment/packed")
        await page.get_by_label("Choose all").check()
        await page.get_by_role("button", name="Put on a hand-over list").click()
        await page.wait_for_url("**/hand-overs/*")
        await page.get_by_label("Taken by").fill("Lao Wang")
        await yes(page, "Handed over")
        await expect(page.get_by_role("status")).to_contain_text("Lao Wang")
    stock = await told.stock()
    assert (stock["on_hand"], stock["reserved"], stock["allocated"]) == (FOUND, 0, 0)


async def parcels_are_delivered(told: Told) -> None:
    """The carrier tells everything twice and in the wrong order; the way is told in order."""
    for _ in range(2):
        await the_clock_moves(told, "1 day")
    told.carrier.control(twice=True, shuffle=True, advance=5)
    async with told.page("ann") as page:
        await page.goto(f"/orders/{told.people.store}/{told.orders['ann']}")
        await expect(page.locator(".parcel-state")).to_have_text("Delivered")
        await page.get_by_text("Its way", exact=True).click()
        way = await page.locator(".parcel-way li b").all_inner_texts()
        assert len(way) == len(set(await page.locator(".parcel-way li").all_inner_texts()))
        assert way[0] == "Delivered"
    rows = await told.asked(
        "SELECT state, count(*) FROM packages WHERE store_id = %s GROUP BY 1", told.people.store
    )
    assert [(row["state"], row["count"]) for row in rows] == [("delivered", ACCEPTED)]
