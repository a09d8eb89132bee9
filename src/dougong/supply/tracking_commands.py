"""Writes what is told of packages. Each event is kept once; what a package's state is follows from
all of them together, so that it does not matter in which order they came."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId
from dougong.supply.fulfilment_tables import stray_events, tracking_events
from dougong.supply.tracking_rules import PackageState, Standing, Status, Told, standing


class Noted(msgspec.Struct, frozen=True):
    """What telling changed. `news`: the events that were not there before."""

    package_id: UUID
    order_ids: tuple[UUID, ...]
    tracking_no: str
    news: tuple[Told, ...]
    before: PackageState
    after: PackageState


async def lock_package(conn: AsyncConnection, *, store_id: StoreId, package_id: UUID) -> Any:
    """The package's row, locked until the transaction ends. Raises NotFound."""
    row = (
        await conn.execute(
            text("SELECT * FROM packages WHERE store_id = :s AND id = :p FOR UPDATE"),
            {"s": store_id, "p": package_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


async def note_events(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_id: UUID,
    events: Sequence[Told],
    source: str,
    by_id: UUID | None = None,
    at: datetime,
) -> Noted:
    """Keep events of a package and let its state follow. `at`: when we heard of them.

    Of a package that has not left the house they are kept, and count once it has left.
    """
    package = await lock_package(conn, store_id=store_id, package_id=package_id)
    more = {"source": source, "by_id": by_id, "arrived_at": at}
    news: list[Told] = []
    for event in events:
        row = {"store_id": store_id, "package_id": package_id} | more | msgspec.to_builtins(event)
        made = insert(tracking_events).values(row | {"at": event.at, "status": str(event.status)})
        if (await conn.execute(made.on_conflict_do_nothing())).rowcount == 1:
            news.append(event)
    after = PackageState(package.state)
    if package.shipped_at is not None:
        after = (await _stand(conn, package)).state
    orders = await conn.execute(
        text("""
            SELECT DISTINCT order_id FROM package_lines WHERE store_id = :s AND package_id = :p
            ORDER BY order_id
        """),
        {"s": store_id, "p": package_id},
    )
    return Noted(
        package_id=package_id,
        order_ids=tuple(orders.scalars()),
        tracking_no=package.tracking_no or "",
        news=tuple(news),
        before=PackageState(package.state),
        after=after,
    )


async def _stand(conn: AsyncConnection, package: Any) -> Standing:
    rows = await conn.execute(
        text("""
            SELECT key, at, status, raw, place, province FROM tracking_events
            WHERE store_id = :s AND package_id = :p
        """),
        {"s": package.store_id, "p": package.id},
    )
    events = [Told(r.key, r.at, Status(r.status), r.raw, r.place, r.province) for r in rows]
    now = standing(package.shipped_at, events)
    await conn.execute(
        text("""
            UPDATE packages SET state = :state, state_at = :since, heard_at = :heard,
              watch_at = :watch
            WHERE store_id = :s AND id = :p
        """),
        {
            "s": package.store_id,
            "p": package.id,
            "state": str(now.state),
            "since": now.since,
            "heard": now.heard_at,
            "watch": now.watch_at,
        },
    )
    return now


async def stop_watching(conn: AsyncConnection, *, store_id: StoreId, order_id: UUID) -> None:
    """The buyer has the goods: nobody waits for news of the order's packages any more."""
    await conn.execute(
        text("""
            UPDATE packages SET watch_at = NULL
            WHERE store_id = :s AND watch_at IS NOT NULL AND id IN (
              SELECT package_id FROM package_lines WHERE store_id = :s AND order_id = :o)
        """),
        {"s": store_id, "o": order_id},
    )


async def packages_with(
    conn: AsyncConnection, *, store_id: StoreId, tracking_no: str, carrier: str = ""
) -> list[UUID]:
    """Packages of a number; `carrier`: of that one only."""
    found = await conn.execute(
        text("""
            SELECT id FROM packages WHERE store_id = :s AND tracking_no = :no
              AND state <> 'unpacked' AND (CAST(:carrier AS text) = '' OR carrier = :carrier)
            ORDER BY id
        """),
        {"s": store_id, "no": tracking_no, "carrier": carrier},
    )
    return list(found.scalars())


async def keep_strays(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    tracking_no: str,
    events: Sequence[Told],
    source: str,
    at: datetime,
) -> int:
    """Keep events of a number that no package has; answers how many were new."""
    new = 0
    for event in events:
        row = msgspec.to_builtins(event) | {"at": event.at, "status": str(event.status)}
        row |= {"store_id": store_id, "tracking_no": tracking_no[:100]}
        made = insert(stray_events).values(row | {"source": source, "arrived_at": at})
        new += (await conn.execute(made.on_conflict_do_nothing())).rowcount
    return new


async def take_strays(
    conn: AsyncConnection, *, store_id: StoreId, tracking_no: str, at: datetime
) -> list[tuple[str, Told]]:
    """The kept events of a number, now that a package has it, each with who told it."""
    found = await conn.execute(
        text("""
            UPDATE stray_events SET taken_at = :at
            WHERE store_id = :s AND tracking_no = :no AND taken_at IS NULL RETURNING *
        """),
        {"s": store_id, "no": tracking_no, "at": at},
    )
    return [
        (r.source, Told(r.key, r.at, Status(r.status), r.raw, r.place, r.province)) for r in found
    ]
