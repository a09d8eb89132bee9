"""Picking on a phone: a wave's list from bin to bin, and one field that a scanner types into."""

from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import SkuId, StoreId
from dougong.reads.waves import pick_list, sku_scanned, wave_rows
from dougong.supply.wave_commands import pick_unit, put_back
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.render import Page
from dougong.web.work.common import HOME, AnyRequest, a_key, work_page

WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "include_in_schema": False}
PICK = HOME + "/pick"
MOST_WAVES = 50


class Scan(Form, kw_only=True):
    wave: UUID
    code: str
    key: str


class Undo(Form, kw_only=True):
    wave: UUID
    key: str


async def _pick_page(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    wave: UUID | None,
    *,
    taken: Any = None,
    error: Refusal | None = None,
    code: str = "",
    last: str = "",
    is_undone: bool = False,
) -> Page:
    """`taken`: the SKU of the last scan, `last` its key."""
    ours = StoreId(store_id)
    waves = await wave_rows(conn, store_id=ours, most=MOST_WAVES)
    chosen = next((row for row in waves if row.id == wave), waves[0] if len(waves) == 1 else None)
    rows = await pick_list(conn, store_id=ours, wave_id=chosen.id) if chosen else []
    return await work_page(
        request,
        conn,
        "pick",
        store_id=store_id,
        error=error,
        where=f"/work/{store_id}/pick" + (f"?wave={chosen.id}" if chosen else ""),
        waves=waves,
        chosen=chosen,
        rows=rows,
        taken=next((row for row in rows if taken and row.sku_id == taken), None),
        code=code,
        last=last,
        is_undone=is_undone,
    )


@get(PICK, **WORK)
async def pick_page(
    store_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    wave: FromQuery[UUID | None] = None,
) -> Page:
    return await _pick_page(request, conn, store_id, wave)


@post(PICK, status_code=200, **WORK)
async def scan(
    store_id: FromPath[UUID],
    request: AnyRequest,
    data: FormData[Scan],
    who: Who,
    conn: Conn,
    now: Now,
) -> Page:
    """One scan is one unit; what is wrong is said large, and the field waits for the next."""
    ours, code = StoreId(store_id), data.code.strip()[:80]
    try:
        sku_id = await sku_scanned(conn, store_id=ours, code=code)
        if sku_id is None:
            raise BadInput(field="code", reason="unknown_sku")
        await pick_unit(
            conn,
            store_id=ours,
            wave_id=data.wave,
            sku_id=SkuId(sku_id),
            key=a_key(data.key),
            by_id=who.person_id,
            at=now,
        )
    except Refusal as refusal:
        return await _pick_page(request, conn, store_id, data.wave, error=refusal, code=code)
    return await _pick_page(request, conn, store_id, data.wave, taken=sku_id, last=data.key)


@post(PICK + "/undo", status_code=200, **WORK)
async def undo_scan(
    store_id: FromPath[UUID],
    request: AnyRequest,
    data: FormData[Undo],
    who: Who,
    conn: Conn,
    now: Now,
) -> Page:
    """The unit of a scan lies on its shelf again."""
    try:
        sku_id = await put_back(
            conn,
            store_id=StoreId(store_id),
            wave_id=data.wave,
            key=data.key,
            by_id=who.person_id,
            at=now,
        )
    except Refusal as refusal:
        return await _pick_page(request, conn, store_id, data.wave, error=refusal)
    return await _pick_page(request, conn, store_id, data.wave, taken=sku_id, is_undone=True)


HANDLERS: list[HTTPRouteHandler] = [pick_page, scan, undo_scan]
