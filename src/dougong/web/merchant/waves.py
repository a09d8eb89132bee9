"""Waves and what comes after them: packed parcels, their waybills and labels, hand-over lists."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.base.time import day_window, local_day
from dougong.flows.choose_carrier import carry
from dougong.flows.hand_over import hand_over, list_parcels
from dougong.flows.pack_orders import open_package
from dougong.flows.waybills import request_waybill
from dougong.infra.settings import settings
from dougong.reads.wave_board import waiting_at
from dougong.reads.waves import (
    label_rows,
    list_row,
    list_rows,
    packed_rows,
    pick_list,
    planned_carriers,
    wave_row,
    wave_rows,
)
from dougong.supply.carrier_queries import carriers_of
from dougong.supply.carrier_rules import PROVINCES
from dougong.supply.fulfilment_rules import CHEAPEST, WaveChoice, WaveLines
from dougong.supply.wave_commands import begin_wave, close_wave
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    STORE,
    many,
    merchant_page,
    problem_words,
    see,
    store_url,
    whole,
)
from dougong.web.merchant.fulfilment import WORDS
from dougong.web.parcel_labels import MOST_LABELS, labels_answer
from dougong.web.render import Page

HERE = STORE + "/fulfilment"
WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "include_in_schema": False}
MOST = 200
MOST_ORDERS = 200


class WaveForm(Form, kw_only=True):
    warehouse: str = ""
    lines: WaveLines = WaveLines.ANY
    province: str = ""
    carrier: str = ""
    most: str = "20"


class Nothing(Form):
    """A button."""


class ParcelsForm(Form, kw_only=True):
    act: str
    package: str | list[str] = ""
    carrier: str = ""


class CloseForm(Form, kw_only=True):
    taken_by: str = ""


async def _waves_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    store_id: UUID,
    now: Now,
    typed: WaveForm | None = None,
    error: Refusal | None = None,
) -> Page:
    ours = StoreId(store_id)
    zone = ZoneInfo(settings().timezone)
    _, tomorrow = day_window(local_day(now, zone), zone)
    return await merchant_page(
        request,
        conn,
        "merchant/waves.html",
        store_id=store_id,
        status=error.status if error else 200,
        rows=await wave_rows(conn, store_id=ours, most=MOST),
        warehouses=await waiting_at(conn, store_id=ours, now=now, tomorrow=tomorrow),
        provinces=PROVINCES,
        carriers=await carriers_of(conn, store_id=ours, is_open=True),
        cheapest=CHEAPEST,
        typed=typed or WaveForm(),
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
    )


@get(HERE + "/waves", **WORK)
async def waves_page(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn, now: Now
) -> Page:
    return await _waves_page(request, conn, store_id, now)


@post(HERE + "/waves", **WORK)
async def new_wave(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[WaveForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """The orders whose promise is nearest go together."""
    try:
        choice = _choice(data)
        wave_id = await begin_wave(
            conn, store_id=StoreId(store_id), choice=choice, by_id=who.person_id, at=now
        )
    except Refusal as refusal:
        return await _waves_page(request, conn, store_id, now, data, refusal)
    await _note(conn, request, who, now, store_id, "supply.wave_begun", wave_id)
    return see(store_url(store_id, f"fulfilment/waves/{wave_id}"))


def _choice(data: WaveForm) -> WaveChoice:
    """Raises BadInput."""
    try:
        warehouse_id = UUID(data.warehouse) if data.warehouse else None
    except ValueError as error:
        raise BadInput(field="warehouse_id", reason="unknown_value") from error
    return WaveChoice(
        most=whole(data.most, field="most", most=MOST_ORDERS) or 20,
        warehouse_id=warehouse_id,
        lines=data.lines,
        province=data.province,
        carrier=data.carrier,
    )


async def _note(
    conn: Conn, request: Any, who: Who, now: Now, store_id: UUID, action: str, subject: object
) -> None:
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action=action,
        owner_id=store_id,
        subject=str(subject),
        request_id=request_id(request),
    )


@get(HERE + "/waves/{wave_id:uuid}", **WORK)
async def wave_page(
    store_id: FromPath[UUID],
    wave_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
) -> Page:
    """The pick list, to print."""
    ours = StoreId(store_id)
    wave = await wave_row(conn, store_id=ours, wave_id=wave_id)
    rows = await pick_list(conn, store_id=ours, wave_id=wave_id)
    return await merchant_page(
        request, conn, "merchant/wave.html", store_id=store_id, wave=wave, rows=rows
    )


@post(HERE + "/waves/{wave_id:uuid}/close", **WORK)
async def end_wave(
    store_id: FromPath[UUID],
    wave_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[Nothing],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    await close_wave(conn, store_id=StoreId(store_id), wave_id=wave_id, at=now)
    await _note(conn, request, who, now, store_id, "supply.wave_closed", wave_id)
    return see(store_url(store_id, "fulfilment/waves"))


async def _packed_page(
    request: Request[Any, Any, Any], conn: Conn, store_id: UUID, error: Refusal | None = None
) -> Page:
    ours = StoreId(store_id)
    return await merchant_page(
        request,
        conn,
        "merchant/packed.html",
        store_id=store_id,
        status=error.status if error else 200,
        rows=await packed_rows(conn, store_id=ours, most=MOST),
        lists=await list_rows(conn, store_id=ours, most=20),
        carriers=await carriers_of(conn, store_id=ours, is_open=True),
        cheapest=CHEAPEST,
        bad_words=problem_words(error) if error else "",
        **WORDS,
    )


@get(HERE + "/packed", **WORK)
async def packed_page(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    return await _packed_page(request, conn, store_id)


@post(HERE + "/packed", **WORK)
async def with_parcels(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[ParcelsForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Do something with the chosen parcels: waybills, labels, a hand-over list, open them."""
    try:
        chosen = [UUID(one) for one in many(data.package) if one]
    except ValueError as error:
        raise BadInput(field="package", reason="unknown_value") from error
    try:
        async with conn.begin_nested():
            where = await _do(conn, StoreId(store_id), data, chosen, who, now)
    except Refusal as refusal:
        return await _packed_page(request, conn, store_id, refusal)
    await _note(conn, request, who, now, store_id, f"supply.parcels_{data.act}", len(chosen))
    return see(where)


