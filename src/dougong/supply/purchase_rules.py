"""What is true of buying by rule: states, prices, three-way matching, shares of costs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from dougong.base.errors import BadInput, Conflict, Refusal
from dougong.base.money import FULL_BP, split

MOST_LINES = 500
MOST_QUANTITY = 10_000_000
MOST_PRICE_MINOR = 100_000_000_000
MOST_MINOR = 9_000_000_000_000_000  # of a whole order or bill: exact in JSON


class PurchaseState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    SENT = "sent"
    PART_RECEIVED = "part_received"
    RECEIVED = "received"
    CLOSED = "closed"
    CANCELLED = "cancelled"


MOVES: dict[PurchaseState, set[PurchaseState]] = {
    PurchaseState.DRAFT: {PurchaseState.APPROVED, PurchaseState.CANCELLED},
    PurchaseState.APPROVED: {PurchaseState.SENT, PurchaseState.CANCELLED},
    PurchaseState.SENT: {
        PurchaseState.PART_RECEIVED,
        PurchaseState.RECEIVED,
        PurchaseState.CANCELLED,
    },
    PurchaseState.PART_RECEIVED: {PurchaseState.RECEIVED, PurchaseState.CLOSED},
    PurchaseState.RECEIVED: {PurchaseState.CLOSED},
    PurchaseState.CLOSED: set(),
    PurchaseState.CANCELLED: set(),
}
RECEIVABLE = (PurchaseState.SENT, PurchaseState.PART_RECEIVED)


class BillState(StrEnum):
    ENTERED = "entered"
    DISPUTED = "disputed"
    APPROVED = "approved"
    REJECTED = "rejected"


BILL_MOVES: dict[BillState, set[BillState]] = {
    BillState.ENTERED: {BillState.DISPUTED, BillState.APPROVED, BillState.REJECTED},
    BillState.DISPUTED: {BillState.APPROVED, BillState.REJECTED},
    BillState.APPROVED: set(),
    BillState.REJECTED: set(),
}


class DropshipState(StrEnum):
    WAITING = "waiting"  # not with the supplier yet
    SENT = "sent"
    SHIPPED = "shipped"
    REFUSED = "refused"
    CANCELLED = "cancelled"


DROPSHIP_MOVES: dict[DropshipState, set[DropshipState]] = {
    DropshipState.WAITING: {DropshipState.SENT, DropshipState.CANCELLED},
    DropshipState.SENT: {
        DropshipState.SHIPPED,
        DropshipState.REFUSED,
        DropshipState.CANCELLED,
    },
    DropshipState.REFUSED: {DropshipState.SENT, DropshipState.CANCELLED},
    DropshipState.SHIPPED: set(),
    DropshipState.CANCELLED: set(),
}


class WrongPurchaseState(Conflict):
    """The order, bill or line cannot be moved that way from where it is. Fact: `state`."""

    code = "wrong_purchase_state"


class LineAtSupplier(Conflict):
    """A supplier sends this line: it must be taken back before it is sent from here. Fact:
    `line_no`."""

    code = "line_at_supplier"


class LineInHand(Conflict):
    """The line lies in an open wave or in a package: no supplier can be asked for it as well."""

    code = "line_in_hand"


class SecondBuyerNeeded(Conflict):
    """Above the store's limit an order is approved by another person than made it."""

    code = "second_buyer_needed"


class SupplierCodeTaken(Conflict):
    code = "supplier_code_taken"


class SupplierClosed(Conflict):
    code = "supplier_closed"


class PriceOverlaps(Conflict):
    """Another price of this supplier, SKU and quantity is in force then."""

    code = "price_overlaps"


class OverDelivery(Conflict):
    """More came than was ordered. Facts: `line_no`, `most`: what may still be taken in."""

    code = "over_delivery"


class BillKnown(Conflict):
    """This supplier's bill of this number is there already."""

    code = "bill_known"


