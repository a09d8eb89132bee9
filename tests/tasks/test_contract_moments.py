"""When an agency's share changes within a time, and within one that is over."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.tasks.agency_commands import contract_moments

AT = datetime(2026, 3, 1, tzinfo=UTC)


async def test_a_time_that_is_over_has_no_moments(conn: AsyncConnection) -> None:
    for until in (AT, AT - timedelta(days=1)):
        assert await contract_moments(conn, creator_id=uuid4(), after=AT, until=until) == []
