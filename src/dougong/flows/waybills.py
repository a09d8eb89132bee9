"""Waybills: asked for in a transaction, made by a job after it. The carrier may answer late, twice
or never: each request carries the waybill's id as its key, and the carrier carries it out once."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, Conflict, NotFound
from dougong.base.ids import PersonId, StoreId
from dougong.catalog.queries import store_of
from dougong.flows.track_packages import number_known, tracking_arrived
from dougong.infra import clock, pause
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.jobs import defer, task
from dougong.infra.settings import serving_url
from dougong.reads.fulfilment import package_story
from dougong.supply.adapters.carrier import (
    Carrier,
    CarrierAway,
    CarrierRefused,
    Made,
    Parcel,
    Place,
)
from dougong.supply.adapters.sandbox import Sandbox
from dougong.supply.adapters.table import Table
from dougong.supply.carrier_queries import carrier_of, rates_of, sends_from
from dougong.supply.carrier_rules import CarrierKind, WaybillState
from dougong.supply.fulfilment_rules import CarrierMakesNone, WaybillWrongState
from dougong.supply.packing_commands import give_number, lock_packed, take_number
from dougong.supply.tracking_rules import tracking_number
from dougong.supply.waybill_commands import (
    ask_waybill,
    live_waybill,
    lock_waybill,
    move_waybill,
    waiting_waybills,
)

AGAIN_AFTER = timedelta(minutes=5)
MOST_AGAIN = 200


async def adapter_of(conn: AsyncConnection, *, store_id: StoreId, code: str) -> Carrier:
    """Raises CarrierUnknown."""
    row = await carrier_of(conn, store_id=store_id, code=code)
    if row.kind == CarrierKind.SANDBOX:
        url = f"{serving_url()}/gateways/carriers/{store_id}/{code}/events"
        return Sandbox(callback_url=url, secret=row.secret)
    return Table(await rates_of(conn, store_id=store_id, carrier=code))


async def request_waybill(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_id: UUID,
    carrier: str,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """Ask a carrier for a waybill of a packed package, after the commit.

    Raises NotFound, CarrierUnknown, CarrierMakesNone, PackageWrongState, WaybillWrongState.
    """
    row = await carrier_of(conn, store_id=store_id, code=carrier)
    if row.kind != CarrierKind.SANDBOX or row.closed_at is not None:
        raise CarrierMakesNone(field="carrier")
    await lock_packed(conn, store_id=store_id, package_id=package_id)
    waybill_id = await ask_waybill(
        conn, store_id=store_id, package_id=package_id, carrier=carrier, by_id=by_id, at=at
    )
    await _defer(conn, store_id, waybill_id)
    return waybill_id


async def _defer(conn: AsyncConnection, store_id: StoreId, waybill_id: UUID) -> None:
    await defer(
        conn,
        "supply.tell_carrier",
        lock=f"waybill:{waybill_id}",
        queueing_lock=f"waybill:{waybill_id}",
        store_id=str(store_id),
        waybill_id=str(waybill_id),
    )


async def drop_waybill(
    conn: AsyncConnection, *, store_id: StoreId, package_id: UUID, at: datetime
) -> None:
    """Call off a package's waybill, if it has one that can be; the carrier hears it later."""
    with suppress(NotFound, WaybillWrongState):
        await cancel_waybill(conn, store_id=store_id, package_id=package_id, at=at)


async def cancel_waybill(
    conn: AsyncConnection, *, store_id: StoreId, package_id: UUID, at: datetime
) -> None:
    """Call off a package's waybill; the carrier hears it after the commit.

    Raises NotFound where the package has none, WaybillWrongState.
    """
    row = await live_waybill(conn, store_id=store_id, package_id=package_id)
    to = WaybillState.CANCEL_ASKED
    await move_waybill(conn, store_id=store_id, waybill_id=row.id, to=to, at=at)
    await take_number(conn, store_id=store_id, package_id=package_id)
    await _defer(conn, store_id, row.id)


