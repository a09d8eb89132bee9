"""API v1: briefs that a creator can take, and its agreed tasks."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access, Permission
from dougong.base.errors import NotFound
from dougong.base.ids import OrgId
from dougong.flows import work_on_task
from dougong.flows.price_task import prices_for
from dougong.flows.take_brief import decline, take_brief
from dougong.reads import task_desk
from dougong.tasks.brief_queries import application_of, brief_of
from dougong.tasks.brief_rules import BriefGone, BriefState, Way
from dougong.tasks.work_commands import stars_of
from dougong.web.api.brief_types import Applied, Briefs, BriefToTake, lines_of
from dougong.web.api.common import After, Key, Limit, MaybeKey, once_if
from dougong.web.api.explain import Explanation
from dougong.web.api.task_acts import (
    ACTS,
    cancel_as_creator,
    creator_route,
    once_on_task,
    rate_brand,
    task_detail,
    task_explanation,
)
from dougong.web.api.task_acts import TASK_OF_CREATOR as TASK
from dougong.web.api.task_types import (
    DeliveryInput,
    DeliveryMade,
    NoteInput,
    TaskDetail,
    Tasks,
    TaskShown,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_values, cut

CREATOR = "/api/v1/creators/{creator_id:uuid}"
BRIEF = CREATOR + "/briefs/{brief_id:uuid}"
ROUTE: dict[str, Any] = {"permission": Permission.TASK_TAKE, "tags": ["creator tasks"]}


@get(CREATOR + "/briefs", summary="Briefs that can be taken", **ROUTE)
async def list_briefs(
    creator_id: FromPath[UUID],
    conn: Conn,
    now: Now,
    surface: FromQuery[Literal["", "video", "live"]] = "",
    after: After = "",
    limit: Limit = 50,
) -> Briefs:
    """Those that name their creators are shown to these only."""
    start = cursor_values(after, tuple[datetime, UUID])
    found = await task_desk.briefs(
        conn, creator_id=creator_id, surface=surface, at=now, before=start, most=limit + 1
    )
    rows, behind = cut(found, lambda row: (row.made_at, row.id), limit)
    return Briefs(lines_of(rows), behind)


@get(BRIEF, summary="A brief to take, and what it would leave", **ROUTE)
async def read_brief(
    creator_id: FromPath[UUID], brief_id: FromPath[UUID], conn: Conn, now: Now
) -> BriefToTake:
    """With the platform service fee as of now, and what an announced rule will change."""
    kept = await brief_of(conn, brief_id=brief_id)
    mine = await application_of(conn, brief_id=brief_id, creator_id=creator_id)
    is_named = kept.brief.way is not Way.ASSIGNED or mine is not None
    if kept.state is BriefState.DRAFT or not is_named:
        raise BriefGone(field="brief_id")
    prices = await prices_for(conn, creator_id)
    offer = prices.offer(terms=kept.brief.terms, at=now, until=kept.brief.apply_until)
    stars = await stars_of(conn, org_id=kept.brief.brand_id)
    return BriefToTake.of(kept, offer, mine=mine, stars=stars)


@post(BRIEF + "/applications", status_code=201, summary="Apply for a brief", **ROUTE)
async def apply(
    creator_id: FromPath[UUID],
    brief_id: FromPath[UUID],
    data: JSONBody[NoteInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: Key,
) -> Applied:
    """Where the brief names this creator, or takes who comes first, the task is agreed at once."""

    async def make() -> Applied:
        taken = await take_brief(
            conn, brief_id=brief_id, creator_id=OrgId(creator_id), note=data.note,
            person_id=who.person_id, at=now,
        )  # fmt: skip
        return Applied(taken.application_id, taken.task_id)

    return await once_if(
        conn, key=idempotency_key, owner_id=creator_id, route="tasks.apply",
        request=(brief_id, data), answer=Applied, at=now, make=make,
    )  # fmt: skip


@post(BRIEF + "/withdraw", status_code=204, summary="Withdraw an application", **ROUTE)
async def withdraw(
    creator_id: FromPath[UUID], brief_id: FromPath[UUID], conn: Conn, who: Who, now: Now
) -> None:
    """Or say no to being named."""
    mine = await application_of(conn, brief_id=brief_id, creator_id=creator_id)
    if mine is None:
        raise NotFound
    await decline(
        conn, application_id=mine.id, party_id=creator_id, person_id=who.person_id, at=now
    )


@get(CREATOR + "/tasks", summary="Agreed tasks, newest first", **ROUTE)
async def list_tasks(
    creator_id: FromPath[UUID], conn: Conn, after: After = "", limit: Limit = 50
) -> Tasks:
    start = cursor_values(after, tuple[datetime, UUID])
    found = await task_desk.works(conn, creator_id=creator_id, before=start, most=limit + 1)
    rows, behind = cut(found, lambda row: (row.agreed_at, row.task_id), limit)
    return Tasks([TaskShown.of(row) for row in rows], behind)


@get(TASK, summary="A task with its deliveries", **ROUTE)
async def read_task(
    creator_id: FromPath[UUID], task_id: FromPath[UUID], conn: Conn, now: Now
) -> TaskDetail:
    return await task_detail(conn, task_id=task_id, party_id=creator_id, at=now)


@get(TASK + "/explanation", summary="Where the money of a task went", **ROUTE)
async def explain(creator_id: FromPath[UUID], task_id: FromPath[UUID], conn: Conn) -> Explanation:
    """What was held, earned, kept, shared with an agency and given back, each part with its rule
    and bookings; as it is expected while the task runs."""
    return await task_explanation(conn, task_id=task_id, party_id=creator_id)


async def _note(
    conn: AsyncConnection, who: Access, creator_id: UUID, act: str, task_id: UUID, at: datetime
) -> None:
    await audit(
        conn, at=at, person_id=who.person_id, action=f"tasks.{act}", owner_id=creator_id,
        subject=str(task_id),
    )  # fmt: skip


@post(TASK + "/deliveries", status_code=201, summary="Deliver a task", **ROUTE)
async def deliver(
    creator_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[DeliveryInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: Key,
) -> DeliveryMade:
    """What is on record of it goes along."""

    async def make() -> DeliveryMade:
        made = await work_on_task.deliver(
            conn, task_id=task_id, creator_id=creator_id, video_id=data.video_id, note=data.note,
            person_id=who.person_id, at=now,
        )  # fmt: skip
        await _note(conn, who, creator_id, "deliver", task_id, now)
        return DeliveryMade(made)

    return await once_if(
        conn, key=idempotency_key, owner_id=creator_id, route="tasks.deliver",
        request=(task_id, data), answer=DeliveryMade, at=now, make=make,
    )  # fmt: skip


@post(TASK + "/take", status_code=200, summary="Take the part that is offered", **ROUTE)
async def take(
    creator_id: FromPath[UUID],
    task_id: FromPath[UUID],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: MaybeKey = None,
) -> TaskShown:
    return await once_on_task(
        conn, who, idempotency_key, "take_part", None, creator_id, task_id, now,
        lambda: work_on_task.take_part(
            conn, task_id=task_id, creator_id=creator_id, person_id=who.person_id, at=now
        ),
    )  # fmt: skip


@post(TASK + "/samples/received", status_code=200, summary="Say that samples came", **ROUTE)
async def samples(
    creator_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[NoteInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: MaybeKey = None,
) -> TaskShown:
    """`note`: in which state."""
    return await once_on_task(
        conn, who, idempotency_key, "samples_received", data, creator_id, task_id, now,
        lambda: work_on_task.receive_samples(
            conn, task_id=task_id, creator_id=creator_id, note=data.note,
            person_id=who.person_id, at=now,
        ),
    )  # fmt: skip


HANDLERS: list[HTTPRouteHandler] = [
    list_briefs,
    read_brief,
    apply,
    withdraw,
    list_tasks,
    read_task,
    explain,
    samples,
    deliver,
    take,
    *(creator_route(act) for act in ACTS),
    cancel_as_creator,
    rate_brand,
]