async def _do(
    conn: Conn, store_id: StoreId, data: ParcelsForm, chosen: list[UUID], who: Who, now: Now
) -> str:
    """Answers where to go. Raises what the flows do."""
    if not chosen or len(chosen) > MOST:
        raise BadInput(field="package", reason="no_parcel")
    by: dict[str, Any] = {"by_id": who.person_id, "at": now}
    if data.act == "labels":
        ids = "&".join(f"package={one}" for one in chosen)
        return store_url(store_id, f"fulfilment/labels.pdf?{ids}")
    if data.act == "list":
        list_id = await list_parcels(conn, store_id=store_id, package_ids=chosen, **by)
        return store_url(store_id, f"fulfilment/hand-overs/{list_id}")
    planned = await planned_carriers(conn, store_id=store_id, ids=chosen)
    for package_id in sorted(chosen):
        named: dict[str, Any] = {"store_id": store_id, "package_id": package_id}
        if data.act == "waybills":
            carrier = data.carrier or planned.get(package_id) or ""
            if carrier == CHEAPEST:
                await carry(conn, **named, carrier=carrier, tracking_no="", **by)
            else:
                await request_waybill(conn, **named, carrier=carrier, **by)
        elif data.act == "open":
            await open_package(conn, **named, reason="by hand", **by)
        else:
            raise BadInput(field="act", reason="unknown_value")
    return store_url(store_id, "fulfilment/packed")


@get(HERE + "/labels.pdf", **WORK)
async def labels(
    store_id: FromPath[UUID], package: FromQuery[list[UUID] | None] = None
) -> Response[bytes]:
    """One document for a batch: of packages, or of all on a hand-over list."""
    return await labels_answer(StoreId(store_id), package or [])


@get(HERE + "/hand-overs/{list_id:uuid}", **WORK)
async def list_page(
    store_id: FromPath[UUID],
    list_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
) -> Page:
    """What a driver takes along, to print and to sign."""
    ours = StoreId(store_id)
    found = await list_row(conn, store_id=ours, list_id=list_id)
    rows = await label_rows(conn, store_id=ours, ids=[list_id], most=MOST_LABELS)
    return await merchant_page(
        request, conn, "merchant/hand_over.html", store_id=store_id, list=found, rows=rows
    )


@post(HERE + "/hand-overs/{list_id:uuid}/close", **WORK)
async def close_hand_over(
    store_id: FromPath[UUID],
    list_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[CloseForm],
    who: Who,
) -> Response[Any]:
    """The driver has signed: the parcels are shipped."""
    await hand_over(
        store_id=StoreId(store_id),
        list_id=list_id,
        taken_by=data.taken_by,
        by_id=who.person_id,
    )
    return see(store_url(store_id, f"fulfilment/hand-overs/{list_id}"))


HANDLERS: list[HTTPRouteHandler] = [
    waves_page,
    new_wave,
    wave_page,
    end_wave,
    packed_page,
    with_parcels,
    labels,
    list_page,
    close_hand_over,
]
