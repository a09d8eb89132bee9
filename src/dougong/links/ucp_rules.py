"""What a shop of the Universal Commerce Protocol must hold to be bought from: pure checks.

Our own words for what a shop says; the adapters read them from the wire. Amounts are whole minor
units of the basket's currency, and signed: a discount is below zero.
Source: Universal Commerce Protocol 2026-04-08 (checkout, totals, discount, payment handlers).
"""

from collections.abc import Iterable, Sequence

import ada_url
import msgspec

from dougong.base.errors import Refusal

TOTAL = "total"
SUBTOTAL = "subtotal"
ITEMS_DISCOUNT = "items_discount"
FULFILLMENT = "fulfillment"
BELOW_ZERO = {"discount", ITEMS_DISCOUNT}
NOT_BELOW_ZERO = {SUBTOTAL, FULFILLMENT, "tax", "fee", TOTAL}
MOST_MINOR = 10**15


class ShopNotTrusted(Refusal):
    """An outside shop broke a rule that protects the buyer; nothing more is sent to it.

    Facts: `reason`, one word; `detail`, for people.
    """

    code = "shop_not_trusted"


class ShopRefused(Refusal):
    """An outside shop does not sell this, or not in this way. Facts: `reason`, `detail`."""

    code = "shop_refused"
    status = 409


class EventRefused(Refusal):
    """An order event that is not from its source's shop, or not as the shop signed it. Facts:
    `reason`, `detail`."""

    code = "event_refused"
    status = 401


class Entry(msgspec.Struct, frozen=True):
    """One row of a shop's totals. `parts`: its itemised breakdown, when there is one."""

    type: str
    amount_minor: int
    parts_minor: tuple[int, ...] | None = None


class Line(msgspec.Struct, frozen=True):
    """So many of one item. `parent_id`: the line that this one is a part of."""

    id: str
    item_id: str
    quantity: int
    price_minor: int
    entries: tuple[Entry, ...] = ()
    parent_id: str | None = None


class Basket(msgspec.Struct, frozen=True):
    """What a cart, a checkout or an order says it costs."""

    currency: str
    lines: tuple[Line, ...]
    entries: tuple[Entry, ...]


class Quote(msgspec.Struct, frozen=True):
    """What was asked for, and what one cost when it was chosen."""

    item_id: str
    quantity: int
    price_minor: int | None
    currency: str | None


class Handler(msgspec.Struct, frozen=True):
    """A way to pay that a shop takes. `instruments`: kinds that it takes; None: every kind."""

    name: str
    id: str
    instruments: tuple[str, ...] | None


class Instrument(msgspec.Struct, frozen=True):
    """A means of payment as a checkout names it."""

    id: str
    handler_id: str
    type: str
    selected: bool


def distrust(reason: str, detail: str) -> ShopNotTrusted:
    return ShopNotTrusted(reason=reason, detail=detail)


def total_of(entries: Iterable[Entry]) -> int:
    """The grand total. Raises ShopNotTrusted unless there is exactly one."""
    found = [one.amount_minor for one in entries if one.type == TOTAL]
    if len(found) != 1:
        raise distrust("totals_malformed", f"{len(found)} rows of type total, not one")
    return found[0]


def check_entries(entries: Sequence[Entry], what: str) -> None:
    """Signs, breakdowns and the sum of one list of totals, where it has a total."""
    for one in entries:
        if abs(one.amount_minor) > MOST_MINOR:
            raise distrust("totals_malformed", f"{what}: {one.type} is {one.amount_minor}")
        if one.type in BELOW_ZERO and one.amount_minor > 0:
            raise distrust("totals_sign", f"{what}: {one.type} of {one.amount_minor} adds")
        if one.type in NOT_BELOW_ZERO and one.amount_minor < 0:
            raise distrust("totals_sign", f"{what}: {one.type} of {one.amount_minor} is below zero")
        if one.parts_minor is not None and sum(one.parts_minor) != one.amount_minor:
            raise distrust(
                "totals_parts",
                f"{what}: the parts of {one.type} make {sum(one.parts_minor)}, "
                f"not {one.amount_minor}",
            )
    for only_once in (SUBTOTAL, TOTAL):
        if sum(one.type == only_once for one in entries) > 1:
            raise distrust("totals_malformed", f"{what}: {only_once} is there twice")
    others = [one.amount_minor for one in entries if one.type != TOTAL]
    if others and len(others) < len(entries) and sum(others) != total_of(entries):
        raise distrust(
            "totals_sum", f"{what}: the rows make {sum(others)}, the total says {total_of(entries)}"
        )


