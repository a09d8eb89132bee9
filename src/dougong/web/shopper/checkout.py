"""The checkout: one page that shows the server's totals, one button that places the orders."""

from collections import defaultdict
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from dougong.accounts.queries import addresses_of
from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import LinkId, SkuId, StoreId
from dougong.flows.check_out import CheckedOut, StorePart, check_out
from dougong.flows.pay import start_payment
from dougong.flows.prepare_checkout import PreparedPart, prepare_checkout
from dougong.flows.price_orders import WantedLine
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.orders.rules import CouponRefused, StaleTotal
from dougong.reads.insurance_facts import insuring_stores
from dougong.reads.shopper_orders import (
    CartStore,
    bought_now,
    cart_count,
    cart_view,
    last_payment_state,
    order_cards,
)
from dougong.reads.shopper_products import store_names
from dougong.web.account.common import AnyRequest, go
from dougong.web.countries import countries
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, locale_of_request, mark
from dougong.web.refusals import message_for
from dougong.web.render import Page, page

PLACE: dict[str, Any] = {"permission": Permission.ORDER_PLACE, "include_in_schema": False}
MOST_STORES = 20
COUPON_WHYS = {
    "unknown": mark("This store has no coupon with this code."),
    "not_yet": mark("This coupon cannot be used yet."),
    "over": mark("This coupon has expired."),
    "below_minimum": mark("Your order is below what this coupon asks for."),
    "already_used": mark("You have used this coupon already."),
    "used_up": mark("All of these coupons have been used."),
}


class Ask(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a checkout is about: the whole cart, one store of it, or one SKU bought at once, with
    the price of a flash `offer`.

    `coupons`: store to code; "" for none, no entry for the best one.
    """

    store: UUID | None = None
    sku: UUID | None = None
    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)] = 1
    link: UUID | None = None
    offer: UUID | None = None
    coupons: dict[UUID, str] = {}


class AskedLine(msgspec.Struct, forbid_unknown_fields=True):
    sku_id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)]
    link_id: UUID | None = None
    offer_id: UUID | None = None


class AskedPart(msgspec.Struct, forbid_unknown_fields=True):
    """One store's part as the shopper saw it."""

    store_id: UUID
    lines: list[AskedLine]
    coupon_code: str | None
    expected_total_minor: Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000_000_000)]


class PlaceForm(Form, kw_only=True):
    """`ask` and `parts` are JSON that the page wrote; what they claim is checked at placing."""

    address_id: UUID | None = None
    key: Annotated[str, msgspec.Meta(min_length=8, max_length=200, pattern=r"^[\x21-\x7e]+$")]
    ask: Annotated[str, msgspec.Meta(max_length=10_000)]
    parts: Annotated[str, msgspec.Meta(max_length=100_000)]


class Nothing(Form):
    """A button."""


def chosen_coupons(given: list[str]) -> dict[UUID, str]:
    """`<store id>:<CODE>` of the address. Raises BadInput."""
    chosen = {}
    for one in given[:MOST_STORES]:
        store, _, code = one.partition(":")
        try:
            chosen[UUID(store)] = code.strip().upper()[:30]
        except ValueError as error:
            raise BadInput(field="coupon", reason=one[:60]) from error
    return chosen


async def carts_for(conn: Conn, who: Access, ask: Ask) -> list[CartStore]:
    if ask.store and ask.sku:
        return await bought_now(
            conn,
            person_id=who.person_id,
            store_id=ask.store,
            sku_id=ask.sku,
            quantity=ask.quantity,
            link_id=ask.link,
            offer_id=ask.offer,
        )
    carts = await cart_view(conn, person_id=who.person_id)
    return [one for one in carts if ask.store in (None, one.store.id)][:MOST_STORES]


async def show(
    request: AnyRequest,
    conn: Conn,
    who: Access,
    ask: Ask,
    *,
    now: Now,
    address_id: UUID | None = None,
    refusal: Refusal | None = None,
) -> Page:
    """The checkout with the totals of this moment; with a refusal, its text on top."""
    carts = await carts_for(conn, who, ask)
    prepared = await prepare_checkout(
        conn, buyer_id=who.person_id, carts=carts, chosen=ask.coupons, at=now
    )
    sellable = [part for part in prepared if part.priced]
    addresses = await addresses_of(conn, who.person_id)
    known = [one.id for one in addresses]
    return page(
        request,
        "shopper/checkout.html",
        status=refusal.status if refusal else 200,
        ask=ask,
        ask_json=msgspec.json.encode(ask).decode(),
        parts=prepared,
        insuring=await insuring_stores(
            conn, store_ids=[one.cart.store.id for one in prepared], at=now
        ),
        parts_json=msgspec.json.encode([as_asked(part) for part in sellable]).decode(),
        totals=totals_of(sellable),
        addresses=addresses,
        no_address=defaultdict(str, country=settings().home_market),
        no_errors=defaultdict(str),
        countries=countries(locale_of_request.get()),
        address_id=address_id if address_id in known else next(iter(known), None),
        key=f"checkout-{uuid4()}",
        problem=words_for(refusal) if refusal else "",
        is_stale=isinstance(refusal, StaleTotal),
        coupon_problems={
            part.cart.store.id: words_for(part.refusal)
            for part in prepared
            if part.refusal and part.priced
        },
        reasons={
            part.cart.store.id: words_for(part.refusal)
            for part in prepared
            if part.refusal and not part.priced
        },
    )


def words_for(refusal: Refusal) -> str:
    why = refusal.facts.get("why")
    if isinstance(refusal, CouponRefused) and why in COUPON_WHYS:
        return gettext(COUPON_WHYS[why])
    return message_for(refusal.code, refusal.facts | {"field": refusal.field or ""})


