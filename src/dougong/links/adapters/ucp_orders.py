"""Order events of UCP shops: who may send them, and what they say, in our own words.

An event is the whole order as it stands. It counts as verified when it was signed by a key that the
shop publishes; a shop that publishes none can only tell us, and what it tells stays unverified.
"""

import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from urllib.parse import urlsplit

import ada_url
import msgspec

from dougong.infra.settings import settings
from dougong.links.adapters.structured_fields import BadField, Item, read_dictionary
from dougong.links.adapters.ucp_profile import LOOPBACK_NAMES, WELL_KNOWN, Shop, discover
from dougong.links.adapters.ucp_signatures import (
    Message,
    Request,
    check_digest,
    is_signed,
    verify,
)
from dougong.links.adapters.ucp_wire import (
    VERSION,
    Order,
    basket_of_order,
    entries_of,
    read,
)
from dougong.links.source_rules import Source, host_of, source_of
from dougong.links.ucp_rules import ShopNotTrusted, check_entries, distrust, total_of

FRESH_S = 60.0
MOST_SHOPS = 200


class OrderedLine(msgspec.Struct, frozen=True):
    """`quantity`: as it stands now; 0 where the line was taken out."""

    item_id: str
    title: str
    quantity: int
    price_minor: int
    total_minor: int


class OrderEvent(msgspec.Struct, frozen=True):
    """An order at a UCP source as it stood when the source said so.

    `event_id` is the same for the same message. `total_minor`: what the order costs now.
    `refunded_minor`: what completed adjustments gave back, 0 or more. `attribution`: what we sent
    along with the checkout (our `sub_id`), as the source gives it back.
    """

    source: str
    event_id: str
    order_id: str
    checkout_id: str
    currency: str
    total_minor: int
    refunded_minor: int
    lines: tuple[OrderedLine, ...]
    is_final: bool
    is_verified: bool
    key_id: str | None
    order_url: str
    attribution: dict[str, str]


class Received(msgspec.Struct, frozen=True):
    """An event as it came over the wire; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


_shops: dict[str, tuple[float, Shop | ShopNotTrusted]] = {}


def sender_of(sources: Sequence[Source], headers: Mapping[str, str]) -> tuple[Source, str]:
    """Whose shop says that it sends this, and where its profile is: on that source's host list.

    Raises ShopNotTrusted.
    """
    try:
        said = read_dictionary(headers.get("ucp-agent", "")).get("profile")
    except BadField as error:
        raise distrust("profile_elsewhere", "UCP-Agent cannot be read") from error
    if not isinstance(said, Item) or not isinstance(said.value, str):
        raise distrust("profile_elsewhere", "UCP-Agent names no profile")
    try:
        url = ada_url.URL(said.value)
        source = source_of(host_of(said.value), sources)
    except ValueError as error:
        raise distrust("profile_elsewhere", "UCP-Agent names no address") from error
    if source is None or url.pathname != WELL_KNOWN:
        raise distrust("profile_elsewhere", f"{said.value[:120]} is not the source's")
    if url.protocol != "https:" and url.hostname not in LOOPBACK_NAMES:
        raise distrust("insecure", f"{said.value[:120]} is not https")
    return source, str(url.origin)


async def shop_at(origin: str) -> Shop:
    """A shop's profile, not older than a minute; one that cannot be read is not asked again for
    as long. An outside call. Raises ShopNotTrusted."""
    kept = _shops.get(origin)
    if kept is None or time.monotonic() - kept[0] > FRESH_S:
        found: Shop | ShopNotTrusted
        try:
            found = await discover(origin)
        except ShopNotTrusted as error:
            found = error
        kept = (time.monotonic(), found)
        if len(_shops) >= MOST_SHOPS:
            _shops.clear()
        _shops[origin] = kept
    if isinstance(kept[1], ShopNotTrusted):
        raise distrust(**kept[1].facts)
    return kept[1]


def check_sender(shop: Shop, received: Received, *, at: float) -> str | None:
    """The key that signed, or None where the shop publishes none. Raises ShopNotTrusted."""
    public = urlsplit(settings().public_url)
    request = Request(
        method="POST",
        scheme=public.scheme,
        authority=public.netloc.lower(),
        path=received.path,
        query="",
        headers=received.headers,
    )
    message = Message(received.headers, received.body, request)
    check_digest(message, needed=False)
    if not shop.keys:
        return None
    if not is_signed(message):
        raise distrust("signature_missing", "the shop publishes keys, but did not sign this")
    return verify(message, shop.keys, at=at)


def event_ids(received: Received) -> list[str]:
    """By what a repeat is known: the message itself, and the sender's own id for it.

    The sender's id need not be signed, so the message comes first: who sends an old one again
    under a new id gains nothing.
    """
    ids = [f"ucp-body:{sha256(received.body).hexdigest()}"]
    said = received.headers.get("webhook-id", "").strip()
    return [*ids, f"ucp-id:{said[:200]}"] if said else ids


def order_event(received: Received, *, source: Source, key_id: str | None) -> OrderEvent:
    """What an event says. Raises ShopNotTrusted when it is no order, or does not add up."""
    try:
        body = msgspec.json.decode(received.body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise distrust("answer_unreadable", "the event is not JSON") from error
    order = read(body, Order, "order")
    if order.ucp.version != VERSION:
        raise distrust("version_switched", f"the event is in {order.ucp.version[:20]}")
    basket = basket_of_order(order)
    for line in basket.lines:
        check_entries(line.entries, f"line {line.item_id}")
    check_entries(basket.entries, "totals")
    adjustments = [one for one in order.adjustments or () if one.status == "completed"]
    moved = [x.amount for one in adjustments for x in one.totals or () if x.type == "total"]
    states = {one.status for one in order.line_items if one.quantity.total > 0}
    return OrderEvent(
        source=source.code,
        event_id=event_ids(received)[-1],
        order_id=order.id,
        checkout_id=order.checkout_id,
        currency=order.currency,
        total_minor=total_of(entries_of(order.totals)),
        refunded_minor=-sum(one for one in moved if one < 0),
        lines=tuple(
            OrderedLine(
                one.item.id,
                one.item.title[:200],
                one.quantity.total,
                one.item.price,
                next(
                    (x.amount for x in one.totals if x.type == "total"),
                    one.item.price * one.quantity.total,
                ),
            )
            for one in order.line_items
        ),
        is_final=states <= {"fulfilled"},
        is_verified=key_id is not None,
        key_id=key_id,
        order_url=order.permalink_url,
        attribution={
            name[:60]: value[:200]
            for name, value in (order.attribution or {}).items()
            if isinstance(value, str)
        },
    )
