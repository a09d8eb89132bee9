"""From a chosen product to an order: cart, checkout, delivery, payment, with every answer checked.

The agreed basket is the last one before the order was placed; what is ordered is held against it.
"""

import asyncio
from typing import Any
from urllib.parse import quote as path_part

import msgspec

from dougong.links.adapters.ucp_client import Conversation
from dougong.links.adapters.ucp_payment import Payer, choose_instrument
from dougong.links.adapters.ucp_profile import CART, FULFILLMENT, ORDER
from dougong.links.adapters.ucp_wire import (
    Body,
    Method,
    OfferedHandler,
    Order,
    Session,
    basket_of,
    basket_of_order,
    handlers_of,
    instruments_of,
    read,
    remarks_on,
    written,
)
from dougong.links.ucp_rules import (
    Handler,
    Instrument,
    Quote,
    ShopRefused,
    check_agreed,
    check_delivery,
    check_handlers,
    check_instruments,
    check_paid_with,
    check_quote,
    check_sums,
    distrust,
    total_of,
)

ROUNDS = 8
POLLS = 10
POLL_S = 0.5
AGREED = ("currency", "line_items", "totals")
STATES = {
    "incomplete",
    "requires_escalation",
    "ready_for_complete",
    "complete_in_progress",
    "completed",
    "canceled",
}


class HandOver(Exception):
    """The shop wants the shopper itself; `session` says where to go on."""

    def __init__(self, session: Session, reason: str) -> None:
        super().__init__(reason)
        self.session = session
        self.reason = reason


class Bought(msgspec.Struct, frozen=True):
    session: Session
    paid_with: Instrument | None
    total_minor: int


