"""What the API of warehouses and stock takes and gives. Quantities are whole units of a SKU."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dougong.base.errors import BadInput
from dougong.base.ids import SkuId
from dougong.base.money import Money
from dougong.supply.count_commands import LIMIT_UNITS
from dougong.supply.stock_rules import MoveKind, Place
from dougong.web.api.common import Filled, OneLine
from dougong.web.forms import Input

S = TypeVar("S", bound=msgspec.Struct)
Code = Annotated[str, Meta(pattern=r"^[A-Z0-9][A-Z0-9-]{0,23}$")]
NameZh = Annotated[Filled, Meta(min_length=1, max_length=60)]
NameEn = Annotated[OneLine, Meta(max_length=60)]
Place40 = Annotated[OneLine, Meta(max_length=40)]
Line200 = Annotated[OneLine, Meta(max_length=200)]
Phone = Annotated[OneLine, Meta(max_length=30)]
UnitCost = Annotated[
    int, Meta(ge=0, le=100_000_000, description="Of sending one unit from here, in minor units.")
]
Units = Annotated[int, Meta(ge=0, le=10_000_000, description="Units.")]
SomeUnits = Annotated[int, Meta(ge=1, le=10_000_000, description="Units.")]
CountState = Literal["open", "counted", "approved", "dropped"]
TransferState = Literal["sent", "received"]


def shaped(row: Any, kind: type[S], **more: Any) -> S:
    """A row of a query as an answer; `more` in place of its columns."""
    return msgspec.convert({**row._mapping, **more}, kind)


def by_sku(lines: Iterable[Any], field: str) -> dict[SkuId, Any]:
    """SKU to what a line says in `field`. Raises BadInput when one is named twice."""
    named = list(lines)
    made = {SkuId(line.sku_id): getattr(line, field) for line in named}
    if len(made) < len(named):
        raise BadInput(field="lines", reason="duplicate_id")
    return made


class WarehouseInput(Input):
    """`ships`: orders may be served from it."""

    code: Code
    name_zh: NameZh
    name_en: NameEn = ""
    province: Place40 = ""
    city: Place40 = ""
    line: Line200 = ""
    phone: Phone = ""
    ships: bool = True
    unit_cost_minor: UnitCost = 0


class WarehouseChange(Input):
    """What is left out stays as it is."""

    code: Code | UnsetType = UNSET
    name_zh: NameZh | UnsetType = UNSET
    name_en: NameEn | UnsetType = UNSET
    province: Place40 | UnsetType = UNSET
    city: Place40 | UnsetType = UNSET
    line: Line200 | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET
    ships: bool | UnsetType = UNSET
    unit_cost_minor: UnitCost | UnsetType = UNSET


class Warehouse(msgspec.Struct):
    """`skus`: how many have units here; `on_hand`: units that can be sold, with the `allocated`
    ones; `damaged`: damaged or being looked at; `transit`: on their way here."""

    id: UUID
    code: str
    name_zh: str
    name_en: str
    province: str
    city: str
    line: str
    phone: str
    is_default: bool
    ships: bool
    unit_cost: Money
    closed_at: datetime | None
    skus: int
    on_hand: int
    allocated: int
    damaged: int
    transit: int


class Warehouses(msgspec.Struct):
    """Open ones first, among them the default one."""

    items: list[Warehouse]


class StockLevel(msgspec.Struct):
    """Units of a SKU in a warehouse. `on_hand`: can be sold, with the `allocated` ones, which are
    set aside for orders; `free`: the others; `available`: of these, what can still be promised,
    since orders of the store may wait for units that no warehouse has set aside yet. `damaged`,
    `inspecting`: there, not for sale; `transit`: on their way here."""

    sku_id: UUID
    sku: str
    warehouse_id: UUID
    warehouse: str
    on_hand: int
    allocated: int
    free: int
    available: int
    damaged: int
    inspecting: int
    transit: int


class StockLevelPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[StockLevel]
    after: str | None


class SetLevel(Input):
    sku_id: UUID
    on_hand: Units


class SetLevels(Input):
    """Each SKU once."""

    lines: Annotated[list[SetLevel], Meta(min_length=1, max_length=500)]


class ChangeLevel(Input):
    sku_id: UUID
    change: Annotated[int, Meta(ge=-100_000, le=100_000, description="Units; below 0: fewer.")]


class Adjustment(Input):
    """Each SKU once. `reason` goes into the audit log."""

    lines: Annotated[list[ChangeLevel], Meta(min_length=1, max_length=500)]
    reason: Line200 = ""


class AdjustedLevel(msgspec.Struct):
    sku_id: UUID
    change: int
    on_hand: int


class Adjusted(msgspec.Struct):
    """Units on hand as they are now."""

    warehouse_id: UUID
    items: list[AdjustedLevel]


class StockMove(msgspec.Struct):
    """`quantity` units went from `src` to `dst`, each a place in a warehouse or, without one,
    outside of them. `unit_cost`, `value`: where it is known what they cost; a value below 0 left
    the store. `about_kind`, `about_id`: the order, receipt, count or transfer behind it."""

    id: UUID
    at: datetime
    kind: MoveKind
    quantity: int
    sku_id: UUID
    sku: str
    src: Place
    src_warehouse: UUID | None
    dst: Place
    dst_warehouse: UUID | None
    lot: str | None
    expires_on: date | None
    unit_cost: Money | None
    value: Money | None
    about_kind: str
    about_id: UUID | None
    by_name: str | None


class StockMovePage(msgspec.Struct):
    """`after`: where this page ends; pass it back for what follows, now or later. `more`: whether
    something follows already."""

    items: list[StockMove]
    after: str
    more: bool


class StockBatch(msgspec.Struct):
    """Units of one lot and day of expiry; the day may be empty."""

    id: UUID
    sku_id: UUID
    sku: str
    warehouse_id: UUID
    warehouse: str
    lot: str
    expires_on: date | None
    received_at: datetime
    on_hand: int


class StockBatchPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[StockBatch]
    after: str | None


class CountInput(Input):
    """`sku_ids`: null counts all that the warehouse has ever had. `limit_units`: above so many
    units of difference in all, a person who has not counted approves."""

    warehouse_id: UUID
    scope: Annotated[OneLine, Meta(max_length=100)] = ""
    sku_ids: Annotated[list[UUID], Meta(min_length=1, max_length=5_000)] | None = None
    limit_units: Annotated[int, Meta(ge=0, le=10_000)] = LIMIT_UNITS


class CountedLine(Input):
    sku_id: UUID
    counted: Units
    reason: Line200 = ""


class CountedLines(Input):
    """Each SKU once; said again, it is counted again."""

    lines: Annotated[list[CountedLine], Meta(min_length=1, max_length=200)]


class StockCount(msgspec.Struct):
    """`lines`: SKUs to count; `done`: those counted; `differing` of them differ, by `units` in
    all."""

    id: UUID
    warehouse_id: UUID
    warehouse: str
    state: CountState
    scope: str
    limit_units: int
    lines: int
    done: int
    differing: int
    units: int
    started_by: str
    started_at: datetime
    counted_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> "StockCount":
        return shaped(
            row, cls, warehouse=row.code, started_by=row.started_by_name,
            closed_by=row.closed_by_name, units=int(row.units),
        )  # fmt: skip


class StockCountPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[StockCount]
    after: str | None


class SheetLine(msgspec.Struct):
    """`expected`: units on hand by the books when it was counted; empty before."""

    sku_id: UUID
    sku: str
    expected: int | None
    counted: int | None
    difference: int | None
    reason: str
    counted_by: str | None
    counted_at: datetime | None


class SheetPage(msgspec.Struct):
    """By SKU. `after`: pass it back for the next page; null on the last one."""

    items: list[SheetLine]
    after: str | None


class TransferLine(Input):
    sku_id: UUID
    quantity: SomeUnits


class TransferInput(Input):
    """Each SKU once."""

    src_warehouse_id: UUID
    dst_warehouse_id: UUID
    lines: Annotated[list[TransferLine], Meta(min_length=1, max_length=500)]
    note: Line200 = ""


class ArrivedLine(Input):
    """`arrived`: whole; `damaged`: there, but not to be sold. The rest was lost on the way."""

    sku_id: UUID
    arrived: Units
    damaged: Units = 0


class ArrivedLines(Input):
    """What is not named came whole. Each SKU once."""

    lines: Annotated[list[ArrivedLine], Meta(max_length=500)] = msgspec.field(default_factory=list)


class SentLine(msgspec.Struct):
    """`arrived`: empty while it is on the way."""

    sku_id: UUID
    sku: str
    quantity: int
    arrived: int | None
    damaged: int


class Transfer(msgspec.Struct):
    id: UUID
    state: TransferState
    src_warehouse_id: UUID
    src_warehouse: str
    dst_warehouse_id: UUID
    dst_warehouse: str
    note: str
    sent_by: str
    sent_at: datetime
    received_at: datetime | None
    lines: list[SentLine]

    @classmethod
    def of(cls, row: Any) -> "Transfer":
        return shaped(
            row, cls, src_warehouse_id=row.src_warehouse, src_warehouse=row.src_code,
            dst_warehouse_id=row.dst_warehouse, dst_warehouse=row.dst_code,
            sent_by=row.sent_by_name,
            lines=[line | {"sku": line["code"]} for line in row.lines],
        )  # fmt: skip


class TransferPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[Transfer]
    after: str | None
