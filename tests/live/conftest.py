"""Publishers of a test are closed at its end, whatever became of it."""

from collections.abc import AsyncIterator

import pytest
from tests.live.publisher import MADE


@pytest.fixture(autouse=True)
async def publishers_closed() -> AsyncIterator[None]:
    yield
    while MADE:
        await MADE.pop().close()
