"""Writes batches: units of one lot that expire on one day. First expired, first out."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import SkuId, StoreId, new_ids
from dougong.infra.db import fetch
from dougong.supply.stock_rules import Move, Received

BatchKey = tuple[SkuId, str, date | None]

ADD = """
    INSERT INTO stock_batches AS b (store_id, id, warehouse_id, sku_id, lot, expires_on,
      received_at, on_hand)
    SELECT %(store_id)s, id, %(warehouse_id)s, sku_id, lot, expires_on, %(at)s, quantity
    FROM unnest(%(ids)s::uuid[], %(skus)s::uuid[], %(lots)s::text[], %(days)s::date[],
      %(quantities)s::int[]) AS n (id, sku_id, lot, expires_on, quantity)
    ON CONFLICT (store_id, warehouse_id, sku_id, lot, expires_on)
      DO UPDATE SET on_hand = b.on_hand + excluded.on_hand
    RETURNING sku_id, lot, expires_on, id
"""

HOLD = """
    SELECT id, warehouse_id, sku_id, on_hand FROM stock_batches
    WHERE store_id = %(store_id)s AND on_hand > 0
      AND (warehouse_id, sku_id) IN (
        SELECT * FROM unnest(%(warehouses)s::uuid[], %(skus)s::uuid[]))
    ORDER BY expires_on NULLS LAST, received_at, id FOR UPDATE
"""

TAKE = """
    UPDATE stock_batches b SET on_hand = b.on_hand - t.units
    FROM unnest(%(ids)s::uuid[], %(units)s::int[]) AS t (id, units)
    WHERE b.store_id = %(store_id)s AND b.id = t.id
"""


async def batches_in(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    warehouse_id: UUID,
    lines: Sequence[Received],
    at: datetime,
) -> Mapping[BatchKey, UUID]:
    """Add what came to its batches; lines without lot and expiry are in none."""
    units: dict[BatchKey, int] = {}
    for line in lines:
        if line.lot or line.expires_on:
            key = (line.sku_id, line.lot, line.expires_on)
            units[key] = units.get(key, 0) + line.quantity
    if not units:
        return {}
    rows = await fetch(
        conn,
        ADD,
        {
            "store_id": store_id,
            "warehouse_id": warehouse_id,
            "ids": new_ids(len(units)),
            "skus": [sku_id for sku_id, _, _ in units],
            "lots": [lot for _, lot, _ in units],
            "days": [day for _, _, day in units],
            "quantities": list(units.values()),
            "at": at,
        },
    )
    return {(SkuId(sku_id), lot, day): batch_id for sku_id, lot, day, batch_id in rows}


async def take_batches(
    conn: AsyncConnection, *, store_id: StoreId, moves: Sequence[Move]
) -> list[Move]:
    """Moves out of warehouses, each split over the batches that its units are of: those that
    expire first. Units of no batch stay a move of their own."""
    places = {(m.src.warehouse_id, m.sku_id) for m in moves if m.src.warehouse_id is not None}
    if not places:
        return list(moves)
    rows = await fetch(
        conn,
        HOLD,
        {
            "store_id": store_id,
            "warehouses": [place for place, _ in places],
            "skus": [sku_id for _, sku_id in places],
        },
    )
    left = {row[0]: row[3] for row in rows}
    taken: dict[UUID, int] = {}
    split = []
    for move in moves:
        units = move.quantity
        for batch_id, warehouse_id, sku_id, _ in rows:
            if (warehouse_id, sku_id) != (move.src.warehouse_id, move.sku_id):
                continue
            if part := min(units, left[batch_id]):
                left[batch_id] -= part
                units -= part
                taken[batch_id] = taken.get(batch_id, 0) + part
                split.append(_part(move, part, batch_id))
        if units:
            split.append(move if units == move.quantity else _part(move, units, None))
    if taken:
        values = {"store_id": store_id, "ids": list(taken), "units": list(taken.values())}
        await fetch(conn, TAKE, values)
    return split


def _part(move: Move, quantity: int, batch_id: UUID | None) -> Move:
    key = f"{move.key}:{batch_id or 'rest'}"
    return msgspec.structs.replace(move, quantity=quantity, key=key, batch_id=batch_id)
