"""Three shoppers ask for something; one of them as far as an appeal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, expect
from tests.browser.supply_people import ACCEPTED, Told, the_clock_moves


async def opens_a_case(told: Told, who: str, kind: str, reason: str, body: str) -> None:
    """Three taps: what should happen, why, send."""
    async with told.page(who) as page:
        await page.goto(f"/orders/{told.people.store}/{told.orders[who]}")
        await page.get_by_role("link", name="Ask for after-sales").click()
        await page.get_by_role("link", name=kind).click()
        await page.get_by_label("Reason").select_option(reason)
        await page.get_by_label("What is wrong").fill(body)
        await page.get_by_role("button", name="Send").click()
        await page.wait_for_url("**/cases/*/*")
        told.cases[who] = page.url.rsplit("/", 1)[1]
        await expect(page.locator("[data-state]")).to_have_attribute("data-state", "asked")


@asynccontextmanager
async def the_case(told: Told, who: str, *, of: str) -> AsyncIterator[Page]:
    """The case's page at this person's desk."""
    case, store = told.cases[of], told.people.store
    where = {
        "mei": f"{told.desk}/service/{case}",
        "olga": f"/operator/cases/{store}/{case}",
    }.get(who, f"/cases/{store}/{case}")
    async with told.page(who, phone=who == of) as page:
        await page.goto(where)
        yield page


async def is_now(page: Page, state: str) -> None:
    await expect(page.locator("[data-state]")).to_have_attribute("data-state", state)


async def says(page: Page, act: str, note: str) -> None:
    """A step that wants words: its part of the page is opened first."""
    form = page.locator(f"form[data-act={act}]")
    if not await form.is_visible():
        await page.locator("details").filter(has=form).locator("summary").click()
    await form.locator("textarea").fill(note)
    await form.get_by_role("button").click()


async def ann_is_refused_and_the_platform_rules(told: Told) -> None:
    """She asks for her money and keeps the goods: refused, ruled, appealed by the store, ruled for
    good with ten yuan."""
    await opens_a_case(told, "ann", "Refund, I keep the goods", "not_as_described", "It is green.")
    async with the_case(told, "mei", of="ann") as page:
        await says(page, "refuse", "It is celadon: green.")
        await is_now(page, "refused")
    async with the_case(told, "ann", of="ann") as page:
        await says(page, "ask_platform", "Is green what was promised?")
        await is_now(page, "arbitration")
    await _rules(told, "15.00", "Give the ruling", "ruled")
    async with the_case(told, "mei", of="ann") as page:
        await says(page, "appeal", "The picture shows the colour.")
        await is_now(page, "appealed")
    await _rules(told, "10.00", "Rule for good", "done")
    async with the_case(told, "ann", of="ann") as page:
        await is_now(page, "done")
        await expect(page.locator("#now")).to_contain_text("10.00")
        assert await page.locator(".case-ruling").count() == 2


async def _rules(told: Told, amount: str, button: str, state: str) -> None:
    async with told.page("olga", phone=False) as page:
        await page.goto("/operator/cases")
        await page.locator("main table a").first.click()
        await page.get_by_label("The question to decide").fill("Does the picture tell the colour?")
        await page.get_by_label("Ruling").select_option("refund")
        await page.get_by_label("Amount").fill(amount)
        await page.get_by_label("Who bears it").select_option("merchant")
        await page.get_by_label("Reason, shown to both sides").fill("In part: the title does not.")
        await page.get_by_role("button", name=button, exact=True).click()
        await is_now(page, state)


async def ships_back(told: Told, who: str) -> None:
    """The store grants it, the buyer sends the goods, the parcel arrives."""
    async with the_case(told, "mei", of=who) as page:
        await page.locator("button[data-act=approve]").click()
        await is_now(page, "to_ship_back")
    async with the_case(told, who, of=who) as page:
        await page.get_by_label("Carrier").fill("SF")
        await page.get_by_label("Tracking number").fill(f"SF-BACK-{who}")
        await page.get_by_role("button", name="I have shipped it back").click()
        await is_now(page, "shipped_back")
    async with the_case(told, "mei", of=who) as page:
        await page.locator("button[data-act=receive]").click()
        await is_now(page, "received")


async def ben_sends_back_what_arrives_damaged(told: Told) -> None:
    """What comes back is broken; it is taken all the same, and goes to damage."""
    await opens_a_case(told, "ben", "Return and refund", "damaged", "A crack in the foot.")
    await ships_back(told, "ben")
    async with the_case(told, "mei", of="ben") as page:
        await page.locator("#field-inspection-accept").select_option("damaged")
        await says(page, "accept", "Broken indeed.")
        await is_now(page, "done")
        await expect(page.locator("#now")).to_contain_text("66.00")
    assert (await told.stock())["damaged"] == 1


async def cai_gets_another_one(told: Told) -> None:
    await opens_a_case(told, "cai", "Exchange", "wrong_item", "I ordered the other one.")
    await ships_back(told, "cai")
    async with the_case(told, "mei", of="cai") as page:
        await page.locator("#field-inspection-accept").select_option("as_new")
        await says(page, "accept", "As it left us.")
        await is_now(page, "to_resend")
        await page.get_by_label("Carrier").fill("SF")
        await page.get_by_label("Tracking number").fill("SF-AGAIN-1")
        await page.get_by_role("button", name="It is on its way").click()
        await is_now(page, "resent")
    async with the_case(told, "cai", of="cai") as page:
        await page.locator("button[data-act=confirm]").click()
        await is_now(page, "done")


async def the_window_passes(told: Told) -> None:
    """Nobody says that the goods are there; after the last day everything is final by itself, and
    the money that went back is with the buyers."""
    for _ in range(3):
        await the_clock_moves(told, "10 days")
    for _ in range(120):
        (left,) = await told.asked(
            """
            SELECT
              (SELECT count(*) FROM orders WHERE store_id = %s AND state = 'final') AS final,
              (SELECT count(*) FROM orders WHERE store_id = %s AND state = 'refunded') AS refunded,
              (SELECT count(*) FROM refunds WHERE state <> 'done') AS on_their_way
            """,
            told.people.store, told.people.store,
        )  # fmt: skip
        if left == {"final": ACCEPTED, "refunded": 1, "on_their_way": 0}:
            return
        await asyncio.sleep(0.5)
    raise AssertionError(left)
