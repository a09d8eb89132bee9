"""A real `dougong serve` in demo mode, a real Chromium, and a page for everybody in the story."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from tests.crash.server import Server

from browser import find

HERE = Path(__file__).parent
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
]


class DemoServer(Server):
    """The server of the crash run, in demo mode: it has "enter as…" and a clock to move."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {"DOUGONG_MODE": "demo"}


class Market:
    """The server, the browser, and one context (cookies of its own) per person."""

    def __init__(self, server: DemoServer, browser: Browser) -> None:
        self.server = server
        self.browser = browser
        self.contexts: dict[str, BrowserContext] = {}
        self.errors: list[str] = []
        self.kept: dict[str, Any] = {}

    async def page_of(self, who: str, *, locale: str = "en", phone: bool = True) -> Page:
        """A new page in this person's browser, in this language; what goes wrong is noted."""
        if who not in self.contexts:
            self.contexts[who] = await self.browser.new_context(base_url=self.server.url)
        context = self.contexts[who]
        context.set_default_timeout(15_000)
        await context.add_cookies(
            [{"name": "dougong_locale", "value": locale, "url": self.server.url}]
        )
        page = await context.new_page()
        await page.set_viewport_size(PHONE if phone else DESK)  # type: ignore[arg-type]
        self._listen(page)
        return page

    def _listen(self, page: Page) -> None:
        """Script errors, and all that the browser complains about, CSP violations among it."""
        note = self.errors.append
        page.on("pageerror", lambda error: note(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda said: (
                said.type == "error"
                and note(f"{page.url}: {said.text} ({said.location.get('url', '')})")
            ),
        )
        page.on("response", lambda got: got.status >= 500 and note(f"{got.status} {got.url}"))


@asynccontextmanager
async def an_open_market(*flags: str, **settings: str) -> AsyncIterator[Market]:
    """`flags`: more of the browser's; `settings`: DOUGONG_… of the server's own."""
    with tempfile.TemporaryDirectory(prefix="dougong-browser-") as folder:
        server = DemoServer(Path(folder), workers=1, **settings)
        server.start()
        try:
            server.wait_ready()
            opened = server.run(str(HERE / "opening.py"))
            assert opened.returncode == 0, opened.stderr[-4000:]
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=find(), args=[*FLAGS, *flags]
                )
                yield Market(server, browser)
                await browser.close()
        finally:
            server.stop()
