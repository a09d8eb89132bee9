"""One market for all browser tests of a worker: the story is lived once, its screens looked at."""

from collections.abc import AsyncIterator

import pytest
from tests.browser.market import Market, an_open_market


@pytest.fixture(scope="session")
async def market() -> AsyncIterator[Market]:
    async with an_open_market() as opened:
        yield opened
