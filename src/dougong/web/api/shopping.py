"""API v1, the shopper's path: quote, place, pay, follow, confirm."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import LinkId, OrderId, SkuId, StoreId
from dougong.base.money import Money
from dougong.flows.check_out import StorePart, check_out
from dougong.flows.close_order import cancel_by_buyer
from dougong.flows.pay import start_payment
from dougong.flows.price_orders import Priced, Wanted, WantedLine, price_for
from dougong.flows.receive_order import confirm_receipt
from dougong.orders.cart_commands import put_in_cart, remove_from_cart
from dougong.reads.buyer_orders import OrderView, cart_of, order_of, orders_of
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Input
from dougong.web.refusals import RefusalBody, message_for

Count = Annotated[int, msgspec.Meta(ge=1, le=999)]
Minor = Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000_000_000)]
IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        description="8 to 200 characters; the same key and body give the same answer.",
        min_length=8,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
    ),
]
MOST_STORES = 20


class LineInput(Input):
    sku_id: UUID
    quantity: Count
    link_id: UUID | None = None


class PartInput(Input):
    store_id: UUID
    lines: Annotated[list[LineInput], msgspec.Meta(min_length=1, max_length=50)]
    coupon_code: Annotated[str, msgspec.Meta(max_length=30)] | None = None


class QuoteInput(Input):
    parts: Annotated[list[PartInput], msgspec.Meta(min_length=1, max_length=MOST_STORES)]


class PricedPart(PartInput, kw_only=True):
    expected_total_minor: Minor


class CheckoutInput(Input):
    address_id: UUID
    parts: Annotated[list[PricedPart], msgspec.Meta(min_length=1, max_length=MOST_STORES)]


class QuotedPart(msgspec.Struct):
    """One store's prices now, or why it refuses."""

    store_id: UUID
    goods: Money | None = None
    discount: Money | None = None
    shipping: Money | None = None
    total: Money | None = None
    refusal: RefusalBody | None = None


class PlacedOrder(msgspec.Struct):
    store_id: UUID
    order_id: UUID
    number: str
    total: Money
    pay_by: datetime


class CheckoutAnswer(msgspec.Struct):
    checkout_id: UUID
    placed: list[PlacedOrder]
    refused: list[QuotedPart]


class PaymentAnswer(msgspec.Struct):
    payment_id: UUID
    amount: Money
    pay_url: str


def refusal_body(refusal: Refusal) -> RefusalBody:
    return RefusalBody(
        refusal.code,
        message_for(refusal.code, refusal.facts | {"field": refusal.field or ""}),
        refusal.field,
        {name: str(value) for name, value in refusal.facts.items()},
    )


def wanted_lines(part: PartInput) -> tuple[WantedLine, ...]:
    return tuple(
        WantedLine(SkuId(li.sku_id), li.quantity, LinkId(li.link_id) if li.link_id else None)
        for li in part.lines
    )


def _different_stores(parts: list[Any]) -> None:
    if len({part.store_id for part in parts}) != len(parts):
        raise BadInput(field="parts", reason="one part for each store")


@post("/api/v1/quotes", permission=Permission.ORDER_PLACE, status_code=200, tags=["Shopping"])
async def quote_orders(
    data: JSONBody[QuoteInput], who: Who, conn: Conn, now: Now
) -> list[QuotedPart]:
    """What an order would cost now, store by store; nothing is reserved."""
    _different_stores(data.parts)
    answers = []
    for part in data.parts:
        wanted = Wanted(who.person_id, wanted_lines(part), part.coupon_code, None)
        priced = await price_for(conn, store_id=StoreId(part.store_id), wanted=wanted, at=now)
        answers.append(_quoted(part.store_id, priced))
    return answers


def _quoted(store_id: UUID, priced: Priced | Refusal) -> QuotedPart:
    if isinstance(priced, Refusal):
        return QuotedPart(store_id, refusal=refusal_body(priced))
    q, currency = priced.quote, priced.currency
    return QuotedPart(
        store_id,
        goods=Money(q.goods_minor, currency),
        discount=Money(q.discount_minor, currency),
        shipping=Money(q.shipping_minor, currency),
        total=Money(q.total_minor, currency),
    )


@post("/api/v1/orders", permission=Permission.ORDER_PLACE, status_code=201, tags=["Shopping"])
async def place_orders(
    data: JSONBody[CheckoutInput], who: Who, idempotency_key: IdempotencyKey
) -> CheckoutAnswer:
    """Place one order per store. Stock is reserved until `pay_by`.

    `expected_total_minor` is what the buyer saw: another total is refused as `stale_total`.
    """
    _different_stores(data.parts)
    parts = [
        StorePart(
            StoreId(part.store_id), wanted_lines(part), part.coupon_code, part.expected_total_minor
        )
        for part in data.parts
    ]
    done = await check_out(
        buyer_id=who.person_id, key=idempotency_key, address_id=data.address_id, parts=parts
    )
    return CheckoutAnswer(
        done.checkout_id,
        [
            PlacedOrder(
                p.store_id, p.order_id, p.number, Money(p.total_minor, p.currency), p.pay_by
            )
            for p in done.placed
        ],
        [QuotedPart(store_id, refusal=refusal_body(why)) for store_id, why in done.refused],
    )


