"""The business clock: ahead in a demo, behind only where nothing has been lived yet."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotAllowed
from dougong.base.ids import new_id
from dougong.infra import clock, events
from dougong.infra.db import transaction

THEN = datetime(2018, 3, 21, tzinfo=UTC)


@pytest.fixture(autouse=True)
def back_to_now() -> Iterator[None]:
    yield
    clock.pin(timedelta(0))


@pytest.mark.usefixtures("own_database")
async def test_an_empty_market_may_begin_in_the_past() -> None:
    async with transaction() as conn:
        began = await clock.begin_at(conn, at=THEN)
        assert timedelta(0) <= began - THEN < timedelta(seconds=5)
        assert await clock.advance(conn, by=timedelta(days=1)) - began > timedelta(days=1)


async def test_a_lived_market_never_goes_back(conn: AsyncConnection) -> None:
    await events.record(conn, "test.lived", subject_id=new_id(), at=THEN, facts={})
    with pytest.raises(NotAllowed):
        await clock.begin_at(conn, at=THEN)


async def test_nobody_begins_in_the_time_to_come(conn: AsyncConnection) -> None:
    with pytest.raises(NotAllowed):
        await clock.begin_at(conn, at=clock.wall_now() + timedelta(hours=1))
