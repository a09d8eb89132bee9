"""People count what lies in a warehouse; goods go from one to another: booked, told, and what then
can be set aside for orders that wait is set aside."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, SkuId, StoreId
from dougong.flows.serve_waiting import serve_waiting
from dougong.infra import events
from dougong.supply.count_commands import approve_count
from dougong.supply.transfer_commands import receive_transfer, send_transfer


async def approve(
    conn: AsyncConnection, *, store_id: StoreId, count_id: UUID, by_id: PersonId, at: datetime
) -> None:
    """Book what a count found. Raises what `approve_count` raises."""
    units = await approve_count(conn, store_id=store_id, count_id=count_id, by_id=by_id, at=at)
    await _tell(conn, store_id, "supply.count_approved", count_id, at, {"units": units})
    await serve_waiting(conn, store_id=store_id)


async def send(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    src: UUID,
    dst: UUID,
    units: Mapping[SkuId, int],
    note: str,
    key: str,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """Units leave one warehouse for another. Raises what `send_transfer` raises."""
    transfer_id = await send_transfer(
        conn, store_id=store_id, src=src, dst=dst, units=units, note=note, key=key, by_id=by_id,
        at=at,
    )  # fmt: skip
    facts = {"units": sum(units.values())}
    await _tell(conn, store_id, "supply.transfer_sent", transfer_id, at, facts)
    return transfer_id


async def arrive(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    transfer_id: UUID,
    arrived: Mapping[SkuId, tuple[int, int]],
    by_id: PersonId,
    at: datetime,
) -> None:
    """What was on the way is there. Raises what `receive_transfer` raises."""
    await receive_transfer(
        conn, store_id=store_id, transfer_id=transfer_id, arrived=arrived, by_id=by_id, at=at
    )
    await _tell(conn, store_id, "supply.transfer_received", transfer_id, at, {})
    await serve_waiting(conn, store_id=store_id)


async def _tell(
    conn: AsyncConnection,
    store_id: StoreId,
    kind: str,
    subject_id: UUID,
    at: datetime,
    facts: Mapping[str, int],
) -> None:
    await events.record(
        conn, kind, store_id=store_id, subject_id=subject_id, at=at, facts=dict(facts)
    )
