"""Reads briefs and what is frozen in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.tasks.brief_rules import Brief, BriefGone, BriefState, Terms, Way
from dougong.tasks.tables import task_applications, task_briefs


class KeptBrief(msgspec.Struct, frozen=True):
    brief: Brief
    state: BriefState
    taken: int
    taken_minor: int
    made_at: datetime
    posted_at: datetime | None


def terms_from(value: Any) -> Terms:
    """What `msgspec.to_builtins` made of terms."""
    return msgspec.convert(value, Terms)


async def brief_of(
    conn: AsyncConnection, *, brief_id: UUID, brand_id: UUID | None = None
) -> KeptBrief:
    """`brand_id`: whose it must be. Raises BriefGone."""
    asked = select(task_briefs).where(task_briefs.c.id == brief_id)
    if brand_id is not None:
        asked = asked.where(task_briefs.c.brand_id == brand_id)
    found = (await conn.execute(asked)).one_or_none()
    if found is None:
        raise BriefGone(field="brief_id")
    return kept_brief(found)


def kept_brief(row: Row[Any]) -> KeptBrief:
    brief = Brief(
        id=row.id,
        brand_id=row.brand_id,
        way=Way(row.way),
        title_zh=row.title_zh,
        title_en=row.title_en,
        body_zh=row.body_zh,
        body_en=row.body_en,
        terms=terms_from(row.terms),
        budget_minor=row.budget_minor,
        places=row.places,
        apply_until=row.apply_until,
    )
    state = BriefState(row.state)
    return KeptBrief(brief, state, row.taken, row.taken_minor, row.made_at, row.posted_at)


async def application_of(
    conn: AsyncConnection, *, brief_id: UUID, creator_id: UUID
) -> Row[Any] | None:
    """What a creator has with a brief, if anything."""
    asked = select(task_applications).where(
        task_applications.c.brief_id == brief_id, task_applications.c.creator_id == creator_id
    )
    return (await conn.execute(asked)).one_or_none()
