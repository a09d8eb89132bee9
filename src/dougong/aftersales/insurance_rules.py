"""What is true of freight insurance by rule: bands of premiums, covers by route. Pure."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from dougong.base.errors import BadInput, Conflict, Refusal

WHOLE_BP = 10_000
MOST_BANDS = 10
MOST_MINOR = 100_000_00
COUNTED_DAYS = timedelta(days=90)  # of orders by which a store's share of returns is counted


class InsuranceNotOpen(Conflict):
    """This version is approved already, or one that starts no earlier is."""

    code = "insurance_not_open"


class InsuranceSecondPerson(Refusal):
    """What one person has drafted another approves."""

    code = "insurance_second_person"
    status = 403


class NoInsurance(Conflict):
    """Nothing is offered for the store's currency now."""

    code = "no_insurance"


class Band(msgspec.Struct, frozen=True):
    """The premium of an order of a store of whose orders at least `over_bp` came back."""

    over_bp: int
    premium_minor: int


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a version of the product says. near_minor: paid for a way back within a province,
    far_minor: for any other."""

    currency: str
    name_zh: str
    name_en: str
    near_minor: int
    far_minor: int
    bands: tuple[Band, ...]


def check_offer(offer: Offer) -> Offer:
    """Raises BadInput: bands start at zero, rise, and no premium reaches what is paid for it."""
    if not offer.name_zh.strip() or not offer.name_en.strip():
        raise BadInput(field="name_zh", reason="missing")
    if not 0 < offer.near_minor <= offer.far_minor <= MOST_MINOR:
        raise BadInput(field="far", reason="out_of_range")
    overs = [band.over_bp for band in offer.bands]
    if not 1 <= len(overs) <= MOST_BANDS or overs[0] != 0 or overs != sorted(set(overs)):
        raise BadInput(field="bands", reason="out_of_range")
    if overs[-1] > WHOLE_BP:
        raise BadInput(field="bands", reason="out_of_range")
    if not all(0 < band.premium_minor < offer.near_minor for band in offer.bands):
        raise BadInput(field="bands", reason="out_of_range")
    return offer


def return_bp(*, counted: int, came_back: int) -> int:
    """The share of orders that came back, rounded down; none were sent: zero."""
    return came_back * WHOLE_BP // counted if counted else 0


def band_of(bands: Sequence[Band], share_bp: int) -> Band:
    """The highest band that the share reaches."""
    return max((one for one in bands if one.over_bp <= share_bp), key=lambda one: one.over_bp)


def bands_from(rows: Sequence[Mapping[str, Any]]) -> tuple[Band, ...]:
    return tuple(msgspec.convert(row, Band) for row in rows)


def route_of(src_province: str, dst_province: str) -> str:
    """`near` within a province that both sides name, else `far`."""
    return "near" if src_province and src_province == dst_province else "far"
