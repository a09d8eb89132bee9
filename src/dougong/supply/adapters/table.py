"""A carrier that only has a price list: numbers and news of parcels are typed or uploaded."""

from collections.abc import Sequence
from datetime import datetime

from dougong.supply.adapters.carrier import CarrierRefused, Made, Parcel, Quote
from dougong.supply.carrier_rules import Rate, price, province_of
from dougong.supply.tracking_rules import Told


class Table:
    """`rates`: the carrier's rows, of any date."""

    def __init__(self, rates: Sequence[Rate]) -> None:
        self.rates = rates

    async def rate(self, parcel: Parcel, *, at: datetime) -> Quote:
        """Raises NoRate, TooHeavy."""
        found = price(
            self.rates,
            from_province=province_of(parcel.sender.province),
            to_province=province_of(parcel.receiver.province),
            weight_g=parcel.weight_g,
            size_mm=parcel.size_mm,
            at=at,
        )
        why = (
            f"{found.rate.zone}: {found.rate.first_g} g + {found.steps} × {found.rate.further_g} g"
        )
        return Quote(found.minor, found.charged_g, why)

    async def create_waybill(self, parcel: Parcel, *, key: str) -> Made:
        raise CarrierRefused("number_is_typed")

    async def cancel(self, number: str, *, key: str) -> None:
        raise CarrierRefused("by_telephone")

    async def intercept(self, number: str, *, key: str) -> None:
        raise CarrierRefused("by_telephone")

    async def track(self, number: str) -> list[Told]:
        return []
