"""Drops coupons into a room, and writes who has claimed one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, StoreId, new_id
from dougong.live.selling_rules import DropGone, DropOver, NotInRoom
from dougong.live.tables import live_coupon_claims, live_coupon_drops


async def write_drop(
    conn: AsyncConnection,
    *,
    room_id: UUID,
    store_id: StoreId,
    coupon_id: UUID,
    quota: int,
    dropped_at: datetime,
    ends_at: datetime,
) -> UUID:
    drop_id = new_id()
    row = {
        "id": drop_id,
        "room_id": room_id,
        "store_id": store_id,
        "coupon_id": coupon_id,
        "quota": quota,
        "dropped_at": dropped_at,
        "ends_at": ends_at,
    }
    await conn.execute(insert(live_coupon_drops).values(row))
    return drop_id


async def end_drops_of(conn: AsyncConnection, *, room_id: UUID, at: datetime) -> None:
    """The room is over: nobody can claim any more."""
    await conn.execute(
        update(live_coupon_drops)
        .where(live_coupon_drops.c.room_id == room_id, live_coupon_drops.c.dropped_at < at)
        .where(live_coupon_drops.c.ends_at > at)
        .values(ends_at=at)
    )


TAKE = text("""
    UPDATE live_coupon_drops SET taken = taken + 1
    WHERE id = :drop_id AND room_id = :room_id AND taken < quota
      AND CAST(:at AS timestamptz) >= dropped_at AND :at < ends_at
    RETURNING store_id, coupon_id, quota - taken AS left
""")


async def claim_drop(
    conn: AsyncConnection, *, room_id: UUID, drop_id: UUID, person_id: PersonId, at: datetime
) -> Any:
    """One of a drop's coupons for somebody who is in the room: `store_id`, `coupon_id`, and how
    many are `left`. A repeat answers the same, and takes no second one.

    Raises DropGone, DropOver (all taken, or too late), NotInRoom.
    """
    inside = text("""
        SELECT true FROM live_visits
        WHERE room_id = :r AND person_id = :p AND left_at IS NULL LIMIT 1
    """)
    drop = (
        await conn.execute(
            select(
                live_coupon_drops.c.store_id,
                live_coupon_drops.c.coupon_id,
                (live_coupon_drops.c.quota - live_coupon_drops.c.taken).label("left"),
            )
            .where(live_coupon_drops.c.id == drop_id, live_coupon_drops.c.room_id == room_id)
            .with_for_update()
        )
    ).one_or_none()
    if drop is None:
        raise DropGone(field="drop_id")
    claimed = select(live_coupon_claims.c.at).where(live_coupon_claims.c.drop_id == drop_id)
    if await conn.scalar(claimed.where(live_coupon_claims.c.person_id == person_id)):
        return drop
    if await conn.scalar(inside, {"r": room_id, "p": person_id}) is None:
        raise NotInRoom
    asked = {"drop_id": drop_id, "room_id": room_id, "at": at}
    taken = (await conn.execute(TAKE, asked)).one_or_none()
    if taken is None:
        raise DropOver(field="drop_id")
    row = {"drop_id": drop_id, "person_id": person_id, "at": at}
    await conn.execute(insert(live_coupon_claims).values(row))
    return taken
