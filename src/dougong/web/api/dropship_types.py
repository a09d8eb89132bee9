"""What the API of suggestions and dropshipping takes and gives. Quantities are whole units."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from dougong.base.money import Money
from dougong.supply.forecast_rules import Forecast, band
from dougong.supply.purchase_rules import DropshipState
from dougong.web.api.purchase_types import Price
from dougong.web.api.stock_types import shaped
from dougong.web.forms import Input


class Suggestion(msgspec.Struct):
    """`quantity`: what to order, in the supplier's packs; `free`: can be sold now; `on_order`: on
    its way; `up_to`: what both should come to, with `safety` for the service level. `daily`,
    `error`: units a day from tomorrow on, and their standard deviation; `sold`: units by day until
    yesterday, the oldest first."""

    sku_id: UUID
    sku: str
    supplier_id: UUID | None
    supplier_name: str | None
    quantity: int
    free: int
    on_order: int
    at: datetime
    method: Literal["croston", "smoothing", "none"]
    daily: float
    error: float
    demand: int
    safety: int
    up_to: int
    lead_days: int
    review_days: int
    service_level_bp: int
    pack_size: int
    sold: list[int]
    band: list["BandDay"]

    @classmethod
    def of(cls, row: Any) -> "Suggestion":
        told = row.figures
        ahead = band(
            Forecast(told["method"], told["daily"], told["error"]),
            days=told["lead_days"] + told["review_days"], service_bp=told["service_bp"],
        )  # fmt: skip
        days = [BandDay(n, round(low), round(mid), round(high))
                for n, (low, mid, high) in enumerate(ahead, start=1)]  # fmt: skip
        return shaped(
            row, cls, **told, sku=row.code, service_level_bp=told["service_bp"],
            sold=told["days"], band=days,
        )  # fmt: skip


class BandDay(msgspec.Struct):
    """Units from tomorrow to so many days on, added up; more than `high` or less than `low` comes
    as rarely as the service level allows."""

    day: int
    low: int
    expected: int
    high: int


class SuggestionPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[Suggestion]
    after: str | None


class Reckoned(msgspec.Struct):
    """`skus`: how many were looked at; `to_order`: of how many something is missing."""

    skus: int
    to_order: int
    at: datetime


class DropshipLine(msgspec.Struct):
    """A line of an order that a supplier sends to the buyer. `cost`: of one unit; `is_wanted`: the
    order still waits for it; `accepted_at`: since when the supplier means to send it; `reason`: why
    it refused."""

    order_id: UUID
    line_no: int
    order_number: str
    state: DropshipState
    is_wanted: bool
    supplier_id: UUID
    supplier_name: str
    sku_id: UUID
    sku: str
    supplier_sku: str | None
    quantity: int
    cost: Money
    made_at: datetime
    sent_at: datetime | None
    accepted_at: datetime | None
    answered_at: datetime | None
    reason: str
    carrier: str | None
    tracking_no: str | None
    statement_id: UUID | None
    statement_number: str | None

    @classmethod
    def of(cls, row: Any) -> "DropshipLine":
        cost = Money(row.cost_minor, row.currency)
        return shaped(row, cls, cost=cost, sku=row.code, order_number=row.number)


class DropshipPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[DropshipLine]
    after: str | None


class HandOver(Input):
    """`supplier_id`: null is the one that has it; `cost_minor`: null is what was agreed with it, or
    its price in force."""

    order_id: UUID
    line_no: Annotated[int, Meta(ge=1, le=10_000)]
    supplier_id: UUID | None = None
    cost_minor: Price | None = None


class TakeBack(Input):
    order_id: UUID
    line_no: Annotated[int, Meta(ge=1, le=10_000)]


class StatementInput(Input):
    supplier_id: UUID


class DropshipStatement(msgspec.Struct):
    """What a supplier sent in [starts_at, ends_at), and is owed for it."""

    id: UUID
    number: str
    supplier_id: UUID
    supplier_name: str
    starts_at: datetime
    ends_at: datetime
    lines: int
    total: Money
    at: datetime

    @classmethod
    def of(cls, row: Any) -> "DropshipStatement":
        return shaped(row, cls, total=Money(row.total_minor, row.currency))


class DropshipStatementPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[DropshipStatement]
    after: str | None


class StatementDetail(msgspec.Struct):
    statement: DropshipStatement
    lines: list[DropshipLine]
