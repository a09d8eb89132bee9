"""A brand's desk: its briefs, who applied, its tasks and its funds."""

from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import Refusal
from dougong.base.ids import new_id
from dougong.flows.take_brief import choose, decline
from dougong.infra.settings import settings
from dougong.reads import task_desk
from dougong.reads.operator_referrals import source_names
from dougong.tasks.brief_commands import close_brief, invite, post_brief, write_brief
from dougong.tasks.brief_queries import brief_of
from dougong.tasks.brief_rules import BadBrief
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import FormData
from dougong.web.operator.common import see
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
from dougong.web.tasks.forms import BriefForm, Button, InviteForm, brief_from, shown_form, typed
from dougong.web.tasks.pages import Answer, AnyRequest, attempt, brand_seat
from dougong.web.tasks.words import problem, task_words

ROUTE: dict[str, Any] = {"permission": Permission.TASK_POST, "include_in_schema": False}
BRAND = "/brand/{brand_id:uuid}"
BRIEF = BRAND + "/briefs/{brief_id:uuid}"
COLUMNS = ("title_zh", "title_en", "state", "way", "surface", "source", "price_model",
           "most_minor", "budget_minor", "taken_minor", "places", "taken", "currency",
           "apply_until", "made_at")  # fmt: skip
State = Literal["", "draft", "posted", "closed"]


@get("/brand", permission=Permission.TASK_POST, any_org=True, include_in_schema=False)
async def brands(request: AnyRequest, who: Who, conn: Conn) -> Answer:
    """Where a brand's people start."""
    mine = await task_desk.brand_organisations(conn, brand_ids=who.orgs_with(Permission.TASK_POST))
    if len(mine) == 1:
        return see(f"/brand/{mine[0].id}/tasks")
    return page(request, "tasks/brands.html", console="brand", brands=mine)


