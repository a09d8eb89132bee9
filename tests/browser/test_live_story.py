"""A live room from the first picture to the replay, in two browsers: what the host shows, the
shopper sees, buys in two taps and pays; and every figure that is left agrees with the books."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import psycopg
import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect
from psycopg.rows import dict_row
from tests.browser.live_story_opening import ON_HAND
from tests.browser.market import DESK, PHONE, Market, an_open_market
from tests.browser.story import uuid_of
from tests.browser.test_live_publish import FAKE_CAMERA, becomes, moves

from dougong.infra.embedded_postgres import APP

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]
WITHIN_MS = 45_000
PRICE = 6_600
COMES = re.compile(r"/index\.m3u8$|/replay$")
UNITS = 3
# What the store's database says of the one order, its stock and its offer.
ORDER = """
    SELECT o.state, o.total_minor, o.paid_at IS NOT NULL AS is_paid, l.quantity, l.unit_price_minor,
      l.paid_minor, l.link_id::text, s.on_hand, s.reserved, f.sold, f.quota
    FROM orders o JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
    JOIN stock s ON s.store_id = l.store_id AND s.sku_id = l.sku_id
    JOIN live_offers f ON f.store_id = l.store_id AND f.sku_id = l.sku_id
    WHERE l.kind = 'goods'
"""
BOOKS = """
    SELECT a.purpose, sum(m.amount)::bigint AS minor
    FROM (
      SELECT store_id, dst AS account, amount_minor AS amount FROM ledger_transfers
      UNION ALL SELECT store_id, src, -amount_minor FROM ledger_transfers
    ) m JOIN ledger_accounts a ON a.store_id = m.store_id AND a.id = m.account
    WHERE m.store_id = %s GROUP BY 1 HAVING sum(m.amount) <> 0
"""


class Room(NamedTuple):
    market: Market
    people: dict[str, str]
    host: BrowserContext
    shopper: BrowserContext

    @property
    def desk(self) -> str:
        return f"/creator/{self.people['creator']}/live"


async def signed_in(market: Market, token: str, *, wide: bool) -> BrowserContext:
    context = await market.browser.new_context(
        base_url=market.server.url,
        viewport=DESK if wide else PHONE,  # type: ignore[arg-type]
    )
    context.set_default_timeout(WITHIN_MS)
    cookies = {"dougong_session": token, "dougong_locale": "en"}
    await context.add_cookies(
        [{"name": n, "value": v, "url": market.server.url} for n, v in cookies.items()]
    )
    return context


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with an_open_market(*FAKE_CAMERA) as market:
        made = market.server.run("-m", "tests.browser.live_story_opening")
        assert made.returncode == 0, made.stderr[-4000:]
        people = json.loads(made.stdout)
        host = await signed_in(market, people["host_token"], wide=True)
        shopper = await signed_in(market, people["shopper_token"], wide=False)
        yield Room(market, people, host, shopper)


async def a_page(room: Room, context: BrowserContext) -> Page:
    """What goes wrong in it is noted; what is not there yet (the first pictures, the replay) is
    asked for again."""
    page, note = await context.new_page(), room.market.errors.append
    page.on("pageerror", lambda error: note(f"{page.url}: {error}"))
    page.on(
        "response",
        lambda got: (
            got.status >= 400 and not COMES.search(got.url) and note(f"{got.status} {got.url}")
        ),
    )
    return page


async def announced(room: Room, page: Page) -> str:
    """The room's id, from its studio."""
    await page.goto(room.desk)
    await page.get_by_label("Title in English").fill("Evening lamps")
    await page.get_by_label("Title in Chinese").fill("夜灯")
    await page.get_by_role("button", name="Announce", exact=True).click()
    await page.get_by_role("link", name="Studio").click()
    await page.wait_for_url("**/live/*")
    return uuid_of(page.url, "live")


async def fills_the_cart(page: Page) -> None:
    await page.get_by_label("Find a product").fill("Face cream")
    await page.locator(".selling-search").get_by_role("button", name="Search").click()
    await expect(page.locator("#selling-q")).to_have_attribute("value", "Face cream")
    found = page.locator(".found .link-row").filter(has_text="Face cream")
    await found.get_by_role("button", name="Add").click()
    await expect(page.locator(".shelf-link")).to_have_count(1, timeout=WITHIN_MS)


async def goes_on_air(page: Page) -> None:
    await page.get_by_label("Camera", exact=True).first.check()
    start = page.get_by_role("button", name="Go on air")
    await expect(start).to_be_enabled(timeout=WITHIN_MS)
    await start.click()
    await expect(page.locator("[data-shown-state]")).to_have_text("On air", timeout=WITHIN_MS)


async def opens_an_offer(page: Page) -> None:
    form = page.locator("form[action$='/offers']")
    await form.get_by_label("Price").fill("66")
    await form.get_by_label("Units").fill(str(UNITS))
    await form.get_by_label("Minutes").fill("30")
    await form.get_by_role("button", name="Open the offer").click()


