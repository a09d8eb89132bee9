"""Writes what people do with a case: state and person are checked by the statement that writes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, new_id
from dougong.settlement.case_rules import (
    BadMove,
    CaseNotFound,
    CaseState,
    NeedsSecondPerson,
    said_why,
    states_before,
)
from dougong.settlement.tables import reconciliation_cases, reconciliation_notes, write_offs


async def locked_case(conn: AsyncConnection, *, case_id: UUID) -> Any:
    """A case, held until the end of the transaction. Raises CaseNotFound."""
    found = await conn.execute(
        select(reconciliation_cases).where(reconciliation_cases.c.id == case_id).with_for_update()
    )
    row = found.one_or_none()
    if row is None:
        raise CaseNotFound
    return row


async def move_case(
    conn: AsyncConnection,
    *,
    case_id: UUID,
    to: CaseState,
    note: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """One step of a case, with its reason. Raises CaseNotFound, BadMove, NoteMissing."""
    before = CaseState((await locked_case(conn, case_id=case_id)).state)
    if before not in states_before(to):
        raise BadMove(state=before.value)
    change = (
        update(reconciliation_cases)
        .where(reconciliation_cases.c.id == case_id, reconciliation_cases.c.state == before)
        .values(state=to, changed_at=at)
    )
    await conn.execute(change)
    await _note(conn, case_id, person_id, "platform", (before, to), said_why(note), at)


async def add_note(
    conn: AsyncConnection,
    *,
    case_id: UUID,
    note: str,
    person_id: PersonId,
    side: str,
    at: datetime,
) -> None:
    """Say something about a case; `side`: platform, or partner for a dispute from theirs."""
    state = CaseState((await locked_case(conn, case_id=case_id)).state)
    await _note(conn, case_id, person_id, side, (state, state), said_why(note), at)


async def _note(
    conn: AsyncConnection,
    case_id: UUID,
    person_id: PersonId,
    side: str,
    states: tuple[CaseState, CaseState],
    note: str,
    at: datetime,
) -> None:
    row = {"id": new_id(), "case_id": case_id, "person_id": person_id, "side": side, "at": at}
    row |= {"from_state": states[0], "to_state": states[1], "note": note}
    await conn.execute(insert(reconciliation_notes).values(row))


async def ask_write_off(
    conn: AsyncConnection,
    *,
    case_id: UUID,
    run_id: UUID,
    owner_id: UUID,
    currency: str,
    booked_minor: int,
    came_minor: int,
    limit_minor: int,
    terms_id: UUID | None,
    person_id: PersonId,
    at: datetime,
) -> tuple[UUID, bool]:
    """Ask for, and within the limit decide, what accepting books. Answers (id, is booked)."""
    amount = came_minor - booked_minor
    is_small = abs(amount) <= limit_minor
    write_off_id = new_id()
    row = {
        "id": write_off_id,
        "case_id": case_id,
        "run_id": run_id,
        "owner_id": owner_id,
        "currency": currency,
        "amount_minor": amount,
        "booked_minor": booked_minor,
        "came_minor": came_minor,
        "limit_minor": limit_minor,
        "terms_id": terms_id,
        "state": "booked" if is_small else "asked",
        "asked_by": person_id,
        "asked_at": at,
        "decided_by": person_id if is_small else None,
        "decided_at": at if is_small else None,
    }
    await conn.execute(insert(write_offs).values(row))
    return write_off_id, is_small


DECIDE = text("""
    UPDATE write_offs SET state = :state, decided_by = :person_id, decided_at = :at
    WHERE case_id = :case_id AND state = 'asked' AND (asked_by <> :person_id OR :state = 'declined')
    RETURNING id, owner_id, currency, amount_minor, case_id
""")


async def decide_write_off(
    conn: AsyncConnection, *, case_id: UUID, is_approved: bool, person_id: PersonId, at: datetime
) -> Any:
    """A second person approves, or anybody declines. Answers the row.

    Raises BadMove where nothing was asked for, NeedsSecondPerson for the one who asked.
    """
    values = {"case_id": case_id, "person_id": person_id, "at": at}
    state = "booked" if is_approved else "declined"
    row = (await conn.execute(DECIDE, values | {"state": state})).one_or_none()
    if row is None:
        asked = select(write_offs.c.id).where(
            write_offs.c.case_id == case_id, write_offs.c.state == "asked"
        )
        if (await conn.execute(asked)).one_or_none() is None:
            raise BadMove(state="")
        raise NeedsSecondPerson
    return row
