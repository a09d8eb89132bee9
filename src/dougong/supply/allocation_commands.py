"""Writes where an order's lines ship from, and what of that has been shipped or given back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, SkuId, StoreId, new_id
from dougong.infra.db import fetch
from dougong.supply.allocation_rules import (
    USUAL,
    Candidate,
    Policy,
    Share,
    WantedUnits,
    choose,
)
from dougong.supply.ledger_commands import About, LevelRows, hold_levels, post
from dougong.supply.stock_rules import Move, MoveKind, Place, Spot

CANDIDATES = """
    SELECT w.id, w.code, w.province, w.unit_cost_minor, p.id, p.criteria, p.most_parcels
    FROM warehouses w LEFT JOIN allocation_policies p
      ON p.store_id = w.store_id AND p.in_force @> %(at)s::timestamptz
    WHERE w.store_id = %(store_id)s AND w.ships AND w.closed_at IS NULL
    ORDER BY w.is_default DESC, w.code
"""

OPEN = """
    SELECT line_no, warehouse_id, sku_id, quantity - shipped - released, state
    FROM stock_allocations
    WHERE store_id = %(store_id)s AND order_id = %(order_id)s AND state IN ('open', 'picked')
    ORDER BY line_no, state DESC, warehouse_id
"""

# Units that come to a line's row in a warehouse: open ones, or shipped at once.
PUT = """
    INSERT INTO stock_allocations AS a (store_id, order_id, line_no, warehouse_id, sku_id, quantity,
      shipped, state, reasons, at)
    SELECT %(store_id)s, %(order_id)s, line_no, warehouse_id, sku_id, quantity, shipped,
      CASE shipped WHEN 0 THEN 'open' ELSE 'shipped' END, reasons::jsonb, %(at)s
    FROM unnest(%(lines)s::int[], %(warehouses)s::uuid[], %(skus)s::uuid[], %(quantities)s::int[],
      %(shipped)s::int[], %(reasons)s::text[])
      AS n (line_no, warehouse_id, sku_id, quantity, shipped, reasons)
    ON CONFLICT (store_id, order_id, line_no, warehouse_id) DO UPDATE SET
      quantity = a.quantity + excluded.quantity, shipped = a.shipped + excluded.shipped,
      state = CASE
        WHEN a.shipped + excluded.shipped + a.released < a.quantity + excluded.quantity
        THEN CASE a.state WHEN 'picked' THEN 'picked' ELSE 'open' END
        WHEN a.shipped + excluded.shipped > 0 THEN 'shipped' ELSE 'released' END
"""

# Open units of a line's row that are shipped, or given back.
USE = """
    UPDATE stock_allocations a SET shipped = a.shipped + u.shipped,
      released = a.released + u.released,
      state = CASE WHEN a.shipped + u.shipped + a.released + u.released < a.quantity THEN a.state
        WHEN a.shipped + u.shipped > 0 THEN 'shipped' ELSE 'released' END
    FROM unnest(%(lines)s::int[], %(warehouses)s::uuid[], %(shipped)s::int[], %(released)s::int[])
      AS u (line_no, warehouse_id, shipped, released)
    WHERE a.store_id = %(store_id)s AND a.order_id = %(order_id)s AND a.line_no = u.line_no
      AND a.warehouse_id = u.warehouse_id
"""


class OpenAllocation(msgspec.Struct):
    """Units of a line that wait in a warehouse. is_picked: they have been taken from the shelf."""

    line_no: int
    warehouse_id: UUID
    sku_id: SkuId
    quantity: int
    state: str


class Put(msgspec.Struct, frozen=True):
    """Units that are placed in a warehouse for a line; `shipped` of them go at once."""

    line_no: int
    warehouse_id: UUID
    sku_id: SkuId
    quantity: int
    shipped: int = 0
    reasons: Mapping[str, Any] = {}


class Use(msgspec.Struct):
    """What becomes of open units of a line in a warehouse."""

    shipped: int = 0
    released: int = 0


Uses = dict[tuple[int, UUID], Use]


async def open_allocations(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId
) -> list[OpenAllocation]:
    """By line; picked ones before those that are only set aside."""
    rows = await fetch(conn, OPEN, {"store_id": store_id, "order_id": order_id})
    return [OpenAllocation(*row) for row in rows]


async def put_allocations(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    puts: Sequence[Put],
    at: datetime,
) -> None:
    if not puts:
        return
    await fetch(
        conn,
        PUT,
        {
            "store_id": store_id,
            "order_id": order_id,
            "lines": [one.line_no for one in puts],
            "warehouses": [one.warehouse_id for one in puts],
            "skus": [one.sku_id for one in puts],
            "quantities": [one.quantity for one in puts],
            "shipped": [one.shipped for one in puts],
            "reasons": [msgspec.json.encode(one.reasons).decode() for one in puts],
            "at": at,
        },
    )


async def use_allocations(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, uses: Uses
) -> None:
    if not uses:
        return
    await fetch(
        conn,
        USE,
        {
            "store_id": store_id,
            "order_id": order_id,
            "lines": [line_no for line_no, _ in uses],
            "warehouses": [warehouse_id for _, warehouse_id in uses],
            "shipped": [one.shipped for one in uses.values()],
            "released": [one.released for one in uses.values()],
        },
    )


async def allocate_lines(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    wanted: Sequence[WantedUnits],
    province: str,
    at: datetime,
) -> list[Share]:
    """Place the units of an order, which is locked, in warehouses that hold them free; answers
    where. What no warehouse has stays promised and is not in the answer."""
    if not wanted:
        return []
    rows = await fetch(conn, CANDIDATES, {"store_id": store_id, "at": at})
    if not rows:
        return []
    skus = {one.sku_id for one in wanted}
    there = await hold_levels(conn, store_id=store_id, sku_ids=skus)
    _, _, _, _, policy_id, criteria, most = rows[0]
    policy = USUAL if policy_id is None else Policy(policy_id, tuple(criteria), most)
    shares = choose(_candidates(rows, there), wanted, province=province, policy=policy)
    moves = [
        Move(
            sku_id=share.sku_id,
            quantity=share.quantity,
            kind=MoveKind.ALLOCATED,
            src=Spot(Place.FREE, share.warehouse_id),
            dst=Spot(Place.ALLOCATED, share.warehouse_id),
            key=f"allocated:{order_id}:{share.line_no}:{new_id()}",
        )
        for share in shares
    ]
    puts = [Put(s.line_no, s.warehouse_id, s.sku_id, s.quantity, reasons=s.reasons) for s in shares]
    await post(conn, store_id=store_id, moves=moves, about=About("order", order_id, at))
    await put_allocations(conn, store_id=store_id, order_id=order_id, puts=puts, at=at)
    return shares


def _candidates(rows: Sequence[Any], there: LevelRows) -> list[Candidate]:
    free: dict[UUID, dict[SkuId, int]] = {}
    for (sku_id, warehouse_id), level in there.items():
        free.setdefault(warehouse_id, {})[sku_id] = level.on_hand - level.allocated
    return [
        Candidate(warehouse_id, code, province, cost, free.get(warehouse_id, {}))
        for warehouse_id, code, province, cost, *_ in rows
    ]
