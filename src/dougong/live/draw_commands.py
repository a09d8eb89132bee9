"""Writes lucky draws: opened with the hash of their seed, entered, drawn once they are closed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId
from dougong.live.draw_rules import (
    DrawClosed,
    DrawGone,
    entropy_of,
    seed_hash,
    ticket_of,
    winners_of,
)
from dougong.live.selling_rules import NotInRoom
from dougong.live.tables import live_draw_entries, live_draws


class Entrant(NamedTuple):
    person_id: UUID
    ticket: str


class Drawn(NamedTuple):
    """A draw that is over; `tickets` in the order of entry, `winners` in the order drawn."""

    draw_id: UUID
    room_id: UUID
    seed: bytes
    tickets: list[str]
    winners: list[Entrant]


async def write_draw(
    conn: AsyncConnection,
    *,
    draw_id: UUID,
    room_id: UUID,
    prize_zh: str,
    prize_en: str,
    winners: int,
    seed: bytes,
    opens_at: datetime,
    closes_at: datetime,
) -> None:
    row = {
        "id": draw_id,
        "room_id": room_id,
        "prize_zh": prize_zh,
        "prize_en": prize_en,
        "winners": winners,
        "seed_hash": seed_hash(seed),
        "opens_at": opens_at,
        "closes_at": closes_at,
    }
    await conn.execute(insert(live_draws).values(row))


async def enter_draw(
    conn: AsyncConnection, *, room_id: UUID, draw_id: UUID, person_id: PersonId, at: datetime
) -> str:
    """Enter; the ticket. A repeat keeps its place. Raises DrawGone, DrawClosed, NotInRoom."""
    asked = select(live_draws).where(live_draws.c.id == draw_id, live_draws.c.room_id == room_id)
    draw = (await conn.execute(asked.with_for_update(read=True))).one_or_none()
    if draw is None:
        raise DrawGone(field="draw_id")
    if draw.drawn_at is not None or not draw.opens_at <= at < draw.closes_at:
        raise DrawClosed(field="draw_id")
    inside = text("""
        SELECT true FROM live_visits
        WHERE room_id = :r AND person_id = :p AND left_at IS NULL LIMIT 1
    """)
    if await conn.scalar(inside, {"r": room_id, "p": person_id}) is None:
        raise NotInRoom
    row = {"draw_id": draw_id, "person_id": person_id, "at": at}
    await conn.execute(upsert(live_draw_entries).values(row).on_conflict_do_nothing())
    return ticket_of(draw_id, person_id)


async def due_draws(conn: AsyncConnection, *, at: datetime) -> Sequence[Any]:
    """`id` and `room_id` of the draws that have closed and are not drawn yet."""
    asked = select(live_draws.c.id, live_draws.c.room_id).where(live_draws.c.drawn_at.is_(None))
    asked = asked.where(live_draws.c.closes_at <= at).order_by(live_draws.c.closes_at)
    return (await conn.execute(asked)).all()


async def entrants_of(conn: AsyncConnection, *, draw_id: UUID) -> list[Entrant]:
    """In the order in which they entered; of one moment, by their ids."""
    asked = select(live_draw_entries.c.person_id).where(live_draw_entries.c.draw_id == draw_id)
    asked = asked.order_by(live_draw_entries.c.at, live_draw_entries.c.person_id)
    people = await conn.scalars(asked)
    return [Entrant(person, ticket_of(draw_id, person)) for person in people]


async def draw_now(
    conn: AsyncConnection, *, draw_id: UUID, seed: bytes, at: datetime
) -> Drawn | None:
    """Find the winners and show the seed; None when it is drawn already. Without an entrant there
    is no winner, and the draw is over all the same. Raises DrawGone."""
    asked = select(live_draws).where(live_draws.c.id == draw_id)
    draw = (await conn.execute(asked.with_for_update())).one_or_none()
    if draw is None:
        raise DrawGone(field="draw_id")
    if draw.drawn_at is not None:
        return None
    entrants = await entrants_of(conn, draw_id=draw_id)
    tickets = [one.ticket for one in entrants]
    by_ticket = {one.ticket: one for one in entrants}
    won = [by_ticket[t] for t in winners_of(tickets, seed=seed, winners=draw.winners)]
    values = {
        "seed": seed,
        "entropy": entropy_of(tickets),
        "entrants": len(tickets),
        "drawn_at": at,
    }
    await conn.execute(update(live_draws).where(live_draws.c.id == draw_id).values(values))
    if won:
        people = [one.person_id for one in won]
        theirs = update(live_draw_entries).where(live_draw_entries.c.draw_id == draw_id)
        await conn.execute(theirs.where(live_draw_entries.c.person_id.in_(people)).values(won=True))
    return Drawn(draw_id, draw.room_id, seed, tickets, won)
