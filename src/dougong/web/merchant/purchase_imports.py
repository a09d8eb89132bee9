"""Purchase orders from a file: the upload; how it goes is shown on the page of every import."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import StoreId
from dougong.catalog.import_runs import run_of
from dougong.flows.import_purchase_orders import start_purchase_import
from dougong.web.deps import Conn, Now, Who
from dougong.web.merchant.common import STORE, merchant_page, see, store_url
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "include_in_schema": False}
IMPORTS = STORE + "/purchasing/imports"
SHOWN_PROBLEMS = 500


@get(IMPORTS, **ROUTE)
async def upload_page(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    return await merchant_page(request, conn, "purchasing/imports.html", store_id=store_id)


@post(IMPORTS, **ROUTE)
async def upload(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    form = await request.form()
    if unknown := set(form) - {"file", "_csrf_token"}:
        raise BadInput(field=min(unknown), reason="unknown_value")
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise BadInput(field="file", reason="missing")
    run_id = await start_purchase_import(
        conn,
        store_id=StoreId(store_id),
        file_name=file.filename,
        data=await file.read(),
        started_by=who.person_id,
        at=now,
    )
    await audit(
        conn, at=now, person_id=who.person_id, action="supply.purchase_orders_imported",
        owner_id=store_id, subject=str(run_id), facts={"file": file.filename[-200:]},
    )  # fmt: skip
    return see(store_url(store_id, f"purchasing/imports/{run_id}"))


@get(IMPORTS + "/{run_id:uuid}", **ROUTE)
async def run_page(
    store_id: FromPath[UUID], run_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    """Asks again each second until the import is over."""
    run = await run_of(conn, store_id=StoreId(store_id), run_id=run_id)
    report = run.report if isinstance(run.report, dict) else {}
    return await merchant_page(
        request,
        conn,
        "purchasing/import_run.html",
        store_id=store_id,
        run=run,
        report=report,
        is_over=run.state in ("done", "failed"),
        done_bp=run.rows_done * 10_000 // run.rows_total if run.rows_total else 0,
        shown=SHOWN_PROBLEMS,
    )


HANDLERS: list[HTTPRouteHandler] = [upload_page, upload, run_page]
