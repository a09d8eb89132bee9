"""The merchant's service desk: cases by deadline, one case, and the rows that help to answer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.aftersales.queries import case_of
from dougong.aftersales.rules import Side
from dougong.aftersales.talk_commands import add_template, remove_template, set_return_address
from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.catalog.queries import store_of
from dougong.flows.answer_case import Act
from dougong.flows.talk_in_case import say
from dougong.reads.case_desk import desk_rows, queue_counts, store_cases, store_queue
from dougong.web.cases.pages import (
    ActForm,
    Answer,
    AnyRequest,
    SayForm,
    Seat,
    case_page,
    do_act,
    on_case,
    take_evidence,
)
from dougong.web.cases.words import case_words
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import STORE, merchant_page, see
from dougong.web.paging import PAGE_ROWS, cursor_values, cut, first_url, next_url
from dougong.web.render import Page

CASE = STORE + "/service/{case_id:uuid}"
MANAGE: dict[str, Any] = {"permission": Permission.CASE_MANAGE, "include_in_schema": False}
ACT: dict[str, Any] = {
    "permission": Permission.CASE_MANAGE,
    "include_in_schema": False,
    "status_code": 303,
}
SHOWN = ("merchant", "buyer", "time", "operator", "nobody")


class TemplateForm(Form):
    name: str
    body: str


class AddressForm(Form):
    recipient: str
    phone: str
    province: str = ""
    city: str = ""
    line: str = ""


class Nothing(Form):
    """A button."""


def seat_of(store_id: UUID, case_id: UUID) -> Seat:
    base = f"/merchant/stores/{store_id}/service"
    return Seat(Side.MERCHANT, "merchant/base.html", f"{base}/{case_id}", base)


@get(STORE + "/service", **MANAGE)
async def desk(
    store_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    show: FromQuery[str] = "merchant",
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    """Open cases by deadline, whose turn it is first; `show=time`: of buyers who ask for more time;
    `show=all` lists every case."""
    words, start = q.strip()[:40], cursor_values(after, tuple[datetime, UUID])
    asked: dict[str, Any] = {"store_id": StoreId(store_id), "words": words, "most": PAGE_ROWS + 1}
    chosen = show if show in (*SHOWN, "all") else "merchant"
    if chosen == "all":
        found = await store_cases(conn, before=start, **asked)
        rows, following = cut(found, lambda row: (row.opened_at, row.id))
    else:
        is_time = chosen == "time"
        found = await store_queue(
            conn, waiting="buyer" if is_time else chosen, asks_for_time=is_time, after=start,
            **asked,
        )  # fmt: skip
        rows, following = cut(found, lambda row: (row.due_at, row.id))
    return await merchant_page(
        request, conn, "cases/desk.html", store_id=store_id, rows=rows, show=chosen, q=words,
        counts=await queue_counts(conn, store_id=StoreId(store_id)),
        next_url=next_url(request, following), first_url=first_url(request), **case_words(),
    )  # fmt: skip


@get(CASE, **MANAGE)
async def one(
    store_id: FromPath[UUID], case_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Page:
    return await _page(request, conn, store_id, case_id)


async def _page(request: AnyRequest, conn: Conn, store_id: UUID, case_id: UUID) -> Page:
    store = await store_of(conn, store_id=StoreId(store_id))
    seat = seat_of(store_id, case_id)
    return await case_page(request, conn, seat, StoreId(store_id), case_id, store=store)


@post(CASE + "/act", **ACT)
async def act_on(
    store_id: FromPath[UUID],
    case_id: FromPath[UUID],
    data: FormData[ActForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Answer:
    act = Act(store_id=StoreId(store_id), case_id=case_id, person_id=who.person_id, at=now)
    store = await store_of(conn, store_id=StoreId(store_id))
    case = await case_of(conn, store_id=StoreId(store_id), case_id=case_id)
    return await on_case(
        request, conn, seat_of(store_id, case_id), StoreId(store_id), case_id,
        lambda: do_act(conn, act, Side.MERCHANT, data, case.currency), store=store,
    )  # fmt: skip


@post(CASE + "/say", **ACT)
async def say_in(
    store_id: FromPath[UUID],
    case_id: FromPath[UUID],
    data: FormData[SayForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Answer:
    act = Act(store_id=StoreId(store_id), case_id=case_id, person_id=who.person_id, at=now)
    store = await store_of(conn, store_id=StoreId(store_id))
    return await on_case(
        request, conn, seat_of(store_id, case_id), StoreId(store_id), case_id,
        lambda: say(conn, act, side=Side.MERCHANT, body=data.body), store=store,
    )  # fmt: skip


@post(CASE + "/evidence", **ACT)
async def show_in(
    store_id: FromPath[UUID], case_id: FromPath[UUID], request: AnyRequest, who: Who, conn: Conn
) -> Answer:
    store = await store_of(conn, store_id=StoreId(store_id))
    seat = seat_of(store_id, case_id)
    return await take_evidence(request, seat, who, StoreId(store_id), case_id, store=store)


@get(STORE + "/service-desk", **MANAGE)
async def desk_settings(store_id: FromPath[UUID], request: AnyRequest, conn: Conn) -> Page:
    """Reply templates and the address that goods go back to."""
    templates, addresses = await desk_rows(conn, store_id=StoreId(store_id))
    return await merchant_page(
        request, conn, "cases/desk_settings.html", store_id=store_id, templates=templates,
        addresses=addresses,
    )  # fmt: skip


def _settings(store_id: UUID) -> Response[Any]:
    return see(f"/merchant/stores/{store_id}/service-desk")


@post(STORE + "/service-desk/templates", **ACT)
async def new_template(
    store_id: FromPath[UUID], data: FormData[TemplateForm], conn: Conn, now: Now
) -> Response[Any]:
    await add_template(conn, store_id=StoreId(store_id), name=data.name, body=data.body, at=now)
    return _settings(store_id)


@post(STORE + "/service-desk/templates/{template_id:uuid}/remove", **ACT)
async def old_template(
    store_id: FromPath[UUID],
    template_id: FromPath[UUID],
    data: FormData[Nothing],
    conn: Conn,
    now: Now,
) -> Response[Any]:
    await remove_template(conn, store_id=StoreId(store_id), template_id=template_id, at=now)
    return _settings(store_id)


@post(STORE + "/service-desk/address", **ACT)
async def new_address(
    store_id: FromPath[UUID], data: FormData[AddressForm], conn: Conn, now: Now
) -> Response[Any]:
    await set_return_address(
        conn, store_id=StoreId(store_id), recipient=data.recipient, phone=data.phone,
        province=data.province, city=data.city, line=data.line, at=now,
    )  # fmt: skip
    return _settings(store_id)


HANDLERS: list[HTTPRouteHandler] = [
    desk, one, act_on, say_in, show_in, desk_settings, new_template, old_template, new_address,
]  # fmt: skip
