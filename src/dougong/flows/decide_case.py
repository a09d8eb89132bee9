"""Somebody decides about a difference: explained, claimed, or accepted at the books' cost."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.ids import PLATFORM_BOOK, PersonId
from dougong.flows.book_referrals import receivable_owner
from dougong.flows.partner_money import write_off_entry
from dougong.infra import clock
from dougong.infra.events import record
from dougong.ledger.commands import book
from dougong.reads.reconciliation_inputs import orders_named, source_partner
from dougong.settlement.case_commands import (
    ask_write_off,
    decide_write_off,
    locked_case,
    move_case,
)
from dougong.settlement.case_rules import BadMove, CaseState, write_off_minor
from dougong.settlement.queries import last_row, terms_at, written_off_minor
from dougong.settlement.rules import EXACT


async def step_case(
    conn: AsyncConnection,
    *,
    case_id: UUID,
    to: CaseState,
    note: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """Explained, claimed, closed or open again. Raises CaseNotFound, BadMove, NoteMissing."""
    if to in (CaseState.ACCEPTED, CaseState.TO_APPROVE):
        raise BadMove(state=to.value)
    before = (await locked_case(conn, case_id=case_id)).state
    if before == CaseState.TO_APPROVE:
        await decide_write_off(conn, case_id=case_id, is_approved=False, person_id=person_id, at=at)
    await move_case(conn, case_id=case_id, to=to, note=note, person_id=person_id, at=at)
    await _tell(conn, case_id, person_id, at, state=to.value, note=note)


async def accept_case(
    conn: AsyncConnection, *, case_id: UUID, note: str, person_id: PersonId, at: datetime
) -> CaseState:
    """Accept the difference as it stands: what it changes in the books is booked at once within the
    limit of the terms, and above it once a second person approves.

    Raises CaseNotFound, BadMove, NoteMissing. Answers the state: accepted, or to_approve.
    """
    case = await locked_case(conn, case_id=case_id)
    row = await last_row(conn, case_id=case_id)
    before = await written_off_minor(conn, case_id=case_id)
    booked = (row.booked_minor if row else 0) + before
    amount = 0
    if row is not None:
        amount = write_off_minor(
            outcome=row.outcome,
            reason=row.reason,
            booked_minor=booked,
            theirs_minor=row.theirs_minor,
            received_minor=row.received_minor,
        )
    state, made = CaseState.ACCEPTED, None
    if amount != 0 and row is not None:
        terms_id, terms = (await terms_at(conn, source=case.source, at=at)).get(
            case.currency, (None, EXACT)
        )
        owner = await _owner(conn, case)
        made, is_booked = await ask_write_off(
            conn,
            case_id=case_id,
            run_id=row.run_id,
            owner_id=owner,
            currency=case.currency,
            booked_minor=booked,
            came_minor=booked + amount,
            limit_minor=terms.write_off_limit_minor,
            terms_id=terms_id,
            person_id=person_id,
            at=at,
        )
        state = CaseState.ACCEPTED if is_booked else CaseState.TO_APPROVE
        if is_booked:
            await _book(conn, made, owner, case.currency, amount, at)
    await move_case(conn, case_id=case_id, to=state, note=note, person_id=person_id, at=at)
    await _tell(conn, case_id, person_id, at, state=state.value, note=note, amount_minor=amount)
    return state


async def approve_case(
    conn: AsyncConnection, *, case_id: UUID, note: str, person_id: PersonId, at: datetime
) -> None:
    """The second person says yes: it is booked. Raises BadMove, NeedsSecondPerson, NoteMissing."""
    await locked_case(conn, case_id=case_id)
    row = await decide_write_off(
        conn, case_id=case_id, is_approved=True, person_id=person_id, at=at
    )
    await _book(conn, row.id, row.owner_id, row.currency, row.amount_minor, at)
    await move_case(
        conn, case_id=case_id, to=CaseState.ACCEPTED, note=note, person_id=person_id, at=at
    )
    await _tell(
        conn, case_id, person_id, at, state="accepted", note=note, amount_minor=row.amount_minor
    )


async def _owner(conn: AsyncConnection, case: Any) -> UUID:
    """In whose receivable the order is booked."""
    known = await orders_named(conn, source=case.source, refs=[case.subject])
    order = known.get(case.subject)
    if order is not None and order.owner_id is not None:
        return order.owner_id
    _, partner_id = await source_partner(conn, source=case.source)
    return receivable_owner(case.source, partner_id)


async def _book(
    conn: AsyncConnection,
    write_off_id: UUID,
    owner_id: UUID,
    currency: str,
    amount_minor: int,
    at: datetime,
) -> None:
    entry = write_off_entry(
        write_off_id=write_off_id, owner_id=owner_id, amount_minor=amount_minor, at=at
    )
    await book(
        conn,
        store_id=PLATFORM_BOOK,
        currency=currency,
        entries=[entry],
        written_at=clock.wall_now(),
    )


async def _tell(
    conn: AsyncConnection, case_id: UUID, person_id: PersonId, at: datetime, **facts: Any
) -> None:
    await record(
        conn,
        "settlement.case_moved",
        subject_id=case_id,
        at=at,
        facts={key: value for key, value in facts.items() if key != "note"},
    )
    await audit(
        conn,
        at=at,
        person_id=person_id,
        action="settlement.case_moved",
        subject=str(case_id),
        facts=facts,
    )