def line_subtotal(line: Line) -> int:
    """Price times quantity. Raises ShopNotTrusted when the line says another subtotal."""
    if line.quantity < 1 or line.price_minor < 0:
        raise distrust("line_malformed", f"{line.quantity} of {line.item_id} at {line.price_minor}")
    subtotal = line.price_minor * line.quantity
    for entry in line.entries:
        if entry.type == SUBTOTAL and entry.amount_minor != subtotal:
            raise distrust(
                "line_sum",
                f"{line.quantity} × {line.price_minor} of {line.item_id} is {subtotal}, "
                f"the line says {entry.amount_minor}",
            )
    only = line.entries[0] if len(line.entries) == 1 else None
    if only is not None and only.type == TOTAL and only.amount_minor > subtotal:
        raise distrust("line_sum", f"{line.item_id}: more than {subtotal}, and not said why")
    return subtotal


def amount_of(entries: Iterable[Entry], kind: str) -> int:
    return sum(one.amount_minor for one in entries if one.type == kind)


def check_sums(basket: Basket) -> None:
    """Every line, every breakdown and every total adds up. Raises ShopNotTrusted."""
    if len(basket.currency) != 3 or not basket.currency.isascii() or not basket.currency.isupper():
        raise distrust("currency_malformed", basket.currency[:20])
    for line in basket.lines:
        check_entries(line.entries, f"line {line.item_id}")
    check_entries(basket.entries, "totals")
    of_lines = {line.id: line_subtotal(line) for line in basket.lines}
    whole = sum(of_lines.values())
    # Parts of a bundle may be priced in it or beside it: both are in use.
    top = sum(of_lines[line.id] for line in basket.lines if line.parent_id is None)
    subtotals = [one.amount_minor for one in basket.entries if one.type == SUBTOTAL]
    if subtotals and subtotals[0] not in (whole, top):
        raise distrust("subtotal_sum", f"the lines make {whole}, the subtotal is {subtotals[0]}")
    total = total_of(basket.entries)
    if len(basket.entries) == 1 and total not in (whole, top):
        raise distrust("totals_sum", f"the lines make {whole}, the total says {total}")
    given = sum(amount_of(line.entries, ITEMS_DISCOUNT) for line in basket.lines)
    if given and amount_of(basket.entries, ITEMS_DISCOUNT) != given:
        raise distrust(
            "discount_sum", f"the lines' discounts make {given}, the totals say another sum"
        )


def check_quote(basket: Basket, quote: Quote) -> None:
    """The basket holds what was asked for, no more, at no higher price. Raises ShopNotTrusted.

    Fewer pieces, a lower price, and pieces that cost nothing are a shop's right.
    """
    if quote.currency is not None and basket.currency != quote.currency:
        raise distrust("currency_switched", f"{quote.currency} became {basket.currency}")
    found = sum(line.quantity for line in basket.lines if line.item_id == quote.item_id)
    if found == 0 and basket.lines:
        raise distrust("item_switched", f"{quote.item_id} is not in the basket")
    for line in basket.lines:
        asked_for = line.item_id == quote.item_id
        if not asked_for and line.parent_id is None and line.price_minor > 0:
            raise distrust("line_added", f"{line.quantity} of {line.item_id} was not asked for")
        if asked_for and quote.price_minor is not None and line.price_minor > quote.price_minor:
            raise distrust(
                "price_raised", f"{line.item_id} was {quote.price_minor}, now {line.price_minor}"
            )
    if found > quote.quantity:
        raise distrust("quantity_raised", f"{quote.quantity} asked for, {found} in the basket")
    if not basket.lines:
        raise distrust("line_malformed", "the basket has no lines")


