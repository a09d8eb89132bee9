"""A lucky draw: entered by those in the room, drawn when it closes, checked by anybody."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, a_person, a_store
from tests.flows.test_pin_product import told
from tests.live.rooms import MINUTE, ARoom, a_room, visits

from dougong.base.ids import PersonId
from dougong.flows.run_draw import draw_one, open_draw
from dougong.live.draw_commands import due_draws, enter_draw
from dougong.live.draw_rules import DrawClosed, DrawGone, seed_hash, ticket_of, winners_of
from dougong.live.selling_rules import NotInRoom

__all__ = ["told"]


async def a_draw(conn: AsyncConnection, room: ARoom, *, winners: int = 2) -> UUID:
    return await open_draw(
        conn, room_id=room.room_id, creator_id=room.creator_id, prize_zh="面霜",
        prize_en="Face cream", winners=winners, lasts=5 * MINUTE, at=T0,
    )  # fmt: skip


async def enter(
    conn: AsyncConnection, room: ARoom, draw_id: UUID, person: PersonId, at: datetime
) -> str:
    return await enter_draw(conn, room_id=room.room_id, draw_id=draw_id, person_id=person, at=at)


async def row_of(conn: AsyncConnection, draw_id: UUID) -> Any:
    found = await conn.execute(text("SELECT * FROM live_draws WHERE id = :d"), {"d": draw_id})
    return found.one()


async def test_anybody_can_check_the_winners(conn: AsyncConnection, told: list[Any]) -> None:
    room = await a_room(conn, await a_store(conn))
    people = [await a_person(conn) for _ in range(5)]
    await visits(conn, room, people)
    draw_id = await a_draw(conn, room)
    assert (await row_of(conn, draw_id)).seed is None
    for n, person in enumerate(people[::-1]):
        assert await enter(conn, room, draw_id, person, T0 + n * MINUTE / 2) == ticket_of(
            draw_id, person
        )
    await enter(conn, room, draw_id, people[0], T0 + 4 * MINUTE)  # keeps its place
    for _ in range(2):
        await draw_one(conn, room_id=room.room_id, draw_id=draw_id, at=T0 + 5 * MINUTE)
    (opened, over) = (facts for kind, facts in told if kind.startswith("draw"))
    seed = bytes.fromhex(over["seed"])
    assert seed_hash(seed).hex() == opened["seed_hash"]
    tickets = [ticket_of(draw_id, person) for person in people[::-1]]
    won = winners_of(tickets, seed=seed, winners=2)
    assert [one["ticket"] for one in over["winners"]] == won
    kept = await conn.execute(
        text("SELECT person_id FROM live_draw_entries WHERE draw_id = :d AND won"),
        {"d": draw_id},
    )
    assert {ticket_of(draw_id, row.person_id) for row in kept} == set(won)
    assert (await row_of(conn, draw_id)).entrants == 5


async def test_without_entrants_it_ends_as_such(conn: AsyncConnection, told: list[Any]) -> None:
    room = await a_room(conn, await a_store(conn))
    draw_id = await a_draw(conn, room)
    due = [row.id for row in await due_draws(conn, at=T0 + 5 * MINUTE)]
    assert draw_id in due
    await draw_one(conn, room_id=room.room_id, draw_id=draw_id, at=T0 + 5 * MINUTE)
    row = await row_of(conn, draw_id)
    assert (row.entrants, row.drawn_at) == (0, T0 + 5 * MINUTE)
    assert told[-1][1]["winners"] == []
    assert draw_id not in [row.id for row in await due_draws(conn, at=T0 + 9 * MINUTE)]


async def test_who_cannot_enter(conn: AsyncConnection) -> None:
    room, other = await a_room(conn, await a_store(conn)), await a_room(conn, await a_store(conn))
    person, stranger = await a_person(conn), await a_person(conn)
    await visits(conn, room, [person])
    draw_id = await a_draw(conn, room)
    with pytest.raises(NotInRoom):
        await enter(conn, room, draw_id, stranger, T0)
    with pytest.raises(DrawGone):
        await enter(conn, other, draw_id, person, T0)
    with pytest.raises(DrawClosed):
        await enter(conn, room, draw_id, person, T0 + 5 * MINUTE)
    await draw_one(conn, room_id=room.room_id, draw_id=draw_id, at=T0 + 5 * MINUTE)
    with pytest.raises(DrawClosed):
        await enter(conn, room, draw_id, person, T0 + MINUTE)
