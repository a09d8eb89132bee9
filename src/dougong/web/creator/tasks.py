"""A creator's task hall and its own tasks: what each would leave, applying, delivering, answers."""

from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import OrgId
from dougong.flows import work_on_task as work
from dougong.flows.price_task import prices_for
from dougong.flows.take_brief import decline, take_brief
from dougong.reads import task_desk
from dougong.tasks.brief_queries import application_of, brief_of, terms_from
from dougong.tasks.brief_rules import ApplicationState, BriefState, Way
from dougong.tasks.work_commands import rate, stars_of
from dougong.tasks.work_rules import BadWork
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
from dougong.web.tasks.acts import BY_WORDS, creator_cancels, creator_words
from dougong.web.tasks.forms import Button, DeliverForm, NoteForm, RateForm, whole_from
from dougong.web.tasks.pages import (
    Answer,
    AnyRequest,
    attempt,
    creator_seat,
    on_task,
    work_page,
)
from dougong.web.tasks.words import problem, task_words

ROUTE: dict[str, Any] = {"permission": Permission.TASK_TAKE, "include_in_schema": False}
CREATOR = "/creator/{creator_id:uuid}"
BRIEF = CREATOR + "/briefs/{brief_id:uuid}"
TASK = CREATOR + "/tasks/{task_id:uuid}"
COLUMNS = ("title_zh", "brand_zh", "state", "surface", "source", "price_model", "funded_minor",
           "creator_minor", "currency", "agreed_at", "closed_at")  # fmt: skip


