"""The job queue: what waits, what runs, what failed; and the demo's business clock."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Conflict, NotFound
from dougong.infra import clock
from dougong.infra.jobs import retry_failed
from dougong.infra.settings import settings
from dougong.reads.operator_jobs import job_rows, task_counts, waiting
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import PAGE, see
from dougong.web.operator.words import task_words
from dougong.web.render import Page, page

JOBS: dict[str, Any] = {"permission": Permission.JOBS_READ, "include_in_schema": False}
CLOCK: dict[str, Any] = {"permission": Permission.CLOCK_SET, "include_in_schema": False}
STATUSES = ("todo", "doing", "failed", "succeeded")
LONGEST_LEAP_H = 24 * 400


class Nothing(Form):
    pass


class Leap(Form):
    hours: int


@get("/operator/jobs", **JOBS)
async def jobs_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    status: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
) -> Page:
    if status and status not in STATUSES:
        raise BadInput(field="status", reason="unknown")
    rows = await job_rows(conn, status=status, before=before, most=PAGE + 1)
    shown = rows[:PAGE]
    return page(
        request,
        "operator/jobs.html",
        rows=shown,
        counts=await task_counts(conn),
        task_words=task_words,
        waiting=await waiting(conn, at=now),
        statuses=STATUSES,
        status_chosen=status,
        next_url=f"?status={status}&before={shown[-1].id}" if len(rows) > PAGE else "",
    )


@post("/operator/jobs/{job_id:int}/retry", **JOBS)
async def retry(
    job_id: FromPath[int], data: FormData[Nothing], who: Who, conn: Conn, now: Now
) -> Response[None]:
    if not await retry_failed(conn, job_id=job_id):
        raise Conflict(job_id=job_id)
    subject = str(job_id)
    await audit(conn, at=now, person_id=who.person_id, action="jobs.retry", subject=subject)
    return see("/operator/jobs")


@get("/operator/clock", **CLOCK)
async def clock_page(request: Request[Any, Any, Any], conn: Conn, now: Now) -> Page:
    if settings().mode == "production":
        raise NotFound
    return page(
        request,
        "operator/clock.html",
        business=now,
        wall=clock.wall_now(),
        # The two were asked for a moment apart: to the second, or ten days would read as nine.
        ahead=timedelta(seconds=round((now - clock.wall_now()).total_seconds())),
        waiting=await waiting(conn, at=now),
        longest_h=LONGEST_LEAP_H,
    )


@post("/operator/clock", **CLOCK)
async def leap(data: FormData[Leap], who: Who, conn: Conn, now: Now) -> Response[None]:
    """Move the business clock ahead. Refused in production."""
    if settings().mode == "production":
        raise NotFound
    if not 1 <= data.hours <= LONGEST_LEAP_H:
        raise BadInput(field="hours", reason=f"1–{LONGEST_LEAP_H}")
    await clock.advance(conn, by=timedelta(hours=data.hours))
    facts = {"hours": data.hours}
    await audit(
        conn, at=now, person_id=who.person_id, action="clock.advance", subject="clock", facts=facts
    )
    return see("/operator/clock")


HANDLERS: list[HTTPRouteHandler] = [jobs_page, retry, clock_page, leap]
