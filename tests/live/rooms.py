"""A room on air with a store's products in its live cart, and people in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, AStore, an_org

from dougong.base.ids import LinkId, OrgId, PersonId, ProductId, RoomId, SkuId, new_id
from dougong.flows.fill_live_cart import put_own_in_live_cart
from dougong.flows.flash_offer import open_offer
from dougong.live.offer_rules import Offer

MINUTE = timedelta(minutes=1)


@dataclass
class ARoom:
    """`links`: one to each product of the store, in their order."""

    room_id: RoomId
    creator_id: OrgId
    store: AStore
    links: list[LinkId]


async def a_room(
    conn: AsyncConnection,
    store: AStore,
    *,
    at: datetime = T0,
    owner_id: PersonId | None = None,
) -> ARoom:
    """On air since `at`, with every product of the store on its shelf."""
    creator_id = await an_org(conn, kind="creator", person_id=owner_id)
    room_id = RoomId(new_id())
    await conn.execute(
        text("""
            INSERT INTO live_rooms (id, creator_id, title_zh, title_en, state, announced_for,
              started_at, keep_until, made_at)
            VALUES (:id, :creator, '直播', 'Live', 'live', :at, :at,
              CAST(:at AS timestamptz) + interval '3 years', :at)
        """),
        {"id": room_id, "creator": creator_id, "at": at},
    )
    links = [
        await put_own_in_live_cart(
            conn, creator_id=creator_id, store_id=store.store_id,
            product_id=ProductId(product), task_id=None, at=at,
        )
        for product in store.products
    ]  # fmt: skip
    return ARoom(room_id, creator_id, store, links)


async def an_offer(
    conn: AsyncConnection,
    room: ARoom,
    *,
    price_minor: int = 5_000,
    quota: int = 10,
    per_buyer: int = 1,
    at: datetime = T0,
    lasts: timedelta = 5 * MINUTE,
) -> Offer:
    """A flash offer on the first product of the room's store."""
    return await open_offer(
        conn, room_id=room.room_id, creator_id=room.creator_id, link_id=room.links[0],
        sku_id=SkuId(room.store.skus[0]), price_minor=price_minor, quota=quota,
        per_buyer=per_buyer, lasts=lasts, at=at,
    )  # fmt: skip


async def visits(
    conn: AsyncConnection, room: ARoom, people: Sequence[UUID], *, at: datetime = T0
) -> None:
    """These people are in the room."""
    for person in people:
        await conn.execute(
            text("""
                INSERT INTO live_visits (room_id, id, visitor, person_id, came_from, joined_at)
                VALUES (:room, :id, :visitor, :person, 'feed', :at)
            """),
            {"room": room.room_id, "id": new_id(), "visitor": person.hex[:24], "person": person,
             "at": at},
        )  # fmt: skip