def check_handlers(offered: Iterable[Handler], declared: Sequence[Handler] | None) -> None:
    """A checkout offers only what the profile declares, in handlers and in kinds of instrument.

    `declared`: None, or empty, when the profile says nothing of payment; then a checkout's own word
    counts alone. Raises ShopNotTrusted.
    """
    if not declared:
        return
    known = {(one.name, one.id): one for one in declared}
    for one in offered:
        base = known.get((one.name, one.id))
        if base is None:
            raise distrust("handler_not_declared", f"{one.name} ({one.id}) is not in the profile")
        if base.instruments is None:
            continue
        for kind in one.instruments or ():
            if kind not in base.instruments:
                raise distrust("instrument_not_offered", f"{one.id} never declared {kind}")


def check_instruments(named: Iterable[Instrument], offered: Iterable[Handler]) -> None:
    """What a checkout wants to be paid with is what it offers. Raises ShopNotTrusted."""
    by_id = {one.id: one for one in offered}
    for one in named:
        handler = by_id.get(one.handler_id)
        if handler is None:
            raise distrust("instrument_not_offered", f"handler {one.handler_id} is not offered")
        if handler.instruments is not None and one.type not in handler.instruments:
            raise distrust("instrument_not_offered", f"{one.handler_id} does not offer {one.type}")


def check_paid_with(named: Iterable[Instrument], sent: Instrument | None) -> None:
    """A finished checkout was paid with what was sent, and with nothing else.

    A shop that marks none as selected may list others beside it.
    """
    listed = list(named)
    selected = [one for one in listed if one.selected]
    for one in selected or listed:
        ours = sent is not None and (one.handler_id, one.type) == (sent.handler_id, sent.type)
        if ours and not selected:
            return
        if not ours and (selected or one is listed[-1]):
            raise distrust("instrument_switched", f"paid with {one.type} of {one.handler_id}")


def check_agreed(before: Basket, after: Basket) -> None:
    """What was agreed on is what was ordered: same currency, and not one minor unit more."""
    if after.currency != before.currency:
        raise distrust("currency_switched", f"{before.currency} became {after.currency}")
    agreed, ordered = total_of(before.entries), total_of(after.entries)
    if ordered > agreed:
        raise distrust("total_raised", f"{agreed} was agreed on, {ordered} was ordered")


def check_delivery(basket: Basket, chosen_minor: int | None) -> None:
    """Delivery costs no more than the options chosen. None: their prices were not said."""
    asked = amount_of(basket.entries, FULFILLMENT)
    if chosen_minor is not None and asked > chosen_minor:
        raise distrust("delivery_raised", f"{chosen_minor} was chosen, {asked} is asked")


def host_of(url: str) -> str:
    """The host of an address as a browser reads it, or empty."""
    try:
        return str(ada_url.URL(url).hostname)
    except ValueError:
        return ""


def is_plain(url: str) -> bool:
    """Whether an address is without TLS."""
    return url[:7].lower() == "http://"


def within(host: str, hosts: Iterable[str]) -> bool:
    """Whether a host is one of these or below one of them."""
    return bool(host) and any(host == one or host.endswith(f".{one}") for one in hosts if one)


def check_continue_url(url: str, hosts: Iterable[str], *, plain_hosts: Iterable[str] = ()) -> str:
    """An address to send a shopper to: https, and at one of the shop's hosts or below it.

    `plain_hosts`: hosts that may be without TLS (the tests' loopback). Raises ShopNotTrusted.
    """
    host = host_of(url)
    if not within(host, hosts):
        raise distrust("continue_url_elsewhere", f"{host or url[:80]} is not the shop's")
    if not url.lower().startswith("https://") and host not in set(plain_hosts):
        raise distrust("insecure", f"{url[:80]} is not https")
    return url