class BillDiffers(Conflict):
    """A bill that differs is approved by a second person who gives a reason."""

    code = "bill_differs"


class PaymentKnown(Conflict):
    """A payment to this supplier with this reference is there already."""

    code = "supplier_payment_known"


class NothingToSend(Refusal):
    """More units than there are to send back."""

    code = "nothing_to_send_back"
    status = 409


class NothingToState(Conflict):
    """No line that the supplier has sent waits for a statement."""

    code = "nothing_to_state"


class NotForSupplier(Conflict):
    """The order does not wait for this supplier any more. Fact: `order_state`."""

    code = "not_for_supplier"


class Terms(msgspec.Struct, frozen=True):
    """How a store buys at an instant."""

    approve_above_minor: int
    price_tolerance_bp: int
    amount_tolerance_minor: int
    over_bp: int
    service_level_bp: int


# Of a store that has set none.
FIRST_TERMS = Terms(
    approve_above_minor=1_000_000,
    price_tolerance_bp=100,
    amount_tolerance_minor=100,
    over_bp=0,
    service_level_bp=9_500,
)


class WantedLine(msgspec.Struct, frozen=True):
    """A line to order. `price_minor`: of one unit; None takes the price that is in force."""

    sku_id: UUID
    quantity: int
    price_minor: int | None = None


class Price(NamedTuple):
    """One unit's price from a quantity on."""

    id: UUID
    from_quantity: int
    price_minor: int


def one_line(value: str, *, field: str, most: int, required: bool = False) -> str:
    """A text without outer blanks. Raises BadInput: missing, too_long, control_character."""
    plain = value.strip()
    if required and not plain:
        raise BadInput(field=field, reason="missing")
    if len(plain) > most:
        raise BadInput(field=field, reason="too_long")
    if any(ord(c) < 32 or ord(c) == 127 for c in plain):
        raise BadInput(field=field, reason="control_character")
    return plain


def states_before(state: PurchaseState) -> list[PurchaseState]:
    """The states from which an order may move to one."""
    return [before for before, after in MOVES.items() if state in after]


def check_lines(lines: Sequence[WantedLine]) -> None:
    """Raises BadInput: none, too many, one SKU twice, quantities or prices out of range."""
    if not lines:
        raise BadInput(field="lines", reason="missing")
    if len(lines) > MOST_LINES:
        raise BadInput(field="lines", reason="too_many")
    if len({line.sku_id for line in lines}) < len(lines):
        raise BadInput(field="lines", reason="duplicate_id")
    for line in lines:
        if not 1 <= line.quantity <= MOST_QUANTITY:
            raise BadInput(field="quantity", reason="out_of_range")
        if line.price_minor is not None and not 0 <= line.price_minor <= MOST_PRICE_MINOR:
            raise BadInput(field="price", reason="out_of_range")


def total_of(lines: Sequence[tuple[int, int]]) -> int:
    """The sum of quantity × price. Raises BadInput above what can be shown exactly."""
    total = sum(quantity * price for quantity, price in lines)
    if total > MOST_MINOR:
        raise BadInput(field="lines", reason="too_much_in_all")
    return total


def price_for(prices: Sequence[Price], quantity: int) -> Price | None:
    """Of the prices in force the one with the highest `from_quantity` that is reached."""
    reached = [price for price in prices if price.from_quantity <= quantity]
    return max(reached, key=lambda price: price.from_quantity, default=None)


