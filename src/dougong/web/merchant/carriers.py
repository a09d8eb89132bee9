"""Carriers of a store: who carries, what it costs from when on, and a reckoner."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.catalog.queries import store_of
from dougong.flows.load_tracking import local_instant
from dougong.infra.settings import serving_url
from dougong.supply.carrier_commands import add_carrier, add_rates, close_carrier
from dougong.supply.carrier_queries import carrier_of, carriers_of, rates_of
from dougong.supply.carrier_rules import ANYWHERE, PROVINCES, CarrierKind, Price, Rate, price
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    STORE,
    amount,
    many,
    merchant_page,
    problem_words,
    see,
    store_url,
    whole,
)
from dougong.web.render import Page

ONE = STORE + "/carriers/{code:str}"
MANAGE: dict[str, Any] = {"permission": Permission.STOCK_MANAGE, "include_in_schema": False}
DIVISOR = 8_000  # what most Chinese parcel carriers count: cm³ for a kilogram
MOST_MM = 3_000
NOTHING_ASKED: dict[str, Any] = {"to": "", "weight_g": "", "size": "", "price": None}


class CarrierForm(Form, kw_only=True):
    code: str
    name: str
    kind: CarrierKind


class SwitchForm(Form, kw_only=True):
    is_open: bool


class RateForm(Form, kw_only=True):
    zone: str
    from_province: str = ANYWHERE
    to_province: str | list[str] = ANYWHERE
    first_g: str
    first: str
    further_g: str
    further: str
    divisor: str = ""
    starts: str


@get(STORE + "/carriers", **MANAGE)
async def carrier_list(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    return await _list_page(request, conn, store_id)


async def _list_page(
    request: Request[Any, Any, Any], conn: Conn, store_id: UUID, error: Refusal | None = None
) -> Page:
    return await merchant_page(
        request,
        conn,
        "merchant/carriers.html",
        store_id=store_id,
        status=error.status if error else 200,
        rows=await carriers_of(conn, store_id=StoreId(store_id)),
        kinds=list(CarrierKind),
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
    )


@post(STORE + "/carriers", **MANAGE)
async def new_carrier(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[CarrierForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        await add_carrier(
            conn,
            store_id=StoreId(store_id),
            code=data.code,
            name=data.name,
            kind=data.kind,
            at=now,
        )
    except Refusal as refusal:
        return await _list_page(request, conn, store_id, refusal)
    await _note(conn, request, who, now, store_id, "supply.carrier_added", data.code)
    return see(store_url(store_id, f"carriers/{data.code.strip().lower()}"))


async def _note(
    conn: Conn, request: Any, who: Who, now: Now, store_id: UUID, action: str, code: str
) -> None:
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action=action,
        owner_id=store_id,
        subject=code,
        request_id=request_id(request),
    )


async def _carrier_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    store_id: UUID,
    code: str,
    now: Now,
    error: Refusal | None = None,
    asked: dict[str, Any] | None = None,
) -> Page:
    ours = StoreId(store_id)
    carrier = await carrier_of(conn, store_id=ours, code=code)
    return await merchant_page(
        request,
        conn,
        "merchant/carrier.html",
        store_id=store_id,
        status=error.status if error else 200,
        carrier=carrier,
        rates=await rates_of(conn, store_id=ours, carrier=code),
        provinces=PROVINCES,
        anywhere=ANYWHERE,
        divisor=DIVISOR,
        webhook_url=f"{serving_url()}/gateways/carriers/{store_id}/{code}/events",
        asked=NOTHING_ASKED | (asked or {}),
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
    )


@get(ONE, **MANAGE)
async def carrier_page(
    store_id: FromPath[UUID],
    code: FromPath[str],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    to: FromQuery[str] = "",
    weight_g: FromQuery[str] = "",
    size: FromQuery[str] = "",
) -> Page:
    """Its rates, and what a parcel to a province would cost now."""
    asked: dict[str, Any] = {"to": to, "weight_g": weight_g, "size": size}
    if not weight_g:
        return await _carrier_page(request, conn, store_id, code, now, asked=asked)
    rates = await rates_of(conn, store_id=StoreId(store_id), carrier=code)
    try:
        asked["price"] = _price(rates, to, weight_g, size, now)
    except Refusal as refusal:
        return await _carrier_page(request, conn, store_id, code, now, refusal, asked)
    return await _carrier_page(request, conn, store_id, code, now, asked=asked)


def _price(rates: list[Rate], to: str, weight_g: str, size: str, now: Now) -> Price:
    return price(
        rates,
        from_province=ANYWHERE,
        to_province=to,
        weight_g=whole(weight_g, field="weight_g") or 0,
        size_mm=size_mm(size),
        at=now,
    )


def size_mm(text: str) -> tuple[int, int, int] | None:
    """Three typed centimetres as in 30 × 20 × 10; None for nothing typed. Raises BadInput."""
    plain = text.replace("×", "x").replace("*", "x").lower().strip()
    if not plain:
        return None
    parts = [part.strip() for part in plain.split("x")]
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise BadInput(field="size", reason="not_a_size")
    a, b, c = (int(part[:6]) * 10 for part in parts)
    if not all(0 < side <= MOST_MM for side in (a, b, c)):
        raise BadInput(field="size", reason="out_of_range")
    return a, b, c


@post(ONE + "/rates", **MANAGE)
async def new_rates(
    store_id: FromPath[UUID],
    code: FromPath[str],
    request: Request[Any, Any, Any],
    data: FormData[RateForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Rows of one zone: one for each province that was chosen."""
    try:
        async with conn.begin_nested():
            store = await store_of(conn, store_id=StoreId(store_id))
            await add_rates(
                conn,
                store_id=StoreId(store_id),
                carrier=code,
                rates=_rates(data, store.currency),
                person_id=who.person_id,
                at=now,
            )
    except Refusal as refusal:
        return await _carrier_page(request, conn, store_id, code, now, refusal)
    await _note(conn, request, who, now, store_id, "supply.rates_added", code)
    return see(store_url(store_id, f"carriers/{code}"))