def as_asked(part: PreparedPart) -> AskedPart:
    lines = [AskedLine(li.sku_id, li.quantity, li.link_id, li.offer_id) for li in part.lines]
    total = part.priced.quote.total_minor if part.priced else 0
    return AskedPart(part.cart.store.id, lines, part.coupon_code, total)


def totals_of(parts: list[PreparedPart]) -> dict[str, int]:
    """Currency to the sum of its stores' totals, in minor units."""
    totals: dict[str, int] = {}
    for part in parts:
        if part.priced:
            currency = part.priced.currency
            totals[currency] = totals.get(currency, 0) + part.priced.quote.total_minor
    return totals


@get("/checkout", **PLACE)
async def checkout_page(
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
    store: FromQuery[UUID | None] = None,
    sku: FromQuery[UUID | None] = None,
    quantity: Annotated[int, QueryParameter(ge=1, le=999)] = 1,
    link: FromQuery[UUID | None] = None,
    offer: FromQuery[UUID | None] = None,
    coupon: FromQuery[list[str] | None] = None,
    address: FromQuery[UUID | None] = None,
) -> Page:
    ask = Ask(
        store=store,
        sku=sku,
        quantity=quantity,
        link=link,
        offer=offer,
        coupons=chosen_coupons(coupon or []),
    )
    return await show(request, conn, who, ask, now=now, address_id=address)


@post("/checkout", status_code=303, **PLACE)
async def place(data: FormData[PlaceForm], request: AnyRequest, who: Who) -> Response[str]:
    """Place the orders that the page showed, and go to the payment.

    No transaction is open here: every store's intake commits by itself.
    """
    try:
        ask = msgspec.json.decode(data.ask, type=Ask)
        parts = msgspec.json.decode(data.parts, type=list[AskedPart])
    except msgspec.DecodeError as error:
        raise BadInput(field="parts", reason=str(error)[:200]) from error
    try:
        if data.address_id is None:
            raise BadInput(field="address_id", reason="empty")
        done = await check_out(
            buyer_id=who.person_id,
            key=data.key,
            address_id=data.address_id,
            parts=store_parts(parts),
        )
        if done.refusal:
            raise done.refusal
    except Refusal as refusal:
        async with transaction() as conn:
            now = await clock.refresh(conn)
            return await show(
                request, conn, who, ask, now=now, address_id=data.address_id, refusal=refusal
            )
    if done.refused:
        return await partly(request, done)
    return await to_payment(request, who, done.checkout_id)


def wanted(line: AskedLine) -> WantedLine:
    link_id = LinkId(line.link_id) if line.link_id else None
    return WantedLine(SkuId(line.sku_id), line.quantity, link_id, line.offer_id)


def store_parts(parts: list[AskedPart]) -> list[StorePart]:
    """Raises BadInput for an empty list, or a store that is named twice."""
    stores = {part.store_id for part in parts}
    if not parts or len(stores) != len(parts) or len(parts) > MOST_STORES:
        raise BadInput(field="parts", reason="empty")
    return [
        StorePart(
            StoreId(part.store_id),
            tuple(map(wanted, part.lines)),
            part.coupon_code,
            part.expected_total_minor,
        )
        for part in parts
    ]


async def partly(request: AnyRequest, done: CheckedOut) -> Page:
    """Some stores took their part, others did not."""
    ids = [store_id for store_id, _ in done.refused]
    async with transaction() as conn:
        stores = await store_names(conn, store_ids=ids)
    refused = [(stores[store_id], words_for(why)) for store_id, why in done.refused]
    return page(
        request,
        "shopper/partly.html",
        placed=done.placed,
        refused=refused,
        checkout_id=done.checkout_id,
    )


async def to_payment(request: AnyRequest, who: Access, checkout_id: UUID) -> Response[str]:
    started = await start_payment(
        checkout_id=checkout_id, buyer_id=who.person_id, return_url=f"/checkouts/{checkout_id}"
    )
    if started.pay_url.startswith("/"):
        return go(started.pay_url)
    # A form may not lead to another site (CSP form-action): a page that goes there may.
    return page(request, "shopper/to_gateway.html", pay_url=started.pay_url)


@get("/checkouts/{checkout_id:uuid}", permission=Permission.ORDER_READ_OWN, include_in_schema=False)
async def checkout_state(
    checkout_id: FromPath[UUID], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> Page:
    """Where the gateway sends the payer back to: paid, or still waiting."""
    orders = await order_cards(conn, buyer_id=who.person_id, checkout_id=checkout_id, most=50)
    if not orders:
        raise NotFound
    waiting = [one for one in orders if one.state == "placed"]
    name = "checkout_state.html" if request.headers.get("HX-Request") else "checkout_done.html"
    return page(
        request,
        f"shopper/{name}",
        orders=orders,
        checkout_id=checkout_id,
        waiting=waiting,
        held=await cart_count(conn, person_id=who.person_id),
        is_open=any(one.pay_by > now for one in waiting),
        is_closed=all(one.state == "cancelled" for one in orders),
        pay_by=min((one.pay_by for one in waiting), default=None),
        payment=await last_payment_state(conn, buyer_id=who.person_id, checkout_id=checkout_id),
    )


@post(
    "/checkouts/{checkout_id:uuid}/pay",
    permission=Permission.PAYMENT_START,
    include_in_schema=False,
    status_code=303,
)
async def pay(
    checkout_id: FromPath[UUID], data: FormData[Nothing], request: AnyRequest, who: Who
) -> Response[str]:
    return await to_payment(request, who, checkout_id)


HANDLERS: list[HTTPRouteHandler] = [checkout_page, place, checkout_state, pay]
