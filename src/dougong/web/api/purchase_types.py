"""What the API of suppliers and purchase orders takes and gives. Quantities are whole units."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dougong.base.errors import BadInput
from dougong.base.money import Money
from dougong.reads.purchasing import ItemRow, Purchase
from dougong.supply.purchase_rules import PurchaseState, Terms, WantedLine
from dougong.web.api.common import Filled, Instant, Lines, OneLine
from dougong.web.api.stock_types import SomeUnits, shaped
from dougong.web.forms import Input

D = TypeVar("D", date, datetime)
SupplierCode = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
SupplierName = Annotated[Filled, Meta(min_length=1, max_length=120)]
Words40 = Annotated[OneLine, Meta(max_length=40)]
Words80 = Annotated[OneLine, Meta(max_length=80)]
Words120 = Annotated[OneLine, Meta(max_length=120)]
Words200 = Annotated[OneLine, Meta(max_length=200)]
Words500 = Annotated[OneLine, Meta(max_length=500)]
Reason = Annotated[Filled, Meta(min_length=1, max_length=500)]
Notes = Annotated[Lines, Meta(max_length=2_000)]
Days = Annotated[int, Meta(ge=0, le=365, description="Days.")]
Price = Annotated[
    int, Meta(ge=0, le=100_000_000_000, description="Of one unit, in minor units, such as fen.")
]
Amount = Annotated[int, Meta(ge=1, le=100_000_000_000, description="Minor units, such as fen.")]
Limit = Annotated[int, Meta(ge=0, le=100_000_000_000, description="Minor units, such as fen.")]
Rate = Annotated[int, Meta(ge=0, le=10_000, description="Basis points.")]
LineNo = Annotated[int, Meta(ge=1, le=1_000, description="As the purchase order numbers it.")]


def likely(value: D | None, *, field: str) -> D | None:
    """A day or an instant of this age. Raises BadInput."""
    if value is not None and not 2000 <= value.year <= 2200:
        raise BadInput(field=field, reason="year_out_of_range")
    return value


class ReasonInput(Input):
    reason: Words500 = ""


class ReasonNeeded(Input):
    reason: Reason


class SupplierInput(Input):
    """`payment_days`: from a bill's date on; `lead_days`: from an order to its delivery."""

    code: SupplierCode
    name: SupplierName
    contact: Words120 = ""
    email: Words200 = ""
    phone: Words40 = ""
    payment_days: Days = 30
    lead_days: Days = 7
    notes: Notes = ""


class SupplierChange(Input):
    """What is left out stays as it is."""

    code: SupplierCode | UnsetType = UNSET
    name: SupplierName | UnsetType = UNSET
    contact: Words120 | UnsetType = UNSET
    email: Words200 | UnsetType = UNSET
    phone: Words40 | UnsetType = UNSET
    payment_days: Days | UnsetType = UNSET
    lead_days: Days | UnsetType = UNSET
    notes: Notes | UnsetType = UNSET


class Supplier(msgspec.Struct):
    """`items`: SKUs that it sells; `open_orders`: approved or sent, and not wholly received."""

    id: UUID
    code: str
    name: str
    contact: str
    email: str
    phone: str
    currency: str
    payment_days: int
    lead_days: int
    notes: str
    items: int
    open_orders: int
    made_at: datetime
    closed_at: datetime | None


class SupplierPage(msgspec.Struct):
    """By code. `after`: pass it back for the next page; null on the last one."""

    items: list[Supplier]
    after: str | None


class ItemInput(Input):
    """How a supplier sells a SKU. `lead_days`: null takes the supplier's. `is_dropship`: it sends
    this SKU to buyers itself."""

    supplier_sku: Words80 = ""
    pack_size: Annotated[int, Meta(ge=1, le=100_000)] = 1
    min_quantity: SomeUnits = 1
    lead_days: Days | None = None
    is_dropship: bool = False


class PriceInput(Input):
    """In force within [starts_at, ends_at); null: from now on, until further notice."""

    sku_id: UUID
    price_minor: Price
    from_quantity: SomeUnits = 1
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class SupplierPrice(msgspec.Struct):
    id: UUID
    from_quantity: int
    price: Money
    starts_at: datetime
    ends_at: datetime | None
    in_force: bool


class SupplierItem(msgspec.Struct):
    """`prices`: from the lowest quantity on, past and coming ones too."""

    sku_id: UUID
    sku: str
    supplier_sku: str
    pack_size: int
    min_quantity: int
    lead_days: int | None
    is_dropship: bool
    prices: list[SupplierPrice]

    @classmethod
    def of(cls, row: ItemRow, currency: str) -> "SupplierItem":
        prices = [
            SupplierPrice(
                one.id, one.from_quantity, Money(one.price_minor, currency), one.starts_at,
                one.ends_at, one.in_force,
            )
            for one in row.prices
        ]  # fmt: skip
        return cls(
            row.sku_id, row.code, row.supplier_sku, row.pack_size, row.min_quantity,
            row.lead_days, row.is_dropship, prices,
        )  # fmt: skip


