"""A driver takes parcels along: with that, and not before, their goods are shipped.

The list is closed package by package, each in a transaction of its own: a stop in between leaves
the rest listed, and closing again goes on with them.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import PersonId, StoreId
from dougong.flows.pack_orders import open_package
from dougong.flows.ship_order import ship_order
from dougong.flows.track_packages import number_known, track_package
from dougong.infra import clock, pause
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.orders.commands import lock_order
from dougong.supply.hand_over_commands import (
    begin_list,
    close_list,
    list_packages,
    listed,
    lock_list,
    note_outcome,
)
from dougong.supply.packing_commands import lock_packed, mark_handed_over, parts_of
from dougong.supply.tracking_commands import lock_package


class HandedOver(msgspec.Struct, frozen=True):
    """What became of a list. `held_back`: package to why it stays."""

    gone: list[UUID]
    held_back: dict[UUID, str]


async def list_parcels(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_ids: list[UUID],
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """Put packed parcels of one carrier on a list. Raises BadInput, NotFound, PackageWrongState."""
    carriers = set()
    for package_id in sorted(set(package_ids)):
        row = await lock_packed(conn, store_id=store_id, package_id=package_id)
        if not row.tracking_no:
            raise BadInput(field="package", reason="no_number")
        carriers.add(row.carrier)
    if len(carriers) != 1:
        raise BadInput(field="package", reason="one_carrier" if carriers else "nothing_chosen")
    list_id = await begin_list(conn, store_id=store_id, carrier=carriers.pop(), by_id=by_id, at=at)
    await list_packages(
        conn, store_id=store_id, list_id=list_id, package_ids=sorted(set(package_ids))
    )
    return list_id


async def hand_over(
    *, store_id: StoreId, list_id: UUID, taken_by: str, by_id: PersonId
) -> HandedOver:
    """The driver has signed: every parcel of the list is shipped, or held back with its reason.

    Raises NotFound, HandOverClosed.
    """
    async with transaction() as conn:
        await lock_list(conn, store_id=store_id, list_id=list_id)
        waiting = await listed(conn, store_id=store_id, list_id=list_id)
    gone, held_back = [], {}
    for package_id in waiting:
        reason = await _let_go(store_id, list_id, package_id, by_id)
        await pause.point("hand over: one has gone")
        if reason:
            held_back[package_id] = reason
        else:
            gone.append(package_id)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await close_list(conn, store_id=store_id, list_id=list_id, taken_by=taken_by, at=at)
    return HandedOver(gone, held_back)


async def _let_go(store_id: StoreId, list_id: UUID, package_id: UUID, by_id: PersonId) -> str:
    """Ship what lies in a package; answers why it stays, "" when it has gone."""
    named: dict[str, Any] = {"store_id": store_id, "list_id": list_id, "package_id": package_id}
    try:
        async with transaction() as conn:
            at = await clock.refresh(conn)
            await _ship_packed(conn, store_id=store_id, package_id=package_id, at=at)
            await note_outcome(conn, **named, outcome="gone")
        return ""
    except Refusal as refusal:
        reason = refusal.code
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await note_outcome(conn, **named, outcome="held_back", reason=reason)
        row = await lock_package(conn, store_id=store_id, package_id=package_id)
        if row.state == "packed":
            await open_package(
                conn, store_id=store_id, package_id=package_id, by_id=by_id, reason=reason, at=at
            )
    return reason


async def _ship_packed(
    conn: AsyncConnection, *, store_id: StoreId, package_id: UUID, at: datetime
) -> None:
    """Every order's lines of a package are shipped, all or none.

    Raises WrongState (refunded or called off in the meantime), CaseOpen, PackageWrongState.
    """
    parts = await parts_of(conn, store_id=store_id, package_id=package_id)
    for order_id in sorted(parts):
        await lock_order(conn, store_id=store_id, order_id=order_id)
    package = await lock_packed(conn, store_id=store_id, package_id=package_id)
    if not package.tracking_no:
        raise BadInput(field="package", reason="no_number")
    for order_id, lines in sorted(parts.items()):
        await ship_order(
            conn,
            store_id=store_id,
            order_id=order_id,
            carrier=package.carrier,
            tracking_no=package.tracking_no,
            lines=lines,
            at=at,
            packed=package_id,
            warehouse_id=package.warehouse_id,
        )
    await mark_handed_over(conn, store_id=store_id, package_id=package_id, at=at)
    facts = {"carrier": package.carrier, "tracking_no": package.tracking_no}
    facts |= {"order_ids": [str(order_id) for order_id in sorted(parts)]}
    await record(
        conn, "package.handed_over", store_id=store_id, subject_id=package_id, at=at, facts=facts
    )
    await number_known(
        conn,
        store_id=store_id,
        package_id=package_id,
        tracking_no=package.tracking_no,
        at=at,
    )
    # What the carrier told before the list was closed counts from now on.
    await track_package(
        conn, store_id=store_id, package_id=package_id, events=[], source="carrier", at=at
    )
