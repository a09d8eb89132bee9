"""A shopper's orders: the list, the timeline, receipt, and what can be done with them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.ids import OrderId, StoreId
from dougong.flows.close_order import cancel_by_buyer
from dougong.flows.receive_order import confirm_receipt
from dougong.reads.insurance import cover_of
from dougong.reads.shopper_orders import GROUPS, PAGE, order_cards, order_detail
from dougong.web import package_words
from dougong.web.account.common import AnyRequest, go
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.province_map import parcel_map
from dougong.web.render import Page, page

READ: dict[str, Any] = {"permission": Permission.ORDER_READ_OWN, "include_in_schema": False}
ACT: dict[str, Any] = {
    "permission": Permission.ORDER_PLACE,
    "include_in_schema": False,
    "status_code": 303,
}
# `store`, not `store_id`: the person acts on its own order, not for the store.
MAX_WORDS = 100
ORDER = "/orders/{store:uuid}/{order_id:uuid}"


class Nothing(Form):
    """A button."""


@get("/orders", **READ)
async def orders_page(
    request: AnyRequest,
    conn: Conn,
    who: Who,
    group: FromQuery[str] = "",
    before: FromQuery[datetime | None] = None,
    q: FromQuery[str] = "",
) -> Page:
    chosen = group if group in GROUPS else ""
    words = q.replace("\x00", "").strip()[:MAX_WORDS]
    rows = await order_cards(conn, buyer_id=who.person_id, group=chosen, before=before, words=words)
    return page(
        request,
        "shopper/orders.html",
        orders=rows[:PAGE],
        group=chosen,
        words=words,
        groups=list(GROUPS),
        next_before=rows[PAGE - 1].placed_at if len(rows) > PAGE else None,
    )


@get(ORDER, **READ)
async def order_page(
    store: FromPath[UUID], order_id: FromPath[UUID], request: AnyRequest, conn: Conn, who: Who
) -> Page:
    detail = await order_detail(conn, buyer_id=who.person_id, store_id=store, order_id=order_id)
    words: dict[str, Any] = {
        "package_state": package_words.state_words,
        "parcel_map": parcel_map,
        "status_words": package_words.status_words,
    }
    cover = await cover_of(conn, store_id=store, order_id=order_id)
    return page(
        request, "shopper/order.html", detail=detail, order=detail.order, cover=cover, **words
    )


@get(ORDER + "/receipt", **READ)
async def receipt_page(
    store: FromPath[UUID], order_id: FromPath[UUID], request: AnyRequest, conn: Conn, who: Who
) -> Page:
    """A receipt to print or keep."""
    detail = await order_detail(conn, buyer_id=who.person_id, store_id=store, order_id=order_id)
    return page(request, "shopper/receipt.html", detail=detail, order=detail.order)


@post(ORDER + "/receive", **ACT)
async def receive(
    store: FromPath[UUID],
    order_id: FromPath[UUID],
    data: FormData[Nothing],
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[str]:
    await confirm_receipt(
        conn,
        buyer_id=who.person_id,
        store_id=StoreId(store),
        order_id=OrderId(order_id),
        at=now,
    )
    return go(f"/orders/{store}/{order_id}")


@post(ORDER + "/cancel", **ACT)
async def cancel(
    store: FromPath[UUID],
    order_id: FromPath[UUID],
    data: FormData[Nothing],
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[str]:
    await cancel_by_buyer(
        conn,
        buyer_id=who.person_id,
        store_id=StoreId(store),
        order_id=OrderId(order_id),
        at=now,
    )
    return go(f"/orders/{store}/{order_id}")


HANDLERS: list[HTTPRouteHandler] = [orders_page, order_page, receipt_page, receive, cancel]
