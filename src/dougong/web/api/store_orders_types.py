"""What the merchant's orders API takes and gives."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from dougong.base.money import Money
from dougong.reads.buyer_orders import PackagedLine
from dougong.web.api.common import Filled, OneLine
from dougong.web.forms import Input

LineNo = Annotated[int, Meta(ge=1, le=10_000, description="As the order numbers it.")]


class ShipLine(Input):
    line_no: LineNo
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]


class ShipInput(Input):
    """Each line once."""

    carrier: Annotated[Filled, Meta(min_length=1, max_length=60)]
    tracking_no: Annotated[str, Meta(pattern=r"^[!-~]{4,60}$")]
    lines: Annotated[list[ShipLine], Meta(min_length=1, max_length=200)]


class RefundLine(Input):
    line_no: LineNo
    amount_minor: Annotated[
        int, Meta(ge=1, le=100_000_000_000, description="Minor units, such as fen.")
    ]


class RefundInput(Input):
    """Each line once; the shipping fee is a line too."""

    lines: Annotated[list[RefundLine], Meta(min_length=1, max_length=200)]
    reason: Annotated[OneLine, Meta(max_length=200)] = ""


class StoreOrderRow(msgspec.Struct):
    order_id: UUID
    number: str
    state: str
    total: Money
    refunded: Money
    units: int
    recipient: str | None
    city: str | None
    placed_at: datetime
    paid_at: datetime | None


class StoreOrderPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[StoreOrderRow]
    after: str | None


class StoreOrderLine(msgspec.Struct):
    """`left`: what can still be refunded; `units_left`: what can still be shipped."""

    line_no: int
    kind: str
    sku_id: UUID | None
    title_zh: str
    title_en: str
    options: dict[str, str]
    quantity: int
    paid: Money
    left: Money
    units_left: int


class SentPackage(msgspec.Struct):
    package_id: UUID
    carrier: str
    tracking_no: str
    shipped_at: datetime
    lines: list[PackagedLine]


class AskedRefund(msgspec.Struct):
    """`failure`: what the gateway said, when it refused."""

    refund_id: UUID
    amount: Money
    state: str
    reason: str
    asked_at: datetime
    done_at: datetime | None
    failure: str | None


class StoreOrder(msgspec.Struct):
    """`address`: recipient, phone, country, province, city, district, line, postcode."""

    order_id: UUID
    number: str
    state: str
    total: Money
    placed_at: datetime
    pay_by: datetime
    paid_at: datetime | None
    received_at: datetime | None
    final_at: datetime | None
    closed_at: datetime | None
    address: dict[str, Any]
    lines: list[StoreOrderLine]
    packages: list[SentPackage]
    refunds: list[AskedRefund]


class Shipped(msgspec.Struct):
    package_id: UUID
    order: StoreOrder


class BookedRefund(msgspec.Struct):
    refund_id: UUID
    amount: Money
    order: StoreOrder


class RefundRow(msgspec.Struct):
    refund_id: UUID
    order_id: UUID
    number: str
    amount: Money
    state: str
    reason: str
    asked_at: datetime
    done_at: datetime | None
    failure: str | None


class RefundPage(msgspec.Struct):
    items: list[RefundRow]
    after: str | None


class StoreMoney(msgspec.Struct):
    """`escrow`: paid, belongs to nobody yet. `settled`: the merchant's. `fees`, `commission`: of
    final orders, to the platform and to creators."""

    escrow: Money
    estimated: Money
    settled: Money
    fees: Money
    commission: Money

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return cls.__struct_fields__


class MoneyRow(msgspec.Struct):
    """`taken`: service fee, commission and payment cost; `merchant`: what is left of the rest."""

    order_id: UUID
    number: str
    state: str
    track: Literal["estimated", "settled"]
    paid: Money
    refunded: Money
    taken: Money
    merchant: Money
    paid_at: datetime
    final_at: datetime | None


class MoneyPage(msgspec.Struct):
    items: list[MoneyRow]
    after: str | None


def store_order(found: Mapping[str, Any]) -> StoreOrder:
    """found: as `reads.merchant_orders.order_to_work_on` answers it."""
    order = found["order"]
    same = ("number", "state", "placed_at", "pay_by", "paid_at", "received_at", "final_at")
    return StoreOrder(
        order_id=order.id,
        total=Money(order.total_minor, order.currency),
        closed_at=order.closed_at,
        address=order.address,
        lines=[_line(line, order.currency) for line in found["lines"]],
        packages=[_package(one) for one in found["packages"]],
        refunds=[_refund(one, order.currency) for one in found["refunds"]],
        **{name: getattr(order, name) for name in same},
    )


def _line(line: Any, currency: str) -> StoreOrderLine:
    return StoreOrderLine(
        line_no=line.line_no,
        kind=line.kind,
        sku_id=line.sku_id,
        title_zh=line.title_zh,
        title_en=line.title_en,
        options=line.options,
        quantity=line.quantity,
        paid=Money(line.paid_minor, currency),
        left=Money(line.left_minor, currency),
        units_left=line.left_units if line.kind == "goods" else 0,
    )


def _package(one: Any) -> SentPackage:
    lines = [PackagedLine(line["line_no"], line["quantity"]) for line in one.lines or []]
    return SentPackage(one.id, one.carrier, one.tracking_no, one.shipped_at, lines)


def _refund(one: Any, currency: str) -> AskedRefund:
    return AskedRefund(
        refund_id=one.id,
        amount=Money(one.amount_minor, currency),
        state=one.state,
        reason=one.reason,
        asked_at=one.asked_at,
        done_at=one.done_at,
        failure=one.failure,
    )
