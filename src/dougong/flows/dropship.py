"""Lines that a supplier sends to the buyer: handed over when paid, answered on its own page."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, SkuId, StoreId
from dougong.flows.allocate_order import allocate_order
from dougong.flows.ship_order import SHIPPABLE, ship_order
from dougong.infra.events import record
from dougong.orders.commands import lock_order
from dougong.reads.dropship import lines_to_give
from dougong.supply.dropship_commands import (
    Line,
    cost_from,
    give_lines,
    lock_line,
    move_line,
    note_accepted,
    refuse_in_hand,
)
from dougong.supply.ledger_commands import About
from dougong.supply.purchase_rules import DropshipState, NotForSupplier
from dougong.supply.stock_commands import unplace_lines


async def give_to_suppliers(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> None:
    """Lines of a paid order whose SKU a supplier sends itself go to that supplier."""
    found = await lines_to_give(conn, store_id=store_id, order_id=order_id)
    if not found:
        return
    lines = [Line(row.line_no, row.sku_id, row.quantity, row.supplier_id) for row in found]
    given = await give_lines(conn, store_id=store_id, order_id=order_id, lines=lines, at=at)
    for line in lines:
        if given.get(line.line_no) is DropshipState.SENT:
            await _tell(conn, "sent", store_id, order_id, line, at)


async def _tell(
    conn: AsyncConnection,
    what: str,
    store_id: StoreId,
    order_id: OrderId,
    line: Any,
    at: datetime,
    **facts: Any,
) -> None:
    told = {"line_no": line.line_no, "supplier_id": str(line.supplier_id), **facts}
    await record(
        conn, f"supply.dropship_{what}", store_id=store_id, subject_id=order_id, at=at, facts=told
    )


async def ship_from_supplier(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID,
    order_id: OrderId,
    line_no: int,
    carrier: str,
    tracking_no: str,
    at: datetime,
) -> UUID:
    """The supplier has sent what is left of a line; the same parcel again is the same answer.

    Raises NotFound (no line of this supplier's), NotForSupplier (409) when the order was cancelled
    or refunded, WrongPurchaseState (409), and what `ship_order` raises.
    """
    order = await lock_order(conn, store_id=store_id, order_id=order_id)
    line = await lock_line(
        conn, store_id=store_id, order_id=order_id, line_no=line_no, supplier_id=supplier_id
    )
    if line.state == DropshipState.SHIPPED:
        return UUID(str(line.package_id))
    if order.state not in SHIPPABLE or line.state == DropshipState.CANCELLED:
        raise NotForSupplier(order_state=order.state)
    left = {row.line_no: row.quantity for row in await lines_to_give(
        conn, store_id=store_id, order_id=order_id, is_given=True
    )}  # fmt: skip
    if line_no not in left:
        raise NotForSupplier(order_state=order.state)
    package_id = await ship_order(
        conn,
        store_id=store_id,
        order_id=order_id,
        carrier=carrier,
        tracking_no=tracking_no,
        lines={line_no: left[line_no]},
        at=at,
        by_supplier=True,
    )
    await move_line(conn, row=line, state=DropshipState.SHIPPED, package_id=package_id, at=at)
    await _tell(conn, "shipped", store_id, order_id, line, at, package_id=str(package_id))
    return package_id


async def accept_from_supplier(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID,
    order_id: OrderId,
    line_no: int,
    at: datetime,
) -> None:
    """The supplier will send it; it may still refuse. Saying so again changes nothing.

    Raises NotFound, NotForSupplier (409), WrongPurchaseState (409).
    """
    order = await lock_order(conn, store_id=store_id, order_id=order_id)
    line = await lock_line(
        conn, store_id=store_id, order_id=order_id, line_no=line_no, supplier_id=supplier_id
    )
    if order.state not in SHIPPABLE:
        raise NotForSupplier(order_state=order.state)
    if await note_accepted(conn, row=line, at=at):
        await _tell(conn, "accepted", store_id, order_id, line, at)


async def refuse_from_supplier(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID,
    order_id: OrderId,
    line_no: int,
    reason: str,
    at: datetime,
) -> None:
    """The supplier cannot send it: the line is the store's again, from its own warehouses.

    Raises NotFound, NotForSupplier (409), WrongPurchaseState (409), BadInput without a reason.
    """
    order = await lock_order(conn, store_id=store_id, order_id=order_id)
    line = await lock_line(
        conn, store_id=store_id, order_id=order_id, line_no=line_no, supplier_id=supplier_id
    )
    if order.state not in SHIPPABLE:
        raise NotForSupplier(order_state=order.state)
    await move_line(conn, row=line, state=DropshipState.REFUSED, reason=reason, at=at)
    await allocate_order(conn, store_id=store_id, order_id=order_id, at=at)
    await _tell(conn, "refused", store_id, order_id, line, at, reason=reason.strip()[:500])


async def decide_line(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    line_no: int,
    state: DropshipState,
    cost_minor: int | None,
    at: datetime,
    supplier_id: UUID | None = None,
) -> None:
    """The merchant hands a line to its supplier (again) or to another, at a cost of one unit (None:
    as agreed, or its price in force); or takes it back.

    Raises NotFound, WrongPurchaseState, NotForSupplier (409) when nothing is left of it to send,
    LineInHand (409), BadInput without a cost.
    """
    order = await lock_order(conn, store_id=store_id, order_id=order_id)
    named: dict[str, Any] = {"store_id": store_id, "order_id": order_id}
    line = await lock_line(conn, line_no=line_no, **named)
    if state is DropshipState.CANCELLED:
        await move_line(conn, row=line, state=state, at=at)
        await allocate_order(conn, at=at, **named)
        await _tell(conn, "cancelled", store_id, order_id, line, at)
        return
    left = {row.line_no: row.quantity for row in await lines_to_give(conn, is_given=True, **named)}
    if order.state not in SHIPPABLE or line_no not in left:
        raise NotForSupplier(order_state=order.state)
    await refuse_in_hand(conn, line_no=line_no, **named)
    to = supplier_id or line.supplier_id
    cost = await cost_from(conn, row=line, supplier_id=to, cost_minor=cost_minor, at=at)
    await move_line(conn, row=line, state=state, supplier_id=to, cost_minor=cost, at=at)
    await unplace_lines(
        conn,
        lines={line_no: (SkuId(line.sku_id), left[line_no])},
        about=About("order", order_id, at),
        key=f"supplier:{order_id}:{line_no}:{at.isoformat()}",
        **named,
    )
    given = await lock_line(conn, line_no=line_no, **named)
    await _tell(conn, "sent", store_id, order_id, given, at)
