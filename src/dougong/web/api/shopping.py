"""API v1: what orders would cost, placing them, paying for them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import LinkId, SkuId, StoreId
from dougong.base.money import Money
from dougong.flows.check_out import StorePart, check_out
from dougong.flows.pay import start_payment
from dougong.flows.price_orders import Priced, Wanted, WantedLine, price_for
from dougong.reads.buyer_orders import OrderView, orders_of
from dougong.supply.quota_rules import Channel
from dougong.web.account.common import AnyRequest
from dougong.web.api.common import Key, Minor, refusal_body
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Input
from dougong.web.refusals import RefusalBody, refuse

Count = Annotated[int, msgspec.Meta(ge=1, le=999)]
MOST_STORES = 20


class LineInput(Input):
    sku_id: UUID
    quantity: Count
    link_id: UUID | None = None
    offer_id: UUID | None = None


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


def wanted_lines(part: PartInput) -> tuple[WantedLine, ...]:
    return tuple(
        WantedLine(
            SkuId(li.sku_id),
            li.quantity,
            LinkId(li.link_id) if li.link_id else None,
            li.offer_id,
        )
        for li in part.lines
    )


def _different_stores(parts: list[Any]) -> None:
    if len({part.store_id for part in parts}) != len(parts):
        raise BadInput(field="parts", reason="one part for each store")


@post(
    "/api/v1/quotes",
    permission=Permission.ORDER_PLACE,
    status_code=200,
    tags=["shopping"],
    summary="What an order would cost",
)
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


@post(
    "/api/v1/orders",
    permission=Permission.ORDER_PLACE,
    status_code=201,
    tags=["shopping"],
    summary="Place orders",
)
async def place_orders(
    request: AnyRequest, data: JSONBody[CheckoutInput], who: Who, idempotency_key: Key
) -> Response[CheckoutAnswer]:
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
        buyer_id=who.person_id,
        key=idempotency_key,
        address_id=data.address_id,
        parts=parts,
        straight=Channel.API,
    )
    if done.refusal:
        return refuse(request, done.refusal)
    placed = [
        PlacedOrder(p.store_id, p.order_id, p.number, Money(p.total_minor, p.currency), p.pay_by)
        for p in done.placed
    ]
    refused = [QuotedPart(store_id, refusal=refusal_body(why)) for store_id, why in done.refused]
    return Response(CheckoutAnswer(done.checkout_id, placed, refused))


@post(
    "/api/v1/checkouts/{checkout_id:uuid}/payments",
    permission=Permission.PAYMENT_START,
    status_code=201,
    tags=["shopping"],
    summary="Start the payment of a checkout",
)
async def pay_checkout(checkout_id: FromPath[UUID], who: Who) -> PaymentAnswer:
    """Start the payment of a checkout's waiting orders; asking again gives the same one."""
    started = await start_payment(
        checkout_id=checkout_id, buyer_id=who.person_id, return_url=f"/checkouts/{checkout_id}"
    )
    return PaymentAnswer(
        started.payment_id, Money(started.amount_minor, started.currency), started.pay_url
    )


class CheckoutState(msgspec.Struct):
    """The orders of one checkout; `waiting`: whether one of them can still be paid."""

    checkout_id: UUID
    waiting: bool
    orders: list[OrderView]


@get(
    "/api/v1/checkouts/{checkout_id:uuid}",
    permission=Permission.ORDER_READ_OWN,
    tags=["shopping"],
    summary="How a checkout stands",
)
async def read_checkout(
    checkout_id: FromPath[UUID], who: Who, conn: Conn, now: Now
) -> CheckoutState:
    """Ask here after paying: an order is `paid` once the gateway has said so."""
    orders = await orders_of(
        conn, buyer_id=who.person_id, checkout_id=checkout_id, most=MOST_STORES
    )
    if not orders:
        raise NotFound
    waiting = any(one.state == "placed" and one.pay_by > now for one in orders)
    return CheckoutState(checkout_id, waiting, orders)


HANDLERS: list[HTTPRouteHandler] = [quote_orders, place_orders, pay_checkout, read_checkout]
