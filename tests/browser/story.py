"""The whole story, chapter by chapter, by nothing but what people see and tap."""

import asyncio
import math
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
from PIL import Image, ImageDraw
from playwright.async_api import Page, expect
from tests.browser.market import Market

from dougong.infra.media_encode import encode_frames

PASSWORD = "three words and a comma"
FEED = """\
id,title,title_en,description,price,availability,quantity,brand,commission
LAMP-1,青瓷台灯,Celadon Lamp,暖光,129.00 CNY,in_stock,40,Yao,20
TEA-1,明前龙井,Longjing Tea,春茶,88.50 CNY,in_stock,12,Yao,15
BAD-1,没有价格,No Price,,free,in_stock,3,Yao,10
"""


class Told(msgspec.Struct):
    """What the story left behind: where its screens are."""

    store: str = ""
    creator: str = ""
    video: str = ""
    order: str = ""
    product: str = ""
    run: str = ""


async def told(market: Market) -> Told:
    """Lived once for all tests; a second caller gets what it left."""
    if "told" not in market.kept:
        market.kept["told"] = asyncio.ensure_future(_live(market))
    left: Told = await market.kept["told"]
    return left


async def _live(market: Market) -> Told:
    left = Told()
    for chapter in (
        merchant_fills_a_store,
        creator_publishes,
        shopper_buys,
        merchant_ships,
        shopper_confirms,
        clock_passes_the_window,
    ):
        try:
            await chapter(market, left)
        except Exception as error:
            error.add_note(market.server.log.read_text()[-4000:])
            raise
    market.kept["errors of the story"] = list(market.errors)
    return left


def uuid_of(url: str, after: str) -> str:
    found = re.search(rf"/{after}/([0-9a-f-]{{36}})", url)
    assert found, url
    return found[1]


async def sign_up(page: Page, name: str) -> None:
    await page.goto("/sign-up")
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("E-mail").fill(f"{name.lower()}@example.org")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.locator("main").get_by_role("button", name="Create an account").click()
    await expect(page).not_to_have_url(re.compile("sign-up"))


async def merchant_fills_a_store(market: Market, left: Told) -> None:
    page = await market.page_of("merchant", phone=False)
    await sign_up(page, "Mei")
    await page.goto("/me/roles")
    await page.get_by_text("Open a store").first.click()
    await page.get_by_label("Store name", exact=True).fill("窑火小店")
    await page.get_by_label("Store name in English").fill("Kiln & Leaf")
    await page.get_by_label("Store code").fill("kiln-leaf")
    await page.get_by_role("button", name="Open a store").click()
    await page.wait_for_url("**/merchant/stores/**")
    left.store = uuid_of(page.url, "stores")

    await page.goto(f"/merchant/stores/{left.store}/imports")
    feed = {"name": "feed.csv", "mimeType": "text/csv", "buffer": FEED.encode()}
    await page.get_by_label("File").set_input_files(feed)  # type: ignore[arg-type]
    await page.get_by_role("button", name="Import").click()
    await page.wait_for_url("**/imports/*")
    left.run = uuid_of(page.url, "imports")
    await expect(page.get_by_text("Rows that were not loaded")).to_be_visible()
    await expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    bad = page.get_by_role("row").filter(has_text="price")
    await expect(bad.locator("td").first).to_have_text("4")
    await expect(page.locator(".stat").filter(has_text="New").first).to_contain_text("2")
    await page.get_by_role("link", name="To the products").click()
    await expect(page.get_by_text("Celadon Lamp")).to_be_visible()
    await page.close()


