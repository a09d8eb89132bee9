"""The Universal Commerce Protocol, wire version 2026-04-08: a shop's catalogue, and buying there.

`buy` is the whole way: discovery, account linking where it is offered, a product, a cart, a
checkout, payment, the order. It stops at the first thing that a trustworthy shop would not do.
"""

from typing import Any

import msgspec

from dougong.links.adapters.ucp_agent import agent_url
from dougong.links.adapters.ucp_catalog import Chosen, choose, lookup, search
from dougong.links.adapters.ucp_checkout import Bought, Checkout, HandOver
from dougong.links.adapters.ucp_client import Conversation
from dougong.links.adapters.ucp_linking import Client, Linked, link
from dougong.links.adapters.ucp_payment import Payer
from dougong.links.adapters.ucp_profile import LINKING, LOOKUP, LOOPBACK_NAMES, Shop, discover
from dougong.links.adapters.ucp_wire import VERSION, Body
from dougong.links.ucp_rules import Quote, ShopRefused, check_continue_url


class Wish(msgspec.Struct, frozen=True):
    """What to buy, and as whom. Without `item_id` and `words`: any product of the shop."""

    payer: Payer
    client: Client
    agent_url: str
    item_id: str | None = None
    words: str | None = None
    quantity: int = 1
    most_minor: int | None = None
    linking: bool = True
    only_signed: bool = False
    language: str = "en"
    attribution: Body | None = None


class Purchase(msgspec.Struct, frozen=True):
    """How a purchase ended. `outcome`: bought, or handed_over with where the shopper goes on."""

    outcome: str
    shop: str
    version: str
    item_id: str
    title: str
    quantity: int
    checkout_id: str | None
    order_id: str | None = None
    order_url: str | None = None
    order_confirmed: bool = False
    currency: str | None = None
    total_minor: int | None = None
    totals: list[dict[str, Any]] = []
    paid_with: dict[str, str] | None = None
    linked: bool = False
    linking: str = ""
    signed_answers: int = 0
    unsigned_answers: int = 0
    keys_published: int = 0
    continue_url: str | None = None
    why: str = ""
    remarks: list[str] = []


async def buy(url: str, wish: Wish) -> Purchase:
    """Buy one product at a shop.

    Raises ShopNotTrusted (stop, whatever was done until then), or ShopRefused (it does not sell).
    """
    shop = await discover(url)
    talk = Conversation(
        shop, agent_url=wish.agent_url, language=wish.language, only_signed=wish.only_signed
    )
    linked = await _linked(shop, wish)
    talk.token = linked.token
    chosen, quote = await _chosen(talk, wish)
    checkout = Checkout(talk, quote=quote, payer=wish.payer, attribution=wish.attribution)
    try:
        cart_id = await checkout.fill_cart()
        ready = await checkout.make_ready(await checkout.create(cart_id=cart_id))
        total = next(x.amount for x in ready.totals if x.type == "total")
        if wish.most_minor is not None and total > wish.most_minor:
            raise ShopRefused(reason="too_dear", detail=f"{total} {ready.currency}")
        bought = await checkout.complete(ready)
        confirmed = await checkout.check_order(bought)
    except HandOver as handed:
        return _handed_over(talk, checkout, chosen, linked, handed)
    return _bought(talk, checkout, chosen, linked, bought, confirmed)


async def _linked(shop: Shop, wish: Wish) -> Linked:
    if not wish.linking:
        return Linked(None, why="not asked for")
    if not shop.says(LINKING):
        return Linked(None, why="not offered")
    return await link(shop, wish.client)


async def _chosen(talk: Conversation, wish: Wish) -> tuple[Chosen | None, Quote]:
    """The product to buy with its price; a shop without catalogue sells what is named."""
    if wish.item_id is None:
        found = choose(await search(talk, wish.words))
        if found is None:
            raise ShopRefused(reason="no_product", detail="the shop shows nothing that is on sale")
        return found, found.quote(wish.quantity)
    if talk.shop.says(LOOKUP):
        found = choose(await lookup(talk, [wish.item_id]), wish.item_id)
        if found is None:
            raise ShopRefused(reason="no_product", detail=f"{wish.item_id} is not on sale")
        return found, found.quote(wish.quantity)
    return None, Quote(wish.item_id, wish.quantity, None, None)


def _base(
    talk: Conversation, checkout: Checkout, chosen: Chosen | None, linked: Linked
) -> dict[str, Any]:
    return {
        "shop": talk.shop.origin,
        "version": VERSION,
        "item_id": checkout.quote.item_id,
        "title": chosen.product.title if chosen else "",
        "quantity": checkout.quote.quantity,
        "checkout_id": checkout.session_id,
        "linked": linked.token is not None,
        "linking": linked.why,
        "signed_answers": talk.signed,
        "unsigned_answers": talk.unsigned,
        "keys_published": len(talk.shop.keys),
        "remarks": talk.shop.remarks + checkout.remarks,
    }


def _bought(
    talk: Conversation,
    checkout: Checkout,
    chosen: Chosen | None,
    linked: Linked,
    bought: Bought,
    confirmed: bool,
) -> Purchase:
    paid, order = bought.paid_with, bought.session.order
    return Purchase(
        outcome="bought",
        order_id=order.id if order else None,
        order_url=order.permalink_url if order else None,
        order_confirmed=confirmed,
        currency=bought.session.currency,
        total_minor=bought.total_minor,
        totals=[{"type": x.type, "amount_minor": x.amount} for x in bought.session.totals],
        paid_with=None if paid is None else {"handler_id": paid.handler_id, "type": paid.type},
        **_base(talk, checkout, chosen, linked),
    )


def continue_at(shop: Shop, url: str | None) -> str | None:
    """Where the shopper goes on, when that is at the shop. Raises ShopNotTrusted when it is not."""
    if url is None:
        return None
    return check_continue_url(url, shop.hosts(), plain_hosts=LOOPBACK_NAMES)


async def open_checkout(url: str, *, item_id: str, sub_id: str | None, language: str) -> str | None:
    """Put one piece into a cart (or, where there are none, a checkout) for a shopper who goes on
    at the shop; answers where, None when the shop does not say.

    `url`: the product's address. `sub_id` goes along, for the shop to give back with the order.
    Raises ShopNotTrusted, ShopRefused.
    """
    shop = await discover(url)
    talk = Conversation(shop, agent_url=agent_url(), language=language)
    checkout = Checkout(
        talk,
        quote=Quote(item_id, 1, None, None),
        payer=Payer(buyer={}, address={}),
        attribution={"sub_id": sub_id} if sub_id else None,
    )
    if await checkout.fill_cart() is not None and checkout.cart_url is not None:
        return continue_at(shop, checkout.cart_url)
    return continue_at(shop, (await checkout.create(cart_id=None)).continue_url)


def _handed_over(
    talk: Conversation,
    checkout: Checkout,
    chosen: Chosen | None,
    linked: Linked,
    handed: HandOver,
) -> Purchase:
    session = handed.session
    return Purchase(
        outcome="handed_over",
        currency=session.currency,
        total_minor=next(x.amount for x in session.totals if x.type == "total"),
        totals=[{"type": x.type, "amount_minor": x.amount} for x in session.totals],
        continue_url=continue_at(talk.shop, session.continue_url),
        why=handed.reason,
        **_base(talk, checkout, chosen, linked),
    )
