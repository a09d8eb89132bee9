"""A coupon is dropped into a room: so many of those who are there can claim its code."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import PersonId, RoomId, StoreId
from dougong.infra import broadcast, events
from dougong.live.commands import lock_room
from dougong.live.drop_commands import claim_drop, write_drop
from dougong.live.rules import ON_AIR, WrongRoomState
from dougong.live.selling_rules import LONGEST_DROP
from dougong.reads.live_coupons import DroppableCoupon, droppable_coupons, store_coupon


class Claimed(msgspec.Struct, frozen=True):
    """What a claim gives: the code that the checkout takes, and what it takes off."""

    drop_id: UUID
    store_id: UUID
    code: str
    name_zh: str
    name_en: str
    left: int


async def drop_coupon(
    conn: AsyncConnection,
    *,
    room_id: RoomId,
    creator_id: UUID,
    store_id: StoreId,
    coupon_id: UUID,
    quota: int,
    lasts: timedelta,
    at: datetime,
) -> UUID:
    """Drop a coupon of a store whose goods are in the live cart. Who funds it is written on the
    coupon, and stays so.

    Raises RoomGone, WrongRoomState (not on air), BadInput (no such coupon, more than are left, or
    an impossible time).
    """
    room = await lock_room(conn, room_id=room_id, creator_id=creator_id)
    if room.state not in ON_AIR:
        raise WrongRoomState(state=room.state)
    known = await droppable_coupons(conn, creator_id=creator_id, at=at)
    coupon = next((c for c in known if (c.store_id, c.coupon_id) == (store_id, coupon_id)), None)
    if coupon is None:
        raise BadInput(field="coupon_id", reason="unknown")
    if not 1 <= quota <= coupon.left:
        raise BadInput(field="quota", reason="more_than_left")
    if not timedelta(0) < lasts <= LONGEST_DROP:
        raise BadInput(field="minutes", reason="too_long")
    drop_id = await write_drop(
        conn, room_id=room_id, store_id=store_id, coupon_id=coupon_id, quota=quota, dropped_at=at,
        ends_at=at + lasts,
    )  # fmt: skip
    told = as_told(coupon, drop_id=drop_id, left=quota, ends_at=at + lasts)
    await broadcast.say(conn, room_id, "coupon", {"drop": told})
    facts = {"room_id": str(room_id), "coupon_id": str(coupon_id), "quota": quota}
    await events.record(
        conn, "live.coupon_dropped", store_id=store_id, subject_id=drop_id, at=at, facts=facts
    )
    return drop_id


def as_told(
    coupon: DroppableCoupon, *, drop_id: UUID, left: int, ends_at: datetime
) -> dict[str, object]:
    """A drop as everybody in the room hears of it: all but the code."""
    return {
        "id": str(drop_id),
        "store_id": str(coupon.store_id),
        "name_zh": coupon.name_zh,
        "name_en": coupon.name_en,
        "funder": coupon.funder,
        "amount_off_minor": coupon.amount_off_minor,
        "percent_off_bp": coupon.percent_off_bp,
        "min_spend_minor": coupon.min_spend_minor,
        "currency": coupon.currency,
        "left": left,
        "ends_at": ends_at.isoformat(),
    }


async def claim_coupon(
    conn: AsyncConnection, *, room_id: RoomId, drop_id: UUID, person_id: PersonId, at: datetime
) -> Claimed:
    """One of the dropped coupons. A repeat answers the same code, and takes no second one.

    Raises DropGone, DropOver, NotInRoom.
    """
    got = await claim_drop(conn, room_id=room_id, drop_id=drop_id, person_id=person_id, at=at)
    coupon = await store_coupon(conn, store_id=got.store_id, coupon_id=got.coupon_id)
    return Claimed(drop_id, got.store_id, coupon.code, coupon.name_zh, coupon.name_en, got.left)
