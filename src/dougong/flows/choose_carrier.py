"""Who carries a packed package: a named carrier, or the one whose rate for it is lowest."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import PersonId, StoreId
from dougong.flows.waybills import adapter_of, give_to_carrier, parcel_of, request_waybill
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.jobs import defer, task
from dougong.supply.adapters.carrier import Carrier, CarrierAway, CarrierRefused, Parcel, Quote
from dougong.supply.carrier_queries import carrier_of, carriers_of
from dougong.supply.carrier_rules import CarrierKind
from dougong.supply.fulfilment_rules import CHEAPEST
from dougong.supply.packing_commands import lock_packed, plan_carrier
from dougong.supply.tracking_rules import PackageWrongState


async def carry(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_id: UUID,
    carrier: str,
    tracking_no: str,
    by_id: PersonId,
    at: datetime,
) -> None:
    """A carrier is chosen for a packed package, or CHEAPEST for the lowest rate, after the commit.
    One that makes waybills is asked for one; for any other the number may be typed later.

    Raises what flows/waybills.py does.
    """
    named: dict[str, Any] = {"store_id": store_id, "package_id": package_id}
    if carrier == CHEAPEST:
        await lock_packed(conn, **named)
        await defer(
            conn,
            "supply.choose_carrier",
            lock=f"carrier:{package_id}",
            store_id=str(store_id),
            package_id=str(package_id),
            by_id=str(by_id),
        )
        return
    row = await carrier_of(conn, store_id=store_id, code=carrier)
    await plan_carrier(conn, **named, carrier=carrier, cost_minor=None)
    if row.kind == CarrierKind.SANDBOX or tracking_no.strip():
        await give_to_carrier(
            conn, **named, carrier=carrier, tracking_no=tracking_no, by_id=by_id, at=at
        )


@task("supply.choose_carrier", retries=8)
async def choose_carrier(store_id: str, package_id: str, by_id: str) -> None:
    """Ask every open carrier for its rate. A package that was opened or got its number in the
    meantime is left alone; where nobody has a rate it waits for a choice by hand."""
    ours, this = StoreId(UUID(store_id)), UUID(package_id)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        if not await _waits(conn, ours, this):
            return
        parcel = await parcel_of(conn, ours, this)
        rows = await carriers_of(conn, store_id=ours, is_open=True)
        asked = [(r.code, await adapter_of(conn, store_id=ours, code=r.code)) for r in rows]
    quotes = await _quotes(asked, parcel, at=at)
    if not quotes:
        return
    minor, code = min((quote.minor, code) for code, quote in quotes.items())
    makes = {row.code for row in rows if row.kind == CarrierKind.SANDBOX}
    async with transaction() as conn:
        at = await clock.refresh(conn)
        if not await _waits(conn, ours, this):
            return
        await plan_carrier(conn, store_id=ours, package_id=this, carrier=code, cost_minor=minor)
        if code in makes:
            await request_waybill(
                conn, store_id=ours, package_id=this, carrier=code,
                by_id=PersonId(UUID(by_id)), at=at,
            )  # fmt: skip


async def _waits(conn: AsyncConnection, store_id: StoreId, package_id: UUID) -> bool:
    try:
        row = await lock_packed(conn, store_id=store_id, package_id=package_id)
    except (NotFound, PackageWrongState):
        return False
    return not row.tracking_no


async def _quotes(
    asked: Iterable[tuple[str, Carrier]], parcel: Parcel, *, at: datetime
) -> dict[str, Quote]:
    """By carrier. Raises CarrierAway where none has a rate and one could not be asked."""
    found, away = {}, None
    for code, carrier in asked:
        try:
            found[code] = await carrier.rate(parcel, at=at)
        except CarrierAway as error:
            away = error
        except (CarrierRefused, Refusal):
            continue  # no rate for this way, or not for this weight
    if away is not None and not found:
        raise away
    return found
