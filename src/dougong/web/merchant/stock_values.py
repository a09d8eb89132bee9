"""What stock is worth: a correction is proposed on a SKU's page, and a colleague decides here."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import SkuId, StoreId
from dougong.catalog.queries import store_of
from dougong.flows.correct_stock_value import approve_correction
from dougong.reads.merchant_warehouses import sku_stock
from dougong.reads.stock_values import corrections_of, value_changes
from dougong.supply.value_commands import close_correction, propose_correction
from dougong.supply.value_rules import CorrectionState, Wish
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import mark
from dougong.web.merchant.common import (
    STORE,
    amount,
    merchant_page,
    problem_words,
    see,
    store_url,
)
from dougong.web.merchant.stock_sku import ONE as SKU
from dougong.web.merchant.stock_sku import show_sku
from dougong.web.paging import (
    MOST_CSV_ROWS,
    PAGE_ROWS,
    csv_answer,
    cursor_values,
    cut,
    first_url,
    next_url,
)
from dougong.web.render import Page

MANAGE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "include_in_schema": False}
LIST = STORE + "/stock-values"
InState = Annotated[str, QueryParameter(name="state")]

STATE_WORDS: dict[str, str] = {
    "proposed": mark("Waits for a colleague"),
    "approved": mark("Booked"),
    "refused": mark("Refused"),
    "withdrawn": mark("Taken back"),
}


class CorrectionForm(Form, kw_only=True):
    """Amounts as typed; one of the two is given."""

    unit_cost: str = ""
    value: str = ""
    reason: str
    evidence: str


class DecisionForm(Form, kw_only=True):
    why: str = ""


async def _list(
    request: Request[Any, Any, Any],
    conn: Conn,
    store_id: UUID,
    *,
    who: Who,
    state: str = "",
    after: str = "",
    error: Refusal | None = None,
) -> Page:
    chosen = state if state in set(CorrectionState) else ""
    found = await corrections_of(
        conn,
        store_id=StoreId(store_id),
        state=chosen,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(found, lambda row: (row.proposed_at, row.id))
    return await merchant_page(
        request,
        conn,
        "merchant/stock_values.html",
        store_id=store_id,
        status=error.status if error else 200,
        rows=rows,
        state=chosen,
        state_words=STATE_WORDS,
        me=who.person_id,
        bad_words=problem_words(error) if error else "",
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(LIST, **MANAGE)
async def correction_list(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    in_state: InState = "",
    after: FromQuery[str] = "",
) -> Page:
    """Those of one state, or all; the newest first."""
    return await _list(request, conn, store_id, who=who, state=in_state, after=after)


@get(LIST + ".csv", **MANAGE)
async def correction_file(
    store_id: FromPath[UUID], conn: Conn, in_state: InState = ""
) -> Response[bytes]:
    """As the list shows them."""
    chosen = in_state if in_state in set(CorrectionState) else ""
    rows = await corrections_of(conn, store_id=StoreId(store_id), state=chosen, most=MOST_CSV_ROWS)
    columns = ("id", "sku", "state", "unit_cost_minor", "value_minor", "units", "before_minor",
               "after_minor", "currency", "reason", "evidence", "proposed_by_name", "proposed_at",
               "decided_by_name", "decided_at", "decided_why")  # fmt: skip
    return csv_answer(
        "stock-corrections.csv", columns, ([getattr(row, c) for c in columns] for row in rows)
    )


@get(SKU + "/values.csv", **MANAGE)
async def value_file(
    store_id: FromPath[UUID], sku_id: FromPath[UUID], conn: Conn
) -> Response[bytes]:
    """All that has changed what a SKU is worth without moving a unit, the newest first."""
    of: dict[str, Any] = {"store_id": StoreId(store_id), "sku_id": SkuId(sku_id)}
    if await sku_stock(conn, **of) is None:
        raise NotFound
    rows = await value_changes(conn, **of, most=MOST_CSV_ROWS)
    columns = ("at", "value_minor", "about_kind", "cost_kind", "about_id", "units", "before_minor",
               "after_minor", "reason", "evidence", "by_name", "approved_by_name")  # fmt: skip
    return csv_answer("values.csv", columns, ([getattr(row, c) for c in columns] for row in rows))


@post(SKU + "/values", **MANAGE)
async def propose(
    store_id: FromPath[UUID],
    sku_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[CorrectionForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Nothing is booked yet: a colleague decides."""
    currency = (await store_of(conn, store_id=StoreId(store_id))).currency
    try:
        unit_cost = amount(data.unit_cost, currency, field="unit_cost", required=False)
        value = amount(data.value, currency, field="value", required=False)
        made = await propose_correction(
            conn,
            store_id=StoreId(store_id),
            sku_id=SkuId(sku_id),
            wish=Wish(unit_cost, value),
            reason=data.reason,
            evidence=data.evidence,
            by_id=who.person_id,
            at=now,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return await show_sku(request, conn, store_id, sku_id, now, error=refusal)
    await _note(conn, request, who, now, store_id, "supply.value_correction_proposed", made)
    return see(store_url(store_id, f"stock/{sku_id}#values"))


@post(LIST + "/{correction_id:uuid}/{step:str}", **MANAGE)
async def decide(
    store_id: FromPath[UUID],
    correction_id: FromPath[UUID],
    step: FromPath[str],
    request: Request[Any, Any, Any],
    data: FormData[DecisionForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Approve it, or refuse it; who proposed it takes it back by refusing."""
    of: dict[str, Any] = {"store_id": StoreId(store_id), "correction_id": correction_id}
    of |= {"by_id": who.person_id, "at": now}
    if step not in ("approve", "refuse"):
        raise NotFound
    try:
        async with conn.begin_nested():
            state = CorrectionState.APPROVED
            if step == "approve":
                await approve_correction(conn, **of)
            else:
                state = await close_correction(conn, why=data.why, **of)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _list(request, conn, store_id, who=who, error=refusal)
    action = f"supply.value_correction_{state}"
    await _note(conn, request, who, now, store_id, action, correction_id)
    return see(store_url(store_id, "stock-values"))


async def _note(
    conn: Conn, request: Any, who: Who, now: Now, store_id: UUID, action: str, subject: UUID
) -> None:
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action=action,
        owner_id=store_id,
        subject=str(subject),
        request_id=request_id(request),
    )


HANDLERS: list[HTTPRouteHandler] = [correction_list, correction_file, value_file, propose, decide]
