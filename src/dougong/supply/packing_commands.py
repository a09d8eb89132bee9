"""Writes packages before they leave: packed, opened again, handed over."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, PersonId, StoreId
from dougong.supply.commands import write_lines
from dougong.supply.tracking_commands import lock_package
from dougong.supply.tracking_rules import PackageState, PackageWrongState, watch_at


async def packed_units(
    conn: AsyncConnection, *, store_id: StoreId, order_ids: Collection[OrderId]
) -> dict[OrderId, dict[int, int]]:
    """Units that lie in packages which have not left, by order and line."""
    found = await conn.execute(
        text("""
            SELECT l.order_id, l.line_no, sum(l.quantity) AS units
            FROM package_lines l
            JOIN packages p ON p.store_id = l.store_id AND p.id = l.package_id
            WHERE l.store_id = :s AND l.order_id = ANY(CAST(:orders AS uuid[]))
              AND p.state = 'packed'
            GROUP BY l.order_id, l.line_no
        """),
        {"s": store_id, "orders": list(order_ids)},
    )
    made: dict[OrderId, dict[int, int]] = {}
    for row in found:
        made.setdefault(OrderId(row.order_id), {})[row.line_no] = int(row.units)
    return made


async def is_package(conn: AsyncConnection, *, store_id: StoreId, package_id: UUID) -> bool:
    """Whether the store has a package of this id, in whatever state."""
    asked = {"s": store_id, "p": package_id}
    found = text("SELECT EXISTS (SELECT FROM packages WHERE store_id = :s AND id = :p)")
    return bool(await conn.scalar(found, asked))


async def write_packed(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_id: UUID,
    parts: Mapping[OrderId, Mapping[int, int]],
    warehouse_id: UUID | None,
    weight_g: int,
    size_mm: tuple[int, int, int] | None,
    by_id: PersonId,
    at: datetime,
) -> None:
    """A closed and weighed package of goods of one or several orders, in our house."""
    await conn.execute(
        text("""
            INSERT INTO packages (store_id, id, order_id, state, state_at, heard_at, watch_at,
              warehouse_id, weight_g, size_mm, packed_at, packed_by)
            VALUES (:s, :id, :order, 'packed', :at, :at, :watch, :warehouse, :weight, :size, :at,
              :by)
        """),
        {
            "s": store_id,
            "id": package_id,
            "order": next(iter(parts)),
            "at": at,
            "watch": watch_at(PackageState.PACKED, at),
            "warehouse": warehouse_id,
            "weight": weight_g,
            "size": list(size_mm) if size_mm else None,
            "by": by_id,
        },
    )
    for order_id, lines in parts.items():
        await write_lines(
            conn, store_id=store_id, package_id=package_id, order_id=order_id, lines=lines
        )


async def parts_of(
    conn: AsyncConnection, *, store_id: StoreId, package_id: UUID
) -> dict[OrderId, dict[int, int]]:
    """What lies in a package: order to line number to quantity, the orders in id order."""
    found = await conn.execute(
        text("""
            SELECT order_id, line_no, quantity FROM package_lines
            WHERE store_id = :s AND package_id = :p ORDER BY order_id, line_no
        """),
        {"s": store_id, "p": package_id},
    )
    made: dict[OrderId, dict[int, int]] = {}
    for row in found:
        made.setdefault(OrderId(row.order_id), {})[row.line_no] = row.quantity
    return made


async def lock_packed(conn: AsyncConnection, *, store_id: StoreId, package_id: UUID) -> Any:
    """The row of a package that has not left. Raises NotFound, PackageWrongState."""
    row = await lock_package(conn, store_id=store_id, package_id=package_id)
    if row.state != PackageState.PACKED:
        raise PackageWrongState(package_state=row.state)
    return row


async def unpack(
    conn: AsyncConnection, *, store_id: StoreId, package_id: UUID, at: datetime
) -> None:
    """Open a package again; its units may be packed anew. Raises NotFound, PackageWrongState."""
    await lock_packed(conn, store_id=store_id, package_id=package_id)
    await conn.execute(
        text("""
            UPDATE packages SET state = 'unpacked', state_at = :at, heard_at = :at, watch_at = NULL
            WHERE store_id = :s AND id = :p
        """),
        {"s": store_id, "p": package_id, "at": at},
    )


async def give_number(
    conn: AsyncConnection, *, store_id: StoreId, package_id: UUID, carrier: str, tracking_no: str
) -> None:
    """Which carrier takes a packed package, under which number."""
    await conn.execute(
        text("""
            UPDATE packages SET carrier = :carrier, tracking_no = :no
            WHERE store_id = :s AND id = :p AND state = 'packed'
        """),
        {"s": store_id, "p": package_id, "carrier": carrier, "no": tracking_no},
    )


async def plan_carrier(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_id: UUID,
    carrier: str,
    cost_minor: int | None,
) -> None:
    """Which carrier shall take a packed package, by its code, and what it costs by its rate."""
    await conn.execute(
        text("""
            UPDATE packages SET planned_carrier = :carrier, planned_minor = :minor
            WHERE store_id = :s AND id = :p AND state = 'packed'
        """),
        {"s": store_id, "p": package_id, "carrier": carrier, "minor": cost_minor},
    )


async def take_number(conn: AsyncConnection, *, store_id: StoreId, package_id: UUID) -> None:
    """The waybill is no more: the package waits for another number."""
    await conn.execute(
        text("""
            UPDATE packages SET carrier = NULL, tracking_no = NULL
            WHERE store_id = :s AND id = :p AND state = 'packed'
        """),
        {"s": store_id, "p": package_id},
    )


async def mark_handed_over(
    conn: AsyncConnection, *, store_id: StoreId, package_id: UUID, at: datetime
) -> None:
    """A locked packed package has left the house."""
    await conn.execute(
        text("""
            UPDATE packages SET state = 'handed_over', state_at = :at, heard_at = :at,
              watch_at = :watch, shipped_at = :at
            WHERE store_id = :s AND id = :p AND state = 'packed'
        """),
        {
            "s": store_id,
            "p": package_id,
            "at": at,
            "watch": watch_at(PackageState.HANDED_OVER, at),
        },
    )
