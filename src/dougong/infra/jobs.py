"""The job queue in the same PostgreSQL: a job is inserted by the transaction that causes it.

A task is registered with `@task("name")` and takes plain JSON arguments. `defer` writes the row in
the caller's transaction, so a job can never run before its cause is committed, nor be lost after.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import procrastinate
import psycopg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra.clock import wall_now
from dougong.infra.db import session_options
from dougong.infra.db_server import app_url

Task = Callable[..., Awaitable[None]]

TASKS: dict[str, Task] = {}
PERIODIC: dict[str, str] = {}
RETRIES: dict[str, int] = {}

JOB_STATEMENT_TIMEOUT_MS = 120_000

log = structlog.get_logger("jobs")


def task(name: str, *, every: str | None = None, retries: int = 5) -> Callable[[Task], Task]:
    """Register a job. `every`: a cron line of six fields (seconds last). `retries`: with
    exponential back-off, starting at two seconds."""

    def register(function: Task) -> Task:
        TASKS[name] = function
        RETRIES[name] = retries
        if every:
            PERIODIC[name] = every
        return function

    return register


async def defer(
    conn: AsyncConnection,
    name: str,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    at: datetime | None = None,
    queue: str = "default",
    **args: Any,
) -> None:
    """Put a job into the queue as part of this transaction.

    `lock`: jobs of one lock run one after the other. `queueing_lock`: at most one waiting job; a
    second one is silently the same job. `at`: wall-clock instant before which it does not start.
    """
    if name not in TASKS:
        raise KeyError(name)
    await conn.execute(
        text("""
            SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
              CAST(:queue AS varchar), CAST(:name AS varchar), 0, CAST(:lock AS text),
              CAST(:queueing_lock AS text), CAST(:args AS jsonb), CAST(:at AS timestamptz)
            )::procrastinate_job_to_defer_v1])
            WHERE CAST(:queueing_lock AS text) IS NULL OR NOT EXISTS (
              SELECT FROM procrastinate_jobs
              WHERE queueing_lock = :queueing_lock AND status = 'todo')
        """),
        {
            "queue": queue,
            "name": name,
            "lock": lock,
            "queueing_lock": queueing_lock,
            "args": json.dumps(args),
            "at": at,
        },
    )


async def retry_failed(conn: AsyncConnection, *, job_id: int) -> bool:
    """Let a failed job start again now; False where it is not a failed one."""
    found = await conn.scalar(
        text("""
            SELECT id FROM procrastinate_jobs WHERE id = :id AND status = 'failed' FOR UPDATE
        """),
        {"id": job_id},
    )
    if found is None:
        return False
    await conn.execute(
        text("SELECT procrastinate_retry_job_v2(:id, CAST(:at AS timestamptz), NULL, NULL, NULL)"),
        {"id": job_id, "at": wall_now()},
    )
    return True


def make_app() -> procrastinate.App:
    """The queue's application with every registered task; the caller opens it."""
    connector = procrastinate.PsycopgConnector(
        conninfo=app_url(),
        kwargs={"options": session_options(JOB_STATEMENT_TIMEOUT_MS)},
        min_size=1,
        max_size=6,
    )
    app = procrastinate.App(connector=connector)
    for name, function in TASKS.items():
        # A periodic job that falls behind waits once, not once for every tick; and the next tick is
        # its retry.
        ticks = name in PERIODIC
        retry = procrastinate.RetryStrategy(max_attempts=RETRIES[name], exponential_wait=2)
        made = app.task(
            name=name,
            retry=False if ticks else retry,
            queue="default",
            queueing_lock=f"every:{name}" if ticks else None,
        )(_without_timestamp(name, function))
        if name in PERIODIC:
            app.periodic(cron=PERIODIC[name])(made)
    return app


def is_away(error: BaseException | None) -> bool:
    """Whether the database was away, and nothing else was wrong (SQLSTATE 08 and 57P, or none)."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_away, error.exceptions))
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or is_away(error.orig)
    if isinstance(error, psycopg.OperationalError):
        return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
    return error is not None and is_away(error.__cause__)


def _without_timestamp(name: str, function: Task) -> Task:
    """A tick that finds the database away has not failed: the next one is its retry."""

    async def run(timestamp: int | None = None, **args: Any) -> None:
        try:
            await function(**args)
        except Exception as error:
            if name not in PERIODIC or not is_away(error):
                raise
            log.warning("tick_missed", job=name, error=str(error)[:300])

    run.__name__ = name.replace(".", "_")
    return run
