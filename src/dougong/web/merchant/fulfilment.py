"""Fulfilment: the board of packages, one package with its story, tracking typed or from a file."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import StoreId
from dougong.flows.choose_carrier import carry
from dougong.flows.load_tracking import MOST_ROWS, load_tracking, local_instant, rows_from
from dougong.flows.track_packages import type_event
from dougong.infra.db import transaction
from dougong.reads.fulfilment import (
    MOST_COUNTED,
    TABS,
    board_counts,
    due_rows,
    package_rows,
    package_story,
    packages_found,
    strays,
)
from dougong.supply.carrier_queries import carriers_of
from dougong.supply.fulfilment_rules import CHEAPEST
from dougong.supply.tracking_rules import Status
from dougong.web import package_words
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import STORE, merchant_page, problem_words, see, store_url
from dougong.web.paging import PAGE_ROWS, cursor_values, cut, first_url, next_url
from dougong.web.render import Page

PACKAGE = STORE + "/packages/{package_id:uuid}"
WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "include_in_schema": False}
MOST_BYTES = 2_000_000
MOST_STRAYS = 100
SHOWN = ("due", "stuck", *TABS)
WORDS: dict[str, Any] = {
    "package_state": package_words.state_words,
    "status_words": package_words.status_words,
    "source_words": package_words.source_words,
    "package_tone": package_words.tone,
}


class EventForm(Form, kw_only=True):
    status: Status
    at: str = ""
    place: str = ""
    province: str = ""


class CarrierForm(Form, kw_only=True):
    carrier: str
    tracking_no: str = ""


@get(STORE + "/fulfilment", **WORK)
async def board(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    tab: FromQuery[str] = "due",
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    """Packages by what they wait for; a number finds one wherever it is."""
    ours, words = StoreId(store_id), q.strip()[:100]
    if tab not in SHOWN:
        raise BadInput(field="tab", reason="unknown_value")
    following = ""
    if words:
        rows = await packages_found(conn, store_id=ours, words=words, most=PAGE_ROWS)
    elif tab == "due":
        start = cursor_values(after, tuple[datetime, UUID])
        found = await due_rows(conn, store_id=ours, after=start, most=PAGE_ROWS + 1)
        rows, following = cut(found, lambda row: (row.promised_by, row.id))
    else:
        start = cursor_values(after, tuple[datetime, UUID])
        found = await package_rows(
            conn, store_id=ours, tab=tab, after=start, most=PAGE_ROWS + 1, now=now
        )
        at = "watch_at" if tab == "stuck" else "state_at"
        rows, following = cut(found, lambda row: (getattr(row, at), row.id))
    return await merchant_page(
        request,
        conn,
        "merchant/fulfilment.html",
        store_id=store_id,
        rows=rows,
        tab=tab,
        q=words,
        counts=await board_counts(conn, store_id=ours, now=now),
        most_counted=MOST_COUNTED,
        next_url=next_url(request, following),
        first_url=first_url(request),
        **WORDS,
    )


async def _package_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    store_id: UUID,
    package_id: UUID,
    now: datetime,
    error: Refusal | None = None,
) -> Page:
    found = await package_story(conn, store_id=StoreId(store_id), package_id=package_id)
    watch_at = found["package"].watch_at
    return await merchant_page(
        request,
        conn,
        "merchant/package.html",
        store_id=store_id,
        status=error.status if error else 200,
        **found,
        statuses=list(Status),
        carriers=await carriers_of(conn, store_id=StoreId(store_id), is_open=True),
        cheapest=CHEAPEST,
        is_stuck=watch_at is not None and watch_at <= now,
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
        **WORDS,
    )


@get(PACKAGE, **WORK)
async def package_page(
    store_id: FromPath[UUID],
    package_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
) -> Page:
    return await _package_page(request, conn, store_id, package_id, now)


@post(PACKAGE + "/events", **WORK)
async def add_event(
    store_id: FromPath[UUID],
    package_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[EventForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """What somebody has heard of a parcel, by telephone say."""
    try:
        await type_event(
            conn,
            store_id=StoreId(store_id),
            package_id=package_id,
            status=data.status,
            happened_at=local_instant(data.at) if data.at.strip() else now,
            place=data.place,
            province=data.province,
            by_id=who.person_id,
            at=now,
            request_id=request_id(request),
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _package_page(request, conn, store_id, package_id, now, refusal)
    return see(store_url(store_id, f"packages/{package_id}"))


@post(PACKAGE + "/carrier", **WORK)
async def choose_carrier(
    store_id: FromPath[UUID],
    package_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[CarrierForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Who takes a packed package, and its number where the carrier makes none."""
    try:
        async with conn.begin_nested():
            await carry(
                conn,
                store_id=StoreId(store_id),
                package_id=package_id,
                carrier=data.carrier,
                tracking_no=data.tracking_no,
                by_id=who.person_id,
                at=now,
            )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _package_page(request, conn, store_id, package_id, now, refusal)
    return see(store_url(store_id, f"packages/{package_id}"))


async def _tracking_page(request: Request[Any, Any, Any], store_id: UUID, **context: Any) -> Page:
    shown = {"loaded": None, "bad_words": "", "rows": ""}
    async with transaction() as conn:
        return await merchant_page(
            request,
            conn,
            "merchant/tracking.html",
            store_id=store_id,
            most=MOST_ROWS,
            strays=await strays(conn, store_id=StoreId(store_id), most=MOST_STRAYS),
            problem_words=problem_words,
            **WORDS,
            **(shown | context),
        )


@get(STORE + "/fulfilment/tracking", **WORK)
async def tracking_page(store_id: FromPath[UUID], request: Request[Any, Any, Any]) -> Page:
    return await _tracking_page(request, store_id)


@post(STORE + "/fulfilment/tracking", status_code=200, **WORK)
async def upload_tracking(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], who: Who
) -> Page:
    """The good rows are taken, the bad ones told by line."""
    form = await request.form()
    if unknown := set(form) - {"file", "rows", "_csrf_token"}:
        raise BadInput(field=min(unknown), reason="unknown_value")
    typed = str(form.get("rows", ""))
    try:
        rows = rows_from(await _text_of(form.get("file")) or typed)
    except Refusal as refusal:
        words = problem_words(refusal)
        return await _tracking_page(
            request, store_id, rows=typed, bad_words=words, status=refusal.status
        )
    loaded = await load_tracking(
        store_id=StoreId(store_id),
        person_id=who.person_id,
        rows=rows,
        request_id=request_id(request),
    )
    return await _tracking_page(request, store_id, loaded=loaded)


async def _text_of(file: Any) -> str:
    """The text of an uploaded file, "" for none. Raises BadInput."""
    if not isinstance(file, UploadFile) or not file.filename:
        return ""
    data = await file.read()
    if len(data) > MOST_BYTES:
        raise BadInput(field="file", reason="too_big")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput(field="file", reason="bad_encoding")


HANDLERS: list[HTTPRouteHandler] = [
    board,
    package_page,
    add_event,
    choose_carrier,
    tracking_page,
    upload_tracking,
]
