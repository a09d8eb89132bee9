"""Every main screen by role, and what one look at each of them finds wrong."""

from pathlib import Path
from typing import Any

import msgspec
from playwright.async_api import Page
from tests.browser.desks import Desks, brand_screens, desks, operator_screens, partner_screens
from tests.browser.market import Market
from tests.browser.story import Told, told

AXE = Path(__file__).parents[2] / "src/dougong/web/static/vendor/axe.js"
GRAVE = ("serious", "critical")
ROLES = ("nobody", "shopper", "creator", "merchant", "operator", "partner", "advertiser")
# The feed never comes to rest; what axe finds in it must not depend on the frame.
LOOK = """
async () => {
  const found = await axe.run(document, { resultTypes: ['violations'] });
  return found.violations.map(v => [v.impact, v.id, v.nodes[0].target.join(' '), v.nodes.length]);
}
"""


class Seen(msgspec.Struct):
    """What is wrong on the screens of one role in one language, one line each."""

    violations: list[str] = []
    errors: list[str] = []
    too_wide: list[str] = []


def screens_of(role: str, left: Told, at: Desks) -> list[str]:
    store = f"/merchant/stores/{left.store}"
    creator = f"/creator/{left.creator}"
    product = f"/p/{left.store}/{left.product}"
    order = f"/orders/{left.store}/{left.order}"
    match role:
        case "nobody":
            return ["/sign-in", "/sign-up", "/enter", "/search", "/live", product]
        case "shopper":
            account = ["", "/addresses", "/addresses/new", "/roles", "/security", "/keys"]
            return [
                *("/", "/following", "/search", product, "/s/kiln-leaf", "/c/cai.lights"),
                *("/cart", "/checkout", "/orders", order, f"{order}/receipt", "/coins"),
                *(f"/me{tail}" for tail in account),
            ]
        case "creator":
            tails = ("videos", f"videos/{left.video}", "upload", "live", "links", "earnings")
            tails = (*tails, "tasks", "tasks?show=mine", "agency")
            members = f"/organisations/{left.creator}/members"
            return ["/creator", *(f"{creator}/{tail}" for tail in tails), members]
        case "merchant":
            tails = ("today", "orders", f"orders/{left.order}", "products", "stock", "coupons")
            more = ("refunds", "money", "webhooks", "settings", "imports", f"imports/{left.run}")
            many = ("orders/ship-many", f"orders/slips?order={left.order}", "coupons?new=1")
            products = (f"products/{left.product}", "products/new")
            explained = f"/explain/{left.store}/{left.order}"
            paths = [f"{store}/{tail}" for tail in (*tails, *products, *more, *many)]
            return ["/merchant/stores", *paths, explained]
        case "partner":
            return partner_screens(at)
        case "advertiser":
            return brand_screens(at)
    tails = ("overview", "rules", "terms", "ledger", "unallocated", "orders", "jobs")
    rules = ("rules/draft", "rules/case", "terms/draft", "terms/case", "tasks")
    more = ("rounds", "audit", "reports", "people", "categories", "channels", "clock")
    mains = [f"/operator/{tail}" for tail in (*tails, *rules, *more)]
    live = ("live", "live?only=scheduled", "gifts", "gifts/offers", "app-revenue")
    return [*mains, *(f"/operator/{tail}" for tail in live), *operator_screens(at)]


async def look_at(market: Market, role: str, locale: str) -> Seen:
    """Visited once for all tests."""
    kept: Seen | None = market.kept.get(f"{role} {locale}")
    if kept is None:
        kept = market.kept[f"{role} {locale}"] = await _look_at_all(market, role, locale)
    return kept


async def _look_at_all(market: Market, role: str, locale: str) -> Seen:
    left = await told(market)
    page = await market.page_of(role, locale=locale)
    seen = Seen()
    before = len(market.errors)
    at = await desks(market)
    if role in ("partner", "advertiser"):
        await page.goto("/enter")
        await page.locator(f"[data-role={role}]").click()
        await page.wait_for_url("**/partner/**" if role == "partner" else "**/brand/**")
    for path in screens_of(role, left, at):
        answer = await page.goto(path)
        if answer is None or answer.status != 200:
            seen.errors.append(f"{path}: {answer and answer.status}")
        await _look(page, path, seen)
    if role == "shopper":
        # Its own video: what is first in the feed depends on the stories told before.
        await page.goto(f"/v/{left.video}")
        await page.locator(f".slide-card[href^='/p/{left.store}/{left.product}']").first.click()
        await page.locator("#sheet[open] .picker").wait_for()
        await _look(page, "the sheet", seen)
    seen.errors += market.errors[before:]
    await page.close()
    return seen


async def _look(page: Page, path: str, seen: Seen) -> None:
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        seen.too_wide.append(f"{path}: by {wide} px")
    # Like what a debugger types, this is not subject to the page's CSP, which stays on.
    await page.evaluate(AXE.read_text())
    found: list[Any] = await page.evaluate(LOOK)
    seen.violations += [
        f"{path}: {name} at {target} ({count})"
        for impact, name, target, count in found
        if impact in GRAVE
    ]
