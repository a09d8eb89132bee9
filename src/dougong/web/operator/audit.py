"""The audit log: searched, filtered, paged, exported."""

import csv
import io
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.time import start_of_day
from dougong.infra.settings import settings
from dougong.reads.audit import AuditFilter, audit_actions, audit_rows
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.operator.words import action_words, told_facts
from dougong.web.render import Page, page, when

ROUTE: dict[str, Any] = {"permission": Permission.AUDIT_READ, "include_in_schema": False}
PAGE = 50
MOST_EXPORTED = 20_000
COLUMNS = (
    "id",
    "at",
    "person",
    "email",
    "action",
    "meaning",
    "owner",
    "subject",
    "facts",
    "request_id",
)


def _day(text: str, field: str) -> date | None:
    """A day from a form; None for nothing. Raises BadInput."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(field=field, reason=text[:20]) from error


def _filter(words: str, action: str, person: UUID | None, since: str, until: str) -> AuditFilter:
    zone = ZoneInfo(settings().timezone)
    first, last = _day(since, "since"), _day(until, "until")
    return AuditFilter(
        words=words.strip()[:200],
        action=action.strip()[:100],
        person_id=person,
        since=start_of_day(first, zone) if first else None,
        until=start_of_day(last + timedelta(days=1), zone) if last else None,
    )


@get("/operator/audit", **ROUTE)
async def audit_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    words: FromQuery[str] = "",
    action: FromQuery[str] = "",
    person: FromQuery[UUID | None] = None,
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
) -> Page:
    chosen = _filter(words, action, person, since, until)
    rows = await audit_rows(conn, chosen, before=before, most=PAGE + 1)
    shown = rows[:PAGE]
    given = {"words": words, "action": action, "person": person, "since": since, "until": until}
    kept = urlencode({key: str(value) for key, value in given.items() if value})
    return page(
        request,
        "operator/audit.html",
        rows=shown,
        actions=await audit_actions(conn),
        action_words=action_words,
        told_facts=told_facts,
        words=words,
        action=action,
        person=person,
        since=since,
        until=until,
        kept=kept,
        next_url=f"?{kept}&before={shown[-1].id}" if len(rows) > PAGE else "",
    )


@get("/operator/audit.csv", **ROUTE)
async def audit_export(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    who: Who,
    words: FromQuery[str] = "",
    action: FromQuery[str] = "",
    person: FromQuery[UUID | None] = None,
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
) -> Response[bytes]:
    """Up to 20 000 rows, newest first; that it was taken out is itself on the log."""
    chosen = _filter(words, action, person, since, until)
    rows = await audit_rows(conn, chosen, most=MOST_EXPORTED)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="accounts.audit_exported",
        owner_id=who.person_id,
        subject=f"{len(rows)} rows",
        request_id=request_id(request),
    )
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        told = row._asdict() | {
            "at": when(row.at, "long"),
            "meaning": action_words(row.action),
            "facts": msgspec.json.encode(row.facts).decode(),
        }
        writer.writerow([no_formula(told[name]) for name in COLUMNS])
    return Response(
        ("\ufeff" + out.getvalue()).encode(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


def no_formula(value: Any) -> str:
    """A cell that a spreadsheet takes for text: never the start of a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in set("=+-@\t\r\n＝＋－＠") else text


HANDLERS: list[HTTPRouteHandler] = [audit_page, audit_export]
