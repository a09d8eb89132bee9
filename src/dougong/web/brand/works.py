"""A brand and one of its tasks: samples, acceptance, doing it again, a part, a dispute."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.flows import work_on_task as work
from dougong.tasks.work_commands import rate
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import FormData
from dougong.web.tasks.acts import BY_WORDS, brand_cancels, brand_words
from dougong.web.tasks.forms import (
    Button,
    NoteForm,
    RateForm,
    ReasonForm,
    ShareForm,
    percent_from,
    whole_from,
)
from dougong.web.tasks.pages import Answer, AnyRequest, brand_seat, on_task, work_page

ROUTE: dict[str, Any] = {"permission": Permission.TASK_POST, "include_in_schema": False}
TASK = "/brand/{brand_id:uuid}/tasks/{task_id:uuid}"


@get(TASK, **ROUTE)
async def task_page(
    brand_id: FromPath[UUID], task_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Answer:
    return await work_page(request, conn, brand_seat(brand_id), task_id, now)


async def _do(
    request: AnyRequest,
    conn: Conn,
    who: Who,
    brand_id: UUID,
    task_id: UUID,
    now: Now,
    action: str,
    act: Callable[[], Awaitable[object]],
) -> Answer:
    return await on_task(request, conn, who, brand_seat(brand_id), task_id, now, action, act)


@post(TASK + "/samples", **ROUTE)
async def samples(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: FormData[NoteForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    return await _do(
        request, conn, who, brand_id, task_id, now, "samples",
        lambda: work.send_samples(
            conn, task_id=task_id, brand_id=brand_id, note=data.note, person_id=who.person_id,
            at=now,
        ),
    )  # fmt: skip


@post(TASK + "/accept", **ROUTE)
async def accept(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: FormData[Button],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    return await _do(
        request, conn, who, brand_id, task_id, now, "accept",
        lambda: work.accept(
            conn, task_id=task_id, brand_id=brand_id, person_id=who.person_id, at=now
        ),
    )  # fmt: skip


@post(TASK + "/redo", **ROUTE)
async def redo(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: FormData[ReasonForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    return await _do(
        request, conn, who, brand_id, task_id, now, "redo",
        lambda: work.ask_again(
            conn, task_id=task_id, brand_id=brand_id, reason=data.reason,
            person_id=who.person_id, at=now,
        ),
    )  # fmt: skip


@post(TASK + "/part", **ROUTE)
async def part(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: FormData[ShareForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act() -> None:
        await work.offer_part(
            conn, task_id=task_id, brand_id=brand_id,
            share_bp=percent_from(data.share, field="share"), reason=data.reason,
            person_id=who.person_id, at=now,
        )  # fmt: skip

    return await _do(request, conn, who, brand_id, task_id, now, "part", act)


@post(TASK + "/rating", **ROUTE)
async def give_rating(
    brand_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: FormData[RateForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act() -> None:
        await rate(
            conn, task_id=task_id, party_id=brand_id,
            stars=whole_from(data.stars, field="stars"), words=data.words,
            person_id=who.person_id, at=now,
        )  # fmt: skip

    return await _do(request, conn, who, brand_id, task_id, now, "rate", act)


HANDLERS: list[HTTPRouteHandler] = [
    task_page,
    samples,
    accept,
    redo,
    part,
    *(brand_words(act) for act in BY_WORDS),
    brand_cancels,
    give_rating,
]
