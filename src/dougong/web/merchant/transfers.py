"""Goods on their way from one warehouse to another."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import SkuId, StoreId, new_id
from dougong.flows.take_stock import arrive, send
from dougong.reads.merchant_warehouses import sku_of_code, transfers_of, warehouses_of
from dougong.supply.warehouse_commands import default_warehouse
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    STORE,
    many,
    merchant_page,
    problem_words,
    see,
    store_url,
    whole,
)
from dougong.web.render import Page

MANAGE: dict[str, Any] = {"permission": Permission.STOCK_MANAGE, "include_in_schema": False}
MOST_SHOWN = 100


class SendForm(Form, kw_only=True):
    src: UUID
    dst: UUID
    key: str
    sku: str | list[str]
    units: str | list[str]
    note: str = ""


class ArriveForm(Form, kw_only=True):
    sku_id: UUID | list[UUID]
    arrived: str | list[str]
    damaged: str | list[str]


@get(STORE + "/transfers", **MANAGE)
async def transfer_list(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn, now: Now
) -> Page:
    await default_warehouse(conn, store_id=StoreId(store_id), at=now)
    return await _page(request, conn, store_id)


async def _page(
    request: Request[Any, Any, Any], conn: Conn, store_id: UUID, error: Refusal | None = None
) -> Page:
    ours = StoreId(store_id)
    return await merchant_page(
        request,
        conn,
        "merchant/transfers.html",
        store_id=store_id,
        status=error.status if error else 200,
        rows=await transfers_of(conn, store_id=ours, most=MOST_SHOWN),
        warehouses=[w for w in await warehouses_of(conn, store_id=ours) if not w.closed_at],
        key=str(new_id()),
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
    )


@post(STORE + "/transfers", **MANAGE)
async def new_transfer(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[SendForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    ours = StoreId(store_id)
    try:
        units: dict[SkuId, int] = {}
        for code, typed in zip(many(data.sku), many(data.units), strict=False):
            if not code.strip():
                continue
            sku_id = await sku_of_code(conn, store_id=ours, code=code)
            if sku_id is None:
                raise BadInput(field="sku", reason="unknown_sku")
            units[sku_id] = units.get(sku_id, 0) + (whole(typed, field="units") or 0)
        transfer_id = await send(
            conn,
            store_id=ours,
            src=data.src,
            dst=data.dst,
            units=units,
            note=data.note.strip(),
            key=data.key[:60] or str(new_id()),
            by_id=who.person_id,
            at=now,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _page(request, conn, store_id, refusal)
    await _note(conn, request, who, now, store_id, "supply.transfer_sent", transfer_id)
    return see(store_url(store_id, "transfers"))


async def _note(
    conn: Conn, request: Any, who: Who, now: Now, store_id: UUID, action: str, transfer_id: UUID
) -> None:
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action=action,
        owner_id=store_id,
        subject=str(transfer_id),
        request_id=request_id(request),
    )


@post(STORE + "/transfers/{transfer_id:uuid}/arrived", **MANAGE)
async def arrived(
    store_id: FromPath[UUID],
    transfer_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[ArriveForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """What came, whole and damaged; the rest was lost on the way."""
    skus = data.sku_id if isinstance(data.sku_id, list) else [data.sku_id]
    try:
        came = {
            SkuId(sku_id): (
                whole(good, field="arrived") or 0,
                whole(bad, field="damaged") or 0,
            )
            for sku_id, good, bad in zip(skus, many(data.arrived), many(data.damaged), strict=False)
        }
        await arrive(
            conn,
            store_id=StoreId(store_id),
            transfer_id=transfer_id,
            arrived=came,
            by_id=who.person_id,
            at=now,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _page(request, conn, store_id, refusal)
    await _note(conn, request, who, now, store_id, "supply.transfer_received", transfer_id)
    return see(store_url(store_id, "transfers"))


HANDLERS: list[HTTPRouteHandler] = [transfer_list, new_transfer, arrived]
