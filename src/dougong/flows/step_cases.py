"""A step of cases: the state, the deadline that comes with it, and what is told of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.commands import Move, lock_case, move_cases
from dougong.aftersales.queries import Case, open_cases, order_of_case
from dougong.aftersales.rules import DUE, ENDED, CaseGone, CaseState, Side
from dougong.base.ids import OrderId, PersonId, StoreId
from dougong.infra.events import (
    Deadline,
    Happened,
    drop_deadlines,
    record_each,
    renew_deadline,
    renew_deadlines,
)
from dougong.orders.commands import lock_order
from dougong.orders.rules import OrderState
from dougong.reads.case_facts import CaseStore, case_store


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one case that is locked. `values`: fields of `Move`."""

    case: Case
    to: CaseState
    side: Side
    person_id: PersonId | None = None
    note: str = ""
    values: dict[str, Any] = {}


async def locked_case(
    conn: AsyncConnection, *, store_id: StoreId, case_id: UUID, buyer_id: PersonId | None = None
) -> tuple[Case, Any]:
    """A case and its order, both kept, the order first.

    Raises CaseGone, also for a case of another buyer where one is named.
    """
    order_id = await order_of_case(conn, store_id=store_id, case_id=case_id)
    order = await lock_order(conn, store_id=store_id, order_id=order_id)
    case = await lock_case(conn, store_id=store_id, case_id=case_id)
    if buyer_id is not None and case.buyer_id != buyer_id:
        raise CaseGone(field="case_id")
    return case, order


def category_of(case: Case) -> str:
    """The category by which its terms are judged: that of its first line of goods."""
    return next((line.category for line in case.lines if line.sku_id is not None), "*")


async def take_steps(
    conn: AsyncConnection,
    steps: Sequence[Step],
    *,
    at: datetime,
    store: CaseStore | None = None,
) -> None:
    """Steps of locked cases of one store. Raises CaseClosed."""
    if not steps:
        return
    store = store or await case_store(conn, store_id=steps[0].case.store_id)
    moves = [_move(step, store, at=at) for step in steps]
    await move_cases(conn, moves)
    over = [
        (Deadline(step.case.store_id, step.case.due_kind, step.case.id), _why(step))
        for step in steps
        if step.case.due_kind
    ]
    await drop_deadlines(conn, done=over, at=at)
    due = [
        (Deadline(move.store_id, move.due_kind, move.case_id), move.due_at)
        for move in moves
        if move.due_kind and move.due_at
    ]
    await renew_deadlines(conn, due=due)
    told = [_told(step, move) for step, move in zip(steps, moves, strict=True)]
    await record_each(conn, at=at, events=told)


def _why(step: Step) -> str:
    return step.to.value if step.side is not Side.DEADLINE else f"acted: {step.to.value}"


def _move(step: Step, store: CaseStore, *, at: datetime) -> Move:
    case, due = step.case, DUE.get(step.to)
    due_at = None
    if due:
        due_at = at + timedelta(seconds=store.term_s(due[1], category_of(case), at=at))
    return Move(
        store_id=case.store_id,
        case_id=case.id,
        kind=case.kind,
        from_state=case.state,
        to_state=step.to,
        side=step.side,
        at=at,
        person_id=step.person_id,
        note=step.note,
        due_at=due_at,
        due_kind=due[0] if due else None,
        **step.values,
    )


def _told(step: Step, move: Move) -> Happened:
    case = step.case
    facts: dict[str, Any] = {
        "number": case.number,
        "order_id": str(case.order_id),
        "kind": case.kind.value,
        "from": case.state.value,
        "state": step.to.value,
        "side": step.side.value,
        "due_at": move.due_at.isoformat() if move.due_at else None,
    }
    if step.to not in ENDED:
        return Happened("case.moved", case.store_id, case.id, facts)
    facts |= {"outcome": move.outcome, "granted_minor": move.granted_minor or 0}
    facts["currency"] = case.currency
    return Happened("case.closed", case.store_id, case.id, facts)


async def after_closing(
    conn: AsyncConnection, *, store_id: StoreId, order: Any, at: datetime
) -> None:
    """An order that waited for its case goes on: with its last open case closed, it is final when
    its window is over. `order`: its row, as it is now."""
    if order.state != OrderState.RECEIVED:
        return
    if await open_cases(conn, store_id=store_id, order_ids=[OrderId(order.id)]):
        return
    window = timedelta(seconds=order.after_sales_window_s)
    await renew_deadline(
        conn,
        store_id=store_id,
        kind="final_at",
        subject_id=order.id,
        due_at=max(at, order.received_at + window),
    )
