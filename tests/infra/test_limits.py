"""Rate limits: exact at the edge, over many at once, and not undone by a rollback."""

import asyncio
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy import text

from dougong.base.errors import TooMany
from dougong.base.ids import new_id
from dougong.infra.db import side_engine, transaction
from dougong.infra.limits import drop_old_windows, spend


async def refused(bucket: str, *, most: int, window_s: int) -> int | None:
    try:
        await spend(bucket, most=most, window_s=window_s)
    except TooMany as error:
        return int(error.facts["retry_after_s"])
    return None


async def test_the_one_too_many_is_refused_until_the_window_ends() -> None:
    bucket = f"test:{new_id()}"
    with time_machine.travel(datetime(2026, 3, 1, 12, 0, 45, tzinfo=UTC), tick=False):
        assert [await refused(bucket, most=2, window_s=60) for _ in range(3)] == [None, None, 16]
    with time_machine.travel(datetime(2026, 3, 1, 12, 1, 0, tzinfo=UTC), tick=False):
        assert await refused(bucket, most=2, window_s=60) is None


async def test_many_at_once_get_exactly_what_is_allowed() -> None:
    bucket = f"test:{new_id()}"
    said = await asyncio.gather(*(refused(bucket, most=7, window_s=86_400) for _ in range(40)))
    assert said.count(None) == 7


async def test_a_rollback_does_not_give_back() -> None:
    bucket = f"test:{new_id()}"
    with pytest.raises(RuntimeError):
        async with transaction() as conn:
            await conn.execute(text("SELECT 1"))
            await spend(bucket, most=1, window_s=86_400)
            raise RuntimeError
    with pytest.raises(TooMany):
        await spend(bucket, most=1, window_s=86_400)


async def test_buckets_do_not_know_each_other() -> None:
    one, other = f"test:{new_id()}", f"test:{new_id()}"
    await spend(one, most=1, window_s=86_400)
    await spend(other, most=1, window_s=86_400)


async def test_old_windows_are_dropped() -> None:
    bucket = f"test:{new_id()}"
    async with side_engine().connect() as conn:
        await conn.execute(
            text("INSERT INTO rate_windows VALUES (:b, now() - interval '3 days', 1)"),
            {"b": bucket},
        )
        await spend(bucket, most=9, window_s=60)
        await drop_old_windows()
        left = await conn.scalar(
            text("SELECT count(*) FROM rate_windows WHERE bucket = :b"), {"b": bucket}
        )
    assert left == 1
