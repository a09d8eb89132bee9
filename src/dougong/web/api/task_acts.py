"""API v1: a task as either side reads it, and what either does with it alike: disputes, states
more, cancels, rates."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access, Permission
from dougong.flows import work_on_task as flow
from dougong.flows.settle_task import evidence_now, leaving_now, shares_of
from dougong.reads.explain_task import explain_task, for_brand
from dougong.reads.task_desk import work_row, work_story
from dougong.tasks.work_commands import Work, rate, work_of
from dougong.tasks.work_rules import Side, Stage, WorkState
from dougong.web.api.common import MaybeKey, once_if
from dougong.web.api.explain import Explanation, explanation
from dougong.web.api.task_types import (
    CancelInput,
    CancelShown,
    RatingInput,
    ReasonInput,
    TaskDetail,
    TaskShown,
    detail_of,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.tasks.pages import can_do

TASK_OF_BRAND = "/api/v1/brands/{brand_id:uuid}/tasks/{task_id:uuid}"
TASK_OF_CREATOR = "/api/v1/creators/{creator_id:uuid}/tasks/{task_id:uuid}"
BRAND: dict[str, Any] = {"permission": Permission.TASK_POST, "tags": ["brand tasks"]}
CREATOR: dict[str, Any] = {"permission": Permission.TASK_TAKE, "tags": ["creator tasks"]}
ACTS = {
    "dispute": "Ask the operator to rule",
    "statement": "State more of a dispute",
}


async def task_shown(conn: AsyncConnection, *, task_id: UUID, party_id: UUID) -> TaskShown:
    """Raises WorkGone for who has no part in it."""
    (await work_of(conn, task_id=task_id)).side_of(party_id)
    return TaskShown.of(await work_row(conn, task_id=task_id))


async def task_detail(
    conn: AsyncConnection, *, task_id: UUID, party_id: UUID, at: datetime
) -> TaskDetail:
    """Raises WorkGone for who has no part in it."""
    work = await work_of(conn, task_id=task_id)
    side = work.side_of(party_id)
    may = can_do(work.state, side)
    return detail_of(
        await work_row(conn, task_id=task_id),
        work,
        await work_story(conn, task_id=task_id),
        await evidence_now(conn, work=work, at=at),
        may=may,
        cancel=await _cancel_cost(conn, work, side, at) if WorkState.CANCELLED in may else None,
        is_creator=side is Side.CREATOR,
        at=at,
    )


async def _cancel_cost(conn: AsyncConnection, work: Work, side: Side, at: datetime) -> CancelShown:
    cost = await leaving_now(conn, work=work, side=side, at=at)
    return CancelShown.of(cost, shares_of(work, cost))


async def task_explanation(conn: AsyncConnection, *, task_id: UUID, party_id: UUID) -> Explanation:
    """Raises WorkGone for who has no part in it."""
    side = (await work_of(conn, task_id=task_id)).side_of(party_id)
    tree = await explain_task(conn, task_id=task_id)
    return explanation(for_brand(tree) if side is Side.BRAND else tree)


async def once_on_task(
    conn: AsyncConnection,
    who: Access,
    key: str | None,
    act: str,
    request: Any,
    party_id: UUID,
    task_id: UUID,
    at: datetime,
    do: Callable[[], Awaitable[object]],
) -> TaskShown:
    """Do it and note it; the task as it is then."""

    async def make() -> TaskShown:
        await do()
        await audit(
            conn, at=at, person_id=who.person_id, action=f"tasks.{act}", owner_id=party_id,
            subject=str(task_id),
        )  # fmt: skip
        return await task_shown(conn, task_id=task_id, party_id=party_id)

    return await once_if(
        conn, key=key, owner_id=party_id, route=f"tasks.{act}", request=(task_id, request),
        answer=TaskShown, at=at, make=make,
    )  # fmt: skip


async def _say(
    conn: AsyncConnection,
    who: Access,
    key: str | None,
    act: str,
    data: ReasonInput | CancelInput,
    party_id: UUID,
    task_id: UUID,
    at: datetime,
) -> TaskShown:
    asked: dict[str, Any] = {"task_id": task_id, "party_id": party_id, "at": at}
    asked["person_id"] = who.person_id

    async def do() -> None:
        if isinstance(data, CancelInput):
            seen = Stage(data.stage) if data.stage else None
            await flow.cancel(conn, reason=data.reason, seen=seen, **asked)
        elif act == "dispute":
            await flow.dispute(conn, statement=data.reason, **asked)
        else:
            await flow.state(conn, statement=data.reason, **asked)

    return await once_on_task(conn, who, key, act, data, party_id, task_id, at, do)


def brand_route(act: str) -> HTTPRouteHandler:
    """One of ACTS, by the brand."""

    async def say(
        brand_id: FromPath[UUID],
        task_id: FromPath[UUID],
        data: JSONBody[ReasonInput],
        conn: Conn,
        who: Who,
        now: Now,
        idempotency_key: MaybeKey = None,
    ) -> TaskShown:
        return await _say(conn, who, idempotency_key, act, data, brand_id, task_id, now)

    say.__name__ = act
    return post(f"{TASK_OF_BRAND}/{act}", status_code=200, summary=ACTS[act], **BRAND)(say)


def creator_route(act: str) -> HTTPRouteHandler:
    """One of ACTS, by the creator."""

    async def say(
        creator_id: FromPath[UUID],
        task_id: FromPath[UUID],
        data: JSONBody[ReasonInput],
        conn: Conn,
        who: Who,
        now: Now,
        idempotency_key: MaybeKey = None,
    ) -> TaskShown:
        return await _say(conn, who, idempotency_key, act, data, creator_id, task_id, now)

    say.__name__ = act
    return post(f"{TASK_OF_CREATOR}/{act}", status_code=200, summary=ACTS[act], **CREATOR)(say)


@post(TASK_OF_BRAND + "/cancel", status_code=200, summary="Cancel a task", **BRAND)
async def cancel_as_brand(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[CancelInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: MaybeKey = None,
) -> TaskShown:
    """By the terms of that day; `cancel` of the task says before what it costs."""
    return await _say(conn, who, idempotency_key, "cancel", data, brand_id, task_id, now)


@post(TASK_OF_CREATOR + "/cancel", status_code=200, summary="Cancel a task", **CREATOR)
async def cancel_as_creator(
    creator_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[CancelInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: MaybeKey = None,
) -> TaskShown:
    """Nothing is paid then."""
    return await _say(conn, who, idempotency_key, "cancel", data, creator_id, task_id, now)


async def _rate(
    conn: AsyncConnection,
    who: Access,
    data: RatingInput,
    party_id: UUID,
    task_id: UUID,
    at: datetime,
) -> TaskShown:
    return await once_on_task(
        conn, who, None, "rate", data, party_id, task_id, at,
        lambda: rate(
            conn, task_id=task_id, party_id=party_id, stars=data.stars, words=data.words,
            person_id=who.person_id, at=at,
        ),
    )  # fmt: skip


@post(TASK_OF_BRAND + "/rating", status_code=200, summary="Rate the creator, once", **BRAND)
async def rate_creator(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[RatingInput],
    conn: Conn,
    who: Who,
    now: Now,
) -> TaskShown:
    """When the task has ended."""
    return await _rate(conn, who, data, brand_id, task_id, now)


@post(TASK_OF_CREATOR + "/rating", status_code=200, summary="Rate the brand, once", **CREATOR)
async def rate_brand(
    creator_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[RatingInput],
    conn: Conn,
    who: Who,
    now: Now,
) -> TaskShown:
    """When the task has ended."""
    return await _rate(conn, who, data, creator_id, task_id, now)
