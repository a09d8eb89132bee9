"""News of parcels: typed, from a file, from a carrier. The order's buyer, its merchant and the
merchant's servers hear of what is new; what was told before changes nothing."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import BadInput
from dougong.base.ids import PersonId, StoreId
from dougong.infra import pause
from dougong.infra.events import record
from dougong.supply.carrier_rules import province_of
from dougong.supply.tracking_commands import (
    Noted,
    keep_strays,
    note_events,
    packages_with,
    take_strays,
)
from dougong.supply.tracking_rules import Status, Told


async def track_package(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_id: UUID,
    events: Sequence[Told],
    source: str,
    by_id: UUID | None = None,
    at: datetime,
) -> Noted:
    """Keep the events of one package and say what is new. Raises NotFound."""
    noted = await note_events(
        conn,
        store_id=store_id,
        package_id=package_id,
        events=events,
        source=source,
        by_id=by_id,
        at=at,
    )
    await pause.point("track: noted")
    named = {"tracking_no": noted.tracking_no, "order_ids": [str(o) for o in noted.order_ids]}
    for event in noted.news:
        facts = named | {"status": str(event.status), "happened_at": event.at.isoformat()}
        facts |= {"place": event.place, "state": str(noted.after)}
        await record(
            conn, "package.tracked", store_id=store_id, subject_id=package_id, at=at, facts=facts
        )
    if noted.after != noted.before:
        facts = named | {"state": str(noted.after), "state_before": str(noted.before)}
        await record(
            conn,
            "package.state_changed",
            store_id=store_id,
            subject_id=package_id,
            at=at,
            facts=facts,
        )
    return noted


async def type_event(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_id: UUID,
    status: Status,
    happened_at: datetime,
    place: str,
    province: str,
    by_id: PersonId,
    at: datetime,
    request_id: str = "",
) -> Noted:
    """What somebody has heard of a parcel, by telephone say. Raises NotFound, BadInput."""
    if happened_at > at:
        raise BadInput(field="at", reason="in_the_future")
    key = f"typed:{happened_at.isoformat()}:{status}"
    told = Told(key, happened_at, status, "", place.strip()[:80], province_of(province)[:20])
    noted = await track_package(
        conn, store_id=store_id, package_id=package_id, events=[told], source="typed",
        by_id=by_id, at=at,
    )  # fmt: skip
    await audit(
        conn, at=at, person_id=by_id, action="supply.tracking_typed", owner_id=store_id,
        subject=str(package_id), facts={"status": str(status)}, request_id=request_id,
    )  # fmt: skip
    return noted


async def tracking_arrived(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    tracking_no: str,
    events: Sequence[Told],
    source: str,
    carrier: str = "",
    at: datetime,
) -> list[Noted]:
    """Events of a number, whichever packages have it. Those of a number that nobody knows are
    kept until a package has it."""
    found = await packages_with(conn, store_id=store_id, tracking_no=tracking_no, carrier=carrier)
    if not found:
        await keep_strays(
            conn, store_id=store_id, tracking_no=tracking_no, events=events, source=source, at=at
        )
    return [
        await track_package(
            conn, store_id=store_id, package_id=package_id, events=events, source=source, at=at
        )
        for package_id in found
    ]


async def number_known(
    conn: AsyncConnection, *, store_id: StoreId, package_id: UUID, tracking_no: str, at: datetime
) -> None:
    """A package has its number: what was told of it before counts now."""
    for source, event in await take_strays(conn, store_id=store_id, tracking_no=tracking_no, at=at):
        await track_package(
            conn, store_id=store_id, package_id=package_id, events=[event], source=source, at=at
        )
