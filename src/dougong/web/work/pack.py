"""Packing on a phone or at a bench: an order, its units, the weight, and who carries it."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import OrderId, StoreId
from dougong.flows.choose_carrier import carry
from dougong.flows.pack_orders import SAME, pack_orders
from dougong.reads.waves import orders_to_pack
from dougong.supply.carrier_queries import carriers_of
from dougong.supply.fulfilment_rules import CHEAPEST
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.carriers import size_mm
from dougong.web.merchant.common import many, see, whole
from dougong.web.render import Page
from dougong.web.work.common import HOME, AnyRequest, work_page

WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "include_in_schema": False}
PACK = HOME + "/pack"
MOST_ORDERS = 200


class PackForm(Form, kw_only=True):
    """`key`: made with the page, the package's id: pressing twice is one package."""

    key: UUID
    order: UUID
    warehouse: UUID
    line: str | list[str]  # order:line number
    quantity: str | list[str]
    weight_g: str
    size: str = ""
    carrier: str = ""
    tracking_no: str = ""


async def _pack_page(
    request: AnyRequest,
    conn: Conn,
    store_id: UUID,
    order: str,
    warehouse: UUID | None = None,
    *,
    packed: UUID | None = None,
    typed: PackForm | None = None,
    error: Refusal | None = None,
) -> Page:
    """An order that ships from several warehouses is there once for each: which one is asked."""
    rows = await orders_to_pack(conn, store_id=StoreId(store_id), most=MOST_ORDERS)
    here = [
        row
        for row in rows
        if order in (row.number, str(row.id)) and warehouse in (None, row.warehouse_id)
    ]
    chosen = here[0] if len(here) == 1 else None
    together = [row for row in rows if chosen is not None and _same(row, chosen)]
    unknown = BadInput(field="order", reason="not_picked") if order and not here else None
    where = f"?order={chosen.number}&warehouse={chosen.warehouse_id}" if chosen else ""
    return await work_page(
        request,
        conn,
        "pack",
        store_id=store_id,
        error=error or unknown,
        where=f"/work/{store_id}/pack{where}",
        key=typed.key.hex if typed else "",
        rows=here or rows,
        warehouses=len({row.warehouse_id for row in rows}),
        chosen=chosen,
        together=together,
        packed=packed,
        typed=typed,
        cheapest=CHEAPEST,
        carrier=typed.carrier if typed else _carrier(chosen),
        carriers=await carriers_of(conn, store_id=StoreId(store_id), is_open=True),
    )


def _carrier(chosen: Any) -> str:
    """What its wave says of an order's carrier."""
    if chosen is None:
        return ""
    return CHEAPEST if chosen.is_cheapest else chosen.carrier or ""


def _same(row: Any, chosen: Any) -> bool:
    where = [[one.address.get(part) or "" for part in SAME] for one in (row, chosen)]
    is_here = row.id != chosen.id and row.warehouse_id == chosen.warehouse_id
    return is_here and row.buyer_id == chosen.buyer_id and where[0] == where[1]


@get(PACK, **WORK)
async def pack_page(
    store_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    order: FromQuery[str] = "",
    warehouse: FromQuery[UUID | None] = None,
    packed: FromQuery[UUID | None] = None,
) -> Page:
    return await _pack_page(request, conn, store_id, order.strip()[:60], warehouse, packed=packed)


@post(PACK, **WORK)
async def pack(
    store_id: FromPath[UUID],
    request: AnyRequest,
    data: FormData[PackForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Close the package; its waybill is asked for at once, or its number is the typed one."""
    ours = StoreId(store_id)
    try:
        async with conn.begin_nested():
            made = await pack_orders(
                conn,
                store_id=ours,
                parts=_parts(data),
                weight_g=whole(data.weight_g, field="weight_g", most=1_000_000) or 0,
                size_mm=size_mm(data.size),
                warehouse_id=data.warehouse,
                by_id=who.person_id,
                at=now,
                package_id=data.key,
            )
            if data.carrier and made.is_new:
                await carry(
                    conn,
                    store_id=ours,
                    package_id=made.id,
                    carrier=data.carrier,
                    tracking_no=data.tracking_no,
                    by_id=who.person_id,
                    at=now,
                )
    except Refusal as refusal:
        return await _pack_page(
            request, conn, store_id, str(data.order), data.warehouse, typed=data, error=refusal
        )
    if made.is_new:
        await audit(
            conn,
            at=now,
            person_id=who.person_id,
            action="supply.package_packed",
            owner_id=store_id,
            subject=str(made.id),
            request_id=request_id(request),
        )
    return see(f"/work/{store_id}/pack?packed={made.id}")


def _parts(data: PackForm) -> dict[OrderId, dict[int, int]]:
    """Raises BadInput."""
    parts: dict[OrderId, dict[int, int]] = {}
    for line, typed in zip(many(data.line), many(data.quantity), strict=False):
        order, _, number = line.partition(":")
        quantity = whole(typed, field="quantity")
        if not quantity:
            continue
        try:
            parts.setdefault(OrderId(UUID(order)), {})[int(number)] = quantity
        except ValueError as error:
            raise BadInput(field="line", reason="unknown_value") from error
    return parts


HANDLERS: list[HTTPRouteHandler] = [pack_page, pack]
