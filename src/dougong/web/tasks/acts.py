"""What either side of a task does in its own words: disputes, states more, cancels."""

from typing import Any
from uuid import UUID

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.flows import work_on_task as work
from dougong.tasks.work_rules import BadWork, Stage
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import FormData
from dougong.web.tasks.forms import CancelForm, ReasonForm
from dougong.web.tasks.pages import Answer, AnyRequest, Seat, brand_seat, creator_seat, on_task

BY_WORDS = ("dispute", "statement")


async def _say(
    request: AnyRequest,
    conn: Conn,
    who: Who,
    seat: Seat,
    party_id: UUID,
    task_id: UUID,
    now: Now,
    act: str,
    data: ReasonForm | CancelForm,
) -> Answer:
    asked: dict[str, Any] = {"task_id": task_id, "party_id": party_id, "at": now}
    asked["person_id"] = who.person_id

    async def do() -> None:
        if isinstance(data, CancelForm):
            await work.cancel(conn, reason=data.reason, seen=_stage(data.stage), **asked)
        elif act == "dispute":
            await work.dispute(conn, statement=data.reason, **asked)
        else:
            await work.state(conn, statement=data.reason, **asked)

    return await on_task(request, conn, who, seat, task_id, now, act, do)


def _stage(text: str) -> Stage | None:
    """Raises BadWork."""
    try:
        return Stage(text) if text else None
    except ValueError:
        raise BadWork(field="stage", reason="unknown") from None


@post(
    "/brand/{brand_id:uuid}/tasks/{task_id:uuid}/cancel",
    permission=Permission.TASK_POST,
    include_in_schema=False,
)
async def brand_cancels(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: FormData[CancelForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    seat = brand_seat(brand_id)
    return await _say(request, conn, who, seat, brand_id, task_id, now, "cancel", data)


@post(
    "/creator/{creator_id:uuid}/tasks/{task_id:uuid}/cancel",
    permission=Permission.TASK_TAKE,
    include_in_schema=False,
)
async def creator_cancels(
    creator_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: FormData[CancelForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    seat = creator_seat(creator_id)
    return await _say(request, conn, who, seat, creator_id, task_id, now, "cancel", data)


def brand_words(act: str) -> HTTPRouteHandler:
    """The route by which a brand says it."""

    @post(
        f"/brand/{{brand_id:uuid}}/tasks/{{task_id:uuid}}/{act}",
        permission=Permission.TASK_POST,
        include_in_schema=False,
    )
    async def handler(
        brand_id: FromPath[UUID],
        task_id: FromPath[UUID],
        data: FormData[ReasonForm],
        request: AnyRequest,
        who: Who,
        conn: Conn,
        now: Now,
    ) -> Answer:
        seat = brand_seat(brand_id)
        return await _say(request, conn, who, seat, brand_id, task_id, now, act, data)

    return handler


def creator_words(act: str) -> HTTPRouteHandler:
    """The route by which a creator says it."""

    @post(
        f"/creator/{{creator_id:uuid}}/tasks/{{task_id:uuid}}/{act}",
        permission=Permission.TASK_TAKE,
        include_in_schema=False,
    )
    async def handler(
        creator_id: FromPath[UUID],
        task_id: FromPath[UUID],
        data: FormData[ReasonForm],
        request: AnyRequest,
        who: Who,
        conn: Conn,
        now: Now,
    ) -> Answer:
        seat = creator_seat(creator_id)
        return await _say(request, conn, who, seat, creator_id, task_id, now, act, data)

    return handler
