"""Deadlines act, once: an unpaid order ends, a shipped one counts as received, one becomes final;
an offer lapses, an agreement round ends; a live room reminds, or is over because nobody came. What
becomes of a task is in flows/task_deadlines.py, of a case in flows/case_deadlines.py.

Each acts in the transaction that marks it done, so a stop in the middle does it again whole. What
it is about, an order or a round, is locked first and the deadline after it, as everybody does who
moves one: so nobody waits in a circle, and what another has in hand is left to the next tick.
"""

from collections.abc import Collection
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.rules import CaseClosed
from dougong.base.errors import Refusal
from dougong.base.ids import OrderId, RoomId, RoundId, StoreId
from dougong.flows import case_deadlines, end_round, room_deadlines, task_deadlines
from dougong.flows.close_order import cancel_unpaid
from dougong.flows.receive_order import finalise_order, receive_order
from dougong.infra import clock, pause
from dougong.infra.db import transaction
from dougong.infra.events import Deadline, drop_deadline, due_deadlines, lock_deadline
from dougong.infra.jobs import task
from dougong.live.commands import DEADLINES as ON_AIR_DEADLINES
from dougong.live.commands import FORGETS, lock_room_if_free
from dougong.orders.commands import lock_order_if_free
from dougong.orders.rules import WrongState
from dougong.partners.commands import lock_round_of_deadline
from dougong.tasks.brief_rules import BriefClosed
from dougong.tasks.work_rules import WorkClosed

log = structlog.get_logger()
MOST_PER_RUN = 2_000
LOOK_AT = 16  # the most overdue ones, of which other workers may have some in hand


class DeadlinesFailed(ExceptionGroup[Exception]):
    """Deadlines that could not act, one exception each; all others that were due have acted."""


class DeadlineFailed(Exception):
    """One deadline could not act: its cause says why, and it is still waiting."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(f"{deadline.kind} of {deadline.subject_id}")
        self.deadline = deadline


@task("deadlines.act", every="* * * * * *", retries=0)
async def act_on_deadlines() -> None:
    """All that is due now, one transaction each; several workers share the work."""
    await act_on_due(at=None)


async def act_on_due(*, at: datetime | None) -> None:
    """Act on what is due at an instant, or (None) by the clock.

    Raises DeadlinesFailed when some could not act: after all the others.
    """
    await _many_at_once(at)
    failed: list[DeadlineFailed] = []
    for _ in range(MOST_PER_RUN):
        try:
            async with transaction() as conn:
                moment = at or await clock.refresh(conn)
                if not await act_on_one(conn, at=moment, but_not=[f.deadline for f in failed]):
                    break
        except DeadlineFailed as error:
            failed.append(error)
    if failed:
        raise DeadlinesFailed(", ".join(map(str, failed)), failed)


async def _many_at_once(at: datetime | None) -> None:
    """Deadlines of cases that can act together: while there are many, one transaction takes
    hundreds. What one of them breaks, the rest do one by one, and it is told."""
    for _ in range(MOST_PER_RUN):
        try:
            async with transaction() as conn:
                moment = at or await clock.refresh(conn)
                if not await case_deadlines.act_on_many(conn, at=moment):
                    return
        except Refusal as error:
            log.warning("deadlines_one_by_one", error=error.code)
            return


async def act_on_one(
    conn: AsyncConnection, *, at: datetime, but_not: Collection[Deadline] = ()
) -> bool:
    """The most overdue deadline that nobody else has in hand; False when there is none.

    Raises DeadlineFailed: then this transaction is of no use any more.
    """
    due = await due_deadlines(conn, at=at, most=LOOK_AT, but_not=but_not)
    await pause.point("deadline: found it")
    for deadline in due:
        if not await _lock_if_free(conn, deadline):
            continue
        if not await lock_deadline(conn, deadline):
            continue  # another worker has acted on it since we looked
        try:
            outcome = await _outcome_of(conn, deadline, at=at)
        except Exception as error:
            raise DeadlineFailed(deadline) from error
        await drop_deadline(
            conn,
            store_id=deadline.store_id,
            kind=deadline.kind,
            subject_id=deadline.subject_id,
            at=at,
            why=outcome,
        )
        return True
    return False


OF_ROOMS = (*ON_AIR_DEADLINES, FORGETS)
OF_ROUNDS = ("offer_expires", "round_ends")


async def _lock_if_free(conn: AsyncConnection, deadline: Deadline) -> bool:
    """Keep what a deadline is about; False while another has it in hand."""
    if deadline.kind in task_deadlines.KINDS:
        return await task_deadlines.lock_if_free(conn, deadline)
    if deadline.kind in case_deadlines.KINDS:
        return await case_deadlines.lock_if_free(conn, deadline)
    if deadline.kind in OF_ROUNDS:
        kind, subject_id = deadline.kind, deadline.subject_id
        return await lock_round_of_deadline(conn, kind=kind, subject_id=subject_id)
    if deadline.kind in OF_ROOMS:
        return await lock_room_if_free(conn, room_id=RoomId(deadline.subject_id))
    store_id, order_id = StoreId(deadline.store_id), OrderId(deadline.subject_id)
    return await lock_order_if_free(conn, store_id=store_id, order_id=order_id)


async def _outcome_of(conn: AsyncConnection, deadline: Deadline, *, at: datetime) -> str:
    """Act; a deadline whose order went another way in the meantime is not needed any more."""
    try:
        async with conn.begin_nested():
            return await _act(conn, deadline, at=at)
    except (WrongState, WorkClosed, BriefClosed, CaseClosed):
        return "not_needed"


async def _act(conn: AsyncConnection, deadline: Deadline, *, at: datetime) -> str:
    if deadline.kind in task_deadlines.KINDS:
        return await task_deadlines.act(conn, deadline, at=at)
    if deadline.kind in case_deadlines.KINDS:
        return await case_deadlines.act(conn, deadline, at=at)
    store_id, order_id = StoreId(deadline.store_id), OrderId(deadline.subject_id)
    if deadline.kind in OF_ROOMS:
        room_id = RoomId(deadline.subject_id)
        return await room_deadlines.act(conn, kind=deadline.kind, room_id=room_id, at=at)
    match deadline.kind:
        case "pay_by":
            await cancel_unpaid(
                conn, store_id=store_id, order_id=order_id, reason="not_paid_in_time", at=at
            )
        case "receive_by":
            await receive_order(
                conn, store_id=store_id, order_id=order_id, why="by_deadline", at=at
            )
        case "final_at":
            await finalise_order(conn, store_id=store_id, order_id=order_id, at=at)
        case "offer_expires":
            return await end_round.lapse(conn, proposal_id=deadline.subject_id, at=at)
        case "round_ends":
            return await end_round.finish(conn, round_id=RoundId(deadline.subject_id), at=at)
        case other:
            raise ValueError(other)
    return "acted"
