"""Reconciliation with partners: runs and what they found, payment files, tolerances."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.money import BadAmount, minor_from_text
from dougong.base.time import local_day
from dougong.flows.import_receipts import start_receipts
from dougong.flows.reconcile import start_run
from dougong.reads.operator_reconciliation import (
    DifferenceRow,
    RunRow,
    differences_of,
    file_rows,
    one_run,
    reasons_of,
    run_rows,
    source_names,
    sums_of,
)
from dougong.reads.reconciliation_case import terms_rows
from dougong.settlement.payment_files import mapping_names
from dougong.settlement.rules import AGREED, Terms
from dougong.settlement.terms_commands import set_terms
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, pick
from dougong.web.operator import reconciliation_words as words
from dougong.web.operator.common import (
    MOST_IN_FILE,
    PAGE,
    csv_file,
    instant_from,
    local_text,
    midnight,
    see,
    zone,
)
from dougong.web.operator.reconciliation_charts import age_chart, outcome_chart
from dougong.web.paging import cursor_values, cut, first_url, next_url
from dougong.web.refusals import message_for
from dougong.web.render import page
from dougong.web.workbook import xlsx_file

READ: dict[str, Any] = {"permission": Permission.RECONCILE_READ, "include_in_schema": False}
WRITE: dict[str, Any] = {"permission": Permission.RECONCILE_WRITE, "include_in_schema": False}
HOME = "/operator/reconciliation"
RUN_FIELDS = {"source", "first", "last", "statement", "_csrf_token"}
FILE_FIELDS = {"source", "mapping", "payments", "_csrf_token"}
HEAD = ("order", "currency", "outcome", "reason", "detail", "ours_minor", "booked_minor",
        "theirs_minor", "received_minor", "gap_minor", "order_at", "age_days", "case")  # fmt: skip


def shared_words() -> dict[str, Any]:
    """What every template of the desk needs."""
    return {"words": words, "said": words.said, "translated": gettext}


async def _home(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: datetime,
    *,
    source: str = "",
    after: str = "",
    given: dict[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    before = cursor_values(after, tuple[datetime, UUID])
    rows = await run_rows(conn, source=source, before=before, most=PAGE + 1)
    shown, following = cut(rows, lambda run: (run.started_at, run.id), PAGE)
    month = local_day(now, zone()).replace(day=1)
    last = month - timedelta(days=1)
    usual = {"source": source, "first": f"{last.replace(day=1)}", "last": f"{last}"}
    return page(
        request,
        "operator/reconciliation.html",
        status=refusal.status if refusal else 200,
        runs=shown,
        sources=await source_names(conn),
        source=source,
        given=given or usual,
        error=message_for(refusal.code, refusal.facts) if refusal else "",
        next_url=next_url(request, following),
        first_url=first_url(request),
        one_day=timedelta(days=1),
        **shared_words(),
    )


@get(HOME, **READ)
async def runs_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    source: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Response[Any]:
    return await _home(request, conn, now, source=source, after=after)


async def _fields(request: Request[Any, Any, Any], known: set[str]) -> dict[str, Any]:
    form = await request.form()
    if unknown := set(form) - known:
        raise BadInput(field=min(unknown), reason="unknown_value")
    return dict(form)


@post(HOME, **WRITE)
async def start(request: Request[Any, Any, Any], who: Who, conn: Conn, now: Now) -> Response[Any]:
    """Days of the operator's zone, the last one included."""
    form = await _fields(request, RUN_FIELDS)
    given = {name: str(form.get(name, "")) for name in ("source", "first", "last")}
    file = form.get("statement")
    statement = None
    if isinstance(file, UploadFile) and file.filename:
        statement = (file.filename[-200:], await file.read())
    try:
        starts = midnight(given["first"], field="first")
        ends = midnight(given["last"], field="last", after=1)
        if starts is None or ends is None:
            raise BadInput(field="first", reason="YYYY-MM-DD")
        run_id = await start_run(
            conn,
            source=given["source"],
            starts=starts,
            ends=ends,
            started_by=who.person_id,
            at=now,
            statement=statement,
        )
    except Refusal as refusal:
        return await _home(request, conn, now, given=given, refusal=refusal)
    return see(f"{HOME}/{run_id}")


