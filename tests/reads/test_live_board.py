"""The board of a room: what it counts is what the books have, and nothing of other rooms."""

import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, ABuyer, ARequest, a_buyer, a_store, the_rules
from tests.live.rooms import MINUTE, ARoom, a_room, visits

from dougong.base.ids import new_id
from dougong.flows.place_orders import Placed, place_in
from dougong.reads.live_board import board, wall
from dougong.web.live.board import report

PRICE = 10_000


@pytest.fixture
async def room(conn: AsyncConnection) -> ARoom:
    await the_rules(conn)
    return await a_room(conn, await a_store(conn, prices=(PRICE, PRICE)))


async def buys(
    conn: AsyncConnection, room: ARoom, buyer: ABuyer, *, at: Any, units: int = 1,
    product: int = 0, is_paid: bool = True,
) -> Placed:  # fmt: skip
    """An order from the room's cart, paid in the same moment."""
    request = ARequest(
        room.store, buyer, units * PRICE, {product: units}, link_id=room.links[product]
    ).build()
    (placed,) = await place_in(conn, requests=[request], at=at)
    assert isinstance(placed, Placed)
    if is_paid:
        await conn.execute(
            text("UPDATE orders SET state = 'paid', paid_at = :at WHERE id = :id"),
            {"at": at, "id": placed.order_id},
        )
    return placed


async def seen(conn: AsyncConnection, room: ARoom, *, at: Any = T0 + 20 * MINUTE) -> Any:
    return await board(
        conn, room_id=room.room_id, creator_id=room.creator_id, currency="CNY", at=at
    )


async def test_what_is_paid_ordered_and_refunded(conn: AsyncConnection, room: ARoom) -> None:
    first, second = await a_buyer(conn), await a_buyer(conn)
    paid = await buys(conn, room, first, at=T0 + MINUTE, units=2)
    await buys(conn, room, second, at=T0 + 2 * MINUTE, product=1)
    await buys(conn, room, second, at=T0 + 3 * MINUTE, is_paid=False)
    await conn.execute(
        text("UPDATE order_lines SET refunded_minor = 500 WHERE order_id = :id AND line_no = 1"),
        {"id": paid.order_id},
    )
    found = await seen(conn, room)
    assert (found.placed_minor, found.paid_minor, found.refunded_minor) == (40_000, 30_000, 500)
    assert found.net_minor == 29_500
    assert (found.orders_placed, found.orders_paid, found.buyers, found.units) == (3, 2, 2, 3)
    assert [(p.link_id, p.units, p.paid_minor) for p in found.products] == [
        (room.links[0], 2, 20_000),
        (room.links[1], 1, 10_000),
    ]


async def test_buyers_of_visitors_and_where_they_came_from(
    conn: AsyncConnection, room: ARoom
) -> None:
    people = [await a_buyer(conn) for _ in range(4)]
    await visits(conn, room, [one.person_id for one in people])
    await buys(conn, room, people[0], at=T0 + MINUTE)
    found = await seen(conn, room)
    assert (found.visitors, found.conversion_bp()) == (4, 2_500)
    assert [(o.came_from, o.visits, o.buyers, o.paid_minor) for o in found.origins] == [
        ("feed", 4, 1, PRICE)
    ]


async def test_a_room_without_visitors_converts_nobody(conn: AsyncConnection, room: ARoom) -> None:
    assert (await seen(conn, room)).conversion_bp() == 0


@pytest.mark.parametrize(
    ("minutes", "counts"), [(-1, False), (0, True), (29, True), (39, True), (40, False)]
)
async def test_orders_count_from_the_start_to_half_an_hour_after_the_end(
    conn: AsyncConnection, room: ARoom, minutes: int, counts: bool
) -> None:
    await conn.execute(
        text("UPDATE live_rooms SET state = 'ended', ended_at = :at, end_reason = 'creator'"
             " WHERE id = :id"),
        {"at": T0 + 10 * MINUTE, "id": room.room_id},
    )  # fmt: skip
    await buys(conn, room, await a_buyer(conn), at=T0 + minutes * MINUTE)
    found = await seen(conn, room, at=T0 + timedelta(hours=5))
    assert found.paid_minor == (PRICE if counts else 0)


async def test_the_next_room_ends_what_counts_to_this_one(
    conn: AsyncConnection, room: ARoom
) -> None:
    await conn.execute(
        text("UPDATE live_rooms SET state = 'ended', ended_at = :at, end_reason = 'creator'"
             " WHERE id = :id"),
        {"at": T0 + 10 * MINUTE, "id": room.room_id},
    )  # fmt: skip
    following = new_id()
    await conn.execute(
        text("""
            INSERT INTO live_rooms (id, creator_id, title_zh, state, announced_for, started_at,
              keep_until, made_at)
            VALUES (:id, :creator, '下一场', 'live', :at, :at, CAST(:at AS timestamptz)
              + interval '3 years', :at)
        """),
        {"id": following, "creator": room.creator_id, "at": T0 + 20 * MINUTE},
    )
    await buys(conn, room, await a_buyer(conn), at=T0 + 25 * MINUTE)
    at = T0 + timedelta(hours=1)
    assert (await seen(conn, room, at=at)).paid_minor == 0
    other = await board(conn, room_id=following, creator_id=None, currency="CNY", at=at)
    assert other is not None
    assert other.paid_minor == PRICE


async def test_another_creators_board_is_not_there(conn: AsyncConnection, room: ARoom) -> None:
    assert (
        await board(conn, room_id=room.room_id, creator_id=new_id(), currency="CNY", at=T0) is None
    )


async def test_minutes_have_viewers_and_money(conn: AsyncConnection, room: ARoom) -> None:
    await conn.execute(
        text("INSERT INTO live_minutes (room_id, minute, viewers, joined) VALUES (:r, :m, 7, 3)"),
        {"r": room.room_id, "m": T0},
    )
    await buys(conn, room, await a_buyer(conn), at=T0 + timedelta(seconds=30))
    await buys(conn, room, await a_buyer(conn), at=T0 + 2 * MINUTE)
    found = await seen(conn, room)
    assert [(m.minute, m.viewers, m.joined, m.paid_minor) for m in found.minutes] == [
        (T0, 7, 3, PRICE),
        (T0 + 2 * MINUTE, 0, 0, PRICE),
    ]


async def test_the_wall_finds_rooms_by_words(conn: AsyncConnection, room: ARoom) -> None:
    await buys(conn, room, await a_buyer(conn), at=T0 + MINUTE)

    async def on_wall(words: str) -> list[tuple[UUID, int]]:
        rooms = await wall(
            conn, words=words, only="on_air", currency="CNY", at=T0 + 5 * MINUTE, most=500
        )
        return [(one.id, one.paid_minor) for one in rooms if one.id == room.room_id]

    assert await on_wall("") == [(room.room_id, PRICE)]
    assert await on_wall("直播") == [(room.room_id, PRICE)]
    assert await on_wall("%") == []


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_the_report_is_a_document_of_one_page_with_its_figures(
    conn: AsyncConnection, room: ARoom, locale: str
) -> None:
    await buys(conn, room, await a_buyer(conn), at=T0 + MINUTE)
    data = report(await seen(conn, room), at=T0, locale=locale)
    assert data.startswith(b"%PDF-")
    assert io.BytesIO(data).read().count(b"/Type /Page\n") == 1
