"""A task ends: what was held for it is shared out, once, by the rates that were frozen."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK
from dougong.flows.book_tasks import settled_entry
from dougong.infra import clock
from dougong.ledger.commands import book
from dougong.reads.task_evidence import evidence_of, video_of_task
from dougong.tasks.brief_rules import earned_minor, fixed_minor
from dougong.tasks.evidence_rules import Evidence, measured_of
from dougong.tasks.work_commands import Work, end_work, latest_delivery
from dougong.tasks.work_rules import (
    Leaving,
    Reached,
    Shares,
    Side,
    WorkState,
    leaving,
    stage_at,
    work_shares,
)


async def settle_task(
    conn: AsyncConnection,
    *,
    work: Work,
    state: WorkState,
    side: Side,
    share_bp: int,
    why: str,
    at: datetime,
    reached: Reached | None = None,
) -> None:
    """End a task (locked by the caller) with a share of its price. A price by result goes by what
    is measured now; a task that is cancelled by its fixed part and what was `reached` by result.
    Raises WorkClosed."""
    measured = reached.measured if reached else None
    basis = fixed_minor(work.terms)
    if state not in (WorkState.CANCELLED, WorkState.LAPSED):
        measured = measured_of(work.terms, await evidence_now(conn, work=work, at=at))
        basis = earned_minor(work.terms, measured)
    shares = work_shares(
        funded_minor=work.funded_minor,
        basis_minor=basis,
        share_bp=share_bp,
        fee_bp=work.service_fee_bp,
        agency_bp=work.agency_bp,
        reached=reached,
    )
    await end_work(
        conn, work=work, state=state, side=side, basis_minor=basis, share_bp=share_bp,
        shares=shares, measured=measured, reached=reached, why=why, at=at,
    )  # fmt: skip
    entry = settled_entry(work, shares, at=at)
    if entry is not None:
        await book(
            conn,
            store_id=PLATFORM_BOOK,
            currency=work.currency,
            entries=[entry],
            written_at=clock.wall_now(),
        )


async def evidence_now(conn: AsyncConnection, *, work: Work, at: datetime) -> Evidence:
    """What is on record for the latest delivery; before there is one, for what is shown so far."""
    delivery = await latest_delivery(conn, task_id=work.task_id)
    video_id = delivery.video_id if delivery else None
    if delivery is None and work.terms.surface == "video":
        video_id = await video_of_task(conn, task_id=work.task_id, creator_id=work.creator_id)
    return await evidence_of(
        conn,
        task_id=work.task_id,
        creator_id=work.creator_id,
        terms=work.terms,
        agreed_at=work.agreed_at,
        video_id=video_id,
        at=at,
    )


def shares_of(work: Work, cost: Leaving) -> Shares:
    """What would become of the money that is held."""
    return work_shares(
        funded_minor=work.funded_minor,
        basis_minor=cost.fixed_minor,
        share_bp=cost.share_bp,
        fee_bp=work.service_fee_bp,
        agency_bp=work.agency_bp,
        reached=cost.reached,
    )


async def leaving_now(conn: AsyncConnection, *, work: Work, side: Side, at: datetime) -> Leaving:
    """What it costs if one side cancels at this instant, by the terms and what is on record."""
    found = await evidence_now(conn, work=work, at=at)
    stage = stage_at(
        work.terms,
        samples_sent=work.samples_sent_at is not None,
        deliveries=work.delivery_no,
        at=at,
    )
    measured = measured_of(work.terms, found)
    is_barred = bool(found.words)
    return leaving(work.terms, by=side, stage=stage, measured=measured, is_barred=is_barred)
