"""The studio's selling panel: the live cart, what is explained, flash offers, coupons, draws.

Every act answers the panel anew to a script, and leads back to it without one.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput
from dougong.base.ids import LinkId, ProductId, RoomId, SkuId, StoreId
from dougong.flows.drop_coupon import drop_coupon
from dougong.flows.fill_live_cart import put_address_in_live_cart, put_own_in_live_cart
from dougong.flows.flash_offer import close_offer, open_offer
from dougong.flows.pin_product import pin_product, unpin_product
from dougong.flows.run_draw import open_draw
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.links.commands import remove_link
from dougong.links.live_cart_commands import reorder_live_cart
from dougong.live.selling_rules import OfferNeedsStore
from dougong.reads.live_coupons import droppable_coupons
from dougong.reads.live_shelf import live_shelf, selling_now
from dougong.reads.live_studio import cart_choices, live_tasks, skus_of_cart, studio_room
from dougong.reads.stock_quotas import units_for_room
from dougong.web.creator.common import creator_page, see
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import amount
from dougong.web.render import Page

ROOM = "/creator/{creator_id:uuid}/live/{room_id:uuid}"
ROUTE: dict[str, Any] = {"permission": Permission.LIVE_MANAGE, "include_in_schema": False}
Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Words = Annotated[str, msgspec.Meta(max_length=120)]
Ids = Annotated[str, msgspec.Meta(max_length=80)]
AnyRequest = Request[Any, Any, Any]


class Nothing(Form):
    """A button."""


class OwnForm(Form, kw_only=True):
    """`product`: `<store id>:<product id>`; `task_id`: empty for a direct link."""

    product: Ids
    task_id: Ids = ""


class AddressForm(Form, kw_only=True):
    url: Annotated[str, msgspec.Meta(max_length=2_000)]
    task_id: Ids = ""


class MoveForm(Form):
    to: Literal["up", "down"]


class OfferForm(Form, kw_only=True):
    """`item`: `<link id>:<sku id>`; `price`: a plain decimal of the store's currency."""

    item: Ids
    price: Annotated[str, msgspec.Meta(max_length=20)]
    quota: Count
    per_buyer: Annotated[int, msgspec.Meta(ge=1, le=999)] = 1
    minutes: Annotated[int, msgspec.Meta(ge=1, le=240)] = 5


class DropForm(Form, kw_only=True):
    """`coupon`: `<store id>:<coupon id>`."""

    coupon: Ids
    quota: Count
    minutes: Annotated[int, msgspec.Meta(ge=1, le=60)] = 5


class DrawForm(Form, kw_only=True):
    prize_zh: Words = ""
    prize_en: Words = ""
    winners: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    minutes: Annotated[int, msgspec.Meta(ge=1, le=120)] = 3


def pair(text: str, *, field: str) -> tuple[UUID, UUID]:
    """Two ids with a colon between. Raises BadInput."""
    first, _, second = text.partition(":")
    return one_id(first, field=field), one_id(second, field=field)


def one_id(text: str, *, field: str) -> UUID:
    """Raises BadInput."""
    try:
        return UUID(text)
    except ValueError as error:
        raise BadInput(field=field, reason="not_an_id") from error


async def panel(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Access,
    *,
    creator_id: UUID,
    room_id: UUID,
    at: Any,
    words: str = "",
    part: bool = False,
) -> Page:
    """The whole page, or (`part`) only the panel."""
    room = await studio_room(conn, room_id=room_id, creator_id=creator_id)
    variants = await skus_of_cart(conn, creator_id=creator_id)
    name = "creator/live_selling.html" if part else "creator/live_selling_page.html"
    return await creator_page(
        request,
        conn,
        name,
        creator_id=creator_id,
        room=room,
        shelf=await live_shelf(conn, creator_id=creator_id),
        selling=await selling_now(conn, room_id=room_id, creator_id=creator_id, at=at),
        choices=await cart_choices(conn, creator_id=creator_id, words=words),
        words=words,
        kept=await units_for_room(conn, room_id=room_id),
        tasks=await live_tasks(conn, creator_id=creator_id, at=at),
        variants=[one for one in variants if who.may(Permission.CATALOG_MANAGE, one.store_id)],
        coupons=await droppable_coupons(conn, creator_id=creator_id, at=at),
    )


async def answer(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Access,
    creator_id: UUID,
    room_id: UUID,
    at: Any,
) -> Response[Any]:
    if request.headers.get("HX-Request"):
        return await panel(
            request, conn, who, creator_id=creator_id, room_id=room_id, at=at, part=True
        )
    return see(f"/creator/{creator_id}/live/{room_id}/selling")


@get(ROOM + "/selling", **ROUTE)
async def show(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
    q: FromQuery[str] = "",
) -> Page:
    """The panel by itself; to a script, the fragment that the studio holds."""
    part = bool(request.headers.get("HX-Request"))
    words = q.replace("\x00", "")[:60]
    return await panel(
        request, conn, who, creator_id=creator_id, room_id=room_id, at=now, words=words, part=part
    )