async def give_to_carrier(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_id: UUID,
    carrier: str,
    tracking_no: str,
    by_id: PersonId,
    at: datetime,
) -> None:
    """Who carries a packed package: a carrier that makes waybills is asked for one; for any other
    the typed number is the package's.

    Raises NotFound, CarrierUnknown, BadInput, BadTrackingNumber, PackageWrongState, Conflict when
    it has a number, WaybillWrongState.
    """
    row = await carrier_of(conn, store_id=store_id, code=carrier)
    if row.kind == CarrierKind.SANDBOX:
        await request_waybill(
            conn, store_id=store_id, package_id=package_id, carrier=carrier, by_id=by_id, at=at
        )
        return
    number = tracking_number(tracking_no)
    if not 4 <= len(number) <= 60:
        raise BadInput(field="tracking_no", reason="missing")
    package = await lock_packed(conn, store_id=store_id, package_id=package_id)
    if package.tracking_no:
        raise Conflict(field="tracking_no")
    with suppress(NotFound):
        waybill = await live_waybill(conn, store_id=store_id, package_id=package_id)
        raise WaybillWrongState(waybill_state=waybill.state)
    await give_number(
        conn, store_id=store_id, package_id=package_id, carrier=row.name, tracking_no=number
    )


async def intercept(
    conn: AsyncConnection, *, store_id: StoreId, package_id: UUID, at: datetime
) -> None:
    """Ask the carrier to turn a parcel round on its way. Raises NotFound, WaybillWrongState."""
    row = await live_waybill(conn, store_id=store_id, package_id=package_id)
    to = WaybillState.INTERCEPT_ASKED
    await move_waybill(conn, store_id=store_id, waybill_id=row.id, to=to, at=at)
    await _defer(conn, store_id, row.id)


@task("supply.tell_carrier", retries=8)
async def tell_carrier(store_id: str, waybill_id: str) -> None:
    """Do what a waybill waits for. One that has its answer already is left alone, so that this can
    run any number of times."""
    ours, this = StoreId(UUID(store_id)), UUID(waybill_id)
    async with transaction() as conn:
        row = await lock_waybill(conn, store_id=ours, waybill_id=this)
        carrier = await adapter_of(conn, store_id=ours, code=row.carrier)
        parcel = await parcel_of(conn, ours, row.package_id) if row.state == "asked" else None
    key = this.hex
    try:
        if parcel is not None:
            await _made(ours, this, await carrier.create_waybill(parcel, key=key))
        elif row.state == WaybillState.CANCEL_ASKED:
            await carrier.cancel(await _number(ours, row, carrier), key=key)
            await _answer(ours, this, WaybillState.CANCELLED)
        elif row.state == WaybillState.INTERCEPT_ASKED:
            await carrier.intercept(row.number, key=key)
            await _answer(ours, this, WaybillState.INTERCEPTED)
    except CarrierRefused as refused:
        back = WaybillState.REFUSED if parcel is not None else WaybillState.MADE
        await _answer(ours, this, back, reason=refused.reason)


async def _number(store_id: StoreId, row: Any, carrier: Carrier) -> str:
    """The number of a waybill that was called off before its answer came: asked for again by its
    key, which makes no second one."""
    if row.number:
        return str(row.number)
    async with transaction() as conn:
        parcel = await parcel_of(conn, store_id, row.package_id)
    made = await carrier.create_waybill(parcel, key=row.id.hex)
    return made.number


