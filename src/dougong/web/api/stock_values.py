"""API v1: what stock is worth: corrections that one person proposes and another approves, and all
that has changed a SKU's value without moving a unit."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.ids import SkuId, StoreId
from dougong.base.money import Money
from dougong.flows.correct_stock_value import approve_correction
from dougong.reads.merchant_warehouses import sku_stock
from dougong.reads.stock_values import corrections_of, value_changes
from dougong.supply.value_commands import close_correction, propose_correction
from dougong.supply.value_rules import (
    MOST_EVIDENCE,
    MOST_REASON,
    MOST_UNIT_COST_MINOR,
    MOST_VALUE_MINOR,
    Wish,
)
from dougong.web.api.common import (
    STORE,
    After,
    Filled,
    Key,
    Limit,
    MaybeKey,
    OneLine,
    money_or_none,
)
from dougong.web.api.deeds import Deed
from dougong.web.deps import Conn
from dougong.web.forms import Input
from dougong.web.paging import cursor_values, cut

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "tags": ["merchant stock"]}
ONE = STORE + "/stock-corrections/{correction_id:uuid}"
MOST_CHANGES = 500

State = Literal["proposed", "approved", "refused", "withdrawn"]
InState = Annotated[State | None, QueryParameter(name="state")]


class CorrectionInput(Input):
    """One of `unit_cost_minor` and `value_minor`, in minor units: what one unit costs, or what all
    units whose cost is known are worth. `evidence`: what shows it, for who approves it."""

    sku_id: UUID
    reason: Annotated[Filled, Meta(min_length=1, max_length=MOST_REASON)]
    evidence: Annotated[Filled, Meta(min_length=1, max_length=MOST_EVIDENCE)]
    unit_cost_minor: Annotated[int, Meta(ge=0, le=MOST_UNIT_COST_MINOR)] | None = None
    value_minor: Annotated[int, Meta(ge=0, le=MOST_VALUE_MINOR)] | None = None


class RefusalInput(Input):
    """`why`: needed from anybody but the one who proposed it."""

    why: Annotated[OneLine, Meta(max_length=MOST_REASON)] = ""


class StockCorrection(msgspec.Struct):
    """`units` were worth `before` when it was proposed, or, approved, when it was booked; they are
    worth `after` from then on. `unit_cost` or `value`: what was asked for."""

    id: UUID
    sku_id: UUID
    sku: str
    state: State
    unit_cost: Money | None
    value: Money | None
    units: int
    before: Money
    after: Money | None
    reason: str
    evidence: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decided_why: str

    @classmethod
    def of(cls, row: Any) -> "StockCorrection":
        return cls(
            row.id, row.sku_id, row.sku, row.state,
            money_or_none(row.unit_cost_minor, row.currency),
            money_or_none(row.value_minor, row.currency), row.units,
            Money(row.before_minor, row.currency), money_or_none(row.after_minor, row.currency),
            row.reason, row.evidence, row.proposed_by_name, row.proposed_at, row.decided_by_name,
            row.decided_at, row.decided_why,
        )  # fmt: skip


class StockCorrectionPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[StockCorrection]
    after: str | None


class ValueChange(msgspec.Struct):
    """`change_minor`: by how much the goods on hand were worth more from then on, in the store's
    minor units; below 0: less. `about_id`: the `landed_cost` or the `correction`."""

    id: UUID
    at: datetime
    change_minor: int
    about_kind: str
    about_id: UUID | None
    reason: str
    by_name: str | None
    approved_by_name: str | None


class ValueChanges(msgspec.Struct):
    """The newest first, 500 at most."""

    items: list[ValueChange]


async def _one(conn: AsyncConnection, store_id: StoreId, correction_id: UUID) -> StockCorrection:
    """Raises NotFound."""
    found = await corrections_of(conn, store_id=store_id, correction_id=correction_id, most=1)
    for row in found:
        return StockCorrection.of(row)
    raise NotFound


@get(STORE + "/stock-corrections", summary="Corrections of the value of stock", **ROUTE)
async def list_corrections(
    store_id: FromPath[UUID],
    conn: Conn,
    in_state: InState = None,
    sku_id: FromQuery[UUID | None] = None,
    after: After = "",
    limit: Limit = 50,
) -> StockCorrectionPage:
    """The newest first."""
    found = await corrections_of(
        conn,
        store_id=StoreId(store_id),
        state=in_state or "",
        sku_id=sku_id,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.proposed_at, row.id), limit)
    return StockCorrectionPage([StockCorrection.of(row) for row in rows], following or None)


@post(STORE + "/stock-corrections", status_code=201, summary="Propose a correction", **ROUTE)
async def new_correction(data: JSONBody[CorrectionInput], key: Key, deed: Deed) -> StockCorrection:
    """Nothing is booked before a colleague approves it. 409 `nothing_valued` where no unit has a
    known cost, `value_unchanged`, `correction_there` while another one of the SKU waits."""

    async def make() -> StockCorrection:
        made = await propose_correction(
            deed.conn,
            sku_id=SkuId(data.sku_id),
            wish=Wish(data.unit_cost_minor, data.value_minor),
            reason=data.reason,
            evidence=data.evidence,
            **deed.named(by_id=deed.by_id),
        )
        await deed.note("supply.value_correction_proposed", made)
        return await _one(deed.conn, deed.store_id, made)

    return await deed.once("POST stock-corrections", key, data, StockCorrection, make)


@get(ONE, summary="One correction", **ROUTE)
async def read_correction(
    store_id: FromPath[UUID], correction_id: FromPath[UUID], conn: Conn
) -> StockCorrection:
    return await _one(conn, StoreId(store_id), correction_id)


@post(ONE + "/approve", status_code=200, summary="Approve a correction", **ROUTE)
async def approve_one(
    correction_id: FromPath[UUID], deed: Deed, key: MaybeKey = None
) -> StockCorrection:
    """The goods are worth that from now on, in stock and in the store's book; another correction
    is the only way back. 403 `another_must_decide` for who proposed it; 409 `correction_closed`,
    `correction_stale` when units or value have moved since a `value` was proposed."""

    async def make() -> StockCorrection:
        done = await approve_correction(
            deed.conn, correction_id=correction_id, **deed.named(by_id=deed.by_id)
        )
        facts = {"before_minor": done.before_minor, "after_minor": done.after_minor}
        await deed.note("supply.value_correction_approved", correction_id, **facts)
        return await _one(deed.conn, deed.store_id, correction_id)

    return await deed.once("correction.approve", key, correction_id, StockCorrection, make)


@post(ONE + "/refuse", status_code=200, summary="Refuse or withdraw a correction", **ROUTE)
async def refuse_one(
    correction_id: FromPath[UUID], data: JSONBody[RefusalInput], deed: Deed, key: MaybeKey = None
) -> StockCorrection:
    """Nothing of it is booked: who proposed it withdraws it, anybody else refuses it and says
    why. 409 `correction_closed`."""

    async def make() -> StockCorrection:
        state = await close_correction(
            deed.conn, correction_id=correction_id, why=data.why, **deed.named(by_id=deed.by_id)
        )
        await deed.note(f"supply.value_correction_{state}", correction_id, why=data.why)
        return await _one(deed.conn, deed.store_id, correction_id)

    return await deed.once("correction.refuse", key, (correction_id, data), StockCorrection, make)


@get(STORE + "/stock/{sku_id:uuid}/value-changes", summary="What changed a value", **ROUTE)
async def list_value_changes(
    store_id: FromPath[UUID], sku_id: FromPath[UUID], conn: Conn
) -> ValueChanges:
    """Freight, duty and corrections of one SKU; what moved units is in the moves."""
    of: dict[str, Any] = {"store_id": StoreId(store_id), "sku_id": SkuId(sku_id)}
    if await sku_stock(conn, **of) is None:
        raise NotFound
    rows = await value_changes(conn, **of, most=MOST_CHANGES)
    return ValueChanges(
        [
            ValueChange(
                row.id, row.at, row.value_minor, row.about_kind, row.about_id,
                row.reason or row.cost_kind, row.by_name, row.approved_by_name,
            )
            for row in rows
        ]
    )  # fmt: skip


HANDLERS: list[HTTPRouteHandler] = [
    list_corrections,
    new_correction,
    read_correction,
    approve_one,
    refuse_one,
    list_value_changes,
]
