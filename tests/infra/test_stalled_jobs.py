"""What a killed worker was doing runs again, in its turn, and not for ever."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.infra.jobs import TASKS, defer, task
from dougong.infra.stalled_jobs import MOST_ATTEMPTS, retry_stalled_jobs

if "tests.nothing" not in TASKS:

    @task("tests.nothing")
    async def nothing() -> None:
        """A job of this test."""


async def a_job(*, silent_s: int | None, attempts: int = 0, lock: str | None = None) -> int:
    """A job that is being done by a worker that was heard of so long ago (None: never)."""
    async with transaction() as conn:
        await defer(conn, "tests.nothing", queueing_lock=lock)
        job_id = await conn.scalar(text("SELECT max(id) FROM procrastinate_jobs"))
        worker_id = None
        if silent_s is not None:
            heard_at = wall_now() - timedelta(seconds=silent_s)
            worker_id = await conn.scalar(
                text(
                    "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (:at) RETURNING id"
                ),
                {"at": heard_at},
            )
        await conn.execute(
            text("""
                UPDATE procrastinate_jobs
                SET status = 'doing', worker_id = :worker, attempts = :attempts WHERE id = :id
            """),
            {"id": job_id, "worker": worker_id, "attempts": attempts},
        )
        return int(job_id)


async def as_it_is(job_id: int) -> tuple[Any, ...]:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT status::text, attempts FROM procrastinate_jobs WHERE id = :id"),
            {"id": job_id},
        )
        return tuple(found.one_or_none() or ())


async def test_a_job_of_a_silent_worker_runs_again() -> None:
    silent, gone = await a_job(silent_s=60), await a_job(silent_s=None)
    heard = await a_job(silent_s=5)
    await retry_stalled_jobs()
    assert await as_it_is(silent) == ("todo", 1)
    assert await as_it_is(gone) == ("todo", 1)
    assert await as_it_is(heard) == ("doing", 0)


async def test_a_job_that_takes_its_workers_with_it_is_given_up() -> None:
    killer = await a_job(silent_s=60, attempts=MOST_ATTEMPTS - 1)
    await retry_stalled_jobs()
    assert await as_it_is(killer) == ("failed", MOST_ATTEMPTS)


async def test_a_job_that_waits_already_is_not_queued_twice() -> None:
    stalled = await a_job(silent_s=60, lock="tests.nothing")
    async with transaction() as conn:
        await defer(conn, "tests.nothing", queueing_lock="tests.nothing")
    await retry_stalled_jobs()
    assert await as_it_is(stalled) == ()


async def test_a_tick_is_forgotten() -> None:
    tick = await a_job(silent_s=60, lock="every:tests.nothing")
    await retry_stalled_jobs()
    assert await as_it_is(tick) == ()