async def buys_in_two_taps(page: Page) -> None:
    """Over the video: the page is not left until all is paid."""
    here = page.url
    offer = page.locator(".extra.is-offer")
    await expect(offer).to_contain_text("66.00", timeout=WITHIN_MS)
    await offer.get_by_role("link", name="Buy").click()
    sheet = page.locator("#sheet")
    await expect(sheet.locator("[data-total]")).to_have_attribute("data-total", str(PRICE))
    await sheet.get_by_role("button", name="Place order and pay").click()
    await expect(sheet.locator(".pay-amount")).to_contain_text("66.00", timeout=WITHIN_MS)
    await sheet.get_by_role("button", name="Pay now").click()
    paid = sheet.get_by_role("heading", name="Paid. Thank you!")
    await expect(paid).to_be_visible(timeout=WITHIN_MS)
    assert page.url == here


def stat(page: Page, name: str) -> Locator:
    label = page.get_by_text(name, exact=True)
    return page.locator(".board-figures .stat").filter(has=label).first


async def asked(room: Room, sql: str, *values: Any) -> list[Any]:
    address = room.market.server.postgres.url(APP)
    async with await psycopg.AsyncConnection.connect(address, row_factory=dict_row) as conn:
        return await (await conn.execute(sql, values)).fetchall()


async def the_books_are_right(room: Room) -> None:
    (order,) = await asked(room, ORDER)
    assert (order["state"], order["is_paid"], order["total_minor"]) == ("paid", True, PRICE)
    assert (order["quantity"], order["unit_price_minor"], order["paid_minor"]) == (1, PRICE, PRICE)
    assert order["on_hand"] - order["reserved"] == ON_HAND - 1
    assert (order["sold"], order["quota"]) == (1, UNITS)
    books = {row["purpose"]: row["minor"] for row in await asked(room, BOOKS, room.people["store"])}
    assert sum(books.values()) == 0
    assert books["gateway_clearing"] == -PRICE


async def the_board_says_so(page: Page, desk: str, room_id: str) -> None:
    await page.goto(f"{desk}/{room_id}/board")
    await expect(stat(page, "Paid")).to_contain_text("66.00")
    await expect(stat(page, "Paid orders").locator(".stat-value")).to_have_text("1")
    await expect(stat(page, "Conversion")).to_contain_text("1 of 1")
    await expect(stat(page, "Messages").locator(".stat-value")).to_have_text("2")
    row = page.get_by_role("row").filter(has_text="Face cream")
    await expect(row.get_by_role("cell").nth(2)).to_have_text("1")  # orders
    await expect(row.get_by_role("cell").nth(3)).to_have_text("1")  # units
    await expect(row.get_by_role("cell").nth(4)).to_contain_text("66.00")


async def the_replay_plays(page: Page, room_id: str) -> None:
    """When its job has made it; its mark leads to the moment of the explanation."""
    for _ in range(120):
        answer = await page.goto(f"/live/{room_id}/replay")
        if answer and answer.status == 200:
            break
        await page.wait_for_timeout(500)
    await page.goto(f"/live/{room_id}")  # somebody who comes after the end
    await page.locator("[data-replay]").click()
    await becomes(page, "document.querySelector('video').readyState >= 2")
    mark = page.locator(".replay-marks button")
    await expect(mark).to_contain_text("Face cream")
    await expect(mark).to_contain_text("99.00")
    await mark.click()
    await becomes(
        page,
        "at => document.querySelector('video').currentTime >= at",
        float(await mark.get_attribute("data-at") or "nan"),
    )
    assert await moves(page)


async def test_a_room_from_its_first_picture_to_its_replay(room: Room) -> None:
    host, shopper = await a_page(room, room.host), await a_page(room, room.shopper)
    room_id = await announced(room, host)
    await fills_the_cart(host)
    await goes_on_air(host)

    await shopper.goto("/live")
    await shopper.locator(".live-card-picture").click()
    await becomes(shopper, "document.querySelector('video').readyState >= 2")
    assert await moves(shopper)
    await host.get_by_role("button", name="Explain it").click()
    await expect(shopper.locator("[data-pin] .pin-card")).to_contain_text(
        "Face cream", timeout=WITHIN_MS
    )

    await shopper.get_by_label("Message", exact=True).fill("Does it smell of roses?")
    await shopper.get_by_role("button", name="Send", exact=True).click()
    lines = host.locator("[data-lines]")
    await expect(lines).to_contain_text("Does it smell of roses?", timeout=WITHIN_MS)
    await host.get_by_label("Message", exact=True).fill("Of tea.")
    await host.get_by_role("button", name="Send", exact=True).click()
    await expect(shopper.locator("[data-messages]")).to_contain_text("Of tea.", timeout=WITHIN_MS)
    await expect(host.locator("[data-chat] [data-viewers]")).to_have_text("1", timeout=WITHIN_MS)

    await opens_an_offer(host)
    await buys_in_two_taps(shopper)
    await expect(lines).to_contain_text("bought Face cream", timeout=WITHIN_MS)
    await the_books_are_right(room)

    await host.get_by_role("button", name="Stop sending").click()
    await host.goto(room.desk)
    await host.get_by_role("button", name="End the room").click()
    await host.get_by_role("button", name="Yes, do it").click()
    await expect(shopper.locator("#room")).to_have_attribute(
        "data-state", "ended", timeout=WITHIN_MS
    )
    await the_replay_plays(shopper, room_id)
    await the_board_says_so(host, room.desk, room_id)
    assert room.market.server.doctor_finds() == {}
    assert room.market.errors == []
