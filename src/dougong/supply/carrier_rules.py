"""Carriers by rule: what a parcel weighs for them, what it costs, and the life of a waybill."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from dougong.base.errors import Conflict, Refusal

ANYWHERE = "*"
HEAVIEST_G = 1_000_000

# The 34 provinces as addresses name them, by their short names.
PROVINCES = (
    "北京", "天津", "河北", "山西", "内蒙古", "辽宁", "吉林", "黑龙江", "上海", "江苏", "浙江",
    "安徽", "福建", "江西", "山东", "河南", "湖北", "湖南", "广东", "广西", "海南", "重庆",
    "四川", "贵州", "云南", "西藏", "陕西", "甘肃", "青海", "宁夏", "新疆", "台湾", "香港", "澳门",
)  # fmt: skip


class CarrierKind(StrEnum):
    TABLE = "table"  # own rates; numbers and tracking typed or uploaded
    SANDBOX = "sandbox"  # the carrier that comes with Dougong, over HTTP
    MANUAL = "manual"  # no rates: only a name


class WaybillState(StrEnum):
    ASKED = "asked"
    MADE = "made"
    REFUSED = "refused"
    CANCEL_ASKED = "cancel_asked"
    CANCELLED = "cancelled"
    INTERCEPT_ASKED = "intercept_asked"
    INTERCEPTED = "intercepted"


WAYBILL_MOVES: dict[WaybillState, set[WaybillState]] = {
    WaybillState.ASKED: {WaybillState.MADE, WaybillState.REFUSED, WaybillState.CANCEL_ASKED},
    WaybillState.MADE: {WaybillState.CANCEL_ASKED, WaybillState.INTERCEPT_ASKED},
    WaybillState.REFUSED: {WaybillState.ASKED},
    WaybillState.CANCEL_ASKED: {WaybillState.CANCELLED, WaybillState.MADE},
    WaybillState.CANCELLED: set(),
    WaybillState.INTERCEPT_ASKED: {WaybillState.INTERCEPTED, WaybillState.MADE},
    WaybillState.INTERCEPTED: set(),
}


class CarrierUnknown(Refusal):
    code = "carrier_unknown"
    status = 404


class NoRate(Refusal):
    """No row of the carrier's rates is in force for this way. Facts: `province`."""

    code = "no_rate"
    status = 409


class RateOverlaps(Conflict):
    """Two rates for the same way would be in force at once."""

    code = "rate_overlaps"


class TooHeavy(Refusal):
    code = "too_heavy"


class Rate(msgspec.Struct, frozen=True):
    """One dated row: the first grams cost `first_minor`, every further begun `further_g` another
    `further_minor`. `divisor`: cubic centimetres that count as a kilogram; 0: volume is free."""

    zone: str
    from_province: str
    to_province: str
    first_g: int
    first_minor: int
    further_g: int
    further_minor: int
    divisor: int
    starts: datetime
    ends: datetime | None


class Price(msgspec.Struct, frozen=True):
    """What it costs and why: `charged_g` is the greater of weight and volume."""

    rate: Rate
    charged_g: int
    volume_g: int
    steps: int
    minor: int


def volumetric_g(size_mm: tuple[int, int, int] | None, *, divisor: int) -> int:
    """Grams that a box counts as, rounded up: cubic centimetres × 1000 / divisor."""
    if size_mm is None or divisor == 0:
        return 0
    a, b, c = size_mm
    return -(-a * b * c // divisor)  # mm³ / 1000 = cm³, × 1000 g


def price(
    rates: Iterable[Rate],
    *,
    from_province: str,
    to_province: str,
    weight_g: int,
    size_mm: tuple[int, int, int] | None,
    at: datetime,
) -> Price:
    """What a parcel costs at an instant. The row that names both ends beats one that names the
    destination, that one which names the origin, that one which names none. Raises NoRate."""
    if not 0 < weight_g <= HEAVIEST_G:
        raise TooHeavy(field="weight_g")
    fitting = [
        rate
        for rate in rates
        if rate.starts <= at and (rate.ends is None or at < rate.ends)
        if rate.from_province in (ANYWHERE, from_province)
        if rate.to_province in (ANYWHERE, to_province)
    ]
    if not fitting:
        raise NoRate(province=to_province)
    rate = max(fitting, key=lambda r: (r.to_province != ANYWHERE, r.from_province != ANYWHERE))
    volume_g = volumetric_g(size_mm, divisor=rate.divisor)
    charged_g = max(weight_g, volume_g)
    beyond = max(0, charged_g - rate.first_g)
    steps = -(-beyond // rate.further_g)
    return Price(rate, charged_g, volume_g, steps, rate.first_minor + steps * rate.further_minor)


_ENDINGS = (
    "特别行政区", "壮族自治区", "回族自治区", "维吾尔自治区", "自治区", "省", "市",
)  # fmt: skip


def province_of(text: str) -> str:
    """The short name of a province as an address writes it ("广东省" is "广东"); as it is where
    it is none of the 34."""
    plain = text.strip()
    for ending in _ENDINGS:
        if plain.endswith(ending) and plain.removesuffix(ending) in PROVINCES:
            return plain.removesuffix(ending)
    return plain
