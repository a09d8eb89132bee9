"""A world of its own for each test, rolled back."""

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.aftersales.world import World, a_world


@pytest.fixture
async def world(conn: AsyncConnection, connections: None) -> World:
    return await a_world(conn)