@post(
    "/api/v1/checkouts/{checkout_id:uuid}/payments",
    permission=Permission.PAYMENT_START,
    status_code=201,
    tags=["Shopping"],
)
async def pay_checkout(checkout_id: FromPath[UUID], who: Who) -> PaymentAnswer:
    """Start the payment of a checkout's waiting orders; asking again gives the same one."""
    started = await start_payment(
        checkout_id=checkout_id, buyer_id=who.person_id, return_url=f"/checkouts/{checkout_id}"
    )
    return PaymentAnswer(
        started.payment_id, Money(started.amount_minor, started.currency), started.pay_url
    )


@get("/api/v1/orders", permission=Permission.ORDER_READ_OWN, tags=["Shopping"])
async def my_orders(
    who: Who,
    conn: Conn,
    before: FromQuery[datetime | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
) -> list[OrderView]:
    """The buyer's orders, newest first; `before`: the `placed_at` of the last one seen."""
    return await orders_of(conn, buyer_id=who.person_id, before=before, limit=limit)


@get(
    "/api/v1/orders/{store:uuid}/{order_id:uuid}",
    permission=Permission.ORDER_READ_OWN,
    tags=["Shopping"],
)
async def my_order(
    store: FromPath[UUID], order_id: FromPath[UUID], who: Who, conn: Conn
) -> OrderView:
    return await order_of(
        conn, buyer_id=who.person_id, store_id=StoreId(store), order_id=OrderId(order_id)
    )


@post(
    "/api/v1/orders/{store:uuid}/{order_id:uuid}/receipt",
    permission=Permission.ORDER_PLACE,
    status_code=200,
    tags=["Shopping"],
)
async def confirm_my_receipt(
    store: FromPath[UUID], order_id: FromPath[UUID], who: Who, conn: Conn, now: Now
) -> OrderView:
    """The goods have arrived: the after-sales window starts."""
    store_id, own = StoreId(store), OrderId(order_id)
    await confirm_receipt(conn, buyer_id=who.person_id, store_id=store_id, order_id=own, at=now)
    return await order_of(conn, buyer_id=who.person_id, store_id=store_id, order_id=own)


@post(
    "/api/v1/orders/{store:uuid}/{order_id:uuid}/cancellation",
    permission=Permission.ORDER_PLACE,
    status_code=200,
    tags=["Shopping"],
)
async def cancel_my_order(
    store: FromPath[UUID], order_id: FromPath[UUID], who: Who, conn: Conn, now: Now
) -> OrderView:
    """Give up an order that is not paid; its units and its coupon go back."""
    store_id, own = StoreId(store), OrderId(order_id)
    await cancel_by_buyer(conn, buyer_id=who.person_id, store_id=store_id, order_id=own, at=now)
    return await order_of(conn, buyer_id=who.person_id, store_id=store_id, order_id=own)


class CartInput(Input):
    quantity: Count
    link_id: UUID | None = None


@get("/api/v1/cart", permission=Permission.CART_USE, tags=["Shopping"])
async def my_cart(who: Who, conn: Conn) -> list[dict[str, Any]]:
    return await cart_of(conn, person_id=who.person_id)


@put(
    "/api/v1/cart/{store:uuid}/{sku_id:uuid}",
    permission=Permission.CART_USE,
    status_code=200,
    tags=["Shopping"],
)
async def set_in_cart(
    store: FromPath[UUID],
    sku_id: FromPath[UUID],
    data: JSONBody[CartInput],
    who: Who,
    conn: Conn,
    now: Now,
) -> list[dict[str, Any]]:
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
    return await cart_of(conn, person_id=who.person_id)


@delete(
    "/api/v1/cart/{store:uuid}/{sku_id:uuid}",
    permission=Permission.CART_USE,
    status_code=204,
    tags=["Shopping"],
)
async def take_from_cart(
    store: FromPath[UUID], sku_id: FromPath[UUID], who: Who, conn: Conn
) -> None:
    await remove_from_cart(conn, person_id=who.person_id, store_id=StoreId(store), sku_id=sku_id)


HANDLERS: list[HTTPRouteHandler] = [
    quote_orders,
    place_orders,
    pay_checkout,
    my_orders,
    my_order,
    confirm_my_receipt,
    cancel_my_order,
    my_cart,
    set_in_cart,
    take_from_cart,
]
