"""API v1, a store's carriers: who carries, what it costs from when on, what a parcel would cost."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import StoreId
from dougong.base.money import Money
from dougong.catalog.queries import store_of
from dougong.infra.settings import serving_url
from dougong.supply.carrier_commands import add_carrier, add_rates
from dougong.supply.carrier_queries import carrier_of, carriers_of, rates_of
from dougong.supply.carrier_rules import ANYWHERE, PROVINCES, CarrierKind, Rate, price
from dougong.web.account.common import AnyRequest
from dougong.web.api.common import STORE, Filled, Instant, MaybeKey, OneLine, filled, once_if
from dougong.web.api.fulfilment import note
from dougong.web.api.fulfilment_types import CarrierCode, Grams, Size
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Input

CARRIERS = STORE + "/carriers"
CARRIER = CARRIERS + "/{carrier:str}"
WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "tags": ["carriers"]}
MANAGE: dict[str, Any] = {"permission": Permission.STOCK_MANAGE, "tags": ["carriers"]}
# A province by its short name, or "*".
RateMinor = Annotated[int, Meta(ge=0, le=100_000_000_000, description="Minor units, such as fen.")]
Province = Annotated[str, Meta(extra_json_schema={"enum": [ANYWHERE, *PROVINCES]})]


class CarrierInput(Input):
    """`kind`: `table` (own rates; numbers are typed), `manual` (only a name), or `sandbox` (the
    carrier that comes with the platform, which makes waybills)."""

    code: CarrierCode
    name: Annotated[Filled, Meta(min_length=1, max_length=60)]
    kind: CarrierKind


class CarrierRow(msgspec.Struct):
    """`closed_at`: offered no more since then."""

    code: str
    name: str
    kind: str
    made_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> Self:
        return filled(cls, row)


class Carriers(msgspec.Struct):
    items: list[CarrierRow]


class RateRow(msgspec.Struct):
    """The first grams cost `first`, every further begun `further_g` another `further`. `divisor`:
    cubic centimetres that count as a kilogram; 0: volume is free. In force in [starts, ends)."""

    zone: str
    from_province: str
    to_province: str
    first_g: int
    first: Money
    further_g: int
    further: Money
    divisor: int
    starts: datetime
    ends: datetime | None

    @classmethod
    def of(cls, rate: Rate, currency: str) -> Self:
        first, further = (Money(m, currency) for m in (rate.first_minor, rate.further_minor))
        return filled(cls, rate, first=first, further=further)


class CarrierDetail(msgspec.Struct):
    """`webhook_url`: where the carrier, or a tracking service, tells of parcels, signed with
    `webhook_secret`. `rates`: of any date, by zone and way."""

    carrier: CarrierRow
    webhook_url: str
    webhook_secret: str
    rates: list[RateRow]


class RateInput(Input, kw_only=True):
    """Rows of one zone, one for each of `to_provinces`; `*`: anywhere. A row of the same way that
    is in force ends where this one starts."""

    zone: Annotated[Filled, Meta(min_length=1, max_length=40)]
    from_province: Province = "*"
    to_provinces: Annotated[list[Province], Meta(min_length=1, max_length=35)]
    first_g: Annotated[int, Meta(ge=1, le=1_000_000)]
    first_minor: RateMinor
    further_g: Annotated[int, Meta(ge=1, le=1_000_000)]
    further_minor: RateMinor
    divisor: Annotated[int, Meta(ge=0, le=100_000)] = 0
    starts: Instant


class ParcelInput(Input, kw_only=True):
    to_province: Annotated[OneLine, Meta(max_length=20)]
    weight_g: Grams
    size_mm: Size | None = None


class ParcelPrice(msgspec.Struct):
    """`charged_g`: the greater of weight and volume; `steps`: of `further_g` beyond the first."""

    price: Money
    charged_g: int
    volume_g: int
    steps: int
    rate: RateRow


@get(CARRIERS, summary="Carriers of a store", **WORK)
async def list_carriers(store_id: FromPath[UUID], conn: Conn) -> Carriers:
    """By name."""
    rows = await carriers_of(conn, store_id=StoreId(store_id))
    return Carriers([CarrierRow.of(row) for row in rows])


async def _carrier(conn: AsyncConnection, store_id: UUID, code: str) -> CarrierDetail:
    ours = StoreId(store_id)
    row = await carrier_of(conn, store_id=ours, code=code)
    store = await store_of(conn, store_id=ours)
    return CarrierDetail(
        carrier=CarrierRow.of(row),
        webhook_url=f"{serving_url()}/gateways/carriers/{store_id}/{code}/events",
        webhook_secret=row.secret,
        rates=[
            RateRow.of(rate, store.currency)
            for rate in await rates_of(conn, store_id=ours, carrier=code)
        ],
    )


@post(CARRIERS, status_code=201, summary="Add a carrier", **MANAGE)
async def make_carrier(
    store_id: FromPath[UUID],
    data: JSONBody[CarrierInput],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
    key: MaybeKey = None,
) -> CarrierDetail:
    """409 when the store has one of this code."""

    async def make() -> CarrierDetail:
        await add_carrier(
            conn, store_id=StoreId(store_id), code=data.code, name=data.name, kind=data.kind, at=now
        )
        await note(conn, request, who, now, store_id, "supply.carrier_added", data.code)
        return await _carrier(conn, store_id, data.code)

    return await once_if(
        conn, key=key, owner_id=store_id, route="POST carriers", request=data,
        answer=CarrierDetail, at=now, make=make,
    )  # fmt: skip


@get(CARRIER, summary="A carrier with its rates", **MANAGE)
async def read_carrier(
    store_id: FromPath[UUID], carrier: FromPath[str], conn: Conn
) -> CarrierDetail:
    """Of any date."""
    return await _carrier(conn, store_id, carrier)


@post(CARRIER + "/rates", status_code=201, summary="Add rates of a zone", **MANAGE)
async def make_rates(
    store_id: FromPath[UUID],
    carrier: FromPath[str],
    data: JSONBody[RateInput],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
    key: MaybeKey = None,
) -> CarrierDetail:
    """All of them, or none: 409 `rate_overlaps` when a later one of the same way is there."""
    if len(set(data.to_provinces)) < len(data.to_provinces):
        raise BadInput(field="to_provinces", reason="duplicate_id")
    if unknown := {*data.to_provinces, data.from_province} - {*PROVINCES, ANYWHERE}:
        raise BadInput(field="to_provinces", reason="unknown_value", value=min(unknown))

    async def make() -> CarrierDetail:
        await add_rates(
            conn,
            store_id=StoreId(store_id),
            carrier=carrier,
            rates=[_rate(data, province) for province in data.to_provinces],
            person_id=who.person_id,
            at=now,
        )
        await note(conn, request, who, now, store_id, "supply.rates_added", carrier)
        return await _carrier(conn, store_id, carrier)

    return await once_if(
        conn, key=key, owner_id=store_id, route="POST rates", request=(carrier, data),
        answer=CarrierDetail, at=now, make=make,
    )  # fmt: skip


def _rate(data: RateInput, province: str) -> Rate:
    return filled(Rate, data, to_province=province, ends=None)


@post(CARRIER + "/price", status_code=200, summary="What a parcel would cost now", **WORK)
async def reckon(
    store_id: FromPath[UUID],
    carrier: FromPath[str],
    data: JSONBody[ParcelInput],
    conn: Conn,
    now: Now,
) -> ParcelPrice:
    """By the rates in force; nothing is asked of the carrier. 409 `no_rate`."""
    ours = StoreId(store_id)
    await carrier_of(conn, store_id=ours, code=carrier)
    currency = (await store_of(conn, store_id=ours)).currency
    found = price(
        await rates_of(conn, store_id=ours, carrier=carrier),
        from_province=ANYWHERE,
        to_province=data.to_province,
        weight_g=data.weight_g,
        size_mm=data.size_mm,
        at=now,
    )
    return ParcelPrice(
        price=Money(found.minor, currency),
        charged_g=found.charged_g,
        volume_g=found.volume_g,
        steps=found.steps,
        rate=RateRow.of(found.rate, currency),
    )


HANDLERS: list[HTTPRouteHandler] = [
    list_carriers, make_carrier, read_carrier, make_rates, reckon,
]  # fmt: skip
