"""API v1: a brand's briefs, who applied for them, and its agreed tasks."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access, Permission
from dougong.base.ids import new_id
from dougong.flows import work_on_task
from dougong.flows.take_brief import choose, decline
from dougong.reads import task_desk
from dougong.tasks.brief_commands import close_brief, post_brief, write_brief
from dougong.tasks.brief_queries import brief_of
from dougong.web.api.common import After, Key, Limit, MaybeKey, once_if
from dougong.web.api.task_types import (
    Agreed,
    Applications,
    ApplicationShown,
    BriefInput,
    Briefs,
    BriefShown,
    PartInput,
    ReasonInput,
    TaskDetail,
    Tasks,
    TaskShown,
    brief_asked,
    lines_of,
    task_detail,
    task_shown,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_values, cut

BRAND = "/api/v1/brands/{brand_id:uuid}"
BRIEF = BRAND + "/briefs/{brief_id:uuid}"
APPLICATION = BRIEF + "/applications/{application_id:uuid}"
TASK = BRAND + "/tasks/{task_id:uuid}"
ROUTE: dict[str, Any] = {"permission": Permission.TASK_POST, "tags": ["brand tasks"]}
State = Literal["", "draft", "posted", "closed"]


@get(BRAND + "/briefs", summary="Briefs, newest first", **ROUTE)
async def list_briefs(
    brand_id: FromPath[UUID],
    conn: Conn,
    now: Now,
    show: FromQuery[State] = "",
    after: After = "",
    limit: Limit = 50,
) -> Briefs:
    start = cursor_values(after, tuple[datetime, UUID])
    found = await task_desk.briefs(
        conn, brand_id=brand_id, state=show, at=now, before=start, most=limit + 1
    )
    rows, behind = cut(found, lambda row: (row.made_at, row.id), limit)
    return Briefs(lines_of(rows), behind)


@post(BRAND + "/briefs", status_code=201, summary="Write a brief", **ROUTE)
async def make_brief(
    brand_id: FromPath[UUID],
    data: JSONBody[BriefInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: Key,
) -> BriefShown:
    """A draft: creators see it once it is posted."""

    async def make() -> BriefShown:
        brief = await brief_asked(conn, data, brief_id=new_id(), brand_id=brand_id)
        await write_brief(conn, brief=brief, person_id=who.person_id, at=now)
        return BriefShown.of(await brief_of(conn, brief_id=brief.id))

    return await once_if(
        conn, key=idempotency_key, owner_id=brand_id, route="tasks.brief", request=data,
        answer=BriefShown, at=now, make=make,
    )  # fmt: skip


@get(BRIEF, summary="A brief", **ROUTE)
async def read_brief(brand_id: FromPath[UUID], brief_id: FromPath[UUID], conn: Conn) -> BriefShown:
    return BriefShown.of(await brief_of(conn, brief_id=brief_id, brand_id=brand_id))


async def _note(
    conn: AsyncConnection, who: Access, brand_id: UUID, act: str, subject: UUID, at: datetime
) -> None:
    await audit(
        conn, at=at, person_id=who.person_id, action=f"tasks.{act}", owner_id=brand_id,
        subject=str(subject),
    )  # fmt: skip


@post(BRIEF + "/post", status_code=200, summary="Show a brief to creators", **ROUTE)
async def show_brief(
    brand_id: FromPath[UUID], brief_id: FromPath[UUID], conn: Conn, who: Who, now: Now
) -> BriefShown:
    await post_brief(conn, brief_id=brief_id, brand_id=brand_id, at=now)
    await _note(conn, who, brand_id, "brief_post", brief_id, now)
    return BriefShown.of(await brief_of(conn, brief_id=brief_id, brand_id=brand_id))


@post(BRIEF + "/close", status_code=200, summary="Close a brief", **ROUTE)
async def end_brief(
    brand_id: FromPath[UUID], brief_id: FromPath[UUID], conn: Conn, who: Who, now: Now
) -> BriefShown:
    """Who waits is told no; what was agreed goes on."""
    await brief_of(conn, brief_id=brief_id, brand_id=brand_id)
    await close_brief(conn, brief_id=brief_id, brand_id=brand_id, at=now)
    await _note(conn, who, brand_id, "brief_close", brief_id, now)
    return BriefShown.of(await brief_of(conn, brief_id=brief_id, brand_id=brand_id))


@get(BRIEF + "/applications", summary="Who applied", **ROUTE)
async def list_applications(
    brand_id: FromPath[UUID], brief_id: FromPath[UUID], conn: Conn
) -> Applications:
    """Those that wait come first; 500 at most."""
    await brief_of(conn, brief_id=brief_id, brand_id=brand_id)
    rows = await task_desk.applications(conn, brief_id=brief_id)
    names = ApplicationShown.__struct_fields__
    return Applications([ApplicationShown(**{n: getattr(row, n) for n in names}) for row in rows])


@post(APPLICATION + "/agree", status_code=200, summary="Agree on a task", **ROUTE)
async def agree(
    brand_id: FromPath[UUID],
    brief_id: FromPath[UUID],
    application_id: FromPath[UUID],
    conn: Conn,
    who: Who,
    now: Now,
) -> Agreed:
    """Its price is set aside. Said again, it is the same task."""
    await brief_of(conn, brief_id=brief_id, brand_id=brand_id)
    task_id = await choose(
        conn, application_id=application_id, brand_id=brand_id, person_id=who.person_id, at=now
    )
    await _note(conn, who, brand_id, "choose", brief_id, now)
    return Agreed(task_id)


@post(APPLICATION + "/decline", status_code=204, summary="Decline an application", **ROUTE)
async def refuse(
    brand_id: FromPath[UUID],
    brief_id: FromPath[UUID],
    application_id: FromPath[UUID],
    conn: Conn,
    who: Who,
    now: Now,
) -> None:
    await brief_of(conn, brief_id=brief_id, brand_id=brand_id)
    await decline(
        conn, application_id=application_id, party_id=brand_id, person_id=who.person_id, at=now
    )
    await _note(conn, who, brand_id, "decline", brief_id, now)


@get(BRAND + "/tasks", summary="Agreed tasks, newest first", **ROUTE)
async def list_tasks(
    brand_id: FromPath[UUID], conn: Conn, after: After = "", limit: Limit = 50
) -> Tasks:
    start = cursor_values(after, tuple[datetime, UUID])
    found = await task_desk.works(conn, brand_id=brand_id, before=start, most=limit + 1)
    rows, behind = cut(found, lambda row: (row.agreed_at, row.task_id), limit)
    return Tasks([TaskShown.of(row) for row in rows], behind)


@get(TASK, summary="A task with its deliveries", **ROUTE)
async def read_task(brand_id: FromPath[UUID], task_id: FromPath[UUID], conn: Conn) -> TaskDetail:
    return await task_detail(conn, task_id=task_id, party_id=brand_id)


async def _once(
    conn: AsyncConnection,
    who: Access,
    key: str | None,
    act: str,
    request: Any,
    brand_id: UUID,
    task_id: UUID,
    at: datetime,
    do: Callable[[], Awaitable[object]],
) -> TaskShown:
    async def make() -> TaskShown:
        await do()
        await _note(conn, who, brand_id, act, task_id, at)
        return await task_shown(conn, task_id=task_id, party_id=brand_id)

    return await once_if(
        conn, key=key, owner_id=brand_id, route=f"tasks.{act}", request=(task_id, request),
        answer=TaskShown, at=at, make=make,
    )  # fmt: skip


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
    return await _once(
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
    return await _once(
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
    return await _once(
        conn, who, idempotency_key, "part", data, brand_id, task_id, now,
        lambda: work_on_task.offer_part(
            conn, task_id=task_id, brand_id=brand_id, share_bp=data.share_bp, reason=data.reason,
            person_id=who.person_id, at=now,
        ),
    )  # fmt: skip


@post(TASK + "/dispute", status_code=200, summary="Dispute a delivery", **ROUTE)
async def dispute(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[ReasonInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: MaybeKey = None,
) -> TaskShown:
    """An operator rules."""
    return await _once(
        conn, who, idempotency_key, "dispute", data, brand_id, task_id, now,
        lambda: work_on_task.dispute(
            conn, task_id=task_id, party_id=brand_id, statement=data.reason,
            person_id=who.person_id, at=now,
        ),
    )  # fmt: skip


HANDLERS: list[HTTPRouteHandler] = [
    list_briefs,
    make_brief,
    read_brief,
    show_brief,
    end_brief,
    list_applications,
    agree,
    refuse,
    list_tasks,
    read_task,
    accept,
    redo,
    part,
    dispute,
]
