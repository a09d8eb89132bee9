"""A flash offer in a room: a lower price of one SKU for some minutes, for so many units."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, RoomId, SkuId, StoreId, new_id
from dougong.infra import broadcast, events
from dougong.links.rules import LinkGone, NotLinkable
from dougong.live.commands import lock_room
from dougong.live.offer_commands import stop_offer, write_offer
from dougong.live.offer_rules import Offer, check_terms
from dougong.live.pin_commands import not_sealed
from dougong.live.rules import ON_AIR, WrongRoomState
from dougong.reads.live_shelf import shelf_link
from dougong.reads.offers import SkuOffer, offers_of
from dougong.supply.queries import units_by_way
from dougong.supply.quota_rules import Channel


async def open_offer(
    conn: AsyncConnection,
    *,
    room_id: RoomId,
    creator_id: UUID,
    link_id: LinkId,
    sku_id: SkuId,
    price_minor: int,
    quota: int,
    per_buyer: int,
    lasts: timedelta,
    at: datetime,
) -> Offer:
    """Open an offer on a product of the live cart, from now on. Whether the asker may set the
    store's prices is the caller's to know.

    Raises RoomGone, WrongRoomState (not on air), LinkGone, NotLinkable (not a SKU of it on sale),
    BadInput.
    """
    room = await lock_room(conn, room_id=room_id, creator_id=creator_id)
    if room.state not in ON_AIR:
        raise WrongRoomState(state=room.state)
    link = await shelf_link(conn, creator_id=creator_id, link_id=link_id)
    if link is None or link.is_hidden:
        raise LinkGone(field="link_id")
    if link.store_id is None:
        raise NotLinkable(field="link_id")
    store_id = StoreId(link.store_id)
    usual = (await offers_of(conn, store_id=store_id, sku_ids=[sku_id])).get(sku_id)
    if usual is None or usual.product_id != link.product_id:
        raise NotLinkable(field="sku_id")
    at = await not_sealed(conn, room_id=room_id, at=at)
    free = await units_by_way(conn, store_id=store_id, sku_id=sku_id, channel=Channel.LIVE,
                              host_id=creator_id, at=at)  # fmt: skip
    check_terms(
        price_minor=price_minor, usual_minor=usual.price_minor, quota=quota,
        free=free, per_buyer=per_buyer, starts_at=at, ends_at=at + lasts,
    )  # fmt: skip
    offer = Offer(
        id=new_id(), room_id=room_id, link_id=link_id, product_id=usual.product_id, sku_id=sku_id,
        price_minor=price_minor, currency=link.currency or "", quota=quota, sold=0,
        per_buyer=per_buyer, starts_at=at, ends_at=at + lasts, stopped_at=None,
    )  # fmt: skip
    await write_offer(conn, store_id=store_id, offer=offer)
    await broadcast.say(conn, room_id, "offer", as_told(offer, usual, store_id=store_id))
    facts = {"room_id": str(room_id), "price_minor": price_minor, "quota": quota}
    await events.record(
        conn, "live.offer_opened", store_id=store_id, subject_id=offer.id, at=at, facts=facts
    )
    return offer


async def close_offer(
    conn: AsyncConnection, *, room_id: RoomId, creator_id: UUID, offer_id: UUID, at: datetime
) -> None:
    """End an offer before its time. Orders at its price stand. Raises RoomGone, NotFound."""
    await lock_room(conn, room_id=room_id, creator_id=creator_id)
    at = await not_sealed(conn, room_id=room_id, at=at)
    if await stop_offer(conn, room_id=room_id, offer_id=offer_id, at=at):
        await broadcast.say(conn, room_id, "offer_over", {"id": str(offer_id)})


def as_told(offer: Offer, usual: SkuOffer, *, store_id: UUID) -> dict[str, object]:
    return {
        "title_zh": usual.title_zh,
        "title_en": usual.title_en,
        "options": usual.options,
        "id": str(offer.id),
        "store_id": str(store_id),
        "link_id": str(offer.link_id),
        "product_id": str(offer.product_id),
        "sku_id": str(offer.sku_id),
        "price_minor": offer.price_minor,
        "usual_minor": usual.price_minor,
        "currency": offer.currency,
        "quota": offer.quota,
        "left": offer.left,
        "per_buyer": offer.per_buyer,
        "starts_at": offer.starts_at.isoformat(),
        "ends_at": offer.over_at.isoformat(),
    }
