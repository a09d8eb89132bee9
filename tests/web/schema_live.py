"""What the API of live rooms is fuzzed against."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import AStore

from dougong.base.ids import ProductId, RoomId, SkuId, new_id
from dougong.flows.drop_coupon import drop_coupon
from dougong.flows.fill_live_cart import put_own_in_live_cart
from dougong.flows.flash_offer import open_offer
from dougong.flows.run_draw import open_draw
from dougong.infra import clock

PRICE = 9_900


async def a_live_room(conn: AsyncConnection, store: AStore, ids: dict[str, Any]) -> dict[str, Any]:
    """A room of the creator on air, with an offer, a coupon drop and a draw."""
    at = await clock.refresh(conn)
    creator_id, room_id = ids["creator_id"], RoomId(new_id())
    await conn.execute(
        text("""
            INSERT INTO live_rooms (id, creator_id, title_zh, state, announced_for, started_at,
              keep_until, made_at)
            VALUES (:id, :creator, '直播', 'live', :at, :at,
              CAST(:at AS timestamptz) + interval '3 years', :at)
        """),
        {"id": room_id, "creator": creator_id, "at": at},
    )
    link_id = await put_own_in_live_cart(
        conn, creator_id=creator_id, store_id=store.store_id,
        product_id=ProductId(store.products[0]), task_id=None, at=at,
    )  # fmt: skip
    of_room: dict[str, Any] = {"room_id": room_id, "creator_id": creator_id, "at": at}
    offer = await open_offer(
        conn, link_id=link_id, sku_id=SkuId(store.skus[0]), price_minor=PRICE - 1, quota=5,
        per_buyer=1, lasts=timedelta(hours=1), **of_room,
    )  # fmt: skip
    drop_id = await drop_coupon(
        conn, store_id=store.store_id, coupon_id=ids["coupon_id"], quota=1,
        lasts=timedelta(hours=1), **of_room,
    )  # fmt: skip
    draw_id = await open_draw(
        conn, prize_zh="杯", prize_en="Cup", winners=1, lasts=timedelta(hours=1), **of_room
    )
    return {
        "room_id": room_id,
        "live_link_id": link_id,
        "offer_id": offer.id,
        "drop_id": drop_id,
        "draw_id": draw_id,
    }


def of_room(store: AStore, ids: dict[str, Any]) -> dict[str, dict[str, Any]]:
    shown = {"link_id": str(ids["live_link_id"])}
    offered = {"sku_id": str(store.skus[1]), "price_minor": 400, "quota": 2, "minutes": 5}
    return {
        "live_pin": {"body": shown},
        "live_offer": {"body": shown | offered},
        "live_draw": {"body": {"prize_zh": "杯", "winners": 1, "minutes": 1}},
    }
