"""What goes over the wire to and from a UCP shop, read into our own words.

Reading is lenient in what the specification leaves open or what shops forget, and strict in what
money hangs on. Requests are built with the SDK's models, and answers are held against them: what
does not conform is a remark for the reader, not a refusal by itself.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from dougong.links.ucp_rules import Basket, Entry, Handler, Instrument, Line, distrust

VERSION = "2026-04-08"
MOST_REMARKS = 20

Body = dict[str, Any]
Wire = TypeVar("Wire")


class Part(msgspec.Struct):
    amount: int
    display_text: str = ""


class Total(msgspec.Struct):
    type: str
    amount: int
    display_text: str | None = None
    lines: list[Part] | None = None


class Item(msgspec.Struct):
    id: str
    price: int
    title: str = ""


class LineItem(msgspec.Struct):
    item: Item
    quantity: int
    id: str = ""
    totals: list[Total] = []
    parent_id: str | None = None


class Note(msgspec.Struct):
    """A row of `messages`. `severity` says who can put an error right."""

    type: str = "info"
    code: str = ""
    content: str = ""
    severity: str = ""
    path: str = ""


class OfferedKind(msgspec.Struct):
    type: str
    constraints: dict[str, Any] = {}


class OfferedHandler(msgspec.Struct):
    id: str
    version: str = ""
    available_instruments: list[OfferedKind] | None = None
    config: dict[str, Any] | None = None


class NamedInstrument(msgspec.Struct):
    handler_id: str
    id: str = ""
    type: str = ""
    selected: bool = False


class Payment(msgspec.Struct):
    instruments: list[NamedInstrument] | None = None


class Option(msgspec.Struct):
    id: str
    title: str = ""
    totals: list[Total] = []


class Group(msgspec.Struct):
    id: str
    options: list[Option] | None = None
    selected_option_id: str | None = None
    line_item_ids: list[str] = []


class Method(msgspec.Struct):
    id: str = ""
    type: str = "shipping"
    line_item_ids: list[str] = []
    destinations: list[dict[str, Any]] | None = None
    selected_destination_id: str | None = None
    groups: list[Group] | None = None


class Fulfillment(msgspec.Struct):
    methods: list[Method] | None = None


class OrderNote(msgspec.Struct):
    id: str = ""
    permalink_url: str = ""
    label: str = ""


class Envelope(msgspec.Struct):
    """The `ucp` part of an answer."""

    version: str = VERSION
    status: str = "success"
    capabilities: dict[str, Any] | None = None
    payment_handlers: dict[str, list[OfferedHandler]] | None = None


class Session(msgspec.Struct):
    """A cart or a checkout; a cart has no status."""

    id: str
    currency: str
    line_items: list[LineItem]
    totals: list[Total]
    ucp: Envelope = msgspec.field(default_factory=Envelope)
    status: str = ""
    messages: list[Note] | None = None
    continue_url: str | None = None
    payment: Payment | None = None
    fulfillment: Fulfillment | None = None
    order: OrderNote | None = None

    def errors(self) -> list[Note]:
        return [one for one in self.messages or () if one.type == "error"]


class OrderQuantity(msgspec.Struct):
    total: int
    fulfilled: int = 0
    original: int | None = None


class OrderLine(msgspec.Struct):
    item: Item
    quantity: OrderQuantity
    id: str = ""
    totals: list[Total] = []
    status: str = ""


class Adjustment(msgspec.Struct):
    """What happened to an order's money later. Amounts are signed: a refund is below zero."""

    id: str
    type: str
    status: str = ""
    occurred_at: str = ""
    totals: list[Total] | None = None


class Order(msgspec.Struct):
    id: str
    checkout_id: str
    currency: str
    line_items: list[OrderLine]
    totals: list[Total]
    ucp: Envelope = msgspec.field(default_factory=Envelope)
    permalink_url: str = ""
    label: str = ""
    adjustments: list[Adjustment] | None = None
    attribution: dict[str, Any] | None = None


def read(body: Body, kind: type[Wire], what: str) -> Wire:
    """Raises ShopNotTrusted when a part that we need is missing or is of another type."""
    try:
        return msgspec.convert(body, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise distrust("answer_malformed", f"{what}: {error}") from error


def entries_of(totals: list[Total]) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            one.type,
            one.amount,
            None if one.lines is None else tuple(part.amount for part in one.lines),
        )
        for one in totals
    )


def basket_of(session: Session) -> Basket:
    lines = tuple(
        Line(
            id=line.id or f"#{number}",
            item_id=line.item.id,
            quantity=line.quantity,
            price_minor=line.item.price,
            entries=entries_of(line.totals),
            parent_id=line.parent_id,
        )
        for number, line in enumerate(session.line_items)
    )
    return Basket(session.currency, lines, entries_of(session.totals))


def basket_of_order(order: Order) -> Basket:
    """The order as it stands now; a line that was taken out whole has no place in the sums."""
    lines = tuple(
        Line(
            id=line.id or f"#{number}",
            item_id=line.item.id,
            quantity=line.quantity.total,
            price_minor=line.item.price,
            entries=entries_of(line.totals),
        )
        for number, line in enumerate(order.line_items)
        if line.quantity.total > 0
    )
    return Basket(order.currency, lines, entries_of(order.totals))


def handlers_of(registry: Mapping[str, list[OfferedHandler]]) -> tuple[Handler, ...]:
    return tuple(
        Handler(
            name,
            one.id,
            None
            if one.available_instruments is None
            else tuple(kind.type for kind in one.available_instruments),
        )
        for name, found in registry.items()
        for one in found
    )


def instruments_of(session: Session) -> tuple[Instrument, ...]:
    named = (session.payment.instruments if session.payment else None) or []
    return tuple(Instrument(one.id, one.handler_id, one.type, one.selected) for one in named)


def written(model: Any, **fields: Any) -> Body:
    """A request as the SDK's model writes it, without what is empty."""
    made: Body = model(**fields).model_dump(mode="json", by_alias=True, exclude_none=True)
    return made


def remarks_on(body: Body, model: Any, what: str) -> list[str]:
    """Where an answer departs from the SDK's model of it."""
    from pydantic import ValidationError

    try:
        model.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        places = [(".".join(str(part) for part in one["loc"]), one["msg"]) for one in found]
        return [f"{what}.{place}: {said}" for place, said in places][:MOST_REMARKS]
    return []
