"""Who is who in the story of the warehouse, their browsers, and where things are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
from playwright.async_api import BrowserContext, Page, expect
from psycopg.rows import dict_row
from tests.browser.market import DESK, PHONE, Market
from tests.browser.supply_opening import People
from tests.supply.sandbox_carrier import Carrier

from dougong.infra.embedded_postgres import APP

WITHIN_MS = 30_000
SKU = "P0-1"
ORDERED, ACCEPTED, DAMAGED, MISSING = 8, 6, 1, 1
FOUND = 1  # by a count: it was never ordered
COST, PRICE = 2_000, 6_600


class Told:
    """Who is who, their browsers, and where things are."""

    def __init__(self, market: Market, carrier: Carrier, people: People) -> None:
        self.market, self.carrier, self.people = market, carrier, people
        self.contexts: dict[tuple[str, bool], BrowserContext] = {}
        self.purchase = self.supplier = self.dropshipped = ""
        self.offer: UUID | None = None
        self.orders: dict[str, str] = {}  # shopper to order
        self.cases: dict[str, str] = {}  # shopper to case

    @property
    def desk(self) -> str:
        return f"/merchant/stores/{self.people.store}"

    @property
    def work(self) -> str:
        return f"/work/{self.people.store}"

    @asynccontextmanager
    async def page(self, who: str, *, phone: bool = True) -> AsyncIterator[Page]:
        """A page in this person's browser; what goes wrong is noted, a stream that nobody sends
        is not."""
        if (who, phone) not in self.contexts:
            size: Any = PHONE if phone else DESK
            context = await self.market.browser.new_context(
                base_url=self.market.server.url, viewport=size
            )
            context.set_default_timeout(WITHIN_MS)
            cookies = {"dougong_session": self.people.tokens[who], "dougong_locale": "en"}
            await context.add_cookies(
                [{"name": n, "value": v, "url": self.market.server.url} for n, v in cookies.items()]
            )
            self.contexts[who, phone] = context
        page = watched(await self.contexts[who, phone].new_page(), self.market.errors)
        yield page
        await page.close()

    async def asked(self, sql: str, *values: Any) -> list[Any]:
        address = self.market.server.postgres.url(APP)
        async with await psycopg.AsyncConnection.connect(address, row_factory=dict_row) as conn:
            return await (await conn.execute(sql, values)).fetchall()

    async def stock(self) -> dict[str, int]:
        (row,) = await self.asked(
            """
            SELECT s.on_hand, s.reserved, sum(l.damaged)::int AS damaged,
              sum(l.inspecting)::int AS inspecting, sum(l.allocated)::int AS allocated
            FROM stock s JOIN stock_levels l USING (store_id, sku_id)
            WHERE s.store_id = %s AND s.sku_id = %s GROUP BY 1, 2
            """,
            self.people.store, self.people.sku,
        )  # fmt: skip
        return dict(row)


def watched(page: Page, errors: list[str]) -> Page:
    note = errors.append
    page.on("pageerror", lambda error: note(f"{page.url}: {error}"))
    page.on("response", lambda got: got.status >= 500 and note(f"{got.status} {got.url}"))
    return page


async def scans(page: Page, code: str) -> None:
    """As a scanner types: into the field that has the focus, and Enter."""
    await expect(page.locator("[data-scan]")).to_be_focused()
    await page.keyboard.type(code)
    await page.keyboard.press("Enter")


async def yes(page: Page, button: str) -> None:
    """Press a button that asks once more."""
    await page.get_by_role("button", name=button, exact=True).click()
    await page.get_by_role("button", name="Yes, do it").click()


async def the_clock_moves(told: Told, words: str) -> None:
    async with told.page("olga", phone=False) as page:
        await page.goto("/operator/clock")
        await page.get_by_role("button", name=words, exact=True).click()
        await expect(page.get_by_text("the business clock is")).to_be_visible()
