"""One supplier: what it sells at which price, and the address of its own page."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import SkuId, StoreId
from dougong.infra.settings import settings
from dougong.reads.purchasing import item_rows, skus_by_code, supplier_of
from dougong.supply.supplier_commands import (
    ItemFields,
    add_price,
    change_supplier,
    end_price,
    new_token,
    put_item,
    revoke_token,
    set_supplier_open,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    STORE,
    amount,
    days,
    merchant_page,
    problem_words,
    see,
    store_url,
    whole,
)
from dougong.web.merchant.suppliers import SupplierForm, note_supplier
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "include_in_schema": False}
ONE = STORE + "/suppliers/{supplier_id:uuid}"
AnyRequest = Request[Any, Any, Any]


class ItemForm(Form, kw_only=True):
    sku: str
    supplier_sku: str = ""
    pack_size: str = "1"
    min_quantity: str = "1"
    lead_days: str = ""
    is_dropship: str = ""


class PriceForm(Form, kw_only=True):
    """Days are local; the last day still counts, and may be left out."""

    sku_id: UUID
    from_quantity: str = "1"
    price: str
    starts: str = ""
    ends: str = ""


class EndForm(Form):
    """A button."""


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    supplier_id: UUID,
    at: datetime,
    *,
    typed: Form | None = None,
    error: Refusal | None = None,
    page_url: str = "",
) -> Page:
    ours = StoreId(store_id)
    return await merchant_page(
        request,
        conn,
        "purchasing/supplier.html",
        store_id=store_id,
        status=422 if error else 200,
        supplier=await supplier_of(conn, store_id=ours, supplier_id=supplier_id),
        items=await item_rows(conn, store_id=ours, supplier_id=supplier_id, at=at),
        typed=typed,
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
        page_url=page_url,
    )


@get(ONE, **ROUTE)
async def supplier_page(
    store_id: FromPath[UUID],
    supplier_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
) -> Page:
    return await _page(request, conn, store_id, supplier_id, now)


@post(ONE, **ROUTE)
async def save_supplier(
    store_id: FromPath[UUID],
    supplier_id: FromPath[UUID],
    data: FormData[SupplierForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    await supplier_of(conn, store_id=StoreId(store_id), supplier_id=supplier_id)
    try:
        async with conn.begin_nested():
            await change_supplier(
                conn, store_id=StoreId(store_id), supplier_id=supplier_id, fields=data.fields()
            )
    except Refusal as refusal:
        return await _page(request, conn, store_id, supplier_id, now, typed=data, error=refusal)
    await note_supplier(conn, who, now, store_id, "supply.supplier_changed", data.code)
    return see(store_url(store_id, f"suppliers/{supplier_id}?saved=1"))


@post(ONE + "/items", **ROUTE)
async def save_item(
    store_id: FromPath[UUID],
    supplier_id: FromPath[UUID],
    data: FormData[ItemForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """What the supplier sells, by our code or GTIN."""
    ours = StoreId(store_id)
    await supplier_of(conn, store_id=ours, supplier_id=supplier_id)
    code = data.sku.strip()
    try:
        async with conn.begin_nested():
            found = await skus_by_code(conn, store_id=ours, codes=[code])
            if code not in found:
                raise BadInput(field="sku", reason="unknown_sku")
            lead = data.lead_days.strip()
            await put_item(
                conn,
                store_id=ours,
                supplier_id=supplier_id,
                sku_id=SkuId(found[code]),
                fields=ItemFields(
                    supplier_sku=data.supplier_sku,
                    pack_size=whole(data.pack_size, field="pack_size") or 1,
                    min_quantity=whole(data.min_quantity, field="min_quantity") or 1,
                    lead_days=whole(lead, field="lead_days", most=365) if lead else None,
                    is_dropship=data.is_dropship == "true",
                ),
            )
    except Refusal as refusal:
        return await _page(request, conn, store_id, supplier_id, now, typed=data, error=refusal)
    await note_supplier(conn, who, now, store_id, "supply.supplier_item_set", code)
    return see(store_url(store_id, f"suppliers/{supplier_id}?saved=1#items"))


@post(ONE + "/prices", **ROUTE)
async def save_price(
    store_id: FromPath[UUID],
    supplier_id: FromPath[UUID],
    data: FormData[PriceForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """A price from a day on; today's and an empty day count from this instant."""
    ours = StoreId(store_id)
    supplier = await supplier_of(conn, store_id=ours, supplier_id=supplier_id)
    try:
        async with conn.begin_nested():
            starts, ends = days(data.starts, data.ends)
            begins = starts or now
            if starts is not None and starts <= now < starts + timedelta(days=1):
                begins = now
            await add_price(
                conn,
                store_id=ours,
                supplier_id=supplier_id,
                sku_id=SkuId(data.sku_id),
                from_quantity=whole(data.from_quantity, field="from_quantity") or 0,
                price_minor=amount(data.price, supplier.currency, field="price") or 0,
                starts=begins,
                ends=ends,
                by_id=who.person_id,
            )
    except Refusal as refusal:
        return await _page(request, conn, store_id, supplier_id, now, typed=data, error=refusal)
    await note_supplier(conn, who, now, store_id, "supply.supplier_price_added", supplier.code)
    return see(store_url(store_id, f"suppliers/{supplier_id}?saved=1#items"))


