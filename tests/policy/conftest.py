"""These tests say which rules there are: nobody else's may be in force."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dougong.policy.queries import forget_book


@pytest.fixture
async def conn(ruleless: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction on a database without rules, rolled back at the end of the test."""
    forget_book()
    async with ruleless.connect() as made:
        await made.begin()
        yield made
        await made.rollback()
    forget_book()
