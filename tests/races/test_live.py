"""Rooms that sell, step by step: the last unit of a quota, one buyer twice, two tabs that pin."""

from typing import Any

import pytest
from sqlalchemy import text
from tests.crash.invariants import doctor_finds
from tests.factories import ABuyer, a_buyer, a_store, the_rules
from tests.flows.test_flash_offers import sold, wants
from tests.live.rooms import ARoom, a_room, an_offer
from tests.races.flows import PRICE, Act, assert_whole, place
from tests.races.test_stepped import every_order

from dougong.flows.close_order import cancel_unpaid
from dougong.flows.pin_product import pin_product
from dougong.flows.place_orders import Placed, PlaceOrder
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.live.offer_rules import Offer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.money,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("own_database"),
]
POINTS = {"place: looked for the key", "place: took the units"}


async def a_scene(*, quota: int, per_buyer: int = 1) -> tuple[ARoom, Offer]:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await the_rules(conn)
        room = await a_room(conn, await a_store(conn, prices=(PRICE, PRICE), on_hand=50), at=at)
        return room, await an_offer(conn, room, quota=quota, per_buyer=per_buyer, at=at)


async def some(count: int) -> list[ABuyer]:
    async with transaction() as conn:
        return [await a_buyer(conn) for _ in range(count)]


async def end(room: ARoom) -> None:
    """Later scenes have the shelf ticks for themselves."""
    async with transaction() as conn:
        await conn.execute(
            text("""
                UPDATE live_rooms SET state = 'ended', ended_at = started_at, end_reason = 'creator'
                WHERE id = :r
            """),
            {"r": room.room_id},
        )


def both(one: PlaceOrder, two: PlaceOrder) -> tuple[Act, Act]:
    return (lambda: place(one)), (lambda: place(two))


async def check_one_sold(scene: Any, answers: list[Any]) -> None:
    room, offer, _ = scene
    assert sum(isinstance(a, Placed) for a in answers) == 1
    assert "offer_refused" in answers
    async with transaction() as conn:
        assert await sold(conn, offer) == (1, 1)
    await assert_whole(room.store)
    await end(room)


async def test_two_buyers_and_one_unit_of_quota() -> None:
    async def begin() -> Any:
        room, offer = await a_scene(quota=1)
        one, two = await some(2)
        return room, offer, (wants(room, one, offer), wants(room, two, offer))

    await every_order(begin, lambda s: both(*s[2]), check_one_sold, points=POINTS)


async def test_one_buyer_twice_at_once() -> None:
    async def begin() -> Any:
        room, offer = await a_scene(quota=9)
        (one,) = await some(1)
        return room, offer, (wants(room, one, offer), wants(room, one, offer))

    await every_order(begin, lambda s: both(*s[2]), check_one_sold, points=POINTS)


async def test_quota_comes_back_while_another_asks() -> None:
    async def begin() -> Any:
        room, offer = await a_scene(quota=1)
        one, two = await some(2)
        return room, offer, await place(wants(room, one, offer)), wants(room, two, offer)

    async def lapse(placed: Placed) -> str:
        async with transaction() as conn:
            await cancel_unpaid(
                conn, store_id=placed.store_id, order_id=placed.order_id,
                reason="not_paid_in_time", at=await clock.refresh(conn),
            )  # fmt: skip
        return "cancelled"

    async def check(scene: Any, answers: list[Any]) -> None:
        room, offer = scene[:2]
        assert answers[0] == "cancelled"
        units = 1 if isinstance(answers[1], Placed) else 0
        assert units or answers[1] == "offer_refused"
        async with transaction() as conn:
            assert await sold(conn, offer) == (units, units)
        await assert_whole(room.store)
        await end(room)

    await every_order(
        begin,
        lambda s: (lambda: lapse(s[2]), lambda: place(s[3])),
        check,
        points={"close: cancelled", "place: looked for the key"},
    )


async def test_two_tabs_pin_at_once() -> None:
    async def begin() -> Any:
        return (await a_scene(quota=1))[0]

    async def pin(room: ARoom, n: int) -> str:
        async with transaction() as conn:
            await pin_product(
                conn, room_id=room.room_id, creator_id=room.creator_id, link_id=room.links[n],
                at=await clock.refresh(conn),
            )  # fmt: skip
        return "pinned"

    async def check(room: Any, answers: list[Any]) -> None:
        assert answers == ["pinned", "pinned"]
        async with transaction() as conn:
            rows = await conn.execute(
                text("""
                    SELECT link_id, end_reason FROM live_explanations WHERE room_id = :r
                    ORDER BY ended_at NULLS LAST
                """),
                {"r": room.room_id},
            )
            assert [row.end_reason for row in rows] == ["next", None]
        async with transaction() as conn:
            await conn.execute(
                text("""
                    UPDATE live_explanations SET ended_at = started_at, end_reason = 'room_ended'
                    WHERE room_id = :r AND ended_at IS NULL
                """),
                {"r": room.room_id},
            )
        await end(room)

    await every_order(
        begin,
        lambda r: (lambda: pin(r, 0), lambda: pin(r, 1)),
        check,
        points={"pin: has the room", "pin: looked"},
    )
    async with transaction() as conn:
        assert await doctor_finds(conn) == {}
