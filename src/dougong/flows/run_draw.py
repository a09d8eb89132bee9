"""A lucky draw from its seed's hash to its winners: told to the room at both ends."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RoomId, new_id
from dougong.infra import broadcast, clock, events
from dougong.infra.db import transaction
from dougong.infra.jobs import task
from dougong.infra.settings import settings
from dougong.live.commands import lock_room
from dougong.live.draw_commands import Drawn, draw_now, due_draws, write_draw
from dougong.live.draw_rules import check_draw, seed_hash, seed_of
from dougong.live.pin_commands import not_sealed
from dougong.live.rules import ON_AIR, WrongRoomState
from dougong.live.selling_rules import masked
from dougong.reads.live_sales import names_of


async def open_draw(
    conn: AsyncConnection,
    *,
    room_id: RoomId,
    creator_id: UUID,
    prize_zh: str,
    prize_en: str,
    winners: int,
    lasts: timedelta,
    at: datetime,
) -> UUID:
    """Open a draw to those in the room. The seed is fixed now, and its hash told.

    Raises RoomGone, WrongRoomState (not on air), BadInput.
    """
    check_draw(prize=prize_zh or prize_en, winners=winners, opens_at=at, closes_at=at + lasts)
    room = await lock_room(conn, room_id=room_id, creator_id=creator_id)
    if room.state not in ON_AIR:
        raise WrongRoomState(state=room.state)
    draw_id = new_id()
    seed = seed_of(draw_id, secret=settings().secret())
    await write_draw(
        conn, draw_id=draw_id, room_id=room_id, prize_zh=prize_zh.strip(),
        prize_en=prize_en.strip(), winners=winners, seed=seed, opens_at=at, closes_at=at + lasts,
    )  # fmt: skip
    told = {
        "id": str(draw_id),
        "prize_zh": prize_zh.strip(),
        "prize_en": prize_en.strip(),
        "winners": winners,
        "seed_hash": seed_hash(seed).hex(),
        "closes_at": (at + lasts).isoformat(),
    }
    await broadcast.say(conn, room_id, "draw", told)
    facts = {"room_id": str(room_id), "seed_hash": told["seed_hash"]}
    await events.record(conn, "live.draw_opened", subject_id=draw_id, at=at, facts=facts)
    return draw_id


@task("live.draws", every="* * * * * *", retries=0)
async def draw_what_is_due() -> None:
    """Every draw that has closed, a transaction each."""
    async with transaction() as conn:
        due = await due_draws(conn, at=await clock.refresh(conn))
    for one in due:
        async with transaction() as conn:
            at = await clock.refresh(conn)
            await draw_one(conn, room_id=one.room_id, draw_id=one.id, at=at)


async def draw_one(conn: AsyncConnection, *, room_id: RoomId, draw_id: UUID, at: datetime) -> None:
    """Draw, and tell the room the seed and who has won. A repeat does nothing."""
    await lock_room(conn, room_id=room_id, creator_id=None)
    at = await not_sealed(conn, room_id=room_id, at=at)
    seed = seed_of(draw_id, secret=settings().secret())
    drawn = await draw_now(conn, draw_id=draw_id, seed=seed, at=at)
    if drawn is None:
        return
    await broadcast.say(conn, room_id, "draw_over", await _told(conn, drawn))
    facts: dict[str, Any] = {
        "room_id": str(room_id),
        "entrants": len(drawn.tickets),
        "winners": [str(one.person_id) for one in drawn.winners],
    }
    await events.record(conn, "live.draw_drawn", subject_id=draw_id, at=at, facts=facts)


async def _told(conn: AsyncConnection, drawn: Drawn) -> dict[str, Any]:
    """At most MOST_WINNERS of some 60 bytes: it fits one message."""
    names = await names_of(conn, person_ids=[one.person_id for one in drawn.winners])
    return {
        "id": str(drawn.draw_id),
        "seed": drawn.seed.hex(),
        "entrants": len(drawn.tickets),
        "winners": [
            {"ticket": one.ticket, "name": masked(names[one.person_id])} for one in drawn.winners
        ],
    }
