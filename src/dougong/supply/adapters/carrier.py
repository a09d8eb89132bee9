"""What every carrier can do for us. Adapters are called in jobs, after the commit."""

from datetime import datetime
from typing import Protocol

import msgspec

from dougong.supply.tracking_rules import Told


class Place(msgspec.Struct, frozen=True):
    """Where a parcel comes from or goes to, as an address book writes it."""

    name: str
    phone: str
    province: str
    city: str
    district: str
    line: str
    postcode: str = ""


class Parcel(msgspec.Struct, frozen=True):
    """`size_mm`: length, width and height, where they were measured."""

    sender: Place
    receiver: Place
    weight_g: int
    size_mm: tuple[int, int, int] | None
    reference: str


class Quote(msgspec.Struct, frozen=True):
    """What it would cost, in the store's currency; `why` says how it was reckoned."""

    minor: int
    charged_g: int
    why: str


class Made(msgspec.Struct, frozen=True):
    """A waybill as the carrier made it. `minor`: what it costs, where the carrier says."""

    number: str
    minor: int | None


class CarrierAway(Exception):
    """Nobody answered, or nothing that can be read: whether it was done is not known. The same
    request with the same key may be sent again."""


class CarrierRefused(Exception):
    """The carrier says no, for good; `reason` is its own word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Carrier(Protocol):
    """Raises CarrierAway or CarrierRefused. `key`: the same request has the same key each time,
    and is carried out once."""

    async def rate(self, parcel: Parcel, *, at: datetime) -> Quote: ...

    async def create_waybill(self, parcel: Parcel, *, key: str) -> Made: ...

    async def cancel(self, number: str, *, key: str) -> None: ...

    async def intercept(self, number: str, *, key: str) -> None: ...

    async def track(self, number: str) -> list[Told]: ...
