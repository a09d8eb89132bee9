"""A draw as anybody may check it: without a name, by its tickets."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.live.draw_commands import entrants_of
from dougong.live.draw_rules import DrawGone, winners_of


class DrawView(msgspec.Struct, frozen=True):
    """Before it is drawn there is no seed, no ticket and no winner."""

    draw_id: UUID
    prize_zh: str
    prize_en: str
    promised: int
    opens_at: datetime
    closes_at: datetime
    drawn_at: datetime | None
    seed_hash: bytes
    seed: bytes | None
    entropy: bytes | None
    tickets: list[str] = []
    winners: list[str] = []


async def draw_view(conn: AsyncConnection, *, room_id: UUID, draw_id: UUID) -> DrawView:
    """Raises DrawGone."""
    found = await conn.execute(
        text("""
            SELECT id AS draw_id, prize_zh, prize_en, winners AS promised, opens_at, closes_at,
              drawn_at, seed_hash, seed, entropy
            FROM live_draws WHERE id = :draw_id AND room_id = :room_id
        """),
        {"draw_id": draw_id, "room_id": room_id},
    )
    row = found.one_or_none()
    if row is None:
        raise DrawGone(field="draw_id")
    view = DrawView(**row._mapping)
    if view.seed is None:
        return view
    tickets = [one.ticket for one in await entrants_of(conn, draw_id=draw_id)]
    won = winners_of(tickets, seed=view.seed, winners=view.promised)
    return msgspec.structs.replace(view, tickets=tickets, winners=won)
