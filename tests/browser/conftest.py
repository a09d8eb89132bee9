"""One market for all browser tests of a worker: the story is lived once, its screens looked at."""

from collections.abc import AsyncIterator

import pytest
from tests.browser.market import Market, an_open_market
from tests.browser.story import told


@pytest.fixture(scope="session")
async def market() -> AsyncIterator[Market]:
    async with an_open_market() as opened:
        await told(opened)  # first, while its video is the only one in the feed
        yield opened
