"""Units set aside for a way of selling: what each way is shown is what it can buy, to the unit."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import ARequest, AStore, a_buyer, a_link, a_person, a_store, the_rules
from tests.live.rooms import ARoom, a_room

from dougong.base.errors import BadInput
from dougong.base.ids import VideoId, new_id
from dougong.flows.flash_offer import open_offer
from dougong.flows.place_orders import Placed, place_in
from dougong.infra import clock
from dougong.orders.cart_commands import put_in_cart
from dougong.reads.buyer_orders import cart_of
from dougong.reads.creator_links import search_linkable
from dougong.reads.live_shelf import live_shelf
from dougong.reads.live_studio import skus_of_cart
from dougong.reads.market_front import market_front
from dougong.reads.shopper_orders import bought_now, cart_view
from dougong.reads.shopper_products import product_cards, product_view
from dougong.supply.quota_commands import set_aside
from dougong.supply.quota_rules import Channel

ON_HAND = 100


class AShop(SimpleNamespace):
    """A store of one SKU, a video and two rooms that show it."""

    store: AStore
    video_link: UUID
    room: ARoom
    other: ARoom


async def a_shop(conn: AsyncConnection) -> AShop:
    await the_rules(conn)
    store = await a_store(conn, on_hand=ON_HAND)
    video_link, _ = await a_link(conn, store)
    at = clock.now() - timedelta(hours=1)
    room, other = await a_room(conn, store, at=at), await a_room(conn, store, at=at)
    return AShop(store=store, video_link=video_link, room=room, other=other)


async def keep(
    conn: AsyncConnection,
    shop: AShop,
    channel: Channel,
    units: int,
    *,
    room: ARoom | None = None,
    starts: timedelta = timedelta(0),
    lasts: timedelta | None = None,
) -> None:
    at = clock.now() + min(starts, timedelta(0))
    await set_aside(
        conn, store_id=shop.store.store_id, sku_id=shop.store.skus[0], channel=channel,
        room=(room.room_id, room.creator_id) if room else None, units=units,
        starts_at=clock.now() + starts, ends_at=at + lasts if lasts else None,
        by_id=await a_person(conn), at=at,
    )  # fmt: skip


async def shown(conn: AsyncConnection, shop: AShop) -> dict[str, int]:
    """What each way is shown as left."""
    store, now = shop.store, clock.now()
    of = {"store_id": store.store_id, "product_id": store.products[0]}

    async def page(link: UUID | None, straight: Channel = Channel.SHOP) -> int:
        found = await product_view(conn, **of, link_id=link, straight=straight, at=now)
        assert found is not None
        return found.free

    return {
        "shop": await page(None),
        "api": await page(None, Channel.API),
        "video": await page(shop.video_link),
        "room": await page(shop.room.links[0]),
        "other": await page(shop.other.links[0]),
    }


async def can_buy(conn: AsyncConnection, shop: AShop, more: int) -> dict[str, bool]:
    """Whether each way can buy what it is shown, and so many units more. No order is kept."""
    links = {"shop": None, "api": None, "video": shop.video_link}
    links |= {"room": shop.room.links[0], "other": shop.other.links[0]}
    left = await shown(conn, shop)
    return {
        way: await _can_buy(conn, shop, link, way, left[way] + more) for way, link in links.items()
    }


async def _can_buy(
    conn: AsyncConnection, shop: AShop, link: UUID | None, way: str, units: int
) -> bool:
    straight = Channel.API if way == "api" else Channel.SHOP
    trial = await conn.begin_nested()
    request = ARequest(
        shop.store, await a_buyer(conn), units * 9_900, {0: units}, link_id=link, straight=straight
    )
    (answer,) = await place_in(conn, requests=[request.build()], at=clock.now())
    await trial.rollback()
    return isinstance(answer, Placed)


async def test_each_way_is_shown_what_it_can_buy(conn: AsyncConnection) -> None:
    shop = await a_shop(conn)
    assert await shown(conn, shop) == dict.fromkeys(
        ("shop", "api", "video", "room", "other"), ON_HAND
    )
    await keep(conn, shop, Channel.VIDEO, 7)
    await keep(conn, shop, Channel.LIVE, 5, room=shop.room)
    await keep(conn, shop, Channel.LIVE, 11)
    await keep(conn, shop, Channel.API, 3)
    want = {"shop": 74, "api": 3, "video": 7, "room": 5, "other": 11}
    assert await shown(conn, shop) == want
    assert await can_buy(conn, shop, 0) == dict.fromkeys(want, True)
    assert await can_buy(conn, shop, 1) == dict.fromkeys(want, False)


async def test_what_is_not_in_force_binds_nobody(conn: AsyncConnection) -> None:
    shop = await a_shop(conn)
    await keep(conn, shop, Channel.VIDEO, 60, starts=timedelta(hours=1))
    await keep(conn, shop, Channel.API, 20, starts=timedelta(hours=-3), lasts=timedelta(hours=1))
    assert set((await shown(conn, shop)).values()) == {ON_HAND}


async def test_a_way_is_never_shown_more_than_is_there(conn: AsyncConnection) -> None:
    shop = await a_shop(conn)
    await keep(conn, shop, Channel.VIDEO, 60)
    await conn.execute(
        text("UPDATE stock SET reserved = 70 WHERE sku_id = :k"), {"k": shop.store.skus[0]}
    )
    found = await shown(conn, shop)
    assert (found["shop"], found["video"]) == (0, 30)


async def test_a_link_that_is_not_shown_is_no_way(conn: AsyncConnection) -> None:
    shop = await a_shop(conn)
    await keep(conn, shop, Channel.VIDEO, 7)
    await conn.execute(
        text("UPDATE product_links SET removed_at = published_at WHERE id = :l"),
        {"l": shop.video_link},
    )
    assert (await shown(conn, shop))["video"] == 93


async def on_the_front(conn: AsyncConnection, store_id: UUID) -> list[int]:
    """What the market's first pages show as left of a store's goods."""
    page, more, found = 0, True, []
    while more and not found:
        cards, more = await market_front(conn, page=page)
        found, page = [card.free for card in cards if card.store_id == store_id], page + 1
    return found


async def test_lists_shelves_and_carts_show_their_own_way(conn: AsyncConnection) -> None:
    shop = await a_shop(conn)
    store, sku = shop.store, shop.store.skus[0]
    await keep(conn, shop, Channel.VIDEO, 7)
    await keep(conn, shop, Channel.LIVE, 5, room=shop.room)
    await keep(conn, shop, Channel.API, 3)
    cards = [await product_cards(conn, store_id=store.store_id, way=way) for way in Channel]
    assert [found[0].free for found, _ in cards] == [85, 7, 85, 3]
    await conn.execute(  # of all that other tests have left it is the newest, and has a name
        text("UPDATE products SET created_at = :at, brand = CAST(id AS text) WHERE id = :p"),
        {"at": clock.now(), "p": store.products[0]},
    )
    assert await on_the_front(conn, store.store_id) == [85]
    for room, units in ((shop.room, 5), (shop.other, 85)):
        shelf = await live_shelf(conn, creator_id=room.creator_id)
        assert [link.stock for link in shelf] == [units]
        assert [r.free for r in await skus_of_cart(conn, creator_id=room.creator_id)] == [units]
    found = await search_linkable(
        conn, video_id=VideoId(new_id()), words=str(store.products[0]), at=clock.now()
    )
    assert [one.in_stock for one in found] == [7]
    buyer = await a_buyer(conn)
    for link, web, api in ((None, 85, 3), (shop.video_link, 7, 7), (shop.room.links[0], 5, 5)):
        await put_in_cart(
            conn, person_id=buyer.person_id, store_id=store.store_id, sku_id=sku, quantity=6,
            link_id=link, at=clock.now(),
        )  # fmt: skip
        (part,) = await cart_view(conn, person_id=buyer.person_id)
        assert (part.lines[0].free, part.lines[0].can_be_bought) == (web, web >= 6)
        assert [one.free for one in await cart_of(conn, person_id=buyer.person_id)] == [api]
        (now,) = await bought_now(
            conn, person_id=buyer.person_id, store_id=store.store_id, sku_id=sku, quantity=6,
            link_id=link,
        )  # fmt: skip
        assert now.lines[0].free == web


async def test_a_flash_offer_offers_no_more_than_the_room_can_sell(conn: AsyncConnection) -> None:
    shop = await a_shop(conn)
    await keep(conn, shop, Channel.LIVE, 5, room=shop.room)

    async def offer(room: ARoom, quota: int, at: datetime) -> None:
        await open_offer(
            conn, room_id=room.room_id, creator_id=room.creator_id, link_id=room.links[0],
            sku_id=shop.store.skus[0], price_minor=5_000, quota=quota, per_buyer=1,
            lasts=timedelta(minutes=5), at=at,
        )  # fmt: skip

    for room, units in ((shop.room, 5), (shop.other, 95)):
        with pytest.raises(BadInput):
            await offer(room, units + 1, clock.now())
        await offer(room, units, clock.now())
