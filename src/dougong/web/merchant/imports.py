"""Feeds go in: the upload, its progress, its report, and the report as a file."""

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
from dougong.catalog.queries import recent_runs
from dougong.flows.import_feed import start_import
from dougong.web.deps import Conn, Now, Who
from dougong.web.merchant.common import STORE, merchant_page, reason_words, see, store_url, whole
from dougong.web.paging import csv_answer
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.CATALOG_MANAGE, "include_in_schema": False}
RUN = STORE + "/imports/{run_id:uuid}"
FIELDS = {"feed", "assumed_quantity", "all_or_nothing", "_csrf_token"}
SHOWN_PROBLEMS = 200


@get(STORE + "/imports", **ROUTE)
async def import_page(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    runs = await recent_runs(conn, store_id=StoreId(store_id), kind="feed")
    return await merchant_page(request, conn, "merchant/imports.html", store_id=store_id, runs=runs)


@post(STORE + "/imports", **ROUTE)
async def upload_feed(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    form = await request.form()
    if unknown := set(form) - FIELDS:
        raise BadInput(field=min(unknown), reason="unknown_value")
    feed = form.get("feed")
    if not isinstance(feed, UploadFile) or not feed.filename:
        raise BadInput(field="feed", reason="missing")
    run_id = await start_import(
        conn,
        store_id=StoreId(store_id),
        file_name=feed.filename,
        data=await feed.read(),
        started_by=who.person_id,
        at=now,
        all_or_nothing=form.get("all_or_nothing") == "true",
        assumed_quantity=whole(str(form.get("assumed_quantity", "")), field="assumed_quantity")
        or 0,
    )
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="catalog.feed_imported",
        owner_id=store_id,
        subject=str(run_id),
        facts={"file": feed.filename[-200:]},
    )
    return see(store_url(store_id, f"imports/{run_id}"))


@get(RUN, **ROUTE)
async def run_page(
    store_id: FromPath[UUID],
    run_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
) -> Page:
    """The whole page, or for htmx only what changes."""
    run = await run_of(conn, store_id=StoreId(store_id), run_id=run_id)
    report = run.report if isinstance(run.report, dict) else {}
    name = "merchant/import_run.html"
    if request.headers.get("HX-Request"):
        name = "merchant/import_progress.html"
    return await merchant_page(
        request,
        conn,
        name,
        store_id=store_id,
        run=run,
        report=report,
        shown=SHOWN_PROBLEMS,
        is_over=run.state in ("done", "failed"),
        done_bp=run.rows_done * 10_000 // run.rows_total if run.rows_total else 0,
    )


@get(RUN + "/report.csv", **ROUTE)
async def report_file(
    store_id: FromPath[UUID], run_id: FromPath[UUID], conn: Conn
) -> Response[bytes]:
    run = await run_of(conn, store_id=StoreId(store_id), run_id=run_id)
    report = run.report if isinstance(run.report, dict) else {}
    rows = [
        (kind, p["line"], p["field"], p["reason"], reason_words(p["reason"]), p["value"])
        for kind in ("bad", "notes")
        for p in report.get(kind, [])
    ]
    columns = ("kind", "line", "field", "reason", "meaning", "value")
    return csv_answer(f"import-{run_id}.csv", columns, rows)


HANDLERS: list[HTTPRouteHandler] = [import_page, upload_feed, run_page, report_file]
