"""Stock from a file: the upload, its progress, its report, and the report as a file."""

from typing import Any
from uuid import UUID, uuid4

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import StoreId
from dougong.catalog.import_runs import run_of
from dougong.catalog.queries import recent_runs
from dougong.flows.import_stock import start_stock_import
from dougong.supply.stock_file_rules import Mode
from dougong.web.deps import Conn, Now, Who
from dougong.web.merchant.common import (
    STORE,
    merchant_page,
    problem_words,
    reason_words,
    see,
    store_url,
)
from dougong.web.paging import csv_answer
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.STOCK_MANAGE, "include_in_schema": False}
IMPORTS = STORE + "/stock/imports"
RUN = IMPORTS + "/{run_id:uuid}"
FIELDS = {"file", "mode", "all_or_nothing", "key", "_csrf_token"}
SHOWN_PROBLEMS = 200


@get(IMPORTS, **ROUTE)
async def upload_page(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    return await show_upload(request, conn, store_id)


async def show_upload(
    request: Request[Any, Any, Any], conn: Conn, store_id: UUID, error: BadInput | None = None
) -> Page:
    """The form, with what was refused, if anything was, and how the last files went."""
    return await merchant_page(
        request,
        conn,
        "merchant/stock_imports.html",
        store_id=store_id,
        status=error.status if error else 200,
        runs=await recent_runs(conn, store_id=StoreId(store_id), kind="stock"),
        key=uuid4(),
        bad_words=problem_words(error) if error else "",
    )


@post(IMPORTS, **ROUTE)
async def upload(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """A form that is sent twice loads its file once: `key` was made with the page."""
    form = await request.form()
    if unknown := set(form) - FIELDS:
        raise BadInput(field=min(unknown), reason="unknown_value")
    file = form.get("file")
    try:
        key, mode = UUID(str(form.get("key"))), Mode(str(form.get("mode")))
    except ValueError as error:
        raise BadInput(field="mode", reason="unknown_value") from error
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise BadInput(field="file", reason="missing")
        is_new = await start_stock_import(
            conn,
            store_id=StoreId(store_id),
            key=key,
            file_name=file.filename,
            data=await file.read(),
            mode=mode,
            all_or_nothing=form.get("all_or_nothing") == "true",
            started_by=who.person_id,
            at=now,
        )
    except BadInput as refusal:
        return await show_upload(request, conn, store_id, refusal)
    if is_new:
        facts = {"file": file.filename[-200:], "mode": mode.value}
        await audit(
            conn, at=now, person_id=who.person_id, action="supply.stock_imported",
            owner_id=store_id, subject=str(key), facts=facts,
        )  # fmt: skip
    return see(store_url(store_id, f"stock/imports/{key}"))


async def _run(conn: Conn, store_id: UUID, run_id: UUID) -> tuple[Any, dict[str, Any]]:
    run = await run_of(conn, store_id=StoreId(store_id), run_id=run_id)
    if run.kind != "stock":
        raise NotFound
    return run, run.report if isinstance(run.report, dict) else {}


@get(RUN, **ROUTE)
async def run_page(
    store_id: FromPath[UUID], run_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    """Asks again each second until the import is over."""
    run, report = await _run(conn, store_id, run_id)
    return await merchant_page(
        request,
        conn,
        "merchant/stock_import_run.html",
        store_id=store_id,
        run=run,
        report=report,
        is_over=run.state in ("done", "failed"),
        done_bp=run.rows_done * 10_000 // run.rows_total if run.rows_total else 0,
        shown=SHOWN_PROBLEMS,
    )


@get(RUN + "/report.csv", **ROUTE)
async def report_file(
    store_id: FromPath[UUID], run_id: FromPath[UUID], conn: Conn
) -> Response[bytes]:
    _, report = await _run(conn, store_id, run_id)
    rows = [
        (one["line"], one["field"], one["reason"], reason_words(one["reason"]), one["value"])
        for one in report.get("bad", [])
    ]
    columns = ("line", "field", "reason", "meaning", "value")
    return csv_answer(f"stock-import-{run_id}.csv", columns, rows)


HANDLERS: list[HTTPRouteHandler] = [upload_page, upload, run_page, report_file]
