"""The merchant ships, whole or in part; the receipt deadline starts with the last package."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import kept_from_shipping
from dougong.aftersales.rules import CaseOpen
from dougong.base.errors import BadInput
from dougong.base.ids import OrderId, StoreId
from dougong.flows.insure_freight import charge_premium
from dougong.flows.track_packages import number_known
from dougong.infra import pause
from dougong.infra.events import record, set_deadline
from dougong.orders.commands import (
    line_units_to_ship,
    lock_order,
    mark_shipped,
    ship_lines,
    units_to_ship,
)
from dougong.orders.rules import OrderState, WrongState
from dougong.supply.commands import package_before, ship_package
from dougong.supply.ledger_commands import About
from dougong.supply.promise_commands import keep_promise
from dougong.supply.purchase_queries import refuse_away
from dougong.supply.stock_commands import ship_units
from dougong.supply.tracking_rules import tracking_number

SHIPPABLE = (OrderState.PAID, OrderState.PART_SHIPPED)


async def ship_order(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    carrier: str,
    tracking_no: str,
    lines: Mapping[int, int],
    at: datetime,
    warehouse_id: UUID | None = None,
    packed: UUID | None = None,
    by_supplier: bool = False,
) -> UUID:
    """Ship `lines` (line number to quantity) in one package; answers its id.

    warehouse_id: which one it leaves, None for those where its units were set aside.
    A package is known by its carrier and tracking number: the same one again is the same package.
    packed: the package that the lines lie in already, which flows/hand_over.py marks as gone.
    by_supplier: a supplier sends them itself; what is with one is shipped by nobody else.
    Raises NotFound, WrongState (not paid, all shipped, or more than is left), CaseOpen, BadInput,
    LineAtSupplier, and BadTrackingNumber for an international number with a wrong check digit.
    """
    carrier, tracking_no = carrier.strip(), tracking_number(tracking_no)
    _check(carrier, tracking_no, lines)
    await pause.point("ship: asked")
    order = await lock_order(conn, store_id=store_id, order_id=order_id)
    named: Any = {"carrier": carrier, "tracking_no": tracking_no}
    before = await package_before(conn, store_id=store_id, order_id=order_id, **named, lines=lines)
    if before and packed is None:
        return before
    if order.state not in SHIPPABLE:
        raise WrongState(order_state=order.state)
    ours: Any = {"store_id": store_id, "order_id": order_id}
    await _refuse_kept(conn, lines=lines, by_supplier=by_supplier, **ours)
    shipped = await ship_lines(conn, quantities=lines, **ours)
    package_id = packed or await ship_package(conn, **ours, **named, lines=lines, at=at)
    units = {row.line_no: (row.sku_id, row.quantity) for row in shipped if row.sku_id}
    leaving: Any = {"warehouse_id": warehouse_id, "about": About("package", package_id, at)}
    await ship_units(conn, store_id=store_id, order_id=order_id, units=units, **leaving)
    await after_shipping(conn, store_id=store_id, order_id=order_id, at=at)
    await charge_premium(conn, store_id=store_id, order_id=order_id, at=at)
    facts = {"number": order.number, "package_id": str(package_id), **named}
    await record(
        conn, "order.package_shipped", store_id=store_id, subject_id=order_id, at=at, facts=facts
    )
    if packed is None:
        await number_known(
            conn, store_id=store_id, package_id=package_id, tracking_no=tracking_no, at=at
        )
    return package_id


async def _refuse_kept(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    lines: Mapping[int, int],
    by_supplier: bool,
) -> None:
    """Units whose money is being asked back stay, and what is with a supplier is its to send.
    Raises CaseOpen, LineAtSupplier."""
    if not by_supplier:
        await refuse_away(conn, store_id=store_id, order_id=order_id, lines=lines)
    await pause.point("ship: read the order")
    kept = await kept_from_shipping(conn, store_id=store_id, order_id=order_id)
    if not any(line_no in kept for line_no in lines):
        return
    left = await line_units_to_ship(conn, store_id=store_id, order_id=order_id)
    for line_no, quantity in lines.items():
        if quantity > left.get(line_no, 0) - kept.get(line_no, 0):
            raise CaseOpen(field="lines", line_no=line_no)


def _check(carrier: str, tracking_no: str, lines: Mapping[int, int]) -> None:
    if not lines or min(lines.values()) < 1:
        raise BadInput(field="lines", reason="nothing_to_ship")
    if not carrier or len(tracking_no) < 4:
        raise BadInput(field="tracking_no", reason="missing")


async def after_shipping(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> None:
    """Move the order on; once nothing is left to ship, it must be received by a date."""
    whole = await units_to_ship(conn, store_id=store_id, order_id=order_id) == 0
    order = await mark_shipped(conn, store_id=store_id, order_id=order_id, whole=whole, at=at)
    if whole:
        await keep_promise(conn, store_id=store_id, order_id=order_id, at=at)
        await set_deadline(
            conn,
            store_id=store_id,
            kind="receive_by",
            subject_id=order_id,
            due_at=at + timedelta(seconds=order.receive_within_s),
        )
