"""What the deadlines of tasks do: silence never pays for what is not on record, nor keeps money."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.flows.settle_task import evidence_now, settle_task
from dougong.flows.take_brief import DELIVER_BY, SAMPLES_BY
from dougong.flows.work_on_task import ACCEPT_BY, PART_BY, REDO_BY, end_in_part, put_part
from dougong.infra.events import Deadline
from dougong.tasks.brief_commands import CLOSES, close_brief, lock_brief_if_free
from dougong.tasks.brief_queries import brief_of
from dougong.tasks.work_commands import (
    Work,
    lock_work,
    lock_work_of_deadline,
    task_of_delivery,
    write_note,
)
from dougong.tasks.work_rules import Side, WorkState

KINDS = (CLOSES, DELIVER_BY, SAMPLES_BY, ACCEPT_BY, PART_BY, REDO_BY)


async def lock_if_free(conn: AsyncConnection, deadline: Deadline) -> bool:
    """Keep the brief or task; False while another has it in hand."""
    if deadline.kind == CLOSES:
        return await lock_brief_if_free(conn, brief_id=deadline.subject_id)
    return await lock_work_of_deadline(conn, subject_id=deadline.subject_id)


async def act(conn: AsyncConnection, deadline: Deadline, *, at: datetime) -> str:
    """What was done of it. Raises WorkClosed, BriefClosed when it is not needed any more."""
    if deadline.kind == CLOSES:
        kept = await brief_of(conn, brief_id=deadline.subject_id)
        await close_brief(
            conn, brief_id=kept.brief.id, brand_id=kept.brief.brand_id, at=at, why="by_deadline"
        )
        return "closed"
    by_task = deadline.kind in (DELIVER_BY, SAMPLES_BY)
    task_id = (
        deadline.subject_id
        if by_task
        else await task_of_delivery(conn, delivery_id=deadline.subject_id)
    )
    return await _act_on(conn, deadline.kind, task_id, at=at)


async def _act_on(conn: AsyncConnection, kind: str, task_id: UUID, *, at: datetime) -> str:
    work = await lock_work(conn, task_id=task_id)
    if kind == ACCEPT_BY:
        return await _decide_by_evidence(conn, work, at=at)
    if kind == PART_BY:
        await end_in_part(conn, work=work, side=Side.DEADLINE, why="by_deadline", at=at)
        return "part_taken"
    if kind == SAMPLES_BY:
        if work.samples_sent_at is not None or work.state is not WorkState.AGREED:
            return "not_needed"
        await _end(conn, work, WorkState.CANCELLED, "samples_not_sent", at=at)
        return "cancelled"
    await _end(conn, work, WorkState.LAPSED, "not_delivered", at=at)
    return "lapsed"


async def _end(
    conn: AsyncConnection, work: Work, state: WorkState, why: str, *, at: datetime
) -> None:
    await settle_task(conn, work=work, state=state, side=Side.DEADLINE, share_bp=0, why=why, at=at)


async def _decide_by_evidence(conn: AsyncConnection, work: Work, *, at: datetime) -> str:
    """The brand has said nothing: what is on record is paid whole, or offered for the part of it
    that is there."""
    found = await evidence_now(conn, work=work, at=at)
    share_bp = min(10_000, found.share_bp)
    if found.is_enough:
        await settle_task(
            conn, work=work, state=WorkState.ACCEPTED, side=Side.DEADLINE, share_bp=10_000,
            why="by_deadline", at=at,
        )  # fmt: skip
    else:
        await put_part(conn, work=work, side=Side.DEADLINE, share_bp=share_bp, at=at)
    await write_note(
        conn, task_id=work.task_id, side=Side.DEADLINE, kind="checked", body="", person_id=None,
        at=at, share_bp=share_bp, evidence=found,
    )  # fmt: skip
    return "accepted" if found.is_enough else "part_offered"