def frames() -> Iterator[Image.Image]:
    """Six seconds of a lamp that swings, upright as a phone holds it."""
    for n in range(150):
        picture = Image.new("RGB", (540, 960), (24, 32 + n // 3, 44))
        pen = ImageDraw.Draw(picture)
        x = 270 + 140 * math.sin(n / 12)
        pen.ellipse((x - 90, 380, x + 90, 560), fill=(255, 214, 140))
        pen.rectangle((x - 12, 560, x + 12, 760), fill=(120, 160, 140))
        yield picture


async def creator_publishes(market: Market, left: Told) -> None:
    page = await market.page_of("creator", phone=False)
    await sign_up(page, "Cai")
    await page.goto("/me/roles")
    await page.get_by_text("Become a creator").first.click()
    await page.get_by_label("Channel name").fill("Lights of Cai")
    await page.get_by_label("Handle").fill("cai.lights")
    await page.get_by_role("button", name="Become a creator").click()
    await page.wait_for_url("**/creator/*/videos")
    left.creator = uuid_of(page.url, "creator")

    file = Path(market.server.data_dir) / "lamp.mp4"
    await asyncio.to_thread(encode_frames, frames(), path=file, fps=25, width=540, height=960)
    await page.goto(f"/creator/{left.creator}/upload")
    await page.locator("#upload-file").set_input_files(file)
    await page.wait_for_url("**/videos/*", timeout=30_000)
    left.video = uuid_of(page.url, "videos")
    await page.get_by_label("In English").fill("A lamp that breathes")
    await page.get_by_label("In Chinese").fill("会呼吸的灯")
    await page.get_by_role("button", name="Save the caption").click()
    await page.get_by_role("searchbox").fill("Celadon")
    found = page.locator("#product-found")
    await expect(found.get_by_text("Celadon Lamp")).to_be_visible()
    # 20 % of ¥129.00 is 25.80; the platform's cut of it is 10 %, 2.58: 23.22 are left.
    lamp = found.get_by_role("listitem").filter(has_text="Celadon Lamp")
    await expect(lamp).to_contain_text("23.22")
    await found.get_by_role("button", name="Add Celadon Lamp").click()
    await expect(page.locator("#products .link-row").first).to_contain_text("23.22")
    await _publish(page, f"/creator/{left.creator}/videos/{left.video}")
    await page.close()


async def _publish(page: Page, url: str) -> None:
    """The button is there when the stream is made."""
    publish = page.get_by_role("button", name="Publish")
    for _ in range(60):
        await page.goto(url)
        if await publish.count():
            break
        await asyncio.sleep(0.5)
    await publish.click()
    await expect(page.get_by_role("link", name="See it in the feed")).to_be_visible()


async def shopper_buys(market: Market, left: Told) -> None:
    page = await market.page_of("shopper")
    await sign_up(page, "Shan")
    await _open_feed(page)
    await _plays(page)
    card = page.locator(".slide-card")
    await expect(card).to_contain_text("Celadon Lamp")
    await expect(card).to_contain_text("129.00")
    await card.click()
    sheet = page.locator("#sheet")
    await expect(sheet.get_by_role("heading", name="Celadon Lamp")).to_be_visible()
    await sheet.get_by_role("button", name="One more").click()
    await sheet.get_by_role("button", name="Buy now").click()
    await page.wait_for_url("**/checkout?**")

    await page.get_by_label("Recipient").fill("Shan")
    await page.get_by_label("Phone").fill("13800138000")
    await page.get_by_label("Province").fill("浙江省")
    await page.get_by_label("City").fill("杭州市")
    await page.get_by_label("Street, building, room").fill("龙井路 1 号")
    await page.get_by_role("button", name="Save and go on").click()
    await expect(page.locator("[data-total]")).to_have_attribute("data-total", "25800")
    await page.get_by_role("button", name="Place order and pay").click()

    await page.wait_for_url("**/pay/sandbox/*")
    await expect(page.locator(".pay-amount")).to_contain_text("258.00")
    await page.get_by_role("button", name="Pay now").click()
    await page.wait_for_url("**/checkouts/*")
    await expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()
    await page.locator(".line-title").click()
    await page.wait_for_url("**/orders/*/*")
    left.order = page.url.rsplit("/", 1)[1]
    await page.close()


async def _open_feed(page: Page) -> None:
    """A web worker shows the feed of the last seconds: what was just published comes with them."""
    for _ in range(60):
        await page.goto("/")
        if await page.locator(".slide-video").count():
            return
        await asyncio.sleep(0.5)
    raise AssertionError("the video does not come into the feed")


async def _plays(page: Page) -> None:
    """The picture moves: its time grows, and grows again."""
    screen = page.locator(".slide-video").first
    was = 0.0
    for _ in range(2):
        for _ in range(80):
            at = float(await screen.evaluate("screen => screen.currentTime"))
            if at > was + 0.3:
                break
            await asyncio.sleep(0.25)
        assert at > was + 0.3
        was = at


async def merchant_ships(market: Market, left: Told) -> None:
    page = await market.page_of("merchant", phone=False)
    await page.goto(f"/merchant/stores/{left.store}/orders")
    await page.get_by_role("link", name="Celadon Lamp").click()
    await page.get_by_label("Tracking number").fill("SF1029384756")
    await page.get_by_role("button", name="Mark as sent").click()
    await expect(page.locator(".page-subtitle")).to_contain_text("On its way")
    await page.close()


async def shopper_confirms(market: Market, left: Told) -> None:
    page = await market.page_of("shopper")
    await page.goto(f"/orders/{left.store}/{left.order}")
    await expect(page.get_by_text("SF1029384756")).to_be_visible()
    left.product = uuid_of(
        await page.locator("a.line-title").get_attribute("href") or "", left.store
    )
    await page.get_by_role("button", name="I have everything").click()
    await page.get_by_role("button", name="Yes, do it").click()
    await expect(page.get_by_role("heading", name="Received")).to_be_visible()
    await page.close()


async def clock_passes_the_window(market: Market, left: Told) -> None:
    """The operator moves the clock by ten days; the job makes the order final by itself."""
    page = await market.page_of("operator", phone=False)
    await page.goto("/enter")
    await page.locator("button[data-role=operator]").click()
    await page.wait_for_url("**/operator/overview")
    await page.goto("/operator/clock")
    await page.get_by_role("button", name="10 days").click()
    await expect(page.get_by_text("the business clock is 10 days")).to_be_visible(timeout=30_000)
    await page.close()
    buyer = await market.page_of("shopper")
    for _ in range(60):
        await buyer.goto(f"/orders/{left.store}/{left.order}")
        if await buyer.get_by_role("heading", name="Completed").count():
            break
        await asyncio.sleep(0.5)
    await expect(buyer.get_by_role("heading", name="Completed")).to_be_visible()
    await buyer.close()
