"""Suppliers: the list, a new one, and how the store buys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.catalog.queries import store_of
from dougong.reads.purchasing import supplier_rows
from dougong.supply.purchase_rules import Terms
from dougong.supply.supplier_commands import (
    SupplierFields,
    add_supplier,
    set_terms,
    terms_at,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    STORE,
    amount,
    merchant_page,
    problem_words,
    rate_bp,
    see,
    store_url,
    whole,
)
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

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "include_in_schema": False}
SUPPLIERS = STORE + "/suppliers"
ONE = SUPPLIERS + "/{supplier_id:uuid}"
SHOWN: dict[str, bool | None] = {"": True, "closed": False, "all": None}
AnyRequest = Request[Any, Any, Any]


class SupplierForm(Form, kw_only=True):
    code: str
    name: str
    contact: str = ""
    email: str = ""
    phone: str = ""
    payment_days: str = "30"
    lead_days: str = "7"
    notes: str = ""

    def fields(self) -> SupplierFields:
        """Raises BadInput."""
        return SupplierFields(
            code=self.code,
            name=self.name,
            contact=self.contact,
            email=self.email,
            phone=self.phone,
            payment_days=whole(self.payment_days, field="payment_days", most=365) or 0,
            lead_days=whole(self.lead_days, field="lead_days", most=365) or 0,
            notes=self.notes,
        )


class TermsForm(Form, kw_only=True):
    approve_above: str
    price_tolerance: str
    amount_tolerance: str
    over: str
    service_level: str


async def _list(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    at: datetime,
    *,
    q: str = "",
    show: str = "",
    after: str = "",
    typed: Form | None = None,
    error: Refusal | None = None,
) -> Page:
    if show not in SHOWN:
        raise BadInput(field="show", reason="unknown_value")
    start = cursor_values(after, tuple[str])
    rows = await supplier_rows(
        conn,
        store_id=StoreId(store_id),
        words=q.strip()[:100],
        is_open=SHOWN[show],
        after=start[0] if start else "",
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(rows, lambda row: (row.code,))
    return await merchant_page(
        request,
        conn,
        "purchasing/suppliers.html",
        store_id=store_id,
        status=422 if error else 200,
        rows=rows,
        q=q,
        show=show,
        terms=await terms_at(conn, store_id=StoreId(store_id), at=at),
        typed=typed,
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(SUPPLIERS, **ROUTE)
async def supplier_list(
    store_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    show: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    return await _list(request, conn, store_id, now, q=q, show=show, after=after)


@get(STORE + "/suppliers.csv", **ROUTE)
async def supplier_file(
    store_id: FromPath[UUID], conn: Conn, q: FromQuery[str] = "", show: FromQuery[str] = "all"
) -> Response[bytes]:
    if show not in SHOWN:
        raise BadInput(field="show", reason="unknown_value")
    rows = await supplier_rows(
        conn,
        store_id=StoreId(store_id),
        words=q.strip()[:100],
        is_open=SHOWN[show],
        most=MOST_CSV_ROWS,
    )
    columns = ("code", "name", "contact", "email", "phone", "currency", "payment_days",
               "lead_days", "items", "open_orders", "closed_at")  # fmt: skip
    return csv_answer(
        "suppliers.csv", columns, ([getattr(row, name) for name in columns] for row in rows)
    )


@post(SUPPLIERS, **ROUTE)
async def create_supplier(
    store_id: FromPath[UUID],
    data: FormData[SupplierForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    store = await store_of(conn, store_id=StoreId(store_id))
    try:
        async with conn.begin_nested():
            supplier_id = await add_supplier(
                conn,
                store_id=StoreId(store_id),
                fields=data.fields(),
                currency=store.currency,
                at=now,
            )
    except Refusal as refusal:
        return await _list(request, conn, store_id, now, typed=data, error=refusal)
    await note_supplier(conn, who, now, store_id, "supply.supplier_added", data.code)
    return see(store_url(store_id, f"suppliers/{supplier_id}"))


async def note_supplier(
    conn: AsyncConnection, who: Any, at: datetime, store_id: UUID, action: str, subject: str
) -> None:
    await audit(
        conn, at=at, person_id=who.person_id, action=action, owner_id=store_id, subject=subject
    )


@post(SUPPLIERS + "/terms", **ROUTE)
async def save_terms(
    store_id: FromPath[UUID],
    data: FormData[TermsForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """How the store buys from now on."""
    store = await store_of(conn, store_id=StoreId(store_id))
    try:
        async with conn.begin_nested():
            terms = Terms(
                amount(data.approve_above, store.currency, field="approve_above") or 0,
                rate_bp(data.price_tolerance, field="price_tolerance") or 0,
                amount(data.amount_tolerance, store.currency, field="amount_tolerance") or 0,
                rate_bp(data.over, field="over") or 0,
                rate_bp(data.service_level, field="service_level") or 0,
            )
            await set_terms(conn, store_id=StoreId(store_id), terms=terms, at=now)
    except Refusal as refusal:
        return await _list(request, conn, store_id, now, typed=data, error=refusal)
    await note_supplier(conn, who, now, store_id, "supply.purchase_terms_set", store.code)
    return see(store_url(store_id, "suppliers?saved=1#terms"))


HANDLERS: list[HTTPRouteHandler] = [
    supplier_list,
    supplier_file,
    create_supplier,
    save_terms,
]
