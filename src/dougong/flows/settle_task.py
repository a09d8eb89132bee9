"""A task ends: what was held for it is shared out, once, by the rates that were frozen."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK
from dougong.flows.book_tasks import settled_entry
from dougong.infra import clock
from dougong.ledger.commands import book
from dougong.reads.task_evidence import evidence_of
from dougong.tasks.brief_rules import earned_minor, funded_minor
from dougong.tasks.evidence_rules import Evidence, measured_of
from dougong.tasks.work_commands import Work, end_work, latest_delivery
from dougong.tasks.work_rules import Side, WorkState, work_shares


async def settle_task(
    conn: AsyncConnection,
    *,
    work: Work,
    state: WorkState,
    side: Side,
    share_bp: int,
    why: str,
    at: datetime,
) -> None:
    """End a task (locked by the caller) with a share of its price. A price by result goes by what
    is measured now; a task that is cancelled goes by all that was held. Raises WorkClosed."""
    measured = None
    basis = funded_minor(work.terms)
    if state not in (WorkState.CANCELLED, WorkState.LAPSED):
        measured = measured_of(work.terms, await evidence_now(conn, work=work, at=at))
        basis = earned_minor(work.terms, measured)
    shares = work_shares(
        funded_minor=work.funded_minor,
        basis_minor=basis,
        share_bp=share_bp,
        fee_bp=work.service_fee_bp,
        agency_bp=work.agency_bp,
    )
    await end_work(
        conn, work=work, state=state, side=side, basis_minor=basis, share_bp=share_bp,
        shares=shares, measured=measured, why=why, at=at,
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
    """What is on record for the latest delivery."""
    delivery = await latest_delivery(conn, task_id=work.task_id)
    return await evidence_of(
        conn,
        task_id=work.task_id,
        creator_id=work.creator_id,
        terms=work.terms,
        agreed_at=work.agreed_at,
        video_id=delivery.video_id if delivery else None,
        at=at,
    )
