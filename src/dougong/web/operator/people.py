"""People and organisations: found, suspended, reinstated; an organisation opened for somebody."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Access, Permission, Role
from dougong.base.errors import Refusal
from dougong.base.ids import PersonId
from dougong.flows.manage_people import OPENED_FOR_OTHERS, REASON_AT_MOST, open_for, suspend
from dougong.infra.clock import wall_now
from dougong.reads.operator_people import people_rows
from dougong.web.account.common import AnyRequest, form_page, go, request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.paging import PAGE_ROWS, cursor_values, cut, next_url

LIST = "/operator/people"
ROUTE: dict[str, Any] = {"permission": Permission.ACCESS_MANAGE, "include_in_schema": False}


class Reason(Form):
    reason: str


class OpenFor(Form):
    email: str
    kind: str
    name: str
    handle: str


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Access,
    *,
    q: str = "",
    role: str = "",
    suspended: bool = False,
    after: str = "",
    refusal: Refusal | None = None,
    values: dict[str, str] | None = None,
    error_at: UUID | None = None,
) -> Response[str]:
    rows = await people_rows(
        conn,
        words=q.strip()[:100],
        role=role,
        only_suspended=suspended,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=PAGE_ROWS + 1,
    )
    shown, following = cut(rows, lambda row: (row.created_at, row.id))
    return form_page(
        request,
        "operator/people.html",
        refusal=refusal,
        rows=shown,
        q=q,
        role=role,
        suspended=suspended,
        next_url=next_url(request, following),
        me=who.person_id,
        kinds=[str(kind) for kind in OPENED_FOR_OTHERS],
        values={"email": "", "kind": "", "name": "", "handle": ""} | (values or {}),
        is_opening=values is not None,
        error_at=error_at,
        most_characters=REASON_AT_MOST,
    )


@get(LIST, **ROUTE)
async def people_page(
    request: AnyRequest,
    conn: Conn,
    who: Who,
    q: FromQuery[str] = "",
    role: FromQuery[str] = "",
    suspended: FromQuery[bool] = False,
    after: FromQuery[str] = "",
) -> Response[str]:
    return await _page(request, conn, who, q=q, role=role, suspended=suspended, after=after)


async def _set(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Access,
    now: datetime,
    person_id: UUID,
    reason: str,
    *,
    suspended: bool,
) -> Response[str]:
    try:
        async with conn.begin_nested():
            await suspend(
                conn,
                person_id=PersonId(person_id),
                suspended=suspended,
                reason=reason,
                by=who.person_id,
                at=now,
                wall_at=wall_now(),
                request_id=request_id(request),
            )
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _page(request, conn, who, refusal=refusal, error_at=person_id)
    return go(LIST)


@post(LIST + "/{person_id:uuid}/suspend", status_code=200, **ROUTE)
async def suspend_person(
    person_id: FromPath[UUID],
    data: FormData[Reason],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[str]:
    return await _set(request, conn, who, now, person_id, data.reason, suspended=True)


@post(LIST + "/{person_id:uuid}/reinstate", status_code=200, **ROUTE)
async def reinstate_person(
    person_id: FromPath[UUID],
    data: FormData[Reason],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[str]:
    return await _set(request, conn, who, now, person_id, data.reason, suspended=False)


@post("/operator/organisations", status_code=200, **ROUTE)
async def open_organisation(
    data: FormData[OpenFor], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> Response[str]:
    values = {"email": data.email, "kind": data.kind, "name": data.name, "handle": data.handle}
    try:
        async with conn.begin_nested():
            await open_for(
                conn,
                email=data.email,
                kind=Role(data.kind) if data.kind in set(Role) else Role.SHOPPER,
                name=data.name,
                handle=data.handle,
                by=who.person_id,
                at=now,
                request_id=request_id(request),
            )
    except Refusal as refusal:
        return await _page(request, conn, who, refusal=refusal, values=values)
    return go(f"{LIST}?role={data.kind}")


HANDLERS: list[HTTPRouteHandler] = [
    people_page,
    suspend_person,
    reinstate_person,
    open_organisation,
]
