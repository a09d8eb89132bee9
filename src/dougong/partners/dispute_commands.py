"""Disputes: a case with notes from both sides, closed with a resolution."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, RoundId, new_id
from dougong.infra import events
from dougong.partners.commands import lock_round
from dougong.partners.rules import BadTerms, RoundClosed, Side
from dougong.partners.tables import partner_dispute_notes, partner_disputes


def _words(text: str, *, field: str, most: int) -> str:
    words = text.strip()
    if not 1 <= len(words) <= most:
        raise BadTerms(field=field, reason="empty" if not words else "too_long")
    return words


async def open_dispute(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    component: str,
    subject: str,
    body: str,
    side: Side,
    person_id: PersonId,
    at: datetime,
) -> UUID:
    """Raises BadTerms, NotFound."""
    await lock_round(conn, round_id=round_id, partner_id=partner_id)
    dispute_id = new_id()
    row = {"id": dispute_id, "round_id": round_id, "component": component, "side": side}
    said = {"subject": _words(subject, field="subject", most=200), "opened_by": person_id}
    await conn.execute(insert(partner_disputes).values(**row, **said, opened_at=at))
    await _note(conn, dispute_id, body, side=side, author_id=person_id, at=at)
    facts = {"dispute_id": str(dispute_id), "side": side.value}
    await events.record(conn, "partners.dispute_opened", subject_id=round_id, at=at, facts=facts)
    return dispute_id


async def add_note(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    dispute_id: UUID,
    body: str,
    side: Side,
    author_id: PersonId,
    at: datetime,
) -> UUID:
    """Raises BadTerms, NotFound, RoundClosed once the dispute is closed."""
    await lock_round(conn, round_id=round_id, partner_id=partner_id)
    asked = select(partner_disputes.c.closed_at).where(partner_disputes.c.id == dispute_id)
    found = (await conn.execute(asked.where(partner_disputes.c.round_id == round_id))).one_or_none()
    if found is None:
        raise NotFound
    if found.closed_at is not None:
        raise RoundClosed(state="closed")
    return await _note(conn, dispute_id, body, side=side, author_id=author_id, at=at)


async def _note(
    conn: AsyncConnection,
    dispute_id: UUID,
    body: str,
    *,
    side: Side,
    author_id: PersonId,
    at: datetime,
) -> UUID:
    note_id, words = new_id(), _words(body, field="body", most=4_000)
    row = {"id": note_id, "dispute_id": dispute_id, "side": side, "author_id": author_id}
    await conn.execute(insert(partner_dispute_notes).values(**row, body=words, at=at))
    return note_id


async def close_dispute(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    dispute_id: UUID,
    resolution: str,
    side: Side,
    person_id: PersonId,
    at: datetime,
) -> None:
    """Only the side that has opened a dispute closes it: it says whether it is content.

    Raises BadTerms, NotFound (also for the other side's, or one that is closed).
    """
    await lock_round(conn, round_id=round_id, partner_id=partner_id)
    words = _words(resolution, field="resolution", most=1_000)
    change = (
        update(partner_disputes)
        .where(partner_disputes.c.id == dispute_id, partner_disputes.c.round_id == round_id)
        .where(partner_disputes.c.side == side, partner_disputes.c.closed_at.is_(None))
        .values(closed_at=at, closed_by=person_id, resolution=words)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
    facts = {"dispute_id": str(dispute_id)}
    await events.record(conn, "partners.dispute_closed", subject_id=round_id, at=at, facts=facts)
