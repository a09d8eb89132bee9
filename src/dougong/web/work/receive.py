"""The door where goods come in: on a phone, with a scanner that types into one field."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.flows.receive_goods import receive_goods
from dougong.reads.expiring import days_needed
from dougong.reads.purchasing import (
    OrderFilter,
    purchase_of,
    purchase_rows,
    warehouse_rows,
)
from dougong.supply.purchase_rules import OverDelivery
from dougong.supply.receipt_commands import CountedLine, Delivery
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import many, see, whole
from dougong.web.merchant.purchasing import a_day, local_day, uuid_or_none
from dougong.web.render import Page
from dougong.web.work.common import HOME, AnyRequest, a_key, work_page

WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "include_in_schema": False}
DOOR = HOME + "/receive"
ONE = DOOR + "/{purchase_id:uuid}"
MOST_ORDERS = 60
Cells = str | list[str]


class CountForm(Form, kw_only=True):
    """One of each for every line. `key`: made with the page, so that a second press is the same
    delivery."""

    key: str
    warehouse_id: str = ""
    delivery_note: str = ""
    note: str = ""
    take_over: str = ""
    line_no: Cells
    accepted: Cells
    damaged: Cells
    short: Cells
    lot: Cells
    expires_on: Cells

    def lines(self) -> list[CountedLine]:
        """Raises BadInput."""
        columns = [many(one) for one in (self.line_no, self.accepted, self.damaged, self.short,
                                         self.lot, self.expires_on)]  # fmt: skip
        if len({len(column) for column in columns}) != 1:
            raise BadInput(field="lines", reason="too_few_cells")
        return [
            CountedLine(
                line_no=whole(number, field="line_no", most=1_000) or 0,
                accepted=whole(accepted, field="accepted") or 0,
                damaged=whole(damaged, field="damaged") or 0,
                short=whole(short, field="short") or 0,
                lot=lot.strip(),
                expires_on=a_day(expires, field="expires_on"),
            )
            for number, accepted, damaged, short, lot, expires in zip(*columns, strict=True)
        ]


@get(DOOR, **WORK)
async def door(
    store_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
) -> Response[Any]:
    """Orders that suppliers still owe; a scanned number or SKU that fits one opens it."""
    ours = StoreId(store_id)
    found: list[Any] = []
    for state in ("sent", "part_received"):
        found += await purchase_rows(
            conn,
            store_id=ours,
            chosen=OrderFilter(state, q.strip()[:100]),
            today=local_day(now),
            most=MOST_ORDERS,
        )
    if q.strip() and len(found) == 1:
        return see(f"/work/{store_id}/receive/{found[0].id}")
    found.sort(key=lambda row: (row.expected_on, row.number))
    return await work_page(request, conn, "receive", store_id=store_id, rows=found, q=q)


async def _count(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    purchase_id: UUID,
    now: datetime,
    *,
    typed: CountForm | None = None,
    error: Refusal | None = None,
    done: str = "",
) -> Page:
    ours = StoreId(store_id)
    purchase = await purchase_of(conn, store_id=ours, order_id=purchase_id)
    needed = await days_needed(conn, store_id=ours, order_id=purchase_id, at=now)
    today = local_day(now)
    again: dict[int, CountedLine] = {}
    if typed is not None and not isinstance(error, BadInput):
        again = {line.line_no: line for line in typed.lines()}
    return await work_page(
        request,
        conn,
        "receive_order",
        store_id=store_id,
        error=error,
        purchase=purchase,
        order=purchase.order,
        warehouses=await warehouse_rows(conn, store_id=ours),
        key=typed.key if typed else "",
        typed=typed,
        again=again,
        expires_from={line_no: today + timedelta(days=n) for line_no, n in needed.items()},
        bad_line=error.facts.get("line_no") if error else None,
        is_over=isinstance(error, OverDelivery),
        is_open=purchase.order.state in ("sent", "part_received"),
        done=done,
    )


@get(ONE, **WORK)
async def count_page(
    store_id: FromPath[UUID],
    purchase_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    done: FromQuery[str] = "",
) -> Page:
    return await _count(request, conn, store_id, purchase_id, now, done=done[:40])


@post(ONE, **WORK)
async def take_in(
    store_id: FromPath[UUID],
    purchase_id: FromPath[UUID],
    data: FormData[CountForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """A surplus is asked about once; pressing twice is one delivery."""
    try:
        async with conn.begin_nested():
            made = await receive_goods(
                conn,
                store_id=StoreId(store_id),
                order_id=purchase_id,
                warehouse_id=uuid_or_none(data.warehouse_id, field="warehouse_id"),
                delivery=Delivery(
                    lines=data.lines(),
                    key=a_key(data.key),
                    take_over=data.take_over == "true",
                    delivery_note=data.delivery_note,
                    note=data.note,
                ),
                by_id=who.person_id,
                at=now,
            )
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _count(request, conn, store_id, purchase_id, now, typed=data, error=refusal)
    if made.is_new:
        await _note(conn, who, now, store_id, made.number)
    return see(f"/work/{store_id}/receive/{purchase_id}?done={made.number}")


async def _note(conn: AsyncConnection, who: Any, at: datetime, store_id: UUID, number: str) -> None:
    await audit(
        conn,
        at=at,
        person_id=who.person_id,
        action="supply.goods_received",
        owner_id=store_id,
        subject=number,
    )


HANDLERS: list[HTTPRouteHandler] = [door, count_page, take_in]
