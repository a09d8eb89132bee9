"""What the API of fulfilment takes and gives: boards, waves, packages, hand-over lists."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import msgspec
from msgspec import Meta

from dougong.base.ids import OrderId
from dougong.base.money import Money
from dougong.supply.fulfilment_rules import HEAVIEST_PARCEL_G, WaveLines
from dougong.supply.tracking_rules import Status
from dougong.web.api.common import Filled, Instant, OneLine, filled, money_or_none
from dougong.web.api.store_orders_types import ShipLine
from dougong.web.forms import Input

Grams = Annotated[int, Meta(ge=1, le=HEAVIEST_PARCEL_G, description="Grams.")]
Millimetres = Annotated[int, Meta(ge=1, le=3_000)]
Size = Annotated[
    tuple[Millimetres, Millimetres, Millimetres],
    Meta(description="Length, width and height in millimetres."),
]
WaveCarrier = Annotated[str, Meta(pattern=r"^([a-z0-9-]{2,40}|\*cheapest)?$")]
CarrierCode = Annotated[str, Meta(pattern=r"^[a-z0-9-]{2,40}$")]
# As a carrier prints it: 4 to 60 characters, no blanks; "" where the carrier makes it.
Number = Annotated[str, Meta(pattern=r"^([!-~]{4,60})?$")]


class BoardCounts(msgspec.Struct):
    """How much waits where: orders to be shipped (`due`), of them past their promise (`late`),
    packages by tab, and events of numbers that no package has (`stray`). 1 001 means: more."""

    due: int
    late: int
    packed: int
    on_the_way: int
    trouble: int
    stuck: int
    stray: int


class LineToShip(msgspec.Struct):
    """`left`: units that are neither shipped nor given back."""

    line_no: int
    code: str
    title_zh: str
    title_en: str
    options: dict[str, str]
    left: int


class OrderToShip(msgspec.Struct):
    """`promised_by`: frozen when it was paid; `late_at`: since when it is known to be late."""

    order_id: UUID
    number: str
    state: str
    total: Money
    units: int
    recipient: str | None
    province: str | None
    city: str | None
    paid_at: datetime
    promised_by: datetime
    late_at: datetime | None
    lines: list[LineToShip]

    @classmethod
    def of(cls, row: Any, lines: Sequence[Mapping[str, Any]]) -> Self:
        return filled(
            cls,
            row,
            order_id=row.id,
            total=Money(row.total_minor, row.currency),
            units=int(row.units or 0),
            lines=lines_to_ship(lines),
        )


def lines_to_ship(lines: Iterable[Mapping[str, Any]]) -> list[LineToShip]:
    names = LineToShip.__struct_fields__
    return [LineToShip(**{name: line[name] for name in names}) for line in lines if line["left"]]


class OrdersToShip(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[OrderToShip]
    after: str | None


class OrderToPack(msgspec.Struct):
    """An order of an open wave; `picked` of `quantity` units lie ready in its warehouse, where
    `lines` have so many left."""

    order_id: UUID
    number: str
    wave_number: int
    warehouse_id: UUID
    carrier: str | None
    is_cheapest: bool
    picked: int
    quantity: int
    lines: list[LineToShip]


class OrdersToPack(msgspec.Struct):
    items: list[OrderToPack]


class Promise(msgspec.Struct):
    """By when an order was promised to be shipped. `rule_id`: the dated rule that said so, null:
    the platform's own. `kept_at`: when the last unit left."""

    promised_by: datetime | None = None
    rule_id: UUID | None = None
    made_at: datetime | None = None
    kept_at: datetime | None = None
    late_at: datetime | None = None
    late_units: int | None = None


class WarehouseWaiting(msgspec.Struct):
    """Orders that wait to be picked in a warehouse: `due` of them are promised for today, `late`
    were promised before now. `is_more`: these are not all, only those that were paid first."""

    warehouse_id: UUID
    code: str
    name_zh: str
    name_en: str
    waiting: int
    due: int
    late: int
    is_more: bool

    @classmethod
    def of(cls, row: Any) -> Self:
        return filled(cls, row, warehouse_id=row.id)


class ToPickAt(msgspec.Struct):
    items: list[WarehouseWaiting]


class WaveInput(Input):
    """`most`: orders; those with the nearest promise come first. `warehouse_id`: may be left out
    where the store ships from one. `lines`: orders of which one line lies there, or several.
    `province`: where they go to, by its short name. `carrier`: with which their parcels shall go,
    by its code; `*cheapest`: each with the one whose rate is lowest. `order_ids`: only of these."""

    most: Annotated[int, Meta(ge=1, le=200)] = 20
    warehouse_id: UUID | None = None
    lines: WaveLines = WaveLines.ANY
    province: Annotated[OneLine, Meta(max_length=20)] = ""
    carrier: WaveCarrier = ""
    order_ids: Annotated[list[UUID], Meta(min_length=1, max_length=200)] | None = None


class WaveShown(msgspec.Struct):
    """`state`: picking, picked or closed. `warehouse`: its code. `lines` and `province`: what was
    asked for when it was begun."""

    id: UUID
    number: int
    state: str
    warehouse_id: UUID
    warehouse: str
    lines: WaveLines
    province: str
    carrier: str | None
    is_cheapest: bool
    made_at: datetime
    by_name: str | None
    orders: int
    units: int
    picked: int
    packed: int

    @classmethod
    def of(cls, row: Any) -> Self:
        counts = {name: int(getattr(row, name) or 0) for name in ("units", "picked", "packed")}
        return filled(cls, row, lines=WaveLines(row.lines), **counts)


