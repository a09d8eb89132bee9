"""Purchase orders: the list, one with all that came of it, every move."""

from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.infra.settings import settings
from dougong.reads.purchasing import (
    OPEN_STATES,
    OrderFilter,
    purchase_of,
    purchase_rows,
    state_counts,
    supplier_rows,
)
from dougong.supply.purchase_commands import (
    approve_order,
    end_order,
    send_order,
)
from dougong.supply.purchase_rules import MOVES, PurchaseState
from dougong.supply.supplier_commands import terms_at
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    STORE,
    merchant_page,
    problem_words,
    see,
    store_url,
)
from dougong.web.paging import PAGE_ROWS, cursor_values, cut, first_url, next_url
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "include_in_schema": False}
PURCHASES = STORE + "/purchasing"
ONE = PURCHASES + "/{purchase_id:uuid}"
MOST_SUPPLIERS = 500
AnyRequest = Request[Any, Any, Any]


class EndForm(Form, kw_only=True):
    reason: str = ""


def local_day(at: datetime) -> date:
    return at.astimezone(ZoneInfo(settings().timezone)).date()


def a_day(text: str, *, field: str) -> date | None:
    """A typed day; None for nothing typed. Raises BadInput."""
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput(field=field, reason="not_a_date") from error
    if not 2000 <= day.year <= 2200:
        raise BadInput(field=field, reason="out_of_range")
    return day


def uuid_or_none(text: str, *, field: str) -> UUID | None:
    """Raises BadInput."""
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise BadInput(field=field, reason="unknown_value") from error


def chosen_by(show: str, q: str, supplier: str) -> OrderFilter:
    """`show`: a state, `open` or `all`. Raises BadInput."""
    state = "" if show == "all" else show
    if state not in ("", "open", *PurchaseState):
        raise BadInput(field="show", reason="unknown_value")
    return OrderFilter(state, q.strip()[:100], uuid_or_none(supplier, field="supplier"))


@get(PURCHASES, **ROUTE)
async def purchase_list(
    store_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    show: FromQuery[str] = "open",
    q: FromQuery[str] = "",
    supplier: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    ours = StoreId(store_id)
    chosen = chosen_by(show, q, supplier)
    rows = await purchase_rows(
        conn,
        store_id=ours,
        chosen=chosen,
        today=local_day(now),
        before=cursor_values(after, tuple[datetime, UUID]),
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(rows, lambda row: (row.made_at, row.id))
    counts = await state_counts(conn, store_id=ours)
    return await merchant_page(
        request,
        conn,
        "purchasing/orders.html",
        store_id=store_id,
        rows=rows,
        show=show,
        q=q,
        supplier=supplier,
        suppliers=await supplier_rows(conn, store_id=ours, most=MOST_SUPPLIERS),
        filters=urlencode({"show": show, "q": q, "supplier": supplier}),
        counts=counts,
        open_count=sum(counts.get(one, 0) for one in OPEN_STATES),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


async def note_act(
    conn: AsyncConnection, who: Any, at: datetime, store_id: UUID, action: str, order_id: UUID
) -> None:
    await audit(
        conn,
        at=at,
        person_id=who.person_id,
        action=action,
        owner_id=store_id,
        subject=str(order_id),
    )


@get(ONE, **ROUTE)
async def purchase_page(
    store_id: FromPath[UUID],
    purchase_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Page:
    return await _one(request, conn, store_id, purchase_id, who, now)


async def _one(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    purchase_id: UUID,
    who: Any,
    now: datetime,
    error: Refusal | None = None,
) -> Page:
    ours = StoreId(store_id)
    purchase = await purchase_of(conn, store_id=ours, order_id=purchase_id)
    terms = await terms_at(conn, store_id=ours, at=now)
    above = purchase.order.goods_minor > terms.approve_above_minor
    return await merchant_page(
        request,
        conn,
        "purchasing/order.html",
        store_id=store_id,
        status=error.status if error else 200,
        purchase=purchase,
        order=purchase.order,
        moves=MOVES[PurchaseState(purchase.order.state)],
        is_above=above,
        needs_another=above and purchase.order.made_by == who.person_id,
        terms=terms,
        problem=problem_words(error) if error else "",
        steps=[one.value for one in PurchaseState if one is not PurchaseState.CANCELLED],
        today=local_day(now),
    )


@post(ONE + "/{act:str}", **ROUTE)
async def move_purchase(
    store_id: FromPath[UUID],
    purchase_id: FromPath[UUID],
    act: FromPath[str],
    data: FormData[EndForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """`approve`, `send`, `cancel`, `close`."""
    ends = {"cancel": PurchaseState.CANCELLED, "close": PurchaseState.CLOSED}
    if act not in ("approve", "send", *ends):
        raise BadInput(field="act", reason="unknown_value")
    order: dict[str, Any] = {"store_id": StoreId(store_id), "order_id": purchase_id, "at": now}
    try:
        async with conn.begin_nested():
            if act == "approve":
                await approve_order(conn, by_id=who.person_id, **order)
            elif act == "send":
                await send_order(conn, **order)
            else:
                await end_order(conn, state=ends[act], reason=data.reason, **order)
    except Refusal as refusal:
        return await _one(request, conn, store_id, purchase_id, who, now, refusal)
    words = {"approve": "approved", "send": "sent", "cancel": "cancelled", "close": "closed"}
    await note_act(conn, who, now, store_id, f"supply.purchase_order_{words[act]}", purchase_id)
    return see(store_url(store_id, f"purchasing/{purchase_id}"))


HANDLERS: list[HTTPRouteHandler] = [
    purchase_list,
    purchase_page,
    move_purchase,
]
