"""What is true of stock as a ledger: places, moves between them, and what a move changes.

Units go from one place to another, so they balance as money does. Two circles never mix: goods
(outside the store, or in a warehouse) and promises (`pool` to `promised` and back).
"""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import BadInput, Conflict, Refusal
from dougong.base.ids import SkuId


class Place(StrEnum):
    SUPPLIER = "supplier"
    BUYER = "buyer"
    LOST_FOUND = "lost_found"
    SCRAP = "scrap"
    PROMISED = "promised"
    POOL = "pool"
    FREE = "free"
    ALLOCATED = "allocated"
    DAMAGED = "damaged"
    INSPECTING = "inspecting"
    TRANSIT = "transit"


IN_WAREHOUSE = frozenset(
    {Place.FREE, Place.ALLOCATED, Place.DAMAGED, Place.INSPECTING, Place.TRANSIT}
)
SELLABLE = frozenset({Place.FREE, Place.ALLOCATED})  # what `on_hand` counts
PROMISES = frozenset({Place.PROMISED, Place.POOL})
MOST_BIN_NAME = 24
INTO = frozenset({Place.FREE, Place.DAMAGED, Place.INSPECTING, Place.SCRAP})  # of what comes back


class MoveKind(StrEnum):
    RECEIVED = "received"
    RESERVED = "reserved"
    RELEASED = "released"
    ALLOCATED = "allocated"
    UNALLOCATED = "unallocated"
    PICKED = "picked"
    SHIPPED = "shipped"
    RETURNED = "returned"
    DAMAGED = "damaged"
    REPAIRED = "repaired"
    SCRAPPED = "scrapped"
    COUNTED = "counted"
    TRANSFERRED = "transferred"
    SET = "set"


class NotEnoughThere(Conflict):
    """A warehouse has fewer free units than are to be moved. Facts: `sku_id`."""

    code = "not_enough_there"


class WarehouseClosed(Conflict):
    """Nothing comes into a warehouse that is closed."""

    code = "warehouse_closed"


class WarehouseInUse(Conflict):
    """The default warehouse, and one in which something lies, cannot be closed."""

    code = "warehouse_in_use"


class CodeTaken(Conflict):
    """Another warehouse of the store has this code."""

    code = "warehouse_code_taken"


class CountClosed(Conflict):
    """The count is not open any more, or has nothing counted yet."""

    code = "count_closed"


class NothingToUndo(Conflict):
    """There is no such scan of this person, or too much has happened since."""

    code = "nothing_to_undo"


class AnotherMustApprove(Refusal):
    """So large a difference is approved by a person who has not counted."""

    code = "another_must_approve"
    status = 403


class TransferClosed(Conflict):
    """What was on the way has arrived already."""

    code = "transfer_closed"


def bin_name(typed: str) -> str:
    """A bin as it is kept: without outer blanks, up to MOST_BIN_NAME characters, or "" for none.

    Raises BadInput: too_long, control_character.
    """
    name = typed.strip()
    if len(name) > MOST_BIN_NAME:
        raise BadInput(field="bin", reason="too_long")
    if not name.isprintable():
        raise BadInput(field="bin", reason="control_character")
    return name


class Spot(msgspec.Struct, frozen=True):
    """A place; `warehouse_id` where it is one in a warehouse."""

    place: Place
    warehouse_id: UUID | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """`quantity` > 0 units of a SKU from one spot to another. `key`: the same move comes once.

    unit_cost_minor: what one of them cost, where that is known as it comes in; worth_minor: what
    all of them are worth, where they come back with what they left with.
    """

    sku_id: SkuId
    quantity: int
    kind: MoveKind
    src: Spot
    dst: Spot
    key: str
    batch_id: UUID | None = None
    unit_cost_minor: int | None = None
    worth_minor: int | None = None


class Received(msgspec.Struct, frozen=True):
    """Units that come from a supplier. unit_cost_minor None: not known; lot, expires_on: of their
    batch; line_no: of the order that they came for."""

    sku_id: SkuId
    quantity: int
    unit_cost_minor: int | None = None
    lot: str = ""
    expires_on: date | None = None
    line_no: int | None = None


class Change(msgspec.Struct):
    """By how much the row of a SKU changes: in one warehouse, or over the store."""

    on_hand: int = 0
    allocated: int = 0
    damaged: int = 0
    inspecting: int = 0
    transit: int = 0
    reserved: int = 0


Levels = Mapping[tuple[SkuId, UUID], Change]
Totals = Mapping[SkuId, Change]


def changes(moves: Iterable[Move]) -> tuple[Levels, Totals]:
    """What moves change: by SKU and warehouse, and by SKU over the store (nothing: left out)."""
    levels: dict[tuple[SkuId, UUID], Change] = {}
    totals: dict[SkuId, Change] = {}
    for move in moves:
        for spot, units in ((move.src, -move.quantity), (move.dst, move.quantity)):
            if spot.warehouse_id is not None:
                _add(levels.setdefault((move.sku_id, spot.warehouse_id), Change()), spot, units)
            _add(totals.setdefault(move.sku_id, Change()), spot, units)
    changed = {sku: one for sku, one in totals.items() if one.on_hand or one.reserved}
    return dict(sorted(levels.items())), dict(sorted(changed.items()))


def _add(change: Change, spot: Spot, units: int) -> None:
    if spot.place in SELLABLE:
        change.on_hand += units
    match spot.place:
        case Place.ALLOCATED:
            change.allocated += units
        case Place.DAMAGED:
            change.damaged += units
        case Place.INSPECTING:
            change.inspecting += units
        case Place.TRANSIT:
            change.transit += units
        case Place.PROMISED:
            change.reserved += units


def comes_in(move: Move) -> bool:
    """Goods that the store did not have before."""
    return move.dst.warehouse_id is not None and move.src.warehouse_id is None


def goes_out(move: Move) -> bool:
    return move.src.warehouse_id is not None and move.dst.warehouse_id is None


class Cost(msgspec.Struct):
    """Units of which the cost is known, and that cost in minor units; average = cost / quantity."""

    quantity: int = 0
    cost_minor: int = 0


def move_value(cost: Cost, move: Move) -> int | None:
    """Book a move on the cost of its SKU; answers what its units cost in all, with its sign.

    In: what it is worth, its own unit cost, or else the average of those there. Out: the average,
    rounded down, of as many as have a known cost; the last ones take what is left. None: nothing is
    known of them.
    """
    if comes_in(move):
        if move.worth_minor is not None:
            value = move.worth_minor
        elif move.unit_cost_minor is not None:
            value = move.quantity * move.unit_cost_minor
        elif cost.quantity:
            value = move.quantity * cost.cost_minor // cost.quantity
        else:
            return None
        cost.quantity += move.quantity
        cost.cost_minor += value
        return value
    if goes_out(move) and cost.quantity:
        units = min(move.quantity, cost.quantity)
        value = cost.cost_minor * units // cost.quantity
        cost.quantity -= units
        cost.cost_minor -= value
        return -value
    return None
