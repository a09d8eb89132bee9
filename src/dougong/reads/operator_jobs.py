"""The job queue as the operator sees it, and what waits beside it."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class TaskCount(msgspec.Struct, frozen=True):
    task: str
    status: str
    jobs: int


class JobRow(msgspec.Struct, frozen=True):
    id: int
    task: str
    status: str
    attempts: int
    args: dict[str, Any]
    scheduled_at: datetime | None
    last_at: datetime | None


class Waiting(msgspec.Struct, frozen=True):
    """What jobs will act on, and when a worker last gave a sign (wall clock)."""

    deadlines: int
    deadlines_due: int
    events: int
    inbox: int
    unsealed: int
    worker_seen_at: datetime | None


COUNTS = text("""
    SELECT task_name AS task, status::text, count(*) AS jobs FROM procrastinate_jobs
    WHERE status <> 'succeeded' GROUP BY 1, 2 ORDER BY 1, 2
""")

JOBS = text("""
    SELECT j.id, j.task_name AS task, j.status::text, j.attempts, j.args, j.scheduled_at,
      (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id) AS last_at
    FROM procrastinate_jobs j
    WHERE (:status = '' AND j.status <> 'succeeded' OR j.status::text = :status)
      AND (CAST(:before AS bigint) IS NULL OR j.id < :before)
    ORDER BY j.id DESC LIMIT :most
""")

WAITING = text("""
    SELECT
      (SELECT count(*) FROM deadlines WHERE done_at IS NULL) AS deadlines,
      (SELECT count(*) FROM deadlines WHERE done_at IS NULL AND due_at <= :at) AS deadlines_due,
      (SELECT count(*) FROM events WHERE fanned_out_at IS NULL) AS events,
      (SELECT count(*) FROM inbox WHERE done_at IS NULL) AS inbox,
      (SELECT count(*) FROM ledger_waiting) AS unsealed,
      (SELECT max(last_heartbeat) FROM procrastinate_workers) AS worker_seen_at
""")


async def task_counts(conn: AsyncConnection) -> list[TaskCount]:
    return [TaskCount(**row) for row in (await conn.execute(COUNTS)).mappings()]


async def job_rows(
    conn: AsyncConnection, *, status: str, before: int | None, most: int
) -> list[JobRow]:
    """The newest first; an empty status means all that are not done."""
    where = {"status": status, "before": before, "most": most}
    return [JobRow(**row) for row in (await conn.execute(JOBS, where)).mappings()]


async def waiting(conn: AsyncConnection, *, at: datetime) -> Waiting:
    """`at`: the business instant."""
    return Waiting(**(await conn.execute(WAITING, {"at": at})).mappings().one())
