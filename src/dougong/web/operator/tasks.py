"""All tasks, and the disputes that wait for a ruling."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.flows import work_on_task as work
from dougong.reads import task_desk
from dougong.tasks.work_rules import WorkState
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import FormData
from dougong.web.paging import (
    MOST_CSV_ROWS,
    PAGE_ROWS,
    csv_answer,
    cursor_values,
    cut,
    first_url,
    next_url,
)
from dougong.web.render import page
from dougong.web.tasks.forms import ShareForm, percent_from
from dougong.web.tasks.pages import OPERATOR, Answer, AnyRequest, on_task, work_page
from dougong.web.tasks.words import task_words

READ: dict[str, Any] = {"permission": Permission.TASK_READ, "include_in_schema": False}
RULE: dict[str, Any] = {"permission": Permission.TASK_RULE, "include_in_schema": False}
COLUMNS = ("task_id", "title_zh", "brand_zh", "creator_zh", "state", "surface", "source",
           "price_model", "funded_minor", "fee_minor", "creator_minor", "back_minor", "currency",
           "agreed_at", "closed_at")  # fmt: skip


@get("/operator/tasks", **READ)
async def all_tasks(
    request: AnyRequest,
    conn: Conn,
    q: FromQuery[str] = "",
    show: FromQuery[str] = "",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Answer:
    state = show if show in {one.value for one in WorkState} else ""
    asked: dict[str, Any] = {"state": state, "words": q.strip()[:100]}
    if file == "csv":
        rows = await task_desk.works(conn, **asked, most=MOST_CSV_ROWS)
        lines = ([getattr(row, name) for name in COLUMNS] for row in rows)
        return csv_answer("tasks.csv", COLUMNS, lines)
    start = cursor_values(after, tuple[datetime, UUID])
    found = await task_desk.works(conn, **asked, before=start, most=PAGE_ROWS + 1)
    rows_shown, following = cut(found, lambda row: (row.agreed_at, row.task_id))
    return page(
        request,
        "tasks/operator.html",
        **await OPERATOR.home(conn),
        **task_words(),
        rows=rows_shown,
        states=[one.value for one in WorkState],
        q=q,
        show=state,
        file_url=f"/operator/tasks?{urlencode({'q': q, 'show': state, 'file': 'csv'})}",
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get("/operator/tasks/{task_id:uuid}", **READ)
async def task_page(task_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now) -> Answer:
    return await work_page(request, conn, OPERATOR, task_id, now)


@post("/operator/tasks/{task_id:uuid}/ruling", **RULE)
async def ruling(
    task_id: FromPath[UUID],
    data: FormData[ShareForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act() -> None:
        await work.rule(
            conn, task_id=task_id, share_bp=percent_from(data.share, field="share"),
            reason=data.reason, person_id=who.person_id, at=now,
        )  # fmt: skip

    return await on_task(request, conn, who, OPERATOR, task_id, now, "rule", act)


HANDLERS: list[HTTPRouteHandler] = [all_tasks, task_page, ruling]
