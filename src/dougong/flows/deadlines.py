"""Deadlines act, once: an unpaid order ends, a shipped one counts as received, one becomes final.

Each acts in the transaction that marks it done, so a stop in the middle does it again whole.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, StoreId
from dougong.flows.close_order import cancel_unpaid
from dougong.flows.receive_order import finalise_order, receive_order
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.events import drop_deadline, due_deadlines
from dougong.infra.jobs import task
from dougong.orders.rules import WrongState

MOST_PER_RUN = 2_000


@task("deadlines.act", every="* * * * * *", retries=0)
async def act_on_deadlines() -> None:
    """All that is due now, one transaction each; several workers share the work."""
    for _ in range(MOST_PER_RUN):
        async with transaction() as conn:
            if not await act_on_one(conn, at=await clock.refresh(conn)):
                return


async def act_on_one(conn: AsyncConnection, *, at: datetime) -> bool:
    """The most overdue deadline; False when none is due."""
    due = await due_deadlines(conn, at=at, most=1)
    if not due:
        return False
    store_id, order_id, kind = StoreId(due[0].store_id), OrderId(due[0].subject_id), due[0].kind
    outcome = "acted"
    try:
        async with conn.begin_nested():
            await _act(conn, kind=kind, store_id=store_id, order_id=order_id, at=at)
    except WrongState:
        outcome = "not_needed"  # the order went another way in the meantime
    await drop_deadline(conn, store_id=store_id, kind=kind, subject_id=order_id, at=at, why=outcome)
    return True


async def _act(
    conn: AsyncConnection, *, kind: str, store_id: StoreId, order_id: OrderId, at: datetime
) -> None:
    match kind:
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
        case other:
            raise ValueError(other)