@post(ROOM + "/links", status_code=200, **ROUTE)
async def add_own(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    data: FormData[OwnForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[Any]:
    """Put a mini-store's product into the live cart."""
    await studio_room(conn, room_id=room_id, creator_id=creator_id)
    store_id, product_id = pair(data.product, field="product")
    await put_own_in_live_cart(
        conn,
        creator_id=creator_id,
        store_id=StoreId(store_id),
        product_id=ProductId(product_id),
        task_id=one_id(data.task_id, field="task_id") if data.task_id else None,
        at=now,
    )
    return await answer(request, conn, who, creator_id, room_id, now)


@post(ROOM + "/outside-links", status_code=200, **ROUTE)
async def add_address(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    data: FormData[AddressForm],
    request: AnyRequest,
    who: Who,
) -> Response[Any]:
    """Put a product of another platform into the live cart, by its address.

    No transaction is open while the address is followed.
    """
    async with transaction() as conn:
        now = await clock.refresh(conn)
        await studio_room(conn, room_id=room_id, creator_id=creator_id)
    await put_address_in_live_cart(
        data.url.strip(),
        creator_id=creator_id,
        task_id=one_id(data.task_id, field="task_id") if data.task_id else None,
        at=now,
    )
    async with transaction() as conn:
        return await answer(request, conn, who, creator_id, room_id, now)


@post(ROOM + "/links/{link_id:uuid}/remove", status_code=200, **ROUTE)
async def remove(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    link_id: FromPath[UUID],
    data: FormData[Nothing],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[Any]:
    await remove_link(conn, link_id=LinkId(link_id), creator_id=creator_id, at=now)
    return await answer(request, conn, who, creator_id, room_id, now)


@post(ROOM + "/links/{link_id:uuid}/move", status_code=200, **ROUTE)
async def move(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    link_id: FromPath[UUID],
    data: FormData[MoveForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[Any]:
    """One place up or down."""
    order = [link.link_id for link in await live_shelf(conn, creator_id=creator_id)]
    if link_id in order:
        place = order.index(LinkId(link_id))
        other = place - 1 if data.to == "up" else place + 1
        if 0 <= other < len(order):
            order[place], order[other] = order[other], order[place]
        await reorder_live_cart(conn, creator_id=creator_id, link_ids=order)
    return await answer(request, conn, who, creator_id, room_id, now)


@post(ROOM + "/links/{link_id:uuid}/pin", status_code=200, **ROUTE)
async def pin(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    link_id: FromPath[UUID],
    data: FormData[Nothing],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[Any]:
    await pin_product(
        conn, room_id=RoomId(room_id), creator_id=creator_id, link_id=LinkId(link_id), at=now
    )
    return await answer(request, conn, who, creator_id, room_id, now)


@post(ROOM + "/unpin", status_code=200, **ROUTE)
async def unpin(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    data: FormData[Nothing],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[Any]:
    await unpin_product(conn, room_id=RoomId(room_id), creator_id=creator_id, at=now)
    return await answer(request, conn, who, creator_id, room_id, now)


@post(ROOM + "/offers", status_code=200, **ROUTE)
async def offer(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    data: FormData[OfferForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[Any]:
    """Open a flash offer: only who sets the store's prices may."""
    link_id, sku_id = pair(data.item, field="item")
    known = await skus_of_cart(conn, creator_id=creator_id)
    chosen = next((v for v in known if (v.link_id, v.sku_id) == (link_id, sku_id)), None)
    if chosen is None:
        raise BadInput(field="item", reason="unknown")
    if not who.may(Permission.CATALOG_MANAGE, chosen.store_id):
        raise OfferNeedsStore(field="item")
    await open_offer(
        conn,
        room_id=RoomId(room_id),
        creator_id=creator_id,
        link_id=LinkId(link_id),
        sku_id=SkuId(sku_id),
        price_minor=amount(data.price, chosen.currency, field="price") or 0,
        quota=data.quota,
        per_buyer=data.per_buyer,
        lasts=timedelta(minutes=data.minutes),
        at=now,
    )
    return await answer(request, conn, who, creator_id, room_id, now)


@post(ROOM + "/offers/{offer_id:uuid}/stop", status_code=200, **ROUTE)
async def stop(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    offer_id: FromPath[UUID],
    data: FormData[Nothing],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[Any]:
    await close_offer(
        conn, room_id=RoomId(room_id), creator_id=creator_id, offer_id=offer_id, at=now
    )
    return await answer(request, conn, who, creator_id, room_id, now)


@post(ROOM + "/coupons", status_code=200, **ROUTE)
async def drop(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    data: FormData[DropForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[Any]:
    store_id, coupon_id = pair(data.coupon, field="coupon")
    await drop_coupon(
        conn,
        room_id=RoomId(room_id),
        creator_id=creator_id,
        store_id=StoreId(store_id),
        coupon_id=coupon_id,
        quota=data.quota,
        lasts=timedelta(minutes=data.minutes),
        at=now,
    )
    return await answer(request, conn, who, creator_id, room_id, now)


@post(ROOM + "/draws", status_code=200, **ROUTE)
async def draw(
    creator_id: FromPath[UUID],
    room_id: FromPath[UUID],
    data: FormData[DrawForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[Any]:
    await open_draw(
        conn,
        room_id=RoomId(room_id),
        creator_id=creator_id,
        prize_zh=data.prize_zh,
        prize_en=data.prize_en,
        winners=data.winners,
        lasts=timedelta(minutes=data.minutes),
        at=now,
    )
    return await answer(request, conn, who, creator_id, room_id, now)


HANDLERS: list[HTTPRouteHandler] = [
    show, add_own, add_address, remove, move, pin, unpin, offer, stop, drop, draw,
]  # fmt: skip
