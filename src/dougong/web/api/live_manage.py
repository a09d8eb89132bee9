"""API v1: a creator's room sells: what is explained, flash offers, draws."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import delete, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import LinkId, RoomId, SkuId
from dougong.flows.flash_offer import close_offer, open_offer
from dougong.flows.pin_product import pin_product, unpin_product
from dougong.flows.run_draw import open_draw
from dougong.live.selling_rules import OfferNeedsStore
from dougong.reads.live_studio import skus_of_cart
from dougong.web.api.common import Key, Minor, OneLine, once_if
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Input

ROOM = "/api/v1/creators/{creator_id:uuid}/live/{room_id:uuid}"
MANAGE: dict[str, Any] = {"permission": Permission.LIVE_MANAGE, "tags": ["live"]}


class PinInput(Input):
    link_id: UUID


class OfferInput(Input, kw_only=True):
    """`price_minor`: in minor units of the store's currency, below the usual price."""

    link_id: UUID
    sku_id: UUID
    price_minor: Minor
    quota: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    per_buyer: Annotated[int, msgspec.Meta(ge=1, le=999)] = 1
    minutes: Annotated[int, msgspec.Meta(ge=1, le=240)]


class DrawInput(Input, kw_only=True):
    prize_zh: Annotated[OneLine, msgspec.Meta(max_length=120)] = ""
    prize_en: Annotated[OneLine, msgspec.Meta(max_length=120)] = ""
    winners: Annotated[int, msgspec.Meta(ge=1, le=100)]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=120)]


class Explained(msgspec.Struct):
    explanation_id: UUID


class OfferMade(msgspec.Struct):
    offer_id: UUID
    starts_at: datetime
    ends_at: datetime


class DrawMade(msgspec.Struct):
    draw_id: UUID


@put(ROOM + "/pin", summary="Explain a product", **MANAGE)
async def pin(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    data: JSONBody[PinInput],
    conn: Conn,
    now: Now,
) -> Explained:
    """The one before ends. The same product again is the same explanation."""
    made = await pin_product(
        conn, room_id=RoomId(room_id), creator_id=creator_id, link_id=LinkId(data.link_id), at=now
    )
    return Explained(made)


@delete(ROOM + "/pin", summary="Explain nothing", **MANAGE)
async def unpin(creator_id: FromPath[UUID], room_id: FromPath[UUID], conn: Conn, now: Now) -> None:
    await unpin_product(conn, room_id=RoomId(room_id), creator_id=creator_id, at=now)


@post(ROOM + "/offers", status_code=201, summary="Open a flash offer", **MANAGE)
async def offer(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    data: JSONBody[OfferInput],
    conn: Conn,
    who: Who,
    now: Now,
    idempotency_key: Key,
) -> OfferMade:
    """Needs the right to set the store's prices too."""
    known = await skus_of_cart(conn, creator_id=creator_id)
    wanted = (data.link_id, data.sku_id)
    chosen = next((v for v in known if (v.link_id, v.sku_id) == wanted), None)
    if chosen is None:
        raise BadInput(field="sku_id", reason="unknown")
    if not who.may(Permission.CATALOG_MANAGE, chosen.store_id):
        raise OfferNeedsStore(field="sku_id")

    async def make() -> OfferMade:
        made = await open_offer(
            conn, room_id=RoomId(room_id), creator_id=creator_id, link_id=LinkId(data.link_id),
            sku_id=SkuId(data.sku_id), price_minor=data.price_minor, quota=data.quota,
            per_buyer=data.per_buyer, lasts=timedelta(minutes=data.minutes), at=now,
        )  # fmt: skip
        return OfferMade(made.id, made.starts_at, made.ends_at)

    return await once_if(
        conn, key=idempotency_key, owner_id=creator_id, route="live.offer",
        request=(room_id, data), answer=OfferMade, at=now, make=make,
    )  # fmt: skip


@delete(ROOM + "/offers/{offer_id:uuid}", summary="Stop a flash offer", **MANAGE)
async def stop(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    offer_id: FromPath[UUID],
    conn: Conn,
    now: Now,
) -> None:
    """Orders at its price stand."""
    await close_offer(
        conn, room_id=RoomId(room_id), creator_id=creator_id, offer_id=offer_id, at=now
    )


@post(ROOM + "/draws", status_code=201, summary="Open a draw", **MANAGE)
async def draw(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    data: JSONBody[DrawInput],
    conn: Conn,
    now: Now,
    idempotency_key: Key,
) -> DrawMade:
    """The hash of its seed is told at once, the seed when it is drawn."""

    async def make() -> DrawMade:
        made = await open_draw(
            conn, room_id=RoomId(room_id), creator_id=creator_id, prize_zh=data.prize_zh,
            prize_en=data.prize_en, winners=data.winners, lasts=timedelta(minutes=data.minutes),
            at=now,
        )  # fmt: skip
        return DrawMade(made)

    return await once_if(
        conn, key=idempotency_key, owner_id=creator_id, route="live.draw",
        request=(room_id, data), answer=DrawMade, at=now, make=make,
    )  # fmt: skip


HANDLERS: list[HTTPRouteHandler] = [pin, unpin, offer, stop, draw]
