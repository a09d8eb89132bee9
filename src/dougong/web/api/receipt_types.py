"""What the API of deliveries, returns and bills takes and gives. Quantities are whole units."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from dougong.base.errors import BadInput
from dougong.base.money import Money
from dougong.supply.purchase_rules import BilledLine, BillState, Difference
from dougong.supply.receipt_commands import CountedLine
from dougong.web.api.common import Filled
from dougong.web.api.purchase_types import Amount, LineNo, Notes, Price, Reason, Words80, likely
from dougong.web.api.stock_types import SomeUnits, Units, shaped
from dougong.web.forms import Input

Lot = Annotated[str, Meta(max_length=60, pattern=r"^[^\x00-\x1f\x7f\ufffe\uffff]*$")]
CostOf = Literal["freight", "duty", "other"]
SpreadBy = Literal["value", "weight", "quantity"]


def priced(line: Mapping[str, Any], name: str, currency: str) -> dict[str, Any]:
    """A line with `{name}_minor` as money."""
    return {**line, name: Money(line[f"{name}_minor"], currency)}


class ReceivedLine(Input):
    """`accepted` goes into stock; `damaged` does not; `short`: on the delivery note, not there."""

    line_no: LineNo
    accepted: Units = 0
    damaged: Units = 0
    short: Units = 0
    lot: Lot = ""
    expires_on: date | None = None

    def counted(self) -> CountedLine:
        """Raises BadInput."""
        return CountedLine(
            self.line_no, self.accepted, self.damaged, self.short, self.lot.strip(),
            likely(self.expires_on, field="expires_on"),
        )  # fmt: skip


class ReceiptInput(Input):
    """Each line once. `warehouse_id`: null for the order's. `take_over`: more than the order and
    the store's tolerance allow is taken as a surplus."""

    lines: Annotated[list[ReceivedLine], Meta(min_length=1, max_length=500)]
    warehouse_id: UUID | None = None
    delivery_note: Words80 = ""
    note: Notes = ""
    take_over: bool = False


class CostInput(Input):
    """Spread over the accepted units of a delivery, by largest remainder."""

    cost: CostOf
    amount_minor: Amount
    spread_by: SpreadBy = "value"


class ReceiptLine(msgspec.Struct):
    """`over`: of the accepted ones, more than was ordered."""

    line_no: int
    sku_id: UUID
    sku: str
    accepted: int
    damaged: int
    short: int
    over: int
    lot: str
    expires_on: date | None


class ReceiptCost(msgspec.Struct):
    cost: CostOf
    amount: Money
    spread_by: SpreadBy
    at: datetime


class GoodsReceipt(msgspec.Struct):
    """A delivery as it was counted; `costs`: what it cost to bring it in."""

    id: UUID
    number: str
    purchase_id: UUID
    purchase_number: str
    supplier_id: UUID
    warehouse_id: UUID
    delivery_note: str
    note: str
    by_name: str
    at: datetime
    lines: list[ReceiptLine]
    costs: list[ReceiptCost]

    @classmethod
    def of(cls, row: Any) -> "GoodsReceipt":
        costs = [priced(one, "amount", row.currency) for one in row.costs]
        return shaped(row, cls, costs=costs)


class GoodsReceiptPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[GoodsReceipt]
    after: str | None


class ReturnLine(Input):
    line_no: LineNo
    quantity: SomeUnits


class ReturnInput(Input):
    """Each line once, of free units in one warehouse."""

    warehouse_id: UUID
    lines: Annotated[list[ReturnLine], Meta(min_length=1, max_length=500)]
    reason: Reason

    def units(self) -> dict[int, int]:
        """Raises BadInput when a line is named twice."""
        made = {line.line_no: line.quantity for line in self.lines}
        if len(made) < len(self.lines):
            raise BadInput(field="lines", reason="duplicate_id")
        return made


class ReturnedLine(msgspec.Struct):
    """`credited`: of these units, those that the supplier had billed."""

    line_no: int
    sku_id: UUID
    sku: str
    quantity: int
    credited: int
    price: Money


