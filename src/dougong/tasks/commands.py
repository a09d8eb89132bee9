"""Writes tasks. What the policy book says of one is worked out in flows/agree_task.py."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import Conflict
from dougong.infra import events
from dougong.tasks.queries import task_by_id
from dougong.tasks.rules import MOVES, Task, TaskClosed, TaskGone, TaskState, check_task
from dougong.tasks.tables import task_agreements


async def write_task(conn: AsyncConnection, *, task: Task) -> Task:
    """Keep what was agreed, with what is frozen on it. A repeat with the same id finds its task.

    Raises BadTask, and Conflict when the id is another task's.
    """
    check_task(task)
    row = {
        "id": task.id,
        "brand_id": task.brand_id,
        "creator_id": task.creator_id,
        "surface": task.surface,
        "source": task.source,
        "category": task.category,
        "price_model": task.price_model,
        "price_minor": task.price_minor,
        "currency": task.currency,
        "service_fee_bp": task.frozen.service_fee_bp,
        "service_fee_rule_id": task.frozen.service_fee_rule_id,
        "verdict_rule_id": task.frozen.verdict_rule_id,
        "state": task.state,
        "agreed_at": task.agreed_at,
        "ends_at": task.ends_at,
    }
    write = upsert(task_agreements).values(row).on_conflict_do_nothing(index_elements=["id"])
    if await conn.scalar(write.returning(task_agreements.c.id)) is None:
        return await _same(conn, task)
    facts = {
        "creator_id": str(task.creator_id),
        "brand_id": str(task.brand_id),
        "price_minor": task.price_minor,
        "currency": task.currency,
        "service_fee_minor": task.service_fee_minor,
    }
    await events.record(conn, "tasks.agreed", subject_id=task.id, at=task.agreed_at, facts=facts)
    return task


async def _same(conn: AsyncConnection, task: Task) -> Task:
    found = await task_by_id(conn, task_id=task.id)
    terms = ("brand_id", "creator_id", "surface", "source", "category", "price_model",
             "price_minor", "ends_at")  # fmt: skip
    if any(getattr(found, name) != getattr(task, name) for name in terms):
        raise Conflict(field="task_id")
    return found


async def cancel_task(
    conn: AsyncConnection, *, task_id: UUID, party_id: UUID, at: datetime
) -> None:
    """Either side withdraws from what is not done. Raises TaskClosed, TaskGone (not theirs)."""
    await _close(conn, task_id, party_id, TaskState.CANCELLED, at=at)


async def finish_task(
    conn: AsyncConnection, *, task_id: UUID, brand_id: UUID, at: datetime
) -> None:
    """The brand says that it was done as agreed. Raises TaskClosed, TaskGone (not theirs)."""
    await _close(conn, task_id, brand_id, TaskState.DONE, at=at)


async def _close(
    conn: AsyncConnection, task_id: UUID, party_id: UUID, state: TaskState, *, at: datetime
) -> None:
    theirs = task_agreements.c.brand_id == party_id
    if state is TaskState.CANCELLED:
        theirs = or_(theirs, task_agreements.c.creator_id == party_id)
    change = (
        update(task_agreements)
        .where(task_agreements.c.id == task_id, theirs)
        .where(task_agreements.c.state.in_([one for one in TaskState if state in MOVES[one]]))
        .values(state=state, closed_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        task = await task_by_id(conn, task_id=task_id)
        may = {task.brand_id, task.creator_id} if state is TaskState.CANCELLED else {task.brand_id}
        if party_id not in may:
            raise TaskGone(field="task_id")
        raise TaskClosed(task_id=task_id)
    kind = "tasks.cancelled" if state is TaskState.CANCELLED else "tasks.done"
    facts = {"by": str(party_id)}
    await events.record(conn, kind, subject_id=task_id, at=at, facts=facts)
