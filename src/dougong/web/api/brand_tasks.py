"""API v1: a brand's agreed tasks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from dougong.base.access import Permission
from dougong.flows import work_on_task
from dougong.reads import task_desk
from dougong.web.api.common import After, Limit, MaybeKey
from dougong.web.api.explain import Explanation
from dougong.web.api.task_acts import (
    ACTS,
    brand_route,
    cancel_as_brand,
    once_on_task,
    rate_creator,
    task_detail,
    task_explanation,
)
from dougong.web.api.task_acts import TASK_OF_BRAND as TASK
from dougong.web.api.task_types import (
    NoteInput,
    PartInput,
    ReasonInput,
    TaskDetail,
    Tasks,
    TaskShown,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_values, cut

BRAND = "/api/v1/brands/{brand_id:uuid}"
ROUTE: dict[str, Any] = {"permission": Permission.TASK_POST, "tags": ["brand tasks"]}


@get(BRAND + "/tasks", summary="Agreed tasks, newest first", **ROUTE)
async def list_tasks(
    brand_id: FromPath[UUID], conn: Conn, after: After = "", limit: Limit = 50
) -> Tasks:
    start = cursor_values(after, tuple[datetime, UUID])
    found = await task_desk.works(conn, brand_id=brand_id, before=start, most=limit + 1)
    rows, behind = cut(found, lambda row: (row.agreed_at, row.task_id), limit)
    return Tasks([TaskShown.of(row) for row in rows], behind)


@get(TASK, summary="A task with its deliveries", **ROUTE)
async def read_task(
    brand_id: FromPath[UUID], task_id: FromPath[UUID], conn: Conn, now: Now
) -> TaskDetail:
    return await task_detail(conn, task_id=task_id, party_id=brand_id, at=now)


@get(TASK + "/explanation", summary="Where the money of a task went", **ROUTE)
async def explain(brand_id: FromPath[UUID], task_id: FromPath[UUID], conn: Conn) -> Explanation:
    """What was held, earned, kept and given back, each part with its rule and bookings."""
    return await task_explanation(conn, task_id=task_id, party_id=brand_id)


@post(TASK + "/accept", status_code=200, summary="Accept a delivery", **ROUTE)
async def accept(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: MaybeKey = None,
) -> TaskShown:
    """The whole price is paid, once."""
    return await once_on_task(
        conn, who, idempotency_key, "accept", None, brand_id, task_id, now,
        lambda: work_on_task.accept(
            conn, task_id=task_id, brand_id=brand_id, person_id=who.person_id, at=now
        ),
    )  # fmt: skip


@post(TASK + "/redo", status_code=200, summary="Ask to do it again", **ROUTE)
async def redo(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[ReasonInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: MaybeKey = None,
) -> TaskShown:
    return await once_on_task(
        conn, who, idempotency_key, "redo", data, brand_id, task_id, now,
        lambda: work_on_task.ask_again(
            conn, task_id=task_id, brand_id=brand_id, reason=data.reason,
            person_id=who.person_id, at=now,
        ),
    )  # fmt: skip


@post(TASK + "/part", status_code=200, summary="Offer a part of the price", **ROUTE)
async def part(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[PartInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: MaybeKey = None,
) -> TaskShown:
    return await once_on_task(
        conn, who, idempotency_key, "part", data, brand_id, task_id, now,
        lambda: work_on_task.offer_part(
            conn, task_id=task_id, brand_id=brand_id, share_bp=data.share_bp, reason=data.reason,
            person_id=who.person_id, at=now,
        ),
    )  # fmt: skip


@post(TASK + "/samples", status_code=200, summary="Say that samples are sent", **ROUTE)
async def samples(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[NoteInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: MaybeKey = None,
) -> TaskShown:
    """`note`: how, such as the carrier's number."""
    return await once_on_task(
        conn, who, idempotency_key, "samples", data, brand_id, task_id, now,
        lambda: work_on_task.send_samples(
            conn, task_id=task_id, brand_id=brand_id, note=data.note, person_id=who.person_id,
            at=now,
        ),
    )  # fmt: skip


HANDLERS: list[HTTPRouteHandler] = [
    list_tasks,
    read_task,
    explain,
    samples,
    accept,
    redo,
    part,
    *(brand_route(act) for act in ACTS),
    cancel_as_brand,
    rate_creator,
]
