"""A coupon dropped into a room: so many, one a person, only for those who are there."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, a_coupon, a_person, a_store
from tests.flows.test_pin_product import told
from tests.live.rooms import MINUTE, ARoom, a_room, visits

from dougong.base.errors import BadInput
from dougong.base.ids import PersonId
from dougong.flows.drop_coupon import Claimed, claim_coupon, drop_coupon
from dougong.live.selling_rules import DropOver, NotInRoom

__all__ = ["told"]


async def coupon_of(conn: AsyncConnection, room: ARoom, **terms: Any) -> UUID:
    org = terms.pop("funder_org_id", room.store.org_id)
    funder = terms.pop("funder", "merchant")
    await a_coupon(conn, room.store, funder=funder, funder_org_id=org, **terms)
    found = await conn.scalar(
        text("SELECT id FROM coupons WHERE store_id = :s"), {"s": room.store.store_id}
    )
    return UUID(str(found))


async def drop(conn: AsyncConnection, room: ARoom, coupon_id: UUID, quota: int) -> UUID:
    return await drop_coupon(
        conn, room_id=room.room_id, creator_id=room.creator_id, store_id=room.store.store_id,
        coupon_id=coupon_id, quota=quota, lasts=5 * MINUTE, at=T0,
    )  # fmt: skip


async def claim(
    conn: AsyncConnection, room: ARoom, drop_id: UUID, person: PersonId, minutes: int = 1
) -> Claimed:
    return await claim_coupon(
        conn, room_id=room.room_id, drop_id=drop_id, person_id=person, at=T0 + minutes * MINUTE
    )


async def test_so_many_and_one_a_person(conn: AsyncConnection, told: list[Any]) -> None:
    room = await a_room(conn, await a_store(conn))
    one, two, three, outside = [await a_person(conn) for _ in range(4)]
    await visits(conn, room, [one, two, three])
    drop_id = await drop(conn, room, await coupon_of(conn, room), 2)
    assert told[-1][0] == "coupon"
    assert (told[-1][1]["drop"]["funder"], told[-1][1]["drop"]["left"]) == ("merchant", 2)
    with pytest.raises(NotInRoom):
        await claim(conn, room, drop_id, outside)
    got = await claim(conn, room, drop_id, one)
    assert (got.code, got.left) == ("SAVE10", 1)
    assert await claim(conn, room, drop_id, one) == got
    assert (await claim(conn, room, drop_id, two)).left == 0
    with pytest.raises(DropOver):
        await claim(conn, room, drop_id, three)


async def test_not_after_its_end(conn: AsyncConnection) -> None:
    room, person = await a_room(conn, await a_store(conn)), await a_person(conn)
    await visits(conn, room, [person])
    drop_id = await drop(conn, room, await coupon_of(conn, room), 2)
    with pytest.raises(DropOver):
        await claim(conn, room, drop_id, person, minutes=5)


@pytest.mark.parametrize("quota", [0, 101])
async def test_no_more_than_the_coupon_has_left(conn: AsyncConnection, quota: int) -> None:
    room = await a_room(conn, await a_store(conn))
    with pytest.raises(BadInput):
        await drop(conn, room, await coupon_of(conn, room, quota=100), quota)


async def test_a_second_drop_cannot_promise_the_same_coupons(conn: AsyncConnection) -> None:
    room = await a_room(conn, await a_store(conn))
    coupon_id = await coupon_of(conn, room, quota=3)
    await drop(conn, room, coupon_id, 2)
    with pytest.raises(BadInput):
        await drop(conn, room, coupon_id, 2)
    await drop(conn, room, coupon_id, 1)


async def test_another_creators_coupon_is_not_ones_own(conn: AsyncConnection) -> None:
    room, other = await a_room(conn, await a_store(conn)), await a_room(conn, await a_store(conn))
    coupon = await coupon_of(conn, room, funder="creator", funder_org_id=other.creator_id)
    with pytest.raises(BadInput):
        await drop(conn, room, coupon, 1)