def _rates(data: RateForm, currency: str) -> list[Rate]:
    provinces = many(data.to_province)
    if not data.zone.strip():
        raise BadInput(field="zone", reason="missing")
    if unknown := {*provinces, data.from_province} - {*PROVINCES, ANYWHERE}:
        raise BadInput(field="to_province", reason="unknown_value", value=min(unknown))
    return [
        Rate(
            zone=data.zone.strip()[:40],
            from_province=data.from_province,
            to_province=province,
            first_g=_grams(data.first_g, "first_g"),
            first_minor=amount(data.first, currency, field="first") or 0,
            further_g=_grams(data.further_g, "further_g"),
            further_minor=amount(data.further, currency, field="further") or 0,
            divisor=whole(data.divisor, field="divisor", most=100_000) or 0,
            starts=local_instant(data.starts),
            ends=None,
        )
        for province in provinces
    ]


def _grams(text: str, field: str) -> int:
    grams = whole(text, field=field, most=1_000_000)
    if not grams:
        raise BadInput(field=field, reason="missing")
    return grams


@post(ONE + "/switch", **MANAGE)
async def switch_carrier(
    store_id: FromPath[UUID],
    code: FromPath[str],
    request: Request[Any, Any, Any],
    data: FormData[SwitchForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Offer it no more, or again."""
    await close_carrier(conn, store_id=StoreId(store_id), code=code, is_open=data.is_open, at=now)
    action = "supply.carrier_opened" if data.is_open else "supply.carrier_closed"
    await _note(conn, request, who, now, store_id, action, code)
    return see(store_url(store_id, f"carriers/{code}"))


HANDLERS: list[HTTPRouteHandler] = [
    carrier_list,
    new_carrier,
    carrier_page,
    new_rates,
    switch_carrier,
]
