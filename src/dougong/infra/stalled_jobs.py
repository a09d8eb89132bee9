"""Jobs whose worker was killed: they run again, so that nothing waits for ever for their lock.

A worker says every ten seconds that it is there. What a silent one was doing is queued again, with
its next attempt; a job that has taken its workers with it so often is left as failed.
"""

from datetime import timedelta

import structlog
from sqlalchemy import text

from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.infra.jobs import task

SILENT_FOR = timedelta(seconds=40)
MOST_ATTEMPTS = 10

STALLED = text("""
    SELECT j.id, j.task_name, j.attempts, j.queueing_lock LIKE 'every:%' OR EXISTS (
        SELECT FROM procrastinate_jobs waiting
        WHERE waiting.queueing_lock = j.queueing_lock AND waiting.status = 'todo') AS comes_again
    FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
    WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < :before)
    ORDER BY j.id LIMIT 500 FOR UPDATE OF j SKIP LOCKED
""")
AGAIN = text("SELECT procrastinate_retry_job_v2(:id, CAST(:at AS timestamptz), NULL, NULL, NULL)")
GIVE_UP = text("SELECT procrastinate_finish_job_v1(:id, 'failed', false)")
FORGET = text("SELECT procrastinate_finish_job_v1(:id, 'failed', true)")

log = structlog.get_logger("jobs")


@task("infra.retry_stalled_jobs", every="*/1 * * * * 20")
async def retry_stalled_jobs() -> None:
    """Queue again what a killed worker was doing; a periodic job's next tick is its retry."""
    at = wall_now()
    async with transaction() as conn:
        for job in await conn.execute(STALLED, {"before": at - SILENT_FOR}):
            if job.comes_again:
                await conn.execute(FORGET, {"id": job.id})
            elif job.attempts + 1 >= MOST_ATTEMPTS:
                await conn.execute(GIVE_UP, {"id": job.id})
            else:
                await conn.execute(AGAIN, {"id": job.id, "at": at})
            log.warning("job_stalled", job=job.task_name, job_id=job.id, attempts=job.attempts)
