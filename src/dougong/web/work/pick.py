"""Picking on a phone: a wave's list from bin to bin, and one field that a scanner types into."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import SkuId, StoreId, new_id
from dougong.reads.waves import pick_list, sku_scanned, wave_rows
from dougong.supply.wave_commands import pick_unit
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import merchant_page, problem_words
from dougong.web.render import Page

WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "include_in_schema": False}
PICK = "/work/{store_id:uuid}/pick"
MOST_WAVES = 50


class Scan(Form, kw_only=True):
    wave: UUID
    code: str
    key: str


async def _pick_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    store_id: UUID,
    wave: UUID | None,
    *,
    taken: Any = None,
    error: Refusal | None = None,
    code: str = "",
) -> Page:
    ours = StoreId(store_id)
    waves = await wave_rows(conn, store_id=ours, most=MOST_WAVES)
    chosen = next((row for row in waves if row.id == wave), waves[0] if len(waves) == 1 else None)
    rows = await pick_list(conn, store_id=ours, wave_id=chosen.id) if chosen else []
    return await merchant_page(
        request,
        conn,
        "work/pick.html",
        store_id=store_id,
        status=error.status if error else 200,
        waves=waves,
        chosen=chosen,
        rows=rows,
        key=new_id().hex,
        taken=next((row for row in rows if taken and row.sku_id == taken), None),
        bad_words=problem_words(error) if error else "",
        code=code,
    )


@get(PICK, **WORK)
async def pick_page(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    wave: FromQuery[UUID | None] = None,
) -> Page:
    return await _pick_page(request, conn, store_id, wave)


@post(PICK, status_code=200, **WORK)
async def scan(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
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
        if not 8 <= len(data.key) <= 80:
            raise BadInput(field="key", reason="missing")
        await pick_unit(
            conn,
            store_id=ours,
            wave_id=data.wave,
            sku_id=SkuId(sku_id),
            key=data.key,
            by_id=who.person_id,
            at=now,
        )
    except Refusal as refusal:
        return await _pick_page(request, conn, store_id, data.wave, error=refusal, code=code)
    return await _pick_page(request, conn, store_id, data.wave, taken=sku_id)


HANDLERS: list[HTTPRouteHandler] = [pick_page, scan]
