"""A round from the first offer to the signature, seen from both sides: one in Chinese, one in
English, in a real Chromium."""

import re

import pytest
from playwright.async_api import Page, expect
from tests.browser.market import Market

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(240)]

PREPARE = "tests/browser/negotiating.py"


async def enter(market: Market, who: str, *, locale: str, phone: bool = False) -> Page:
    """Signed in as one of the people at the table."""
    page = await market.page_of(f"table {who}", locale=locale, phone=phone)
    await market.contexts[f"table {who}"].add_cookies(
        [{"name": "dougong_session", "value": market.kept["table"][who], "url": market.server.url}]
    )
    return page


async def sit_down(market: Market) -> None:
    """A partner with a source, and sessions of four people; made once."""
    if "table" in market.kept:
        return
    made = market.server.run(PREPARE)
    assert made.returncode == 0, made.stderr[-4000:]
    market.kept["table"] = dict(line.split("=", 1) for line in made.stdout.split())


async def wide(page: Page) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth - innerWidth"))


async def open_and_offer(page: Page, locale: str, surface: str) -> str:
    """The operator opens a round and makes the first offer; answers the round's id."""
    await page.goto("/operator/rounds")
    await page.locator("#field-name_zh").fill(f"新一轮 {locale}")
    await page.locator("#field-name_en").fill(f"New round {locale}")
    await page.locator("form[action='/operator/rounds'] button[type=submit]").click()
    await page.wait_for_url(re.compile(r"/operator/rounds/[0-9a-f-]{36}$"))
    path = page.url.rpartition("/")[2]
    await page.goto(f"/operator/rounds/{path}/offer")
    await page.locator("#c-advertising-committed").fill("6000000000")
    await page.locator("#c-advertising-tiers").fill("3000000000 2\n6000000000 5")
    await page.locator("#c-advertising-shortfall").fill("30")
    await page.locator(f"input[value$=':{surface}']").check()
    await page.locator(".card-footer button").click()
    await page.wait_for_url(f"**/operator/rounds/{path}")
    waiting = "It is the other side's turn." if locale == "en" else "现在轮到对方。"
    await expect(page.locator("#on-table")).to_contain_text(waiting)
    return path


async def counter(page: Page, name: str, turn: str) -> None:
    """The partner finds the offer on its phone, and moves one term."""
    await page.goto("/partner")
    await page.get_by_role("link", name=name).click()
    await expect(page.locator("#on-table")).to_contain_text(turn)
    assert await wide(page) <= 0
    await page.locator("#on-table a[href$='/offer']").click()
    await page.locator("#field-notice_days").fill("60")
    await page.locator(".card-footer button").click()
    await expect(page.locator(".terms-table .is-moved")).to_have_count(1)


async def put_name(page: Page, name: str) -> None:
    await page.locator("#field-name").fill(name)
    await page.locator("form[action$='/sign'] button").click()


@pytest.mark.parametrize(("ours", "theirs"), [("en", "zh"), ("zh", "en")])
async def test_from_first_offer_to_signature_seen_from_both_sides(
    market: Market, ours: str, theirs: str
) -> None:
    await sit_down(market)
    before = len(market.errors)
    one = await enter(market, "one", locale=ours)
    two = await enter(market, "two", locale=ours)
    partner = await enter(market, "partner", locale=theirs, phone=True)
    path = await open_and_offer(one, ours, "video" if ours == "en" else "profile")
    if theirs == "zh":
        await counter(partner, f"新一轮 {ours}", "轮到您了")
    else:
        await counter(partner, f"New round {ours}", "It is your turn.")

    await one.reload()  # we see what moved, and accept
    moved = one.locator(".terms-table .is-moved")
    await expect(moved).to_contain_text("60 days" if ours == "en" else "60 天")
    await one.locator("form[action$='/accept'] button").click()
    await one.locator("#ask button[value=yes]").click()
    await expect(one.locator("form[action$='/sign']")).to_be_visible()

    await put_name(one, "One Operator")  # who accepted cannot sign; a second person can
    await expect(one.locator(".alert-danger")).to_be_visible()
    await two.goto(f"/operator/rounds/{path}")
    await put_name(two, "Two Operator")
    await expect(two.locator(".signed-by li")).to_have_count(1)
    await partner.reload()
    text = await partner.locator(".text-hash").inner_text()
    assert text == await two.locator(".text-hash").inner_text()
    await put_name(partner, "Pat Partner")
    await expect(partner.locator(".signed-by li")).to_have_count(2)
    assert await wide(partner) <= 0

    for page in (partner, two):  # the rule that it has announced is read by both
        await page.reload()
        await expect(page.locator(".rule-case")).to_have_count(1)
        await page.close()
    await one.close()
    assert [line for line in market.errors[before:] if "403" not in line] == []
