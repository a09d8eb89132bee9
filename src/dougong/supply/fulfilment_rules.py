"""What may be packed, picked and handed over."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import Conflict, Refusal

Lines = Mapping[int, int]  # line number to quantity
HEAVIEST_PARCEL_G = 100_000
CHEAPEST = "*cheapest"  # no carrier's code: the one whose rate for a parcel is lowest


class NotCombinable(Refusal):
    """Orders of several buyers or addresses cannot lie in one package."""

    code = "not_combinable"
    status = 409


class PackedAlready(Conflict):
    """More units than are left that lie in no package yet. Facts: `line_no`, `left`."""

    code = "packed_already"


class WaybillWrongState(Conflict):
    """The waybill is not in a state in which this can be done. Facts: `waybill_state`."""

    code = "wrong_waybill_state"


class NothingToPick(Conflict):
    """No order waits that could be picked."""

    code = "nothing_to_pick"


class PickedAlready(Conflict):
    """The wave needs no more of this: another was faster, or it is no part of the wave."""

    code = "picked_already"


class WaveClosed(Conflict):
    code = "wave_closed"


class CarrierMakesNone(Refusal):
    """This carrier makes no waybills: its numbers are typed."""

    code = "number_is_typed"
    status = 409


class WaveLines(StrEnum):
    """Orders of which one line lies in the wave's warehouse, or several."""

    ANY = "any"
    ONE = "one"
    SEVERAL = "several"


class WaveChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders go into a wave, at most `most` of them.

    warehouse_id: None for the only one that the store ships from. carrier: with which its parcels
    shall go, by code, CHEAPEST, or "" to choose when packing. province: its short name, "" for
    all. order_ids: only of these.
    """

    most: int
    warehouse_id: UUID | None = None
    lines: WaveLines = WaveLines.ANY
    province: str = ""
    carrier: str = ""
    order_ids: Sequence[UUID] | None = None


def too_much(wanted: Lines, *, left: Lines, packed: Lines) -> tuple[int, int] | None:
    """The first line of which more is wanted than is left to pack, and how much is left."""
    for line_no, quantity in sorted(wanted.items()):
        free = left.get(line_no, 0) - packed.get(line_no, 0)
        if quantity > free:
            return line_no, max(0, free)
    return None
