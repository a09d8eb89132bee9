"""Goods go into a package and are weighed: of one order or of several of one buyer and address,
all of an order or a part of it. Nothing is shipped by that; the package can be opened again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import OrderId, PersonId, StoreId, new_id
from dougong.flows.waybills import drop_waybill
from dougong.infra import pause
from dougong.infra.events import record
from dougong.orders.commands import line_units_to_ship, lock_order
from dougong.orders.rules import OrderState, WrongState
from dougong.supply.carrier_rules import TooHeavy
from dougong.supply.fulfilment_rules import (
    HEAVIEST_PARCEL_G,
    NotCombinable,
    PackedAlready,
    too_much,
)
from dougong.supply.packing_commands import is_package, packed_units, unpack, write_packed
from dougong.supply.purchase_queries import refuse_away
from dougong.supply.warehouse_commands import open_warehouse
from dougong.supply.wave_commands import note_packed

PACKABLE = (OrderState.PAID, OrderState.PART_SHIPPED)
SAME = ("recipient", "phone", "country", "province", "city", "district", "line", "postcode")


class Packed(msgspec.Struct, frozen=True):
    """`is_new`: false where this was a repeat of the act that packed it."""

    id: UUID
    is_new: bool


async def pack_orders(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    parts: Mapping[OrderId, Mapping[int, int]],
    weight_g: int,
    size_mm: tuple[int, int, int] | None,
    warehouse_id: UUID | None,
    by_id: PersonId,
    at: datetime,
    package_id: UUID | None = None,
) -> Packed:
    """Pack units of orders (line number to quantity) into one package. warehouse_id: where that is
    done, None where nobody says. package_id: chosen by whoever asks, so that asking again packs
    nothing.

    Raises NotFound, WarehouseClosed, WrongState, NotCombinable, PackedAlready, LineAtSupplier,
    TooHeavy, BadInput for an empty one.
    """
    _check(parts, weight_g)
    await _is_open(conn, store_id, warehouse_id)
    orders = [
        await lock_order(conn, store_id=store_id, order_id=order_id) for order_id in sorted(parts)
    ]
    await pause.point("pack: locked the orders")
    if package_id is not None and await is_package(conn, store_id=store_id, package_id=package_id):
        return Packed(package_id, is_new=False)
    _together(orders)
    await _refuse_too_much(conn, store_id, orders, parts)
    package_id = package_id or new_id()
    await write_packed(
        conn,
        store_id=store_id,
        package_id=package_id,
        parts={OrderId(order.id): parts[OrderId(order.id)] for order in orders},
        warehouse_id=warehouse_id,
        weight_g=weight_g,
        size_mm=size_mm,
        by_id=by_id,
        at=at,
    )
    await note_packed(conn, store_id=store_id, parts=parts, warehouse_id=warehouse_id, at=at)
    await _tell(conn, store_id, package_id, orders, weight_g=weight_g, at=at)
    return Packed(package_id, is_new=True)


async def _refuse_too_much(
    conn: AsyncConnection,
    store_id: StoreId,
    orders: list[Any],
    parts: Mapping[OrderId, Mapping[int, int]],
) -> None:
    """Raises PackedAlready, LineAtSupplier."""
    packed = await packed_units(conn, store_id=store_id, order_ids=list(parts))
    for order in orders:
        order_id = OrderId(order.id)
        await refuse_away(conn, store_id=store_id, order_id=order_id, lines=parts[order_id])
        left = await line_units_to_ship(conn, store_id=store_id, order_id=order_id)
        over = too_much(parts[order_id], left=left, packed=packed.get(order_id, {}))
        if over is not None:
            raise PackedAlready(field="lines", line_no=over[0], left=over[1])


def _check(parts: Mapping[OrderId, Mapping[int, int]], weight_g: int) -> None:
    """Raises BadInput, TooHeavy."""
    if not parts or not all(lines and min(lines.values()) > 0 for lines in parts.values()):
        raise BadInput(field="lines", reason="nothing_to_ship")
    if not 0 < weight_g <= HEAVIEST_PARCEL_G:
        raise TooHeavy(field="weight_g")


async def _is_open(conn: AsyncConnection, store_id: StoreId, warehouse_id: UUID | None) -> None:
    """Raises NotFound, WarehouseClosed."""
    if warehouse_id is not None:
        await open_warehouse(conn, store_id=store_id, warehouse_id=warehouse_id)


async def _tell(
    conn: AsyncConnection,
    store_id: StoreId,
    package_id: UUID,
    orders: list[Any],
    *,
    weight_g: int,
    at: datetime,
) -> None:
    facts: dict[str, Any] = {"order_ids": [str(order.id) for order in orders]}
    facts |= {"numbers": [order.number for order in orders], "weight_g": weight_g}
    await record(
        conn, "package.packed", store_id=store_id, subject_id=package_id, at=at, facts=facts
    )


def _together(orders: list[Any]) -> None:
    """Raises WrongState, NotCombinable."""
    for order in orders:
        if order.state not in PACKABLE:
            raise WrongState(order_state=order.state)
        where = [order.address.get(part) or "" for part in SAME]
        first = [orders[0].address.get(part) or "" for part in SAME]
        if order.buyer_id != orders[0].buyer_id or where != first:
            raise NotCombinable(field="order")


async def open_package(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_id: UUID,
    by_id: PersonId,
    reason: str,
    at: datetime,
) -> None:
    """Open a packed package again: its units wait anew, its waybill is called off.

    Raises NotFound, PackageWrongState.
    """
    await unpack(conn, store_id=store_id, package_id=package_id, at=at)
    await drop_waybill(conn, store_id=store_id, package_id=package_id, at=at)
    facts = {"reason": reason}
    await record(
        conn, "package.unpacked", store_id=store_id, subject_id=package_id, at=at, facts=facts
    )
