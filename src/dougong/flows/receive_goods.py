"""A delivery comes in: counted against its order, put into stock at its cost, told to listeners."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import PersonId, SkuId, StoreId
from dougong.flows.serve_waiting import units_came
from dougong.infra.events import record
from dougong.reads.purchasing import lines_to_cost, purchase_of
from dougong.supply.purchase_rules import CostedLine, spread, to_stock
from dougong.supply.receipt_commands import (
    CountedLine,
    Delivery,
    LandedCost,
    Receipt,
    Share,
    hold_costs,
    write_landed_cost,
    write_receipt,
)
from dougong.supply.stock_commands import receive_units
from dougong.supply.stock_rules import Received
from dougong.supply.warehouse_commands import default_warehouse, open_warehouse


async def receive_goods(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: UUID,
    warehouse_id: UUID | None,
    delivery: Delivery,
    by_id: PersonId,
    at: datetime,
) -> Receipt:
    """Take a delivery in at a warehouse (None: the order's, or the default one).

    The same key again is the same delivery. Raises NotFound, WarehouseClosed (409),
    WrongPurchaseState (409), OverDelivery (409), KeyReused (409), BadInput, ExpiryMissing,
    ExpiresTooSoon (409).
    """
    purchase = await purchase_of(conn, store_id=store_id, order_id=order_id)
    place = warehouse_id or purchase.order.warehouse_id
    if place is None:
        place = await default_warehouse(conn, store_id=store_id, at=at)
    await open_warehouse(conn, store_id=store_id, warehouse_id=place)
    named: Any = {"store_id": store_id, "warehouse_id": place, "by_id": by_id, "at": at}
    receipt = await write_receipt(conn, order_id=order_id, delivery=delivery, **named)
    if not receipt.is_new:
        return receipt
    if units := _units(purchase.lines, delivery.kept()):
        about: Any = {"about_kind": "goods_receipt", "about_id": receipt.id}
        await receive_units(conn, lines=units, key=str(receipt.id), **about, **named)
        await units_came(conn, store_id=store_id, sku_ids={unit.sku_id for unit in units})
    facts = {
        "number": receipt.number,
        "purchase_order": purchase.order.number,
        "accepted": sum(line.accepted for line in delivery.lines),
        "damaged": sum(line.damaged for line in delivery.lines),
        "short": sum(line.short for line in delivery.lines),
        "over": receipt.over,
    }
    await record(
        conn, "supply.goods_received", store_id=store_id, subject_id=order_id, at=at, facts=facts
    )
    return receipt


def _units(ordered: Sequence[Any], counted: Sequence[CountedLine]) -> list[Received]:
    """Good units as stock takes them, each at what it was ordered for."""
    known = {line.line_no: line for line in ordered}
    return [
        Received(
            SkuId(known[line.line_no].sku_id),
            line.accepted,
            known[line.line_no].price_minor,
            line.lot.strip(),
            line.expires_on,
            line.line_no,
        )
        for line in counted
        if line.accepted
    ]


async def add_landed_cost(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    receipt_id: UUID,
    cost: LandedCost,
    by_id: PersonId,
    at: datetime,
) -> UUID | None:
    """Freight or duty of a delivery, spread over its lines and into the moving average.

    None where the same key did so before. Raises BadInput.
    """
    await hold_costs(conn, store_id=store_id, receipt_id=receipt_id)
    rows = await lines_to_cost(conn, store_id=store_id, receipt_id=receipt_id)
    if not rows:
        raise BadInput(field="amount", reason="no_quantity")
    if cost.amount_minor < 1:
        raise BadInput(field="amount", reason="out_of_range")
    costed = [CostedLine(r.line_no, r.accepted, r.weight_g, r.price_minor) for r in rows]
    parts = spread(cost.amount_minor, costed, cost.spread_by)
    shares = [
        Share(
            r.line_no,
            SkuId(r.sku_id),
            parts[r.line_no],
            to_stock(parts[r.line_no], received=r.accepted, on_hand=r.valued),
        )
        for r in rows
    ]
    named: Any = {"store_id": store_id, "receipt_id": receipt_id, "by_id": by_id, "at": at}
    return await write_landed_cost(conn, cost=cost, shares=shares, **named)
