"""A creator goes on air from the studio with Chromium's fake camera; another page sees it move."""

import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.browser.market import DESK, FLAGS, HERE, PHONE
from tests.crash.server import Server

from browser import find

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(240)]
FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
# What the player shows now, in a few numbers.
LOOK = """video => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [64, 64];
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0, 64, 64);
  return Array.from(pen.getImageData(0, 0, 64, 64).data);
}"""


class Studio(NamedTuple):
    server: Server
    browser: Browser
    creator_id: str
    room: dict[str, str]
    page: Page
    errors: list[str]


def opened_room(server: Server) -> dict[str, str]:
    """What `dougong live open` prints."""
    said = subprocess.run(
        [sys.executable, "-m", "dougong", "live", "open", "--creator", "linlive", "--json"],
        env=server.environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(said.stdout))


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    with tempfile.TemporaryDirectory(prefix="dougong-live-") as folder:
        server = Server(Path(folder), workers=1)
        server.start()
        try:
            server.wait_ready()
            made = server.run(str(HERE / "live_opening.py"))
            assert made.returncode == 0, made.stderr[-4000:]
            creator = json.loads(made.stdout)
            room = opened_room(server)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=find(), args=[*FLAGS, *FAKE_CAMERA]
                )
                context = await browser.new_context(base_url=server.url, viewport=DESK)  # type: ignore[arg-type]
                context.set_default_timeout(30_000)
                await context.add_cookies(
                    [
                        {"name": "dougong_session", "value": creator["token"], "url": server.url},
                        {"name": "dougong_locale", "value": "en", "url": server.url},
                    ]
                )
                page, errors = await context.new_page(), []
                page.on("pageerror", lambda error: errors.append(str(error)))
                yield Studio(server, browser, creator["creator_id"], room, page, errors)
                await browser.close()
        finally:
            server.stop()


async def becomes(page: Page, script: str, arg: Any = None, *, within_s: int = 45) -> None:
    """Ask the page until it says true; the site's CSP lets no string be evaluated in it."""
    for _ in range(within_s * 4):
        if await page.evaluate(script, arg):
            return
        await page.wait_for_timeout(250)
    raise AssertionError(script)


async def moves(page: Page) -> bool:
    """Whether the player's picture is another one within some seconds."""
    video = page.locator("video").first
    first: list[Any] = await video.evaluate(LOOK)
    for _ in range(20):
        await page.wait_for_timeout(500)
        now: list[Any] = await video.evaluate(LOOK)
        if sum(abs(a - b) for a, b in zip(first, now, strict=True)) > 2_000:
            return True
    return False


async def test_the_studio_publishes_and_a_viewer_sees_it_move(studio: Studio) -> None:
    assert studio.room["whip_url"] == f"{studio.server.url}/whip/{studio.room['room_id']}"
    page = studio.page
    await page.goto(f"/creator/{studio.creator_id}/live/{studio.room['room_id']}")
    await page.get_by_label("Camera", exact=True).first.check()
    start = page.get_by_role("button", name="Go on air")
    await expect(start).to_be_enabled(timeout=30_000)
    await expect(page.locator("[data-check]")).to_contain_text("Picture:")
    await becomes(page, "document.querySelector('[data-level]').value > 0.01")
    await start.click()
    await expect(page.locator("[data-shown-state]")).to_have_text("On air", timeout=45_000)
    await expect(page.locator("[data-sent]")).to_contain_text("kbit/s", timeout=30_000)
    await expect(page.locator("[data-arrives]")).to_contain_text("kbit/s", timeout=30_000)

    viewer = await studio.browser.new_page(base_url=studio.server.url, viewport=PHONE)  # type: ignore[arg-type]
    viewer.set_default_timeout(45_000)
    await viewer.goto(f"/live/{studio.room['room_id']}")
    await becomes(viewer, "document.querySelector('video').readyState >= 2")
    assert await moves(viewer)

    await page.get_by_role("button", name="Stop sending").click()
    await expect(page.locator("[data-shown-state]")).to_have_text("Not on air")
    await becomes(
        page,
        "url => fetch(url).then(r => r.json()).then(r => r.state === 'paused')",
        f"/creator/{studio.creator_id}/live/{studio.room['room_id']}/publisher",
    )
    assert studio.errors == []
