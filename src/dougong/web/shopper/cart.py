"""The cart: put in, change, take out; and "buy now", which goes past it."""

import json
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import StoreId
from dougong.orders.cart_commands import add_to_cart, put_in_cart, remove_from_cart
from dougong.reads.shopper_orders import cart_count, cart_view
from dougong.web.account.common import AnyRequest, go
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, mark
from dougong.web.render import Page, page

USE: dict[str, Any] = {"permission": Permission.CART_USE, "include_in_schema": False}
Quantity = Annotated[int, msgspec.Meta(ge=1, le=999)]
ADDED = mark("Added to your cart")


class Chosen(Form):
    """What the sheet and the product page send. `link_id`: the video link that led here."""

    store_id: UUID
    sku_id: UUID
    quantity: Quantity = 1
    link_id: str = ""

    def link(self) -> UUID | None:
        """Raises BadInput when it is something else than an id."""
        try:
            return UUID(self.link_id) if self.link_id else None
        except ValueError as error:
            raise BadInput(field="link_id", reason="not an id") from error


class NewQuantity(Form):
    quantity: Annotated[int, msgspec.Meta(ge=0, le=999)]


@get("/cart", **USE)
async def cart_page(request: AnyRequest, conn: Conn, who: Who) -> Page:
    parts = await cart_view(conn, person_id=who.person_id)
    return page(request, "shopper/cart.html", parts=parts)


@post("/cart", status_code=200, **USE)
async def add(
    data: FormData[Chosen], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> Response[str]:
    await add_to_cart(
        conn,
        person_id=who.person_id,
        store_id=StoreId(data.store_id),
        sku_id=data.sku_id,
        quantity=data.quantity,
        link_id=data.link(),
        at=now,
    )
    if not request.headers.get("HX-Request"):
        return go("/cart")
    count = await cart_count(conn, person_id=who.person_id)
    said = {"cart-count": count, "toast": {"text": gettext(ADDED), "good": True}}
    return Response("", status_code=204, headers={"HX-Trigger": json.dumps(said)})


@post("/cart/{store:uuid}/{sku_id:uuid}", status_code=200, **USE)
async def change(
    store: FromPath[UUID],
    sku_id: FromPath[UUID],
    data: FormData[NewQuantity],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[str]:
    """Set a quantity; 0 takes it out."""
    if data.quantity:
        await put_in_cart(
            conn,
            person_id=who.person_id,
            store_id=StoreId(store),
            sku_id=sku_id,
            quantity=data.quantity,
            link_id=None,
            at=now,
        )
    else:
        await remove_from_cart(
            conn, person_id=who.person_id, store_id=StoreId(store), sku_id=sku_id
        )
    if not request.headers.get("HX-Request"):
        return go("/cart")
    parts = await cart_view(conn, person_id=who.person_id)
    return page(request, "shopper/cart_body.html", parts=parts)


@post("/buy", permission=Permission.PUBLIC, status_code=303, include_in_schema=False)
async def buy_now(data: FormData[Chosen]) -> Response[str]:
    """To the checkout with this one thing; the cart stays as it is."""
    asked = {"store": data.store_id, "sku": data.sku_id, "quantity": data.quantity}
    link = data.link()
    return go("/checkout?" + urlencode(asked | ({"link": link} if link else {})))


HANDLERS: list[HTTPRouteHandler] = [cart_page, add, change, buy_now]