@get(BRAND + "/tasks", **ROUTE)
async def desk(
    brand_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    show: FromQuery[State] = "",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Answer:
    asked: dict[str, Any] = {"brand_id": brand_id, "state": show, "words": q.strip()[:100]}
    if file == "csv":
        rows = await task_desk.briefs(conn, **asked, at=now, most=MOST_CSV_ROWS)
        lines = ([getattr(row, name) for name in COLUMNS] for row in rows)
        return csv_answer("briefs.csv", COLUMNS, lines)
    start = cursor_values(after, tuple[datetime, UUID])
    found = await task_desk.briefs(conn, **asked, at=now, before=start, most=PAGE_ROWS + 1)
    rows_shown, following = cut(found, lambda row: (row.made_at, row.id))
    return page(
        request,
        "tasks/desk.html",
        **await brand_seat(brand_id).home(conn),
        **task_words(),
        rows=rows_shown,
        works=await task_desk.works(conn, brand_id=brand_id, most=20),
        funds=await task_desk.funds(conn, brand_id=brand_id),
        currency=settings().currency,
        q=q,
        show=show,
        file_url=f"/brand/{brand_id}/tasks?{urlencode({'q': q, 'show': show, 'file': 'csv'})}",
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


async def _form_page(
    request: AnyRequest,
    conn: AsyncConnection,
    brand_id: UUID,
    form: BriefForm,
    *,
    brief_id: UUID | None,
    refusal: Refusal | None = None,
) -> Answer:
    return page(
        request,
        "tasks/brief_form.html",
        status=422 if refusal else 200,
        **await brand_seat(brand_id).home(conn),
        **task_words(),
        **problem(refusal),
        form=typed(form),
        brief_id=brief_id,
        currency=settings().currency,
        sources=await source_names(conn),
    )


@get(BRAND + "/briefs/new", **ROUTE)
async def new_brief(brand_id: FromPath[UUID], request: AnyRequest, conn: Conn) -> Answer:
    return await _form_page(request, conn, brand_id, BriefForm(title_zh=""), brief_id=None)


@post(BRAND + "/briefs", **ROUTE)
async def make_brief(
    brand_id: FromPath[UUID],
    data: FormData[BriefForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    return await _save(request, conn, who, now, brand_id, new_id(), data, is_new=True)


@get(BRIEF + "/edit", **ROUTE)
async def edit_brief(
    brand_id: FromPath[UUID], brief_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Answer:
    kept = await brief_of(conn, brief_id=brief_id, brand_id=brand_id)
    form = shown_form(kept.brief)
    return await _form_page(request, conn, brand_id, form, brief_id=brief_id)


@post(BRIEF + "/edit", **ROUTE)
async def save_brief(
    brand_id: FromPath[UUID],
    brief_id: FromPath[UUID],
    data: FormData[BriefForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    await brief_of(conn, brief_id=brief_id, brand_id=brand_id)
    return await _save(request, conn, who, now, brand_id, brief_id, data, is_new=False)


async def _save(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Any,
    now: datetime,
    brand_id: UUID,
    brief_id: UUID,
    data: BriefForm,
    *,
    is_new: bool,
) -> Answer:
    async def act() -> None:
        brief = await brief_from(conn, data, brief_id=brief_id, brand_id=brand_id)
        await write_brief(conn, brief=brief, person_id=who.person_id, at=now)

    if refusal := await attempt(conn, act):
        kept = None if is_new else brief_id
        return await _form_page(request, conn, brand_id, data, brief_id=kept, refusal=refusal)
    return see(f"/brand/{brand_id}/briefs/{brief_id}")


async def _brief_page(
    request: AnyRequest,
    conn: AsyncConnection,
    brand_id: UUID,
    brief_id: UUID,
    *,
    refusal: Refusal | None = None,
) -> Answer:
    kept = await brief_of(conn, brief_id=brief_id, brand_id=brand_id)
    return page(
        request,
        "tasks/brief.html",
        status=422 if refusal else 200,
        **await brand_seat(brand_id).home(conn),
        **task_words(),
        **problem(refusal),
        kept=kept,
        brief=kept.brief,
        terms=kept.brief.terms,
        applications=await task_desk.applications(conn, brief_id=brief_id),
        works=await task_desk.works(conn, brief_id=brief_id, most=500),
        funds=await task_desk.funds(conn, brand_id=brand_id),
    )


@get(BRIEF, **ROUTE)
async def brief_page(
    brand_id: FromPath[UUID], brief_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Answer:
    return await _brief_page(request, conn, brand_id, brief_id)


async def _on_brief(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Any,
    brand_id: UUID,
    brief_id: UUID,
    now: datetime,
    action: str,
    act: Any,
) -> Answer:
    await brief_of(conn, brief_id=brief_id, brand_id=brand_id)

    async def whole() -> None:
        await act()
        await audit(
            conn, at=now, person_id=who.person_id, action=f"tasks.{action}", owner_id=brand_id,
            subject=str(brief_id),
        )  # fmt: skip

    if refusal := await attempt(conn, whole):
        return await _brief_page(request, conn, brand_id, brief_id, refusal=refusal)
    return see(f"/brand/{brand_id}/briefs/{brief_id}")


def brief_route(act: str) -> HTTPRouteHandler:
    """Show it to creators, or close it."""
    do = post_brief if act == "post" else close_brief

    @post(f"{BRIEF}/{act}", **ROUTE)
    async def handler(
        brand_id: FromPath[UUID],
        brief_id: FromPath[UUID],
        data: FormData[Button],
        request: AnyRequest,
        who: Who,
        conn: Conn,
        now: Now,
    ) -> Answer:
        return await _on_brief(
            request, conn, who, brand_id, brief_id, now, f"brief_{act}",
            lambda: do(conn, brief_id=brief_id, brand_id=brand_id, at=now),
        )  # fmt: skip

    return handler


@post(BRIEF + "/invitations", **ROUTE)
async def ask_creator(
    brand_id: FromPath[UUID],
    brief_id: FromPath[UUID],
    data: FormData[InviteForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act() -> None:
        creator_id = await task_desk.creator_by_handle(conn, handle=data.handle)
        if creator_id is None:
            raise BadBrief(field="handle", reason="unknown")
        await invite(
            conn, brief_id=brief_id, brand_id=brand_id, creator_id=creator_id, note=data.note,
            at=now,
        )  # fmt: skip

    return await _on_brief(request, conn, who, brand_id, brief_id, now, "invite", act)


def application_route(act: str) -> HTTPRouteHandler:
    """Take who applied, or say no."""

    @post(f"{BRIEF}/applications/{{application_id:uuid}}/{act}", **ROUTE)
    async def handler(
        brand_id: FromPath[UUID],
        brief_id: FromPath[UUID],
        application_id: FromPath[UUID],
        data: FormData[Button],
        request: AnyRequest,
        who: Who,
        conn: Conn,
        now: Now,
    ) -> Answer:
        async def do() -> None:
            asked: dict[str, Any] = {"application_id": application_id, "person_id": who.person_id}
            if act == "choose":
                await choose(conn, brand_id=brand_id, at=now, **asked)
            else:
                await decline(conn, party_id=brand_id, at=now, **asked)

        return await _on_brief(request, conn, who, brand_id, brief_id, now, act, do)

    return handler


HANDLERS: list[HTTPRouteHandler] = [
    brands,
    desk,
    new_brief,
    make_brief,
    edit_brief,
    save_brief,
    brief_page,
    brief_route("post"),
    brief_route("close"),
    ask_creator,
    application_route("choose"),
    application_route("decline"),
]
