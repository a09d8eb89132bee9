"""Writes briefs, and who applies for them. What an agreement needs is in flows/take_brief.py."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PLATFORM_BOOK, PersonId, new_id
from dougong.infra import events
from dougong.tasks.brief_queries import brief_of
from dougong.tasks.brief_rules import (
    ApplicationClosed,
    ApplicationState,
    AppliedAlready,
    BadBrief,
    Brief,
    BriefClosed,
    BriefGone,
    BriefState,
    PlacesTaken,
    Way,
    check_brief,
    funded_minor,
    states_before,
)
from dougong.tasks.tables import task_applications, task_briefs

CLOSES = "task_brief_closes"
_APPLIED, _INVITED = ApplicationState.APPLIED, ApplicationState.INVITED


async def write_brief(
    conn: AsyncConnection, *, brief: Brief, person_id: PersonId, at: datetime
) -> UUID:
    """Keep a draft; a draft of the same id and brand is changed. Raises BadBrief, and BriefClosed
    for one that is posted."""
    check_brief(brief, at=at)
    terms = brief.terms
    row: dict[str, Any] = {
        "way": brief.way,
        "title_zh": brief.title_zh.strip(),
        "title_en": brief.title_en.strip(),
        "body_zh": brief.body_zh.strip(),
        "body_en": brief.body_en.strip(),
        "surface": terms.surface,
        "source": terms.source,
        "price_model": terms.model,
        "currency": terms.currency,
        "most_minor": funded_minor(terms),
        "budget_minor": brief.budget_minor,
        "places": brief.places,
        "terms": msgspec.to_builtins(terms),
        "apply_until": brief.apply_until,
    }
    whose = {"id": brief.id, "brand_id": brief.brand_id, "made_by": person_id, "made_at": at}
    write = upsert(task_briefs).values(**whose, **row)
    write = write.on_conflict_do_update(
        index_elements=["id"],
        set_=row,
        where=(task_briefs.c.brand_id == brief.brand_id)
        & (task_briefs.c.state == BriefState.DRAFT),
    )
    if await conn.scalar(write.returning(task_briefs.c.id)) is None:
        found = await brief_of(conn, brief_id=brief.id, brand_id=brief.brand_id)
        raise BriefClosed(field="brief_id", state=found.state)
    return brief.id


async def post_brief(
    conn: AsyncConnection, *, brief_id: UUID, brand_id: UUID, at: datetime
) -> None:
    """Let creators see it until its last instant to apply. Raises BriefGone, BriefClosed."""
    found = await brief_of(conn, brief_id=brief_id, brand_id=brand_id)
    if found.brief.apply_until <= at:
        raise BadBrief(field="apply_until", reason="out_of_range")
    change = (
        update(task_briefs)
        .where(task_briefs.c.id == brief_id, task_briefs.c.brand_id == brand_id)
        .where(task_briefs.c.state == BriefState.DRAFT)
        .values(state=BriefState.POSTED, posted_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise BriefClosed(field="brief_id", state=found.state)
    await events.set_deadline(
        conn,
        store_id=PLATFORM_BOOK,
        kind=CLOSES,
        subject_id=brief_id,
        due_at=found.brief.apply_until,
    )
    facts = {"brand_id": str(brand_id), "way": found.brief.way.value}
    await events.record(conn, "tasks.brief_posted", subject_id=brief_id, at=at, facts=facts)


async def close_brief(
    conn: AsyncConnection, *, brief_id: UUID, brand_id: UUID, at: datetime, why: str = "by_brand"
) -> None:
    """Nobody else is taken; who waits is told no. What was agreed goes on. Raises BriefClosed."""
    change = (
        update(task_briefs)
        .where(task_briefs.c.id == brief_id, task_briefs.c.brand_id == brand_id)
        .where(task_briefs.c.state != BriefState.CLOSED)
        .values(state=BriefState.CLOSED, closed_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        found = await brief_of(conn, brief_id=brief_id, brand_id=brand_id)
        raise BriefClosed(field="brief_id", state=found.state)
    lapse = (
        update(task_applications)
        .where(task_applications.c.brief_id == brief_id)
        .where(task_applications.c.state.in_([_INVITED, _APPLIED]))
        .values(state=ApplicationState.LAPSED, decided_at=at)
    )
    await conn.execute(lapse)
    if why == "by_brand":
        await events.drop_deadline(
            conn, store_id=PLATFORM_BOOK, kind=CLOSES, subject_id=brief_id, at=at, why=why
        )
    facts = {"brand_id": str(brand_id), "why": why}
    await events.record(conn, "tasks.brief_closed", subject_id=brief_id, at=at, facts=facts)


async def lock_brief(conn: AsyncConnection, *, brief_id: UUID) -> Row[Any]:
    """Kept for this transaction: who takes a place stands in line. Raises BriefGone."""
    asked = select(task_briefs).where(task_briefs.c.id == brief_id).with_for_update()
    found = (await conn.execute(asked)).one_or_none()
    if found is None:
        raise BriefGone(field="brief_id")
    return found


async def lock_brief_if_free(conn: AsyncConnection, *, brief_id: UUID) -> bool:
    asked = select(task_briefs.c.id).where(task_briefs.c.id == brief_id)
    return await conn.scalar(asked.with_for_update(skip_locked=True)) is not None


async def take_place(conn: AsyncConnection, *, brief_id: UUID) -> None:
    """One task more, and its money. Raises PlacesTaken."""
    change = (
        update(task_briefs)
        .where(task_briefs.c.id == brief_id, task_briefs.c.taken < task_briefs.c.places)
        .where(task_briefs.c.taken_minor + task_briefs.c.most_minor <= task_briefs.c.budget_minor)
        .values(
            taken=task_briefs.c.taken + 1,
            taken_minor=task_briefs.c.taken_minor + task_briefs.c.most_minor,
        )
    )
    if (await conn.execute(change)).rowcount != 1:
        raise PlacesTaken(field="brief_id", what="places")


async def invite(
    conn: AsyncConnection,
    *,
    brief_id: UUID,
    brand_id: UUID,
    creator_id: UUID,
    note: str,
    at: datetime,
) -> UUID:
    """Name a creator: for a brief of the way `assigned` the only way to it, for `recruiting` one
    that asks for no followers. Raises BriefGone, BriefClosed, AppliedAlready."""
    found = await lock_brief(conn, brief_id=brief_id)
    if found.brand_id != brand_id:
        raise BriefGone(field="brief_id")
    if found.state == BriefState.CLOSED or found.way == Way.OPEN or found.apply_until <= at:
        raise BriefClosed(field="brief_id", state=found.state)
    return await _apply(conn, brief_id, creator_id, _INVITED, note=note, seen=None, at=at)


async def apply_for(
    conn: AsyncConnection,
    *,
    brief_id: UUID,
    creator_id: UUID,
    note: str,
    seen: dict[str, Any],
    at: datetime,
) -> UUID:
    """A creator asks for it. `seen`: the net pay that it was shown. Raises AppliedAlready."""
    return await _apply(conn, brief_id, creator_id, _APPLIED, note=note, seen=seen, at=at)


async def _apply(
    conn: AsyncConnection,
    brief_id: UUID,
    creator_id: UUID,
    state: ApplicationState,
    *,
    note: str,
    seen: dict[str, Any] | None,
    at: datetime,
) -> UUID:
    if len(note) > 1_000:
        raise BadBrief(field="note", reason="too_long")
    asked = {"state": state, "note": note.strip(), "seen": seen, "made_at": at}
    write = upsert(task_applications).values(
        id=new_id(), brief_id=brief_id, creator_id=creator_id, **asked
    )
    write = write.on_conflict_do_update(
        index_elements=["brief_id", "creator_id"],
        set_=asked | {"decided_at": None, "decided_by": None},
        where=task_applications.c.state == ApplicationState.WITHDRAWN,
    )
    made = await conn.scalar(write.returning(task_applications.c.id))
    if not isinstance(made, UUID):
        raise AppliedAlready(field="brief_id")
    kind = "tasks.invited" if state is _INVITED else "tasks.applied"
    facts = {"brief_id": str(brief_id), "creator_id": str(creator_id)}
    await events.record(conn, kind, subject_id=made, at=at, facts=facts)
    return made


async def lock_application(conn: AsyncConnection, *, application_id: UUID) -> Row[Any]:
    """Raises NotFound."""
    asked = select(task_applications).where(task_applications.c.id == application_id)
    found = (await conn.execute(asked.with_for_update())).one_or_none()
    if found is None:
        raise NotFound
    return found


async def decide_application(
    conn: AsyncConnection,
    *,
    application_id: UUID,
    state: ApplicationState,
    person_id: PersonId,
    at: datetime,
    seen: dict[str, Any] | None = None,
) -> None:
    """Agreed, declined or withdrawn, once. Whose it is is the caller's question.

    Raises ApplicationClosed.
    """
    values: dict[str, Any] = {"state": state, "decided_at": at, "decided_by": person_id}
    if seen is not None:
        values["seen"] = seen
    change = (
        update(task_applications)
        .where(task_applications.c.id == application_id)
        .where(task_applications.c.state.in_(states_before(state)))
        .values(values)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise ApplicationClosed(field="application_id")
    facts: dict[str, Any] = {}
    kind = {"agreed": "tasks.taken", "declined": "tasks.declined", "withdrawn": "tasks.withdrawn"}
    await events.record(conn, kind[state], subject_id=application_id, at=at, facts=facts)
