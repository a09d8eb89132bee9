"""A delivery comes in: counted against its order, put into stock at its cost, told to listeners."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import PersonId, SkuId, StoreId
from dougong.infra.events import record
from dougong.reads.purchasing import lines_to_cost, purchase_of
from dougong.supply.purchase_rules import CostedLine, spread, to_stock
from dougong.supply.receipt_commands import (
    CountedLine,
    Receipt,
    Share,
    hold_costs,
    write_landed_cost,
    write_receipt,
)
from dougong.supply.stock_commands import receive_units
from dougong.supply.stock_rules import Received
from dougong.supply.warehouse_commands import default_warehouse


async def receive_goods(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: UUID,
    warehouse_id: UUID | None,
    lines: Sequence[CountedLine],
    take_over: bool,
    delivery_note: str,
    note: str,
    key: str,
    by_id: PersonId,
    at: datetime,
) -> Receipt:
    """Take a delivery in at a warehouse (None: the order's, or the default one).

    The same key again is the same delivery. Raises NotFound, WrongPurchaseState (409),
    OverDelivery (409), KeyReused (409), BadInput.
    """
    purchase = await purchase_of(conn, store_id=store_id, order_id=order_id)
    place = warehouse_id or purchase.order.warehouse_id
    if place is None:
        place = await default_warehouse(conn, store_id=store_id, at=at)
    receipt = await write_receipt(
        conn,
        store_id=store_id,
        order_id=order_id,
        warehouse_id=place,
        lines=lines,
        take_over=take_over,
        delivery_note=delivery_note,
        note=note,
        key=key,
        by_id=by_id,
        at=at,
    )
    if not receipt.is_new:
        return receipt
    ordered = {line.line_no: line for line in purchase.lines}
    units = [
        Received(
            SkuId(ordered[line.line_no].sku_id),
            line.accepted,
            ordered[line.line_no].price_minor,
            line.lot.strip(),
            line.expires_on,
        )
        for line in lines
        if line.accepted
    ]
    if units:
        await receive_units(
            conn,
            store_id=store_id,
            warehouse_id=place,
            lines=units,
            about_kind="goods_receipt",
            about_id=receipt.id,
            key=str(receipt.id),
            at=at,
            by_id=by_id,
        )
    facts = {
        "number": receipt.number,
        "purchase_order": purchase.order.number,
        "accepted": sum(line.accepted for line in lines),
        "damaged": sum(line.damaged for line in lines),
        "short": sum(line.short for line in lines),
        "over": receipt.over,
    }
    await record(
        conn, "supply.goods_received", store_id=store_id, subject_id=order_id, at=at, facts=facts
    )
    return receipt


async def add_landed_cost(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    receipt_id: UUID,
    kind: str,
    amount_minor: int,
    spread_by: str,
    key: str,
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
    if amount_minor < 1:
        raise BadInput(field="amount", reason="out_of_range")
    costed = [CostedLine(r.line_no, r.accepted, r.weight_g, r.price_minor) for r in rows]
    shares = spread(amount_minor, costed, spread_by)
    return await write_landed_cost(
        conn,
        store_id=store_id,
        receipt_id=receipt_id,
        kind=kind,
        amount_minor=amount_minor,
        spread_by=spread_by,
        shares=[
            Share(
                r.line_no,
                SkuId(r.sku_id),
                shares[r.line_no],
                to_stock(shares[r.line_no], received=r.accepted, on_hand=r.valued),
            )
            for r in rows
        ],
        key=key,
        by_id=by_id,
        at=at,
    )
