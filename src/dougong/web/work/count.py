"""Counting on a phone: which count, then one SKU after the other, without what the books expect."""

from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import SkuId, StoreId
from dougong.reads.merchant_warehouses import count_line, count_lines, counts_of, sku_of_code
from dougong.supply.count_commands import note_count, undo_note
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import whole
from dougong.web.render import Page
from dougong.web.work.common import HOME, AnyRequest, a_key, work_page

WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "include_in_schema": False}
COUNT = HOME + "/count"
MOST_LEFT = 20


class CountedForm(Form, kw_only=True):
    """`counted`: how many lie there; empty for a scan, which counts one more."""

    count: UUID
    code: str
    key: str
    counted: str | None = None
    reason: str = ""


class UndoForm(Form, kw_only=True):
    count: UUID
    key: str


async def _count_page(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    count_id: UUID | None,
    *,
    sku: UUID | None = None,
    error: Refusal | None = None,
    **context: Any,
) -> Page:
    ours = StoreId(store_id)
    rows = await counts_of(conn, store_id=ours, count_id=count_id)
    if count_id is not None and not rows:
        raise NotFound
    left: Any = []
    line = None
    if count_id is not None:
        left = await count_lines(
            conn, store_id=ours, count_id=count_id, only_left=True, most=MOST_LEFT
        )
        if sku is not None:
            line = await count_line(conn, store_id=ours, count_id=count_id, sku_id=SkuId(sku))
    shown: dict[str, Any] = {"last": "", "code": "", "is_undone": False} | context
    return await work_page(
        request,
        conn,
        "count",
        store_id=store_id,
        error=error,
        where=f"/work/{store_id}/count" + (f"?count={count_id}" if count_id else ""),
        counts=[row for row in rows if row.state == "open"],
        chosen=rows[0] if count_id is not None else None,
        left=left,
        line=line,
        **shown,
    )


@get(COUNT, **WORK)
async def count_page(
    store_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    count: FromQuery[UUID | None] = None,
    sku: FromQuery[UUID | None] = None,
) -> Page:
    return await _count_page(request, conn, store_id, count, sku=sku)


@post(COUNT, status_code=200, **WORK)
async def counted(
    store_id: FromPath[UUID],
    request: AnyRequest,
    data: FormData[CountedForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Page:
    """One more of the SKU that was scanned, or so many of it as was typed."""
    ours, code, sku_id = StoreId(store_id), data.code.strip()[:80], None
    try:
        sku_id = await sku_of_code(conn, store_id=ours, code=code)
        if sku_id is None:
            raise BadInput(field="code", reason="unknown_sku")
        units = None if data.counted is None else whole(data.counted, field="counted")
        if data.counted is not None and units is None:
            raise BadInput(field="counted", reason="missing")
        await note_count(
            conn,
            store_id=ours,
            count_id=data.count,
            sku_id=sku_id,
            counted=units,
            reason=data.reason.strip(),
            key=a_key(data.key),
            by_id=who.person_id,
            at=now,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _count_page(
            request, conn, store_id, data.count, sku=sku_id, error=refusal, code=code
        )
    return await _count_page(request, conn, store_id, data.count, sku=sku_id, last=data.key)


@post(COUNT + "/undo", status_code=200, **WORK)
async def undo_counted(
    store_id: FromPath[UUID],
    request: AnyRequest,
    data: FormData[UndoForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Page:
    try:
        sku_id = await undo_note(
            conn,
            store_id=StoreId(store_id),
            count_id=data.count,
            key=data.key,
            by_id=who.person_id,
            at=now,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _count_page(request, conn, store_id, data.count, error=refusal)
    return await _count_page(request, conn, store_id, data.count, sku=sku_id, is_undone=True)


HANDLERS: list[HTTPRouteHandler] = [count_page, counted, undo_counted]
