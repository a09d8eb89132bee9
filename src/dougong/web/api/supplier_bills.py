"""API v1: suppliers' bills beside order and receipt, and what to order next."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.flows.owe_suppliers import decide_about_bill
from dougong.flows.suggest_orders import reckon
from dougong.reads.purchasing import purchase_of
from dougong.reads.reorder import suggestion_rows
from dougong.reads.supplier_bills import bill_of, bill_rows, match_rows
from dougong.supply.bill_commands import NewBill, differences_of, enter_bill
from dougong.supply.purchase_rules import BillState
from dougong.web.api.common import STORE, After, Key, Limit, MaybeKey, Search, plain
from dougong.web.api.deeds import Deed, StoreDeed
from dougong.web.api.dropship_types import Reckoned, Suggestion, SuggestionPage
from dougong.web.api.purchase_types import ReasonInput, ReasonNeeded, likely
from dougong.web.api.receipt_types import (
    BillDifference,
    BillInput,
    BillPage,
    BillRow,
    MatchedLine,
    SupplierBill,
)
from dougong.web.api.receipts import OfOrder, OfSupplier
from dougong.web.deps import Conn, Now
from dougong.web.paging import cursor_values, cut

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "tags": ["purchasing"]}
BILL = STORE + "/supplier-bills/{bill_id:uuid}"
SUGGESTIONS = STORE + "/reorder-suggestions"


async def _bill(
    conn: AsyncConnection, store_id: StoreId, bill_id: UUID, at: datetime
) -> SupplierBill:
    """Raises NotFound."""
    row = await bill_of(conn, store_id=store_id, bill_id=bill_id)
    is_open = row.state in ("entered", "disputed")
    found = await differences_of(conn, store_id=store_id, bill=row, at=at) if is_open else []
    lines = await match_rows(conn, store_id=store_id, bill=row)
    return SupplierBill(
        BillRow.of(row),
        [MatchedLine.of(line, row.currency) for line in lines],
        [BillDifference.of(one) for one in found],
    )


@get(STORE + "/supplier-bills", summary="Suppliers' bills", **ROUTE)
async def list_bills(
    store_id: FromPath[UUID],
    conn: Conn,
    show: FromQuery[Literal["all", "open", "approved", "rejected"]] = "all",
    q: Search = "",
    purchase_id: OfOrder = None,
    supplier_id: OfSupplier = None,
    after: After = "",
    limit: Limit = 50,
) -> BillPage:
    """The newest first. `open`: entered or disputed; `q`: the bill's or the order's number, or the
    supplier."""
    found = await bill_rows(
        conn,
        store_id=StoreId(store_id),
        show=show,
        words=plain(q),
        supplier_id=supplier_id,
        order_id=purchase_id,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.entered_at, row.id), limit)
    return BillPage([BillRow.of(row) for row in rows], following or None)


@get(BILL, summary="One bill and its match", **ROUTE)
async def read_bill(
    store_id: FromPath[UUID], bill_id: FromPath[UUID], conn: Conn, now: Now
) -> SupplierBill:
    """Order, receipt and bill line by line, and what differs by more than the store tolerates."""
    return await _bill(conn, StoreId(store_id), bill_id, now)


@post(STORE + "/supplier-bills", status_code=201, summary="Enter a bill", **ROUTE)
async def new_bill(data: JSONBody[BillInput], key: Key, deed: Deed) -> SupplierBill:
    """It is matched at once; nothing is owed until it is approved. 409 `bill_known` when this
    supplier's bill of this number is there, `wrong_purchase_state` of an order that was never sent;
    400 `nothing_billed`, `before_bill`."""

    async def make() -> SupplierBill:
        likely(data.billed_on, field="billed_on")
        found = await purchase_of(deed.conn, store_id=deed.store_id, order_id=data.purchase_id)
        bill = NewBill(
            order_id=data.purchase_id,
            bill_no=data.bill_no,
            billed_on=data.billed_on,
            due_on=likely(data.due_on, field="due_on"),
            lines=data.billed(),
            extra_minor=data.extra_minor,
            payment_days=found.order.payment_days,
        )
        made = await enter_bill(deed.conn, bill=bill, **deed.named(by_id=deed.by_id))
        await deed.note("supply.bill_entered", data.bill_no)
        return await _bill(deed.conn, deed.store_id, made, deed.at)

    return await deed.once("POST supplier-bills", key, data, SupplierBill, make)


async def _decide(
    deed: StoreDeed, key: str | None, state: BillState, bill_id: UUID, reason: str
) -> SupplierBill:
    async def make() -> SupplierBill:
        named = deed.named(by_id=deed.by_id)
        bill = await decide_about_bill(
            deed.conn, bill_id=bill_id, state=state, reason=reason, **named
        )
        facts = {"state": str(state), "reason": reason}
        await deed.note("supply.bill_decided", bill.bill_no, **facts)
        return await _bill(deed.conn, deed.store_id, bill_id, deed.at)

    return await deed.once(f"bill.{state}", key, (bill_id, reason), SupplierBill, make)


@post(BILL + "/approve", status_code=200, summary="Approve a bill", **ROUTE)
async def approve_bill(
    bill_id: FromPath[UUID], data: JSONBody[ReasonInput], deed: Deed, key: MaybeKey = None
) -> SupplierBill:
    """It is owed from now on. 409 `bill_differs` when it differs, and who entered it approves, or
    nobody says why; `wrong_purchase_state` when it was decided before."""
    return await _decide(deed, key, BillState.APPROVED, bill_id, data.reason)


def say_route(state: BillState, act: str, summary: str, words: str) -> HTTPRouteHandler:
    """Decides with a reason."""

    async def say(
        bill_id: FromPath[UUID], data: JSONBody[ReasonNeeded], deed: Deed, key: MaybeKey = None
    ) -> SupplierBill:
        return await _decide(deed, key, state, bill_id, data.reason)

    say.__name__, say.__doc__ = f"{act}_bill", words
    return post(f"{BILL}/{act}", status_code=200, summary=summary, **ROUTE)(say)


@get(SUGGESTIONS, summary="What to order", **ROUTE)
async def list_suggestions(
    store_id: FromPath[UUID],
    conn: Conn,
    q: Search = "",
    everything: FromQuery[bool] = False,
    after: After = "",
    limit: Limit = 50,
) -> SuggestionPage:
    """As it was last reckoned, the most units first, with the figures behind it and the band of
    what will be asked for. `everything`: also where nothing is missing."""
    found = await suggestion_rows(
        conn,
        store_id=StoreId(store_id),
        words=plain(q),
        everything=everything,
        after=cursor_values(after, tuple[int, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.quantity, row.sku_id), limit)
    return SuggestionPage([Suggestion.of(row) for row in rows], following or None)


@post(SUGGESTIONS + "/reckon", status_code=200, summary="Reckon anew what to order", **ROUTE)
async def reckon_again(deed: Deed, key: MaybeKey = None) -> Reckoned:
    """From the sales until yesterday and the stock of this moment, as is done every night."""

    async def make() -> Reckoned:
        rows = await reckon(deed.conn, **deed.named())
        return Reckoned(len(rows), sum(1 for row in rows if row.quantity), deed.at)

    return await deed.once("suggestions.reckon", key, "", Reckoned, make)


HANDLERS: list[HTTPRouteHandler] = [
    list_bills,
    read_bill,
    new_bill,
    approve_bill,
    say_route(BillState.DISPUTED, "dispute", "Dispute a bill", "It can be approved later."),
    say_route(BillState.REJECTED, "reject", "Reject a bill", "Nothing will be owed for it."),
    list_suggestions,
    reckon_again,
]
