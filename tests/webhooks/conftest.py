"""What the tests of webhooks share."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from tests.webhooks.shop import Shop

from dougong.infra.db import transaction


@pytest.fixture
async def shop(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    made = Shop(monkeypatch)
    yield made
    async with transaction() as conn:
        await conn.execute(text("UPDATE webhook_endpoints SET removed_at = now()"))
