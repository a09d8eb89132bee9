"""Reports of other platforms: taken in with progress, their bad rows seen and decided about."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound
from dougong.flows.report_arrived import (
    kept_file,
    result_of,
    retry_row,
    share_read,
    start_report,
)
from dougong.reads.operator_referrals import (
    bad_reasons,
    bad_rows,
    report_rows_shown,
    source_names,
)
from dougong.referrals.commands import set_row_aside
from dougong.referrals.mappings import all_mappings
from dougong.referrals.queries import report_of
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import MOST_IN_FILE, PAGE, csv_file, see
from dougong.web.operator.referral_words import referral_words, tabs
from dougong.web.paging import (
    cursor_values,
    cut,
    file_answer,
    file_url,
    first_url,
    next_url,
)
from dougong.web.render import page

READ: dict[str, Any] = {"permission": Permission.REFERRAL_READ, "include_in_schema": False}
MANAGE: dict[str, Any] = {"permission": Permission.REFERRAL_MANAGE, "include_in_schema": False}
FIELDS = {"file", "source", "mapping", "_csrf_token"}
SHOWN_BAD = 200
LONGEST_NOTE = 200
BAD_HEAD = ("line", "order_ref", "outcome", "field", "reason", "value")
ROWS_HEAD = ("told_at", "source", "file", "line", "order_ref", "outcome", "field", "reason",
             "value")  # fmt: skip
REPORT_HEAD = ("started_at", "source", "mapping", "file", "state", "rows", "applied", "repeated",
               "stale", "parked", "refused", "failure")  # fmt: skip


class Aside(Form):
    note: str


class Nothing(Form):
    """A button."""


@get("/operator/referrals/reports", **READ)
async def reports_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    source: FromQuery[str] = "",
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    """`q`: a part of the file's name."""
    rows = await report_rows_shown(
        conn,
        source=source,
        words=q.strip()[:100],
        before=cursor_values(after, tuple[datetime, UUID]),
        most=MOST_IN_FILE if file == "csv" else PAGE + 1,
    )
    if file == "csv":
        lines = [
            (r.started_at.isoformat(), r.source, r.mapping, r.file_name, r.state, r.rows_done,
             r.rows_applied, r.rows_repeated, r.rows_stale, r.rows_parked, r.rows_refused,
             r.failure)
            for r in rows
        ]  # fmt: skip
        return csv_file("reports", REPORT_HEAD, lines)
    shown, following = cut(rows, lambda row: (row.started_at, row.id), PAGE)
    return page(
        request,
        "operator/referral_reports.html",
        tabs=tabs(),
        rows=shown,
        sources=await source_names(conn),
        mappings=all_mappings(),
        chosen={"source": source, "q": q},
        file_url=file_url(request),
        next_url=next_url(request, following),
        first_url=first_url(request),
        **referral_words(),
    )


@post("/operator/referrals/reports", **MANAGE)
async def upload_report(
    request: Request[Any, Any, Any], who: Who, conn: Conn, now: Now
) -> Response[None]:
    form = await request.form()
    if unknown := set(form) - FIELDS:
        raise BadInput(field=min(unknown), reason="unknown_value")
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise BadInput(field="file", reason="missing")
    source, mapping = str(form.get("source", "")), str(form.get("mapping", ""))
    report_id = await start_report(
        conn,
        source=source,
        mapping=mapping,
        file_name=file.filename,
        data=await file.read(),
        started_by=who.person_id,
        at=now,
    )
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="referrals.report_taken",
        subject=str(report_id),
        facts={"file": file.filename[-200:], "source": source, "mapping": mapping},
    )
    return see(f"/operator/referrals/reports/{report_id}")


@get("/operator/referrals/reports/{report_id:uuid}", **READ)
async def report_page(
    report_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    file: FromQuery[str] = "",
) -> Response[Any]:
    """The whole page, or for htmx only what changes. `file`: csv (bad rows) or original."""
    report = await report_of(conn, report_id=report_id)
    if file == "original":
        kept = kept_file(report_id)
        if not kept.exists():
            raise NotFound
        data = await asyncio.to_thread(kept.read_bytes)
        return file_answer(data, f"report-{report_id}", "application/octet-stream")
    result = await result_of(conn, report_id=report_id)
    if file == "csv":
        lines = [tuple(getattr(bad, name) for name in BAD_HEAD) for bad in result.bad]
        return csv_file(f"report-{report_id}", BAD_HEAD, lines)
    is_part = bool(request.headers.get("HX-Request"))
    return page(
        request,
        "operator/referral_progress.html" if is_part else "operator/referral_report.html",
        report=report,
        result=result,
        shown=SHOWN_BAD,
        share_bp=share_read(report),
        is_over=report.state in ("done", "failed"),
        **referral_words(),
    )


@get("/operator/referrals/rows", **READ)
async def rows_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    source: FromQuery[str] = "",
    reason: FromQuery[str] = "",
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    """Rows of all reports and events that wait for somebody. `q`: an order number there."""
    rows = await bad_rows(
        conn,
        source=source,
        reason=reason,
        words=q.strip()[:100],
        before=cursor_values(after, tuple[datetime, UUID]),
        most=MOST_IN_FILE if file == "csv" else PAGE + 1,
    )
    if file == "csv":
        lines = [
            (r.told_at.isoformat(), r.source, r.file_name, r.line, r.order_ref, r.outcome, r.field,
             r.reason, r.value)
            for r in rows
        ]  # fmt: skip
        return csv_file("bad-rows", ROWS_HEAD, lines)
    shown, following = cut(rows, lambda row: (row.told_at, row.id), PAGE)
    return page(
        request,
        "operator/referral_rows.html",
        tabs=tabs(),
        rows=shown,
        reasons=await bad_reasons(conn),
        sources=await source_names(conn),
        longest_note=LONGEST_NOTE,
        chosen={"source": source, "reason": reason, "q": q},
        file_url=file_url(request),
        next_url=next_url(request, following),
        first_url=first_url(request),
        **referral_words(),
    )


@post("/operator/referrals/rows/{row_id:uuid}/again", **MANAGE)
async def look_again(
    row_id: FromPath[UUID], data: FormData[Nothing], conn: Conn, now: Now
) -> Response[None]:
    """The mapping, or the clicks, may be other ones now."""
    await retry_row(conn, row_id=row_id, at=now)
    return see("/operator/referrals/rows")


@post("/operator/referrals/rows/{row_id:uuid}/aside", **MANAGE)
async def put_aside(
    row_id: FromPath[UUID], data: FormData[Aside], who: Who, conn: Conn, now: Now
) -> Response[None]:
    note = " ".join(data.note.split())
    if not note or len(note) > LONGEST_NOTE:
        raise BadInput(field="note", reason="missing" if not note else "too_long")
    await set_row_aside(conn, row_id=row_id, by=who.person_id, note=note, at=now)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="referrals.row_set_aside",
        subject=str(row_id),
        facts={"note": note},
    )
    return see("/operator/referrals/rows")


HANDLERS: list[HTTPRouteHandler] = [
    reports_page,
    upload_report,
    report_page,
    rows_page,
    look_again,
    put_aside,
]
