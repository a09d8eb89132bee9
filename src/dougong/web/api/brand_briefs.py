"""API v1: a brand's briefs, whom it asks, who applied."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access, Permission
from dougong.base.ids import new_id
from dougong.flows.take_brief import choose, decline
from dougong.reads import task_desk
from dougong.tasks.brief_commands import close_brief, invite, post_brief, write_brief
from dougong.tasks.brief_queries import brief_of
from dougong.tasks.brief_rules import BadBrief
from dougong.web.api.brief_types import (
    Agreed,
    Applications,
    ApplicationShown,
    BriefInput,
    Briefs,
    BriefShown,
    InviteInput,
    brief_asked,
    lines_of,
)
from dougong.web.api.common import After, Key, Limit, once_if
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_values, cut

BRAND = "/api/v1/brands/{brand_id:uuid}"
BRIEF = BRAND + "/briefs/{brief_id:uuid}"
APPLICATION = BRIEF + "/applications/{application_id:uuid}"
ROUTE: dict[str, Any] = {"permission": Permission.TASK_POST, "tags": ["brand briefs"]}
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


@put(BRIEF, summary="Change a draft", **ROUTE)
async def change_brief(
    brand_id: FromPath[UUID],
    brief_id: FromPath[UUID],
    data: JSONBody[BriefInput],
    conn: Conn,
    who: Who,
    now: Now,
) -> BriefShown:
    """As a whole; what is posted stays as it is."""
    await brief_of(conn, brief_id=brief_id, brand_id=brand_id)
    brief = await brief_asked(conn, data, brief_id=brief_id, brand_id=brand_id)
    await write_brief(conn, brief=brief, person_id=who.person_id, at=now)
    return BriefShown.of(await brief_of(conn, brief_id=brief_id))


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
    return Applications([ApplicationShown.of(row) for row in rows])


@post(BRIEF + "/invitations", status_code=201, summary="Ask a creator", **ROUTE)
async def ask(
    brand_id: FromPath[UUID],
    brief_id: FromPath[UUID],
    data: JSONBody[InviteInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: Key,
) -> ApplicationShown:
    """By handle, for a brief that names its creators or takes who comes first; the creator says
    yes or no."""

    async def make() -> ApplicationShown:
        creator_id = await task_desk.creator_by_handle(conn, handle=data.handle)
        if creator_id is None:
            raise BadBrief(field="handle", reason="unknown")
        made = await invite(
            conn, brief_id=brief_id, brand_id=brand_id, creator_id=creator_id, note=data.note,
            at=now,
        )  # fmt: skip
        await _note(conn, who, brand_id, "invite", brief_id, now)
        rows = await task_desk.applications(conn, brief_id=brief_id)
        return next(ApplicationShown.of(row) for row in rows if row.id == made)

    return await once_if(
        conn, key=idempotency_key, owner_id=brand_id, route="tasks.invite",
        request=(brief_id, data), answer=ApplicationShown, at=now, make=make,
    )  # fmt: skip


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


HANDLERS: list[HTTPRouteHandler] = [
    list_briefs,
    make_brief,
    read_brief,
    change_brief,
    show_brief,
    end_brief,
    list_applications,
    ask,
    agree,
    refuse,
]
