"""These tests say which rules there are: nobody else's may be in force."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.policy.conftest import conn
from tests.tasks.market import AMarket, a_task_market

from dougong.base.ids import PersonId, new_id
from dougong.policy.commands import install_rules
from dougong.policy.queries import forget_book

__all__ = ["conn"]
LONG_AGO = datetime(2018, 1, 1, tzinfo=UTC)


@pytest.fixture
async def market(conn: AsyncConnection) -> AMarket:
    """Under the rules of 2020: own store 5 %, outside 20 % from 20 August on."""
    from tests.tasks.test_tasks import a_book

    author, approver = PersonId(new_id()), PersonId(new_id())
    await install_rules(conn, rules=a_book(), at=LONG_AGO, author_id=author, approver_id=approver)
    forget_book()
    return await a_task_market(conn, source="taobao")