@get(CREATOR + "/tasks", **ROUTE)
async def hall(
    creator_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    show: FromQuery[Literal["", "mine"]] = "",
    surface: FromQuery[Literal["", "live", "video"]] = "",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Answer:
    words, start = q.strip()[:100], cursor_values(after, tuple[datetime, UUID])
    mine: dict[str, Any] = {"creator_id": creator_id, "words": words}
    if file == "csv":
        rows = await task_desk.works(conn, **mine, most=MOST_CSV_ROWS)
        lines = ([getattr(row, name) for name in COLUMNS] for row in rows)
        return csv_answer("tasks.csv", COLUMNS, lines)
    offers: dict[UUID, Any] = {}
    if show == "mine":
        found = await task_desk.works(conn, **mine, before=start, most=PAGE_ROWS + 1)
        rows_shown, following = cut(found, lambda row: (row.agreed_at, row.task_id))
    else:
        found = await task_desk.briefs(
            conn, **mine, surface=surface, at=now, before=start, most=PAGE_ROWS + 1
        )
        rows_shown, following = cut(found, lambda row: (row.made_at, row.id))
        prices = await prices_for(conn, creator_id)
        for row in rows_shown:
            terms = terms_from(row.terms)
            offers[row.id] = prices.offer(terms=terms, at=now, until=row.apply_until)
    return page(
        request,
        "tasks/hall.html",
        **await creator_seat(creator_id).home(conn),
        **task_words(),
        rows=rows_shown,
        offers=offers,
        q=q,
        show=show,
        surface=surface,
        file_url=f"/creator/{creator_id}/tasks?{urlencode({'q': q, 'file': 'csv'})}",
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


async def _brief_page(
    request: AnyRequest,
    conn: AsyncConnection,
    creator_id: UUID,
    brief_id: UUID,
    now: datetime,
    *,
    refusal: Refusal | None = None,
) -> Answer:
    kept = await brief_of(conn, brief_id=brief_id)
    mine = await application_of(conn, brief_id=brief_id, creator_id=creator_id)
    hidden = kept.state is BriefState.DRAFT or kept.brief.way is Way.ASSIGNED
    if mine is None and hidden:
        raise NotFound
    prices = await prices_for(conn, creator_id)
    offer = prices.offer(terms=kept.brief.terms, at=now, until=kept.brief.apply_until)
    open_now = kept.state is BriefState.POSTED and now < kept.brief.apply_until
    waits = mine is None or mine.state in (ApplicationState.INVITED, ApplicationState.WITHDRAWN)
    stars = await stars_of(conn, org_id=kept.brief.brand_id)
    return page(
        request,
        "tasks/offer.html",
        status=422 if refusal else 200,
        **await creator_seat(creator_id).home(conn),
        **task_words(),
        **problem(refusal),
        kept=kept,
        brief=kept.brief,
        terms=kept.brief.terms,
        mine=mine,
        offer=offer,
        can_apply=open_now and waits and offer.now.allowed,
        stars=stars,
    )


@get(BRIEF, **ROUTE)
async def brief_page(
    creator_id: FromPath[UUID],
    brief_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
) -> Answer:
    """What it would leave, before anybody applies."""
    return await _brief_page(request, conn, creator_id, brief_id, now)


@post(BRIEF + "/apply", **ROUTE)
async def apply(
    creator_id: FromPath[UUID],
    brief_id: FromPath[UUID],
    data: FormData[NoteForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    made: list[Any] = []

    async def act() -> None:
        made.append(
            await take_brief(
                conn, brief_id=brief_id, creator_id=OrgId(creator_id), note=data.note,
                person_id=who.person_id, at=now,
            )
        )  # fmt: skip

    if refusal := await attempt(conn, act):
        return await _brief_page(request, conn, creator_id, brief_id, now, refusal=refusal)
    task_id = made[0].task_id
    tail = f"tasks/{task_id}" if task_id else f"briefs/{brief_id}"
    return see(f"/creator/{creator_id}/{tail}")


@post(BRIEF + "/withdraw", **ROUTE)
async def withdraw(
    creator_id: FromPath[UUID],
    brief_id: FromPath[UUID],
    data: FormData[Button],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    """Say no to being asked, or take an application back."""
    mine = await application_of(conn, brief_id=brief_id, creator_id=creator_id)
    if mine is None:
        raise NotFound
    refusal = await attempt(
        conn,
        lambda: decline(
            conn, application_id=mine.id, party_id=creator_id, person_id=who.person_id, at=now
        ),
    )
    if refusal:
        return await _brief_page(request, conn, creator_id, brief_id, now, refusal=refusal)
    return see(f"/creator/{creator_id}/briefs/{brief_id}")


@get(TASK, **ROUTE)
async def task_page(
    creator_id: FromPath[UUID], task_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Answer:
    return await work_page(request, conn, creator_seat(creator_id), task_id, now)


@post(TASK + "/samples", **ROUTE)
async def samples(
    creator_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: FormData[NoteForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    """They have come."""
    return await on_task(
        request, conn, who, creator_seat(creator_id), task_id, now, "samples_received",
        lambda: work.receive_samples(
            conn, task_id=task_id, creator_id=creator_id, note=data.note,
            person_id=who.person_id, at=now,
        ),
    )  # fmt: skip


@post(TASK + "/deliver", **ROUTE)
async def deliver(
    creator_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: FormData[DeliverForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act() -> None:
        try:
            video_id = UUID(data.video) if data.video else None
        except ValueError:
            raise BadWork(field="video", reason="unknown") from None
        await work.deliver(
            conn, task_id=task_id, creator_id=creator_id, video_id=video_id, note=data.note,
            person_id=who.person_id, at=now,
        )  # fmt: skip

    seat = creator_seat(creator_id)
    return await on_task(request, conn, who, seat, task_id, now, "deliver", act)


@post(TASK + "/take", **ROUTE)
async def take(
    creator_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: FormData[Button],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    """The part that is offered."""
    return await on_task(
        request, conn, who, creator_seat(creator_id), task_id, now, "take_part",
        lambda: work.take_part(
            conn, task_id=task_id, creator_id=creator_id, person_id=who.person_id, at=now
        ),
    )  # fmt: skip


@post(TASK + "/rating", **ROUTE)
async def give_rating(
    creator_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: FormData[RateForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act() -> None:
        await rate(
            conn, task_id=task_id, party_id=creator_id,
            stars=whole_from(data.stars, field="stars"), words=data.words,
            person_id=who.person_id, at=now,
        )  # fmt: skip

    seat = creator_seat(creator_id)
    return await on_task(request, conn, who, seat, task_id, now, "rate", act)


HANDLERS: list[HTTPRouteHandler] = [
    hall,
    brief_page,
    apply,
    withdraw,
    task_page,
    samples,
    deliver,
    take,
    *(creator_words(act) for act in BY_WORDS),
    creator_cancels,
    give_rating,
]
