"""A case ends with its money: what was frozen is given back, what is granted is refunded, and who
bears it makes up for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.commands import holds_of
from dougong.aftersales.queries import Case
from dougong.aftersales.rules import (
    OUTCOME_OF_SENDING,
    Bearer,
    CaseKind,
    CaseState,
    Side,
)
from dougong.base.ids import PersonId, StoreId
from dougong.base.money import split
from dougong.flows.case_books import borne_entry, borne_minor, released_entry
from dougong.flows.insure_freight import pay_freight_back
from dougong.flows.order_for_books import booked_order
from dougong.flows.refund_lines import refund_lines
from dougong.flows.step_cases import Step, after_closing, take_steps
from dougong.infra import clock, pause
from dougong.ledger.commands import book
from dougong.orders.commands import lock_order
from dougong.reads.case_facts import CaseStore


class By(msgspec.Struct, frozen=True, kw_only=True):
    """Who ends a case, with which words, and what else is written on it."""

    side: Side
    at: datetime
    person_id: PersonId | None = None
    note: str = ""
    values: dict[str, Any] = {}
    store: CaseStore | None = None


async def give_back_holds(conn: AsyncConnection, cases: Sequence[Case], *, at: datetime) -> None:
    """What was frozen for cases of one store goes back to where it came from."""
    if not cases:
        return
    store_id = cases[0].store_id
    held = await holds_of(conn, store_id=store_id, case_ids=[case.id for case in cases])
    by_currency: dict[str, list[Any]] = {}
    for case in cases:
        entry = released_entry(
            case_id=case.id, order_id=case.order_id, holds=held.get(case.id, []), at=at
        )
        if entry:
            by_currency.setdefault(case.currency, []).append(entry)
    for currency, entries in by_currency.items():
        await book(
            conn,
            store_id=store_id,
            currency=currency,
            entries=entries,
            written_at=clock.wall_now(),
        )


def amounts_of(case: Case, granted_minor: int) -> dict[int, int]:
    """What each line of a case gets of an amount, by what was asked of it."""
    weights = [line.amount_minor for line in case.lines]
    shares = split(granted_minor, weights) if granted_minor else [0] * len(weights)
    return {line.line_no: share for line, share in zip(case.lines, shares, strict=True)}


async def refund_case(
    conn: AsyncConnection,
    case: Case,
    *,
    granted_minor: int,
    by: By,
    bearer: Bearer = Bearer.MERCHANT,
    came_back: bool = False,
) -> None:
    """The case is done: up to `granted_minor` goes back to the buyer, as much as the lines have
    left. Raises CaseClosed, BadCase."""
    store_id, order_id = case.store_id, case.order_id
    await give_back_holds(conn, [case], at=by.at)
    await pause.point("case: given back")
    booked, rows = await booked_order(conn, store_id=store_id, order_id=order_id)
    left = {row.line_no: row.paid_minor - row.refunded_minor for row in rows}
    asked = amounts_of(case, granted_minor)
    amounts = {n: min(a, left[n]) for n, a in asked.items() if min(a, left[n]) > 0}
    refund_id = await _refund(conn, case, rows, amounts, by) if amounts else None
    borne = borne_entry(booked, case_id=case.id, amounts=amounts, bearer=bearer, at=by.at)
    if borne:
        await book(
            conn,
            store_id=store_id,
            currency=case.currency,
            entries=[borne],
            written_at=clock.wall_now(),
        )
    if came_back:
        await pay_freight_back(conn, case, at=by.at)
    values = {
        "granted_minor": sum(amounts.values()),
        "bearer": bearer.value,
        "borne_minor": borne_minor(borne),
        "refund_id": refund_id,
        "outcome": "refunded",
        "came_back": came_back,
    }
    await _end(conn, case, CaseState.DONE, by, values)


async def _refund(
    conn: AsyncConnection, case: Case, rows: Sequence[Any], amounts: Mapping[int, int], by: By
) -> UUID:
    taken_back = {}
    if case.kind is CaseKind.REFUND_UNSHIPPED:
        unshipped = {r.line_no: r.quantity - r.shipped_quantity - r.returned_quantity for r in rows}
        taken_back = {n: min(u, unshipped[n]) for n, u in case.units.items() if n in amounts}
    refund = await refund_lines(
        conn,
        store_id=case.store_id,
        order_id=case.order_id,
        amounts=amounts,
        reason=f"{case.kind.value} {case.number}",
        asked_by=by.person_id,
        key=f"case:{case.id}",
        at=by.at,
        taken_back=taken_back,
    )
    return UUID(str(refund.id))


async def end_case(
    conn: AsyncConnection, case: Case, to: CaseState, *, outcome: str, by: By
) -> None:
    """The case ends without a refund. Raises CaseClosed."""
    await give_back_holds(conn, [case], at=by.at)
    await _end(conn, case, to, by, {"outcome": outcome, "granted_minor": 0})


async def sent_case(conn: AsyncConnection, case: Case, *, by: By) -> None:
    """What was sent is with the buyer: exchanged, sent again or repaired. Raises CaseClosed."""
    await end_case(conn, case, CaseState.DONE, outcome=OUTCOME_OF_SENDING[case.kind], by=by)


async def _end(
    conn: AsyncConnection, case: Case, to: CaseState, by: By, values: dict[str, Any]
) -> None:
    released = case.held_at is not None and case.released_at is None
    step = Step(
        case=case,
        to=to,
        side=by.side,
        person_id=by.person_id,
        note=by.note,
        values={**values, **by.values, "released": released},
    )
    await take_steps(conn, [step], at=by.at, store=by.store)
    await _let_order_go_on(conn, case.store_id, case, at=by.at)


async def _let_order_go_on(
    conn: AsyncConnection, store_id: StoreId, case: Case, *, at: datetime
) -> None:
    order = await lock_order(conn, store_id=store_id, order_id=case.order_id)
    await after_closing(conn, store_id=store_id, order=order, at=at)