@post(ONE + "/prices/{price_id:uuid}/end", **ROUTE)
async def stop_price(
    store_id: FromPath[UUID],
    supplier_id: FromPath[UUID],
    price_id: FromPath[UUID],
    data: FormData[EndForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    await end_price(conn, store_id=StoreId(store_id), price_id=price_id, at=now)
    await note_supplier(conn, who, now, store_id, "supply.supplier_price_ended", str(price_id))
    return see(store_url(store_id, f"suppliers/{supplier_id}#items"))


@post(ONE + "/page", status_code=200, **ROUTE)
async def open_page(
    store_id: FromPath[UUID],
    supplier_id: FromPath[UUID],
    data: FormData[EndForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """A new address of the supplier's own page; it is shown this once."""
    ours = StoreId(store_id)
    token = await new_token(conn, store_id=ours, supplier_id=supplier_id, at=now)
    await note_supplier(conn, who, now, store_id, "supply.supplier_page_opened", str(supplier_id))
    url = f"{settings().public_url}/supplier/{token}"
    return await _page(request, conn, store_id, supplier_id, now, page_url=url)


@post(ONE + "/page/close", **ROUTE)
async def close_page(
    store_id: FromPath[UUID],
    supplier_id: FromPath[UUID],
    data: FormData[EndForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    await revoke_token(conn, store_id=StoreId(store_id), supplier_id=supplier_id)
    await note_supplier(conn, who, now, store_id, "supply.supplier_page_shut", str(supplier_id))
    return see(store_url(store_id, f"suppliers/{supplier_id}"))


@post(ONE + "/{act:str}", **ROUTE)
async def set_open(
    store_id: FromPath[UUID],
    supplier_id: FromPath[UUID],
    act: FromPath[str],
    data: FormData[EndForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """`close` or `open`."""
    if act not in ("close", "open"):
        raise BadInput(field="act", reason="unknown_value")
    is_open = act == "open"
    await set_supplier_open(
        conn, store_id=StoreId(store_id), supplier_id=supplier_id, is_open=is_open, at=now
    )
    action = "supply.supplier_opened" if is_open else "supply.supplier_closed"
    await note_supplier(conn, who, now, store_id, action, str(supplier_id))
    return see(store_url(store_id, f"suppliers/{supplier_id}"))


HANDLERS: list[HTTPRouteHandler] = [
    supplier_page,
    save_supplier,
    save_item,
    save_price,
    stop_price,
    open_page,
    close_page,
    set_open,
]