async def _made(store_id: StoreId, waybill_id: UUID, made: Made) -> None:
    """The carrier's number is the package's. A second answer finds it so and changes nothing; one
    that comes after the waybill was called off is kept by the job that calls it off."""
    await pause.point("waybill: answered")
    async with transaction() as conn:
        at = await clock.refresh(conn)
        row = await lock_waybill(conn, store_id=store_id, waybill_id=waybill_id)
        if row.state != WaybillState.ASKED:
            return
        number = tracking_number(made.number)
        await move_waybill(
            conn,
            store_id=store_id,
            waybill_id=waybill_id,
            to=WaybillState.MADE,
            number=number,
            cost_minor=made.minor,
            at=at,
        )
        carrier = await carrier_of(conn, store_id=store_id, code=row.carrier)
        package_id = row.package_id
        named = {"carrier": carrier.name, "tracking_no": number}
        await give_number(conn, store_id=store_id, package_id=package_id, **named)
        facts = named | {"waybill_id": str(waybill_id), "cost_minor": made.minor}
        await record(
            conn,
            "package.waybill_made",
            store_id=store_id,
            subject_id=package_id,
            at=at,
            facts=facts,
        )
        await number_known(
            conn, store_id=store_id, package_id=package_id, tracking_no=number, at=at
        )


async def _answer(
    store_id: StoreId, waybill_id: UUID, to: WaybillState, *, reason: str = ""
) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        row = await lock_waybill(conn, store_id=store_id, waybill_id=waybill_id)
        if row.state == to or (to is WaybillState.MADE and row.number is None):
            to = WaybillState.CANCELLED  # called off before the carrier had made it
        with suppress(WaybillWrongState):  # another run was faster
            await move_waybill(
                conn, store_id=store_id, waybill_id=waybill_id, to=to, reason=reason, at=at
            )
            facts = {"waybill_id": str(waybill_id), "state": str(to), "reason": reason}
            await record(
                conn,
                "package.waybill_answered",
                store_id=store_id,
                subject_id=row.package_id,
                at=at,
                facts=facts,
            )


async def parcel_of(conn: AsyncConnection, store_id: StoreId, package_id: UUID) -> Parcel:
    """A package as a carrier is told of it; it leaves its warehouse. Raises NotFound."""
    story = await package_story(conn, store_id=store_id, package_id=package_id)
    package, order = story["package"], story["order"]
    store = await store_of(conn, store_id=store_id)
    place = await sends_from(conn, store_id=store_id, warehouse_id=package.warehouse_id)
    at = (place.phone, place.province, place.city, "", place.line) if place else ("",) * 5
    to = {name: str(order.address.get(name) or "") for name in Place.__struct_fields__}
    return Parcel(
        sender=Place(store.name_zh, *at),
        receiver=Place(**(to | {"name": str(order.address.get("recipient") or "")})),
        weight_g=package.weight_g or 1,
        size_mm=tuple(package.size_mm) if package.size_mm else None,
        reference=order.number,
    )


@task("supply.ask_carriers_again", every="*/5 * * * * 0")
async def ask_again() -> None:
    """What a carrier has not answered for a while is asked again; it makes nothing twice."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        for store_id, waybill_id in await waiting_waybills(
            conn, before=at - AGAIN_AFTER, most=MOST_AGAIN
        ):
            await _defer(conn, StoreId(store_id), waybill_id)


async def ask_where_it_is(*, store_id: StoreId, package_id: UUID) -> int:
    """Ask the carrier for all that it knows of a parcel; answers how many events were new.

    Raises NotFound, CarrierUnknown, CarrierAway, CarrierRefused.
    """
    async with transaction() as conn:
        row = await live_waybill(conn, store_id=store_id, package_id=package_id)
        carrier = await adapter_of(conn, store_id=store_id, code=row.carrier)
    events = await carrier.track(row.number or "")
    async with transaction() as conn:
        noted = await tracking_arrived(
            conn,
            store_id=store_id,
            tracking_no=row.number or "",
            events=events,
            source="carrier",
            at=await clock.refresh(conn),
        )
    return sum(len(one.news) for one in noted)


__all__ = [
    "CarrierAway", "ask_where_it_is", "cancel_waybill", "drop_waybill", "give_to_carrier",
    "intercept", "request_waybill",
]  # fmt: skip
