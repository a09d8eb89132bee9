"""Warehouses of a store, and by what order of criteria they are asked for goods."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.catalog.queries import store_of
from dougong.flows.serve_waiting import serve_waiting
from dougong.reads.merchant_warehouses import policies_of, warehouses_of
from dougong.supply.allocation_rules import CRITERIA, Policy
from dougong.supply.province_rules import CAPITALS
from dougong.supply.warehouse_commands import (
    WarehouseFields,
    add_warehouse,
    change_warehouse,
    close_warehouse,
    default_warehouse,
    make_default,
    set_policy,
)
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
    whole,
)
from dougong.web.render import Page

MANAGE: dict[str, Any] = {"permission": Permission.STOCK_MANAGE, "include_in_schema": False}
ONE = STORE + "/warehouses/{warehouse_id:uuid}"
CRITERION_WORDS = {
    "whole": mark("One that has the whole order"),
    "distance": mark("The nearest province"),
    "stock": mark("The one with most of it"),
    "cost": mark("The cheapest to send from"),
}


class WarehouseForm(Form, kw_only=True):
    code: str
    name_zh: str
    name_en: str = ""
    province: str = ""
    city: str = ""
    line: str = ""
    phone: str = ""
    unit_cost: str = ""
    ships: bool = False


class PolicyForm(Form, kw_only=True):
    first: str
    second: str = ""
    third: str = ""
    fourth: str = ""
    most_parcels: str = "3"
    reason: str = ""


@get(STORE + "/warehouses", **MANAGE)
async def warehouse_list(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    edit: FromQuery[UUID | None] = None,
) -> Page:
    await default_warehouse(conn, store_id=StoreId(store_id), at=now)
    return await _page(request, conn, store_id, edit=edit)


async def _page(
    request: Request[Any, Any, Any],
    conn: Conn,
    store_id: UUID,
    error: Refusal | None = None,
    edit: UUID | None = None,
) -> Page:
    ours = StoreId(store_id)
    rows = await warehouses_of(conn, store_id=ours)
    return await merchant_page(
        request,
        conn,
        "merchant/warehouses.html",
        store_id=store_id,
        status=error.status if error else 200,
        rows=rows,
        edited=next((row for row in rows if row.id == edit), None),
        policies=await policies_of(conn, store_id=ours),
        criteria=CRITERIA,
        criterion_words=CRITERION_WORDS,
        provinces=list(CAPITALS),
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
    )


async def _fields(conn: Conn, store_id: UUID, data: WarehouseForm) -> WarehouseFields:
    store = await store_of(conn, store_id=StoreId(store_id))
    cost = amount(data.unit_cost, store.currency, field="unit_cost", required=False)
    return WarehouseFields(
        code=data.code.strip().upper(),
        name_zh=data.name_zh.strip(),
        name_en=data.name_en.strip(),
        province=data.province.strip(),
        city=data.city.strip(),
        line=data.line.strip(),
        phone=data.phone.strip(),
        ships=data.ships,
        unit_cost_minor=cost or 0,
    )


async def _note(
    conn: Conn, request: Any, who: Who, now: Now, store_id: UUID, action: str, subject: str
) -> None:
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action=action,
        owner_id=store_id,
        subject=subject,
        request_id=request_id(request),
    )


@post(STORE + "/warehouses", **MANAGE)
async def new_warehouse(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[WarehouseForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        fields = await _fields(conn, store_id, data)
        await add_warehouse(conn, store_id=StoreId(store_id), fields=fields, at=now)
    except Refusal as refusal:
        return await _page(request, conn, store_id, refusal)
    await _note(conn, request, who, now, store_id, "supply.warehouse_added", fields.code)
    return see(store_url(store_id, "warehouses"))


@post(ONE, **MANAGE)
async def edit_warehouse(
    store_id: FromPath[UUID],
    warehouse_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[WarehouseForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    ours = StoreId(store_id)
    try:
        fields = await _fields(conn, store_id, data)
        await change_warehouse(
            conn, store_id=ours, warehouse_id=warehouse_id, fields=fields, at=now
        )
        await serve_waiting(conn, store_id=ours)
    except Refusal as refusal:
        return await _page(request, conn, store_id, refusal, warehouse_id)
    await _note(conn, request, who, now, store_id, "supply.warehouse_changed", fields.code)
    return see(store_url(store_id, "warehouses"))


@post(ONE + "/default", **MANAGE)
async def default(
    store_id: FromPath[UUID],
    warehouse_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """What names no warehouse goes here from now on."""
    await make_default(conn, store_id=StoreId(store_id), warehouse_id=warehouse_id)
    await _note(conn, request, who, now, store_id, "supply.warehouse_default", str(warehouse_id))
    return see(store_url(store_id, "warehouses"))


@post(ONE + "/close", **MANAGE)
async def close(
    store_id: FromPath[UUID],
    warehouse_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        await close_warehouse(conn, store_id=StoreId(store_id), warehouse_id=warehouse_id, at=now)
    except Refusal as refusal:
        return await _page(request, conn, store_id, refusal)
    await _note(conn, request, who, now, store_id, "supply.warehouse_closed", str(warehouse_id))
    return see(store_url(store_id, "warehouses"))


@post(STORE + "/warehouses/policy", **MANAGE)
async def new_policy(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[PolicyForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """In force from now on; orders that are set aside already stay where they are."""
    named = [one for one in (data.first, data.second, data.third, data.fourth) if one]
    try:
        most = whole(data.most_parcels, field="most_parcels", most=20)
        if not most:
            raise BadInput(field="most_parcels", reason="missing")
        policy = Policy(None, tuple(named), most)
        await set_policy(
            conn,
            store_id=StoreId(store_id),
            policy=policy,
            reason=data.reason.strip(),
            by_id=who.person_id,
            at=now,
        )
        await serve_waiting(conn, store_id=StoreId(store_id))
    except Refusal as refusal:
        return await _page(request, conn, store_id, refusal)
    await _note(conn, request, who, now, store_id, "supply.policy_set", ", ".join(named))
    return see(store_url(store_id, "warehouses"))


HANDLERS: list[HTTPRouteHandler] = [
    warehouse_list,
    new_warehouse,
    edit_warehouse,
    default,
    close,
    new_policy,
]
