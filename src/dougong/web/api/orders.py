"""API v1: the cart and a buyer's orders: what was ordered, received, cancelled, refunded."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from dougong.base.access import Permission
from dougong.base.ids import OrderId, StoreId
from dougong.flows.close_order import cancel_by_buyer
from dougong.flows.receive_order import confirm_receipt
from dougong.orders.cart_commands import put_in_cart, remove_from_cart
from dougong.reads.buyer_orders import CartItem, OrderView, cart_of, order_of, orders_of
from dougong.web.api.common import After, Limit
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Input
from dougong.web.paging import cursor_values, cut

# `store`, not `store_id`: the person acts on its own order, not for the store.
ORDER = "/api/v1/orders/{store:uuid}/{order_id:uuid}"
LINE = "/api/v1/cart/{store:uuid}/{sku_id:uuid}"
READ: dict[str, Any] = {"permission": Permission.ORDER_READ_OWN, "tags": ["orders"]}
ACT: dict[str, Any] = {"permission": Permission.ORDER_PLACE, "tags": ["orders"]}
CART: dict[str, Any] = {"permission": Permission.CART_USE, "tags": ["cart"]}


class OrderPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[OrderView]
    after: str | None


class CartInput(Input):
    """`link_id`: the product link that led here, if one did."""

    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)]
    link_id: UUID | None = None


class Cart(msgspec.Struct):
    items: list[CartItem]


@get("/api/v1/orders", summary="My orders", **READ)
async def my_orders(who: Who, conn: Conn, after: After = "", limit: Limit = 20) -> OrderPage:
    """The buyer's orders with their packages and refunds, newest first."""
    found = await orders_of(
        conn,
        buyer_id=who.person_id,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.placed_at, row.order_id), limit)
    return OrderPage(list(rows), following or None)


@get(ORDER, summary="One of my orders", **READ)
async def my_order(
    store: FromPath[UUID], order_id: FromPath[UUID], who: Who, conn: Conn
) -> OrderView:
    """With its packages and refunds."""
    return await order_of(
        conn, buyer_id=who.person_id, store_id=StoreId(store), order_id=OrderId(order_id)
    )


@post(ORDER + "/receipt", summary="Confirm receipt", status_code=200, **ACT)
async def confirm_my_receipt(
    store: FromPath[UUID], order_id: FromPath[UUID], who: Who, conn: Conn, now: Now
) -> OrderView:
    """The goods have arrived: the after-sales window starts. 409 before all is shipped."""
    store_id, own = StoreId(store), OrderId(order_id)
    await confirm_receipt(conn, buyer_id=who.person_id, store_id=store_id, order_id=own, at=now)
    return await order_of(conn, buyer_id=who.person_id, store_id=store_id, order_id=own)


@post(ORDER + "/cancellation", summary="Cancel an order", status_code=200, **ACT)
async def cancel_my_order(
    store: FromPath[UUID], order_id: FromPath[UUID], who: Who, conn: Conn, now: Now
) -> OrderView:
    """Give up an order that is not paid; its units and its coupon go back."""
    store_id, own = StoreId(store), OrderId(order_id)
    await cancel_by_buyer(conn, buyer_id=who.person_id, store_id=store_id, order_id=own, at=now)
    return await order_of(conn, buyer_id=who.person_id, store_id=store_id, order_id=own)


@get("/api/v1/cart", summary="My cart", **CART)
async def my_cart(who: Who, conn: Conn) -> Cart:
    """Every SKU in it, store by store, as it would be sold now."""
    return Cart(await cart_of(conn, person_id=who.person_id))


@put(LINE, summary="Put into the cart", status_code=200, **CART)
async def set_in_cart(
    store: FromPath[UUID],
    sku_id: FromPath[UUID],
    data: JSONBody[CartInput],
    who: Who,
    conn: Conn,
    now: Now,
) -> Cart:
    """Set the quantity of one SKU; sent twice it is the same cart."""
    await put_in_cart(
        conn,
        person_id=who.person_id,
        store_id=StoreId(store),
        sku_id=sku_id,
        quantity=data.quantity,
        link_id=data.link_id,
        at=now,
    )
    return Cart(await cart_of(conn, person_id=who.person_id))


@delete(LINE, summary="Take out of the cart", status_code=204, **CART)
async def take_from_cart(
    store: FromPath[UUID], sku_id: FromPath[UUID], who: Who, conn: Conn
) -> None:
    """Nothing happens where it is not in there."""
    await remove_from_cart(conn, person_id=who.person_id, store_id=StoreId(store), sku_id=sku_id)


HANDLERS: list[HTTPRouteHandler] = [
    my_orders,
    my_order,
    confirm_my_receipt,
    cancel_my_order,
    my_cart,
    set_in_cart,
    take_from_cart,
]