class SupplierReturn(msgspec.Struct):
    """`credit`: what is owed to the supplier less for it."""

    id: UUID
    number: str
    purchase_id: UUID
    purchase_number: str
    supplier_id: UUID
    warehouse_id: UUID
    total: Money
    credit: Money
    reason: str
    by_name: str
    at: datetime
    lines: list[ReturnedLine]

    @classmethod
    def of(cls, row: Any) -> "SupplierReturn":
        return shaped(
            row, cls, total=Money(row.total_minor, row.currency),
            credit=Money(row.credit_minor, row.currency),
            lines=[priced(one, "price", row.currency) for one in row.lines],
        )  # fmt: skip


class SupplierReturnPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[SupplierReturn]
    after: str | None


class BillLineInput(Input):
    """As the bill says it, whether it was ordered so or not."""

    line_no: LineNo
    quantity: SomeUnits
    price_minor: Price


class BillInput(Input):
    """`extra_minor`: freight and duty; `due_on`: null for the supplier's days of payment."""

    purchase_id: UUID
    bill_no: Annotated[Filled, Meta(min_length=1, max_length=80)]
    billed_on: date
    due_on: date | None = None
    extra_minor: Price = 0
    lines: Annotated[list[BillLineInput], Meta(max_length=500)] = msgspec.field(
        default_factory=list
    )

    def billed(self) -> list[BilledLine]:
        return [BilledLine(one.line_no, one.quantity, one.price_minor) for one in self.lines]


class BillRow(msgspec.Struct):
    """`differs`: it did not match order and receipt when it was looked at last."""

    id: UUID
    bill_no: str
    state: BillState
    differs: bool
    supplier_id: UUID
    supplier_name: str
    purchase_id: UUID
    purchase_number: str
    billed_on: date
    due_on: date
    goods: Money
    extra: Money
    total: Money
    entered_by: str
    entered_at: datetime
    decided_at: datetime | None
    reason: str

    @classmethod
    def of(cls, row: Any) -> "BillRow":
        return shaped(
            row, cls, purchase_id=row.order_id, purchase_number=row.order_number,
            goods=Money(row.goods_minor, row.currency), extra=Money(row.extra_minor, row.currency),
            total=Money(row.total_minor, row.currency), entered_by=row.entered_by_name,
        )  # fmt: skip


class BillPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[BillRow]
    after: str | None


class MatchedLine(msgspec.Struct):
    """Order, receipt and bill side by side; `billed`: on approved bills so far; what is null, that
    side does not know."""

    line_no: int
    sku_id: UUID | None
    sku: str | None
    ordered: int | None
    ordered_price: Money | None
    received: int | None
    returned: int | None
    billed: int | None
    billed_now: int | None
    billed_price: Money | None

    @classmethod
    def of(cls, row: Any, currency: str) -> "MatchedLine":
        def money(minor: int | None) -> Money | None:
            return None if minor is None else Money(minor, currency)

        return shaped(
            row, cls, sku=row.code, ordered_price=money(row.ordered_minor),
            billed_price=money(row.billed_minor),
        )  # fmt: skip


class BillDifference(msgspec.Struct):
    """`quantity`: more than was received and not billed yet (units); `price`: of a unit, above the
    order's and the tolerance (minor units); `extra`: freight and duty beyond the known costs (minor
    units); `line`: not ordered. `wanted`: by order and receipt; `found`: on the bill."""

    what: Literal["quantity", "price", "extra", "line"]
    line_no: int
    wanted: int
    found: int

    @classmethod
    def of(cls, one: Difference) -> "BillDifference":
        return msgspec.convert(
            {"what": one.kind, "line_no": one.line_no, "wanted": one.wanted, "found": one.found},
            cls,
        )


class SupplierBill(msgspec.Struct):
    """`differences`: as things stand now, while it is open."""

    bill: BillRow
    lines: list[MatchedLine]
    differences: list[BillDifference]