class Checkout:
    """One checkout session with a shop, from the quote to the order."""

    def __init__(
        self, talk: Conversation, *, quote: Quote, payer: Payer, attribution: Body | None = None
    ) -> None:
        self.talk = talk
        self.quote = quote
        self.payer = payer
        self.attribution = attribution
        self.session_id: str | None = None
        self.cart_url: str | None = None
        self.last: Body = {}
        self.remarks: list[str] = []
        self.delivery_minor: dict[tuple[str, str, str], int] = {}

    def _wanted(self, **line: Any) -> Body:
        from ucp_sdk.models.schemas.shopping.checkout_create_request import CheckoutCreateRequest

        item = {"item": {"id": self.quote.item_id}, "quantity": self.quote.quantity} | line
        fields: Body = {"line_items": [item]}
        if self.payer.buyer:
            fields["buyer"] = self.payer.buyer
        if self.payer.address:
            named = ("address_country", "address_region", "postal_code")
            fields["context"] = {
                name: self.payer.address[name] for name in named if name in self.payer.address
            }
        if self.attribution:
            fields["attribution"] = self.attribution
        return written(CheckoutCreateRequest, **fields)

    async def fill_cart(self) -> str | None:
        """A cart with the quote in it, where the shop has carts; its prices become the quote."""
        if not self.talk.shop.says(CART):
            return None
        try:
            body = await self.talk.send("POST", "/carts", self._wanted())
        except ShopRefused as error:
            self.remarks.append(f"cart: {error.facts.get('reason')}")
            return None
        cart = read(body, Session, "cart")
        basket = basket_of(cart)
        check_sums(basket)
        check_quote(basket, self.quote)
        if self.quote.currency is None or self.quote.price_minor is None:
            price = next(x.price_minor for x in basket.lines if x.item_id == self.quote.item_id)
            self.quote = msgspec.structs.replace(
                self.quote, currency=basket.currency, price_minor=price
            )
        self.cart_url = cart.continue_url
        return cart.id

    async def create(self, *, cart_id: str | None) -> Session:
        sent = self._wanted()
        if cart_id is not None:
            sent["cart_id"] = cart_id
        if self.talk.shop.says(FULFILLMENT) and self.payer.address:
            sent["fulfillment"] = {
                "methods": [{"type": "shipping", "destinations": [self.payer.address]}]
            }
        try:
            return self._checked(await self.talk.send("POST", "/checkout-sessions", sent))
        except ShopRefused as error:
            if "fulfillment" not in sent or error.facts.get("status") not in (400, 422):
                raise
            del sent["fulfillment"]  # some shops take delivery in an update only
            return self._checked(await self.talk.send("POST", "/checkout-sessions", sent))

    def _checked(self, body: Body) -> Session:
        """A checkout that holds to every rule, whatever its status. Raises ShopNotTrusted.

        What an answer leaves out whole stays as it was agreed on.
        """
        from ucp_sdk.models.schemas.shopping.checkout import Checkout as Model

        self.last = body = {name: self.last[name] for name in AGREED if name in self.last} | body
        session = read(body, Session, "checkout")
        self.remarks += [x for x in remarks_on(body, Model, "checkout") if x not in self.remarks]
        if session.status not in STATES:
            raise distrust("answer_malformed", f"checkout: status {session.status[:40]}")
        if self.session_id is None:
            self.session_id = session.id
        if session.id != self.session_id:
            raise distrust("checkout_switched", f"{self.session_id} became {session.id}")
        basket = basket_of(session)
        check_sums(basket)
        check_quote(basket, self.quote)
        if self.quote.currency is None:
            self.quote = msgspec.structs.replace(self.quote, currency=basket.currency)
        offered = self._offered(session)
        check_handlers(offered, self.talk.shop.declared)
        check_instruments(instruments_of(session), offered)
        check_delivery(basket, self._chosen_delivery(session))
        return session

    def _offered(self, session: Session) -> tuple[Handler, ...]:
        """The answer's ways to pay count; a shop that forgets them there means its profile's."""
        registry = session.ucp.payment_handlers
        return handlers_of(self.talk.shop.registry if registry is None else registry)

    def _chosen_delivery(self, session: Session) -> int | None:
        """What the options chosen cost, at the prices they had when they were first seen."""
        whole: int | None = None
        for method in (session.fulfillment.methods if session.fulfillment else None) or []:
            for group in method.groups or []:
                for option in group.options or []:
                    if option.totals:
                        price = sum(x.amount for x in option.totals if x.type == "total")
                        key = (method.id, group.id, option.id)
                        self.delivery_minor.setdefault(key, price)
                if group.selected_option_id is not None:
                    key = (method.id, group.id, group.selected_option_id)
                    if key not in self.delivery_minor:
                        return None
                    whole = (whole or 0) + self.delivery_minor[key]
        return whole

    async def make_ready(self, session: Session) -> Session:
        """Answer what the shop asks for until it is ready. Raises HandOver and ShopRefused."""
        before: Body | None = None
        for _ in range(ROUNDS):
            if session.status == "ready_for_complete" and not self._to_choose(session):
                return session
            if session.status == "canceled":
                raise ShopRefused(reason="canceled", detail=_said(session))
            if session.status in ("completed", "complete_in_progress"):
                raise distrust("order_unasked", f"the checkout is {session.status} unasked")
            fixable = any(one.severity == "recoverable" for one in session.errors())
            if session.status == "requires_escalation" and not fixable:
                raise HandOver(session, _said(session))
            sent = self._update(session)
            if sent == before:
                if session.status == "ready_for_complete":
                    return session
                raise _stuck(session)
            before = sent
            session = self._checked(await self.talk.send("PUT", self._path(), sent))
        raise _stuck(session)

    def _path(self, rest: str = "") -> str:
        return f"/checkout-sessions/{path_part(self.session_id or '', safe='')}{rest}"

    def _to_choose(self, session: Session) -> bool:
        methods = (session.fulfillment.methods if session.fulfillment else None) or []
        return any(
            group.options and group.selected_option_id is None
            for method in methods
            if method.line_item_ids
            for group in method.groups or []
        )

    def _update(self, session: Session) -> Body:
        line = next(x for x in session.line_items if x.item.id == self.quote.item_id)
        sent = self._wanted(**({"id": line.id} if line.id else {}))
        methods = (session.fulfillment.methods if session.fulfillment else None) or []
        if methods:
            used = [one for one in methods if one.line_item_ids] or methods
            sent["fulfillment"] = {"methods": [self._method(one) for one in used]}
        elif self.payer.address and (
            self.talk.shop.says(FULFILLMENT) or _speaks_of(session, ("fulfillment", "address"))
        ):
            sent["fulfillment"] = {
                "methods": [
                    {
                        "type": "shipping",
                        "line_item_ids": [x.id for x in session.line_items if x.id],
                        "destinations": [self.payer.address],
                    }
                ]
            }
        silent = session.status == "incomplete" and not session.errors()
        if silent or _speaks_of(session, ("payment",)):
            _, instrument = choose_instrument(self._registry(session), self.payer)
            if instrument is not None:
                sent["payment"] = {"instruments": [instrument]}
        return sent

    def _registry(self, session: Session) -> dict[str, list[OfferedHandler]]:
        """What an answer offers, with the configuration of the profile where it has none."""
        base = self.talk.shop.registry
        found = session.ucp.payment_handlers
        if found is None:
            return base
        known = {one.id: one.config for listed in base.values() for one in listed}
        return {
            name: [
                msgspec.structs.replace(one, config=one.config or known.get(one.id))
                for one in listed
            ]
            for name, listed in found.items()
        }

    def _method(self, method: Method) -> Body:
        """One way of delivery as we send it back: our address, and the cheapest option."""
        sent: Body = {"type": method.type, "line_item_ids": method.line_item_ids}
        if method.id:
            sent["id"] = method.id
        places = method.destinations or []
        if method.type == "shipping" and self.payer.address and not places:
            places = [self.payer.address]
        if places:
            sent["destinations"] = places
        chosen = method.selected_destination_id or next(
            (str(one["id"]) for one in places if one.get("id")), None
        )
        if chosen is not None:
            sent["selected_destination_id"] = chosen
        groups = []
        for group in method.groups or []:
            kept = group.selected_option_id
            if kept is None and group.options:
                kept = min(
                    group.options,
                    key=lambda x: self.delivery_minor.get((method.id, group.id, x.id), 0),
                ).id
            groups.append({"id": group.id} | ({"selected_option_id": kept} if kept else {}))
        if groups:
            sent["groups"] = groups
        return sent

    async def complete(self, ready: Session) -> Bought:
        """Place the order and hold it against what was agreed. Raises HandOver, ShopRefused and
        ShopNotTrusted; the order may have been placed when it does."""
        from ucp_sdk.models.schemas.shopping.checkout_complete_request import (
            CheckoutCompleteRequest,
        )

        chosen, instrument = choose_instrument(self._registry(ready), self.payer)
        offered = self._offered(ready)
        if chosen is not None:
            check_instruments([chosen], offered)
        payment = {"instruments": [instrument] if instrument else []}
        sent = written(CheckoutCompleteRequest, payment=payment)
        body = await self.talk.send("POST", self._path("/complete"), sent, finishing=True)
        session = self._checked(body)
        for _ in range(POLLS):
            if session.status != "complete_in_progress":
                break
            await asyncio.sleep(POLL_S)
            session = self._checked(await self.talk.send("GET", self._path(), finishing=True))
        if session.status == "requires_escalation":
            raise HandOver(session, _said(session))
        if session.status != "completed":
            raise _stuck(session)
        agreed, ordered = basket_of(ready), basket_of(session)
        check_agreed(agreed, ordered)
        check_paid_with(instruments_of(session), chosen)
        if session.order is None or not session.order.id:
            raise distrust("order_missing", "the checkout is completed without an order")
        return Bought(session, chosen, total_of(ordered.entries))

    async def check_order(self, bought: Bought) -> bool:
        """Whether the shop shows the order; if so it must be the one that was placed."""
        order_note = bought.session.order
        if not self.talk.shop.says(ORDER) or order_note is None:
            return False
        try:
            body = await self.talk.send("GET", f"/orders/{path_part(order_note.id, safe='')}")
        except ShopRefused as error:
            self.remarks.append(f"order: {error.facts.get('reason')}")
            return False
        order = read(body, Order, "order")
        if order.id != order_note.id or order.checkout_id != self.session_id:
            raise distrust("order_switched", f"{order.id} is of checkout {order.checkout_id}")
        basket = basket_of_order(order)
        check_sums(basket)
        check_quote(basket, self.quote)
        check_agreed(basket_of(bought.session), basket)
        return True


def _said(session: Session) -> str:
    notes = session.errors() or session.messages or []
    return "; ".join(f"{one.code}: {one.content}" for one in notes)[:300] or session.status


def _speaks_of(session: Session, words: tuple[str, ...]) -> bool:
    return any(word in f"{one.code} {one.path}" for one in session.errors() for word in words)


def _stuck(session: Session) -> Exception:
    """What is left when an update changes nothing: the shopper, or a refusal."""
    errors = session.errors()
    for_shopper = any(one.severity.startswith("requires_") for one in errors)
    if session.continue_url and (for_shopper or not errors):
        return HandOver(session, _said(session))
    return ShopRefused(
        reason=(errors[0].code if errors else session.status)[:60], detail=_said(session)
    )