def order_size(quantity: int, *, pack_size: int, min_quantity: int) -> int:
    """A quantity of at least `min_quantity` in whole packs; 0 stays 0."""
    if quantity <= 0:
        return 0
    wanted = max(quantity, min_quantity)
    return -(-wanted // pack_size) * pack_size


def most_of(quantity: int, over_bp: int) -> int:
    """How many units of a line may come: those ordered and the tolerated surplus, rounded down."""
    return quantity + quantity * over_bp // FULL_BP


def needs_second_person(goods_minor: int, terms: Terms) -> bool:
    return goods_minor > terms.approve_above_minor


class OrderedLine(msgspec.Struct, frozen=True):
    """What was ordered, received and billed of a line so far; units and a unit's price."""

    line_no: int
    quantity: int
    price_minor: int
    received: int
    returned: int
    billed: int


class BilledLine(msgspec.Struct, frozen=True):
    """What a bill asks for."""

    line_no: int
    quantity: int
    price_minor: int


class Difference(msgspec.Struct, frozen=True):
    """What of a bill does not match. kind: `quantity` (more than was received and not billed yet),
    `price`, `extra` (freight and duty beyond the known landed costs), `line` (not ordered).
    `wanted` is what order and receipt say, `found` what the bill says; minor units or units."""

    kind: str
    line_no: int
    wanted: int
    found: int


def match_bill(
    ordered: Mapping[int, OrderedLine],
    billed: Sequence[BilledLine],
    *,
    extra_minor: int,
    extra_known_minor: int,
    terms: Terms,
) -> list[Difference]:
    """Order, receipt and bill side by side: what differs by more than the tolerances.

    A line's price may differ by `price_tolerance_bp`, or by as little as `amount_tolerance_minor`
    on the whole line; a lower price is never a difference. Units have no tolerance.
    """
    found: list[Difference] = []
    for line in billed:
        order = ordered.get(line.line_no)
        if order is None:
            found.append(Difference("line", line.line_no, 0, line.quantity))
            continue
        open_units = order.received - order.returned - order.billed
        if line.quantity > open_units:
            found.append(Difference("quantity", line.line_no, max(0, open_units), line.quantity))
        above = line.price_minor - order.price_minor
        within = above * FULL_BP <= order.price_minor * terms.price_tolerance_bp
        if above > 0 and not within and above * line.quantity > terms.amount_tolerance_minor:
            found.append(Difference("price", line.line_no, order.price_minor, line.price_minor))
    if extra_minor - max(0, extra_known_minor) > terms.amount_tolerance_minor:
        found.append(Difference("extra", 0, max(0, extra_known_minor), extra_minor))
    return found


def credited_units(line: OrderedLine, quantity: int) -> int:
    """How many of `quantity` units that go back were billed already."""
    kept_before = line.received - line.returned
    over_before = max(0, line.billed - kept_before)
    return max(0, line.billed - (kept_before - quantity)) - over_before


class CostedLine(msgspec.Struct, frozen=True):
    """A line of a delivery by what a cost can be spread: units, a unit's grams and price."""

    line_no: int
    quantity: int
    weight_g: int
    price_minor: int


def spread(amount_minor: int, lines: Sequence[CostedLine], by: str) -> dict[int, int]:
    """Line number to its share of a landed cost, by largest remainder; the shares sum to it.

    by: value, weight or quantity. Raises BadInput when no line has any of that.
    """
    weights = {
        "value": [line.quantity * line.price_minor for line in lines],
        "weight": [line.quantity * line.weight_g for line in lines],
        "quantity": [line.quantity for line in lines],
    }.get(by)
    if weights is None:
        raise BadInput(field="spread_by", reason="unknown_value")
    if sum(weights) <= 0:
        raise BadInput(field="spread_by", reason=f"no_{by}")
    shares = split(amount_minor, weights)
    return {line.line_no: share for line, share in zip(lines, shares, strict=True)}


def to_stock(share_minor: int, *, received: int, on_hand: int) -> int:
    """What of a share still lies on hand: as many of the received units as can be there, rounded
    down. The rest was the cost of units that are gone."""
    return share_minor * min(received, max(0, on_hand)) // received if received else 0


def check_window(starts: datetime, ends: datetime | None) -> None:
    """Raises BadInput for a time that ends before it starts."""
    if ends is not None and ends <= starts:
        raise BadInput(field="ends", reason="ends_before_it_starts")