class Waves(msgspec.Struct):
    items: list[WaveShown]


class ToPick(msgspec.Struct):
    """Units of one SKU from one bin, for so many orders."""

    sku_id: UUID
    bin: str
    code: str
    gtin: str | None
    title_zh: str
    title_en: str
    options: dict[str, str]
    quantity: int
    picked: int
    orders: int


class WaveDetail(msgspec.Struct):
    """`lines`: from bin to bin; what is done stands at the end."""

    wave: WaveShown
    lines: list[ToPick]


class PickInput(Input):
    """`code`: a SKU's code or barcode, as a scanner reads it. One request is one unit."""

    code: Annotated[Filled, Meta(min_length=1, max_length=80)]


class Picked(msgspec.Struct):
    """For which line of which order the unit is."""

    sku_id: UUID
    order_id: UUID
    line_no: int


class PackPart(Input):
    order_id: UUID
    lines: Annotated[list[ShipLine], Meta(min_length=1, max_length=200)]


class PackInput(Input, kw_only=True):
    """Some units of one order (it is split), or of several of one buyer and address (they are
    combined). `warehouse_id`: where that is done. `carrier`: by its code; it makes the number, or
    `tracking_no` says it."""

    parts: Annotated[list[PackPart], Meta(min_length=1, max_length=20)]
    warehouse_id: UUID | None = None
    weight_g: Grams
    size_mm: Size | None = None
    carrier: CarrierCode | None = None
    tracking_no: Number = ""


class NumberInput(Input):
    """`carrier`: by its code; `tracking_no`: left out where the carrier makes waybills."""

    carrier: CarrierCode
    tracking_no: Number = ""


class PackageRow(msgspec.Struct):
    """`order_id`: its first order, of `orders`. `watch_at`: from when on it counts as stuck."""

    package_id: UUID
    state: str
    state_at: datetime
    heard_at: datetime
    watch_at: datetime | None
    last_status: str | None
    carrier: str | None
    tracking_no: str | None
    weight_g: int | None
    packed_at: datetime | None
    shipped_at: datetime | None
    order_id: UUID
    number: str
    orders: int
    recipient: str | None
    province: str | None
    city: str | None

    @classmethod
    def of(cls, row: Any) -> Self:
        return filled(cls, row, package_id=row.id)


class PackagePage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[PackageRow]
    after: str | None


class PackageLine(msgspec.Struct):
    order_id: UUID
    number: str
    line_no: int
    quantity: int
    code: str
    title_zh: str
    title_en: str
    options: dict[str, str]


class TrackingEvent(msgspec.Struct):
    """`at`: when it happened; `arrived_at`: when we heard of it. `source`: typed, file, carrier or
    aggregator; `raw`: in the carrier's own words."""

    at: datetime
    status: str
    place: str
    province: str
    source: str
    raw: str
    arrived_at: datetime


class WaybillShown(msgspec.Struct):
    """`reason`: why a carrier has refused."""

    id: UUID
    carrier: str
    state: str
    number: str | None
    cost: Money | None
    reason: str
    asked_at: datetime
    answered_at: datetime | None


class PackageDetail(msgspec.Struct):
    """`events`: the newest first."""

    package_id: UUID
    state: str
    state_at: datetime
    heard_at: datetime
    watch_at: datetime | None
    carrier: str | None
    tracking_no: str | None
    weight_g: int | None
    size_mm: list[int] | None
    packed_at: datetime | None
    shipped_at: datetime | None
    lines: list[PackageLine]
    events: list[TrackingEvent]
    waybills: list[WaybillShown]


def package_detail(story: Mapping[str, Any], waybills: Iterable[Any]) -> PackageDetail:
    """story: as `reads.fulfilment.package_story` answers it."""
    return filled(
        PackageDetail,
        story["package"],
        package_id=story["package"].id,
        lines=[filled(PackageLine, line) for line in story["lines"]],
        events=[filled(TrackingEvent, event) for event in story["events"]],
        waybills=[
            filled(WaybillShown, one, cost=money_or_none(one.cost_minor, one.currency))
            for one in waybills
        ],
    )


class LabelsInput(Input):
    """`ids`: of packages, or of hand-over lists."""

    ids: Annotated[list[UUID], Meta(min_length=1, max_length=500)]


class EventInput(Input, kw_only=True):
    """What somebody has heard of a parcel. `at`: when it happened; left out: now."""

    status: Status
    at: Instant | None = None
    place: Annotated[OneLine, Meta(max_length=80)] = ""
    province: Annotated[OneLine, Meta(max_length=20)] = ""


def parts_of(data: PackInput) -> dict[OrderId, dict[int, int]]:
    """Order to line number to units; what is named twice is added up."""
    parts: dict[OrderId, dict[int, int]] = {}
    for part in data.parts:
        lines = parts.setdefault(OrderId(part.order_id), {})
        for line in part.lines:
            lines[line.line_no] = lines.get(line.line_no, 0) + line.quantity
    return parts