@get(HOME + "/{run_id:uuid}", **READ)
async def run_page(
    run_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    outcome: FromQuery[str] = "",
    reason: FromQuery[str] = "",
    case_state: FromQuery[str] = "",
    age: FromQuery[int] = -1,
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    """The whole page; for htmx while it runs only how it goes."""
    run = await one_run(conn, run_id=run_id)
    if request.headers.get("HX-Request"):
        if run.state in ("done", "failed"):
            return Response(None, status_code=204, headers={"HX-Refresh": "true"})
        return page(request, "operator/reconciliation_step.html", run=run, **shared_words())
    filters: dict[str, Any] = {
        "outcome": outcome,
        "reason": reason,
        "state": case_state,
        "age": age,
        "q": q,
    }
    most = MOST_IN_FILE if file else PAGE + 1
    start = cursor_values(after, tuple[int, UUID])
    rows = await differences_of(conn, run_id=run_id, **filters, after=start, most=most)
    if file in ("csv", "xlsx"):
        name = f"reconciliation-{run.source}-{run.starts_at:%Y%m%d}"
        answer = csv_file if file == "csv" else xlsx_file
        return answer(name, HEAD, [_line(row) for row in rows])
    shown, following = cut(rows, lambda row: (abs(row.gap_minor), row.case_id), PAGE)
    return page(
        request,
        "operator/reconciliation_run.html",
        rows=shown,
        chosen=filters,
        next_url=next_url(request, following),
        first_url=first_url(request),
        **await _whole_run(conn, run),
    )


async def _whole_run(conn: Conn, run: RunRow) -> dict[str, Any]:
    """What the page says of a run above its list."""
    sums = await sums_of(conn, run_id=run.id)
    reasons = await reasons_of(conn, run_id=run.id)
    return {
        "run": run,
        "source": (await source_names(conn)).get(run.source),
        "sums": sums,
        "reasons": reasons,
        "by_outcome": outcome_chart(sums),
        "by_age": age_chart(reasons),
        "agreed": [str(one) for one in AGREED],
        "last_day": run.ends_at - timedelta(days=1),
        **shared_words(),
    }


def _line(row: DifferenceRow) -> list[Any]:
    return [row.subject, row.currency, row.outcome, row.reason, row.detail, row.ours_minor,
            row.booked_minor, row.theirs_minor, row.received_minor, row.gap_minor, row.order_at,
            row.age_days, row.state]  # fmt: skip


async def _payments(
    request: Request[Any, Any, Any],
    conn: Conn,
    *,
    given: dict[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    return page(
        request,
        "operator/reconciliation_payments.html",
        status=refusal.status if refusal else 200,
        files=await file_rows(conn, most=PAGE),
        sources=await source_names(conn),
        mappings=mapping_names(),
        given=given or {"source": "", "mapping": "payments"},
        error=message_for(refusal.code, refusal.facts) if refusal else "",
        **shared_words(),
    )


@get(HOME + "/payments", **READ)
async def payments_page(request: Request[Any, Any, Any], conn: Conn) -> Response[Any]:
    return await _payments(request, conn)


@post(HOME + "/payments", **WRITE)
async def take_payments(
    request: Request[Any, Any, Any], who: Who, conn: Conn, now: Now
) -> Response[Any]:
    form = await _fields(request, FILE_FIELDS)
    given = {name: str(form.get(name, "")) for name in ("source", "mapping")}
    file = form.get("payments")
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise BadInput(field="payments", reason="missing")
        await start_receipts(
            conn,
            source=given["source"],
            mapping=given["mapping"],
            file_name=file.filename,
            data=await file.read(),
            started_by=who.person_id,
            at=now,
        )
    except Refusal as refusal:
        return await _payments(request, conn, given=given, refusal=refusal)
    return see(f"{HOME}/payments")


class NewTerms(Form, kw_only=True):
    source: str
    currency: str
    starts: str = ""
    tolerance: str = "0"
    tolerance_rate: str = "0"
    patience_days: int = 0
    limit: str = "0"
    reason: str = ""


async def _terms(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: datetime,
    *,
    given: NewTerms | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    sources = await source_names(conn)
    return page(
        request,
        "operator/reconciliation_terms.html",
        status=refusal.status if refusal else 200,
        rows=await terms_rows(conn),
        sources=sources,
        options=[(code, pick(one, "name")) for code, one in sources.items()],
        given=given,
        error_field=refusal.field if refusal else "",
        error=message_for(refusal.code, refusal.facts | {"field": ""}) if refusal else "",
        now_text=local_text(now),
        **shared_words(),
    )


@get(HOME + "/terms", **READ)
async def terms_page(request: Request[Any, Any, Any], conn: Conn, now: Now) -> Response[Any]:
    return await _terms(request, conn, now)


@post(HOME + "/terms", **WRITE)
async def change_terms(
    data: FormData[NewTerms], request: Request[Any, Any, Any], who: Who, conn: Conn, now: Now
) -> Response[Any]:
    currency = data.currency.strip().upper()
    try:
        terms = Terms(
            tolerance_minor=_minor(data.tolerance, currency, field="tolerance"),
            tolerance_bp=_minor(data.tolerance_rate, "CNY", field="tolerance_rate"),
            patience_days=data.patience_days,
            write_off_limit_minor=_minor(data.limit, currency, field="limit"),
        )
        starts = instant_from(data.starts, field="starts", default=now)
        if data.source not in await source_names(conn):
            raise BadInput(field="source", reason="unknown")
        async with conn.begin_nested():
            terms_id = await set_terms(
                conn,
                source=data.source,
                currency=currency,
                starts=max(starts, now) if not data.starts else starts,
                terms=terms,
                reason=data.reason,
                author_id=who.person_id,
                at=now,
            )
    except Refusal as refusal:
        return await _terms(request, conn, now, given=data, refusal=refusal)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="settlement.terms_set",
        subject=str(terms_id),
        facts={"source": data.source, "currency": currency},
    )
    return see(f"{HOME}/terms")


def _minor(text: str, currency: str, *, field: str) -> int:
    try:
        minor = minor_from_text(text.strip(), currency)
    except BadAmount:
        raise BadInput(field=field, reason="0.00") from None
    if minor < 0:
        raise BadInput(field=field, reason="0.00")
    return minor


HANDLERS: list[HTTPRouteHandler] = [
    runs_page,
    start,
    payments_page,
    take_payments,
    terms_page,
    change_terms,
    run_page,
]