class SupplierItemPage(msgspec.Struct):
    """By our code. `after`: pass it back for the next page; null on the last one."""

    items: list[SupplierItem]
    after: str | None


class TermsInput(Input):
    """Orders above `approve_above_minor` need a second person. A bill's price may be above the
    order's by `price_tolerance_bp`, or by `amount_tolerance_minor` on a whole line; `over_bp` more
    than was ordered may come. Suggestions are made for `service_level_bp`."""

    approve_above_minor: Limit
    price_tolerance_bp: Rate
    amount_tolerance_minor: Limit
    over_bp: Rate
    service_level_bp: Annotated[int, Meta(ge=5_000, le=9_990, description="Basis points.")]


class TermsShown(msgspec.Struct):
    """As in `TermsInput`, in the store's currency."""

    approve_above: Money
    price_tolerance_bp: int
    amount_tolerance: Money
    over_bp: int
    service_level_bp: int

    @classmethod
    def of(cls, terms: Terms, currency: str) -> "TermsShown":
        return cls(
            Money(terms.approve_above_minor, currency), terms.price_tolerance_bp,
            Money(terms.amount_tolerance_minor, currency), terms.over_bp, terms.service_level_bp,
        )  # fmt: skip


class OrderLineInput(Input):
    """`price_minor`: null takes the supplier's price in force for this quantity."""

    sku_id: UUID
    quantity: SomeUnits
    price_minor: Price | None = None


OrderLines = Annotated[list[OrderLineInput], Meta(min_length=1, max_length=500)]


def wanted(lines: list[OrderLineInput]) -> list[WantedLine]:
    return [WantedLine(one.sku_id, one.quantity, one.price_minor) for one in lines]


class OrderInput(Input):
    """Each SKU once. `warehouse_id`: null for the default one; `expected_on`: null for the
    supplier's lead days from now."""

    supplier_id: UUID
    lines: OrderLines
    warehouse_id: UUID | None = None
    expected_on: date | None = None
    note: Notes = ""


class OrderChange(Input):
    """What the draft says from now on, whole; `expected_on`: null leaves it as it is."""

    lines: OrderLines
    warehouse_id: UUID | None = None
    expected_on: date | None = None
    note: Notes = ""


class PurchaseLine(msgspec.Struct):
    """`received`: good units that came; `returned` of them went back; `billed`: on approved bills;
    `most`: what may come in all."""

    line_no: int
    sku_id: UUID
    sku: str
    supplier_sku: str
    quantity: int
    price: Money
    most: int
    received: int
    returned: int
    billed: int


class PurchaseOrder(msgspec.Struct):
    id: UUID
    number: str
    state: PurchaseState
    supplier_id: UUID
    supplier_code: str
    supplier_name: str
    warehouse_id: UUID | None
    goods: Money
    expected_on: date
    note: str
    made_by: str
    made_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    end_reason: str
    lines: list[PurchaseLine]

    @classmethod
    def of(cls, found: Purchase) -> "PurchaseOrder":
        order = found.order
        lines = [
            shaped(row, PurchaseLine, sku=row.code, price=Money(row.price_minor, order.currency))
            for row in found.lines
        ]
        return shaped(
            order, cls, goods=Money(order.goods_minor, order.currency), lines=lines,
            made_by=order.made_by_name, approved_by=order.approved_by_name,
        )  # fmt: skip


class PurchaseOrderRow(msgspec.Struct):
    """`lines`: how many; `is_late`: it should have come before today."""

    id: UUID
    number: str
    state: PurchaseState
    supplier_id: UUID
    supplier_code: str
    supplier_name: str
    goods: Money
    lines: int
    units: int
    received: int
    expected_on: date
    is_late: bool
    made_at: datetime
    sent_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> "PurchaseOrderRow":
        return shaped(row, cls, goods=Money(row.goods_minor, row.currency))


class PurchaseOrderPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[PurchaseOrderRow]
    after: str | None


InState = Literal[
    "all", "open", "draft", "approved", "sent", "part_received", "received", "closed", "cancelled"
]


class AccountPaper(msgspec.Struct):
    """What changed what is owed: a bill, a statement (more), a credit, a payment (less)."""

    kind: Literal["bill", "credit", "payment", "statement"]
    id: UUID
    name: str
    at: datetime
    amount: Money


class SupplierAccount(msgspec.Struct):
    """`balance`: owed by the books; `explained`: the sum of the papers; `residual`: the difference,
    always 0."""

    balance: Money
    explained: Money
    residual: Money
    papers: list[AccountPaper]


class PaymentInput(Input):
    """A payment that was made. `reference`: each once a supplier."""

    amount_minor: Amount
    reference: Annotated[Filled, Meta(min_length=1, max_length=80)]


class PaymentNoted(msgspec.Struct):
    payment_id: UUID
    balance: Money
