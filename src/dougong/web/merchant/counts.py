"""Counts: started for a warehouse, counted on a phone (web/work), approved by another person."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import StoreId
from dougong.flows.take_stock import approve
from dougong.reads.merchant_warehouses import count_lines, counts_of, warehouses_of
from dougong.supply.count_commands import (
    LIMIT_UNITS,
    drop_count,
    finish_count,
    start_count,
)
from dougong.supply.warehouse_commands import default_warehouse
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    STORE,
    merchant_page,
    problem_words,
    see,
    store_url,
    whole,
)
from dougong.web.render import Page

MANAGE: dict[str, Any] = {"permission": Permission.STOCK_MANAGE, "include_in_schema": False}
ONE = STORE + "/counts/{count_id:uuid}"
MOST_SHOWN = 500


class StartForm(Form, kw_only=True):
    warehouse_id: UUID
    scope: str = ""
    limit_units: str = ""


@get(STORE + "/counts", **MANAGE)
async def count_list(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn, now: Now
) -> Page:
    ours = StoreId(store_id)
    await default_warehouse(conn, store_id=ours, at=now)
    return await merchant_page(
        request,
        conn,
        "merchant/counts.html",
        store_id=store_id,
        rows=await counts_of(conn, store_id=ours),
        warehouses=[w for w in await warehouses_of(conn, store_id=ours) if not w.closed_at],
        limit_units=LIMIT_UNITS,
    )


@post(STORE + "/counts", **MANAGE)
async def new_count(
    store_id: FromPath[UUID], data: FormData[StartForm], who: Who, conn: Conn, now: Now
) -> Response[Any]:
    limit = whole(data.limit_units, field="limit_units", most=10_000)
    count_id = await start_count(
        conn,
        store_id=StoreId(store_id),
        warehouse_id=data.warehouse_id,
        scope=data.scope.strip(),
        sku_ids=None,
        limit_units=LIMIT_UNITS if limit is None else limit,
        by_id=who.person_id,
        at=now,
    )
    return see(store_url(store_id, f"counts/{count_id}"))


async def _count_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    store_id: UUID,
    count_id: UUID,
    error: Refusal | None = None,
) -> Page:
    ours = StoreId(store_id)
    rows = await counts_of(conn, store_id=ours, count_id=count_id)
    if not rows:
        raise NotFound
    return await merchant_page(
        request,
        conn,
        "merchant/count.html",
        store_id=store_id,
        status=error.status if error else 200,
        row=rows[0],
        lines=await count_lines(
            conn, store_id=ours, count_id=count_id, only_left=False, most=MOST_SHOWN
        ),
        bad_words=problem_words(error) if error else "",
    )


@get(ONE, **MANAGE)
async def count_page(
    store_id: FromPath[UUID], count_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    return await _count_page(request, conn, store_id, count_id)


@post(ONE + "/{step:str}", **MANAGE)
async def move_count(
    store_id: FromPath[UUID],
    count_id: FromPath[UUID],
    step: FromPath[str],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Finish it, approve it or drop it."""
    steps: dict[str, Any] = {"finish": finish_count, "approve": approve, "drop": drop_count}
    if step not in steps:
        raise NotFound
    try:
        async with conn.begin_nested():
            await steps[step](
                conn, store_id=StoreId(store_id), count_id=count_id, by_id=who.person_id, at=now
            )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _count_page(request, conn, store_id, count_id, refusal)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action=f"supply.count_{step}",
        owner_id=store_id,
        subject=str(count_id),
        request_id=request_id(request),
    )
    return see(store_url(store_id, f"counts/{count_id}"))


HANDLERS: list[HTTPRouteHandler] = [
    count_list,
    new_count,
    count_page,
    move_count,
]
