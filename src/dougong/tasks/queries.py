"""Reads tasks."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrgId
from dougong.tasks.rules import Frozen, Task, TaskGone, TaskState
from dougong.tasks.tables import task_agreements


async def task_by_id(conn: AsyncConnection, *, task_id: UUID) -> Task:
    """Raises TaskGone."""
    asked = select(task_agreements).where(task_agreements.c.id == task_id)
    found = (await conn.execute(asked)).one_or_none()
    if found is None:
        raise TaskGone(field="task_id")
    return _task(found)


async def tasks_of_creator(conn: AsyncConnection, *, creator_id: UUID) -> list[Task]:
    """The latest 200, newest first."""
    asked = (
        select(task_agreements)
        .where(task_agreements.c.creator_id == creator_id)
        .order_by(task_agreements.c.agreed_at.desc(), task_agreements.c.id)
        .limit(200)
    )
    return [_task(row) for row in await conn.execute(asked)]


def _task(row: Row[Any]) -> Task:
    return Task(
        id=row.id,
        brand_id=OrgId(row.brand_id),
        creator_id=OrgId(row.creator_id),
        surface=row.surface,
        source=row.source,
        category=row.category,
        price_model=row.price_model,
        price_minor=row.price_minor,
        currency=row.currency,
        frozen=Frozen(row.service_fee_bp, row.service_fee_rule_id, row.verdict_rule_id),
        state=TaskState(row.state),
        agreed_at=row.agreed_at,
        ends_at=row.ends_at,
    )
