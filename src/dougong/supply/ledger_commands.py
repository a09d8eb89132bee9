"""Writes moves of stock, with what they change: the one way in which stock changes.

Rows are locked in one order everywhere: the order, `stock` by SKU, `stock_levels` by SKU and
warehouse. Whoever changes totals locks `stock`; between allocated and free the levels are enough.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, SkuId, StoreId, new_ids
from dougong.infra.db import constraint_of, fetch
from dougong.supply.rules import StockBelowReserved
from dougong.supply.stock_rules import (
    Change,
    Cost,
    Levels,
    Move,
    NotEnoughThere,
    Totals,
    changes,
    comes_in,
    goes_out,
    move_value,
)

HOLD_STOCK = """
    SELECT sku_id, on_hand, reserved, quotas FROM stock
    WHERE store_id = %(store_id)s AND sku_id = ANY(%(skus)s::uuid[])
    ORDER BY sku_id FOR UPDATE
"""

HOLD_LEVELS = """
    SELECT sku_id, warehouse_id, on_hand, allocated, damaged, inspecting, transit
    FROM stock_levels WHERE store_id = %(store_id)s AND sku_id = ANY(%(skus)s::uuid[])
    ORDER BY sku_id, warehouse_id FOR UPDATE
"""

HOLD_COSTS = """
    SELECT sku_id, quantity, cost_minor FROM stock_costs
    WHERE store_id = %(store_id)s AND sku_id = ANY(%(skus)s::uuid[])
    ORDER BY sku_id FOR UPDATE
"""

MAKE_STOCK = """
    INSERT INTO stock (store_id, sku_id, on_hand)
    SELECT %(store_id)s, sku_id, 0 FROM unnest(%(skus)s::uuid[]) AS n (sku_id)
    ON CONFLICT DO NOTHING
"""

MAKE_LEVELS = """
    INSERT INTO stock_levels (store_id, sku_id, warehouse_id)
    SELECT %(store_id)s, sku_id, warehouse_id
    FROM unnest(%(skus)s::uuid[], %(warehouses)s::uuid[]) AS n (sku_id, warehouse_id)
    ON CONFLICT DO NOTHING
"""

APPLY = """
    WITH moved AS (
      INSERT INTO stock_moves (store_id, id, sku_id, quantity, kind, src, src_warehouse, dst,
        dst_warehouse, batch_id, unit_cost_minor, value_minor, about_kind, about_id, at, by_id, key)
      SELECT %(store_id)s, id, sku_id, quantity, kind, src, src_warehouse, dst, dst_warehouse,
        batch_id, unit_cost_minor, value_minor, %(about_kind)s, %(about_id)s, %(at)s, %(by_id)s, key
      FROM json_populate_recordset(NULL::stock_moves, %(moves)s::json)
    ), totals AS (
      UPDATE stock s SET on_hand = s.on_hand + t.on_hand, reserved = s.reserved + t.reserved
      FROM unnest(%(skus)s::uuid[], %(on_hand)s::int[], %(reserved)s::int[])
        AS t (sku_id, on_hand, reserved)
      WHERE s.store_id = %(store_id)s AND s.sku_id = t.sku_id RETURNING 1
    ), levels AS (
      UPDATE stock_levels l SET on_hand = l.on_hand + c.on_hand,
        allocated = l.allocated + c.allocated, damaged = l.damaged + c.damaged,
        inspecting = l.inspecting + c.inspecting, transit = l.transit + c.transit
      FROM unnest(%(level_skus)s::uuid[], %(warehouses)s::uuid[], %(there)s::int[],
        %(allocated)s::int[], %(damaged)s::int[], %(inspecting)s::int[], %(transit)s::int[])
        AS c (sku_id, warehouse_id, on_hand, allocated, damaged, inspecting, transit)
      WHERE l.store_id = %(store_id)s AND l.sku_id = c.sku_id AND l.warehouse_id = c.warehouse_id
      RETURNING 1
    )
    SELECT (SELECT count(*) FROM totals), (SELECT count(*) FROM levels)
"""

WRITE_COSTS = """
    INSERT INTO stock_costs (store_id, sku_id, quantity, cost_minor, at)
    SELECT %(store_id)s, sku_id, quantity, cost_minor, %(at)s
    FROM unnest(%(skus)s::uuid[], %(quantities)s::int[], %(costs)s::bigint[])
      AS c (sku_id, quantity, cost_minor)
    ON CONFLICT (store_id, sku_id) DO UPDATE SET quantity = excluded.quantity,
      cost_minor = excluded.cost_minor, at = excluded.at
"""

KNOWN_KEYS = """
    SELECT key FROM stock_moves WHERE store_id = %(store_id)s AND key = ANY(%(keys)s::text[])
"""


class About(msgspec.Struct, frozen=True):
    """What moves are about, and when and by whom they were made."""

    kind: str
    id: UUID | None
    at: datetime
    by_id: PersonId | None = None


class Total(Change):
    """The row of a SKU over the store. `quotas`: how many channels have units set aside."""

    quotas: int = 0


LevelRows = dict[tuple[SkuId, UUID], Change]


async def hold_stock(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: Collection[SkuId]
) -> dict[SkuId, Total]:
    """Lock the totals of SKUs until the transaction ends."""
    rows = await fetch(conn, HOLD_STOCK, {"store_id": store_id, "skus": list(sku_ids)})
    return {
        SkuId(sku): Total(on_hand=on_hand, reserved=held, quotas=quotas)
        for sku, on_hand, held, quotas in rows
    }


async def hold_levels(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: Collection[SkuId]
) -> LevelRows:
    """Lock what lies of SKUs in every warehouse until the transaction ends."""
    rows = await fetch(conn, HOLD_LEVELS, {"store_id": store_id, "skus": list(sku_ids)})
    return {(SkuId(row[0]), row[1]): Change(*row[2:]) for row in rows}


async def make_rows(
    conn: AsyncConnection, *, store_id: StoreId, pairs: Collection[tuple[SkuId, UUID]]
) -> None:
    """The rows of SKUs in warehouses, where there are none. Raises NotFound for another's."""
    ordered = sorted(pairs)
    skus = [sku_id for sku_id, _ in ordered]
    values = {"store_id": store_id, "skus": skus, "warehouses": [one for _, one in ordered]}
    try:
        async with conn.begin_nested():
            await fetch(conn, MAKE_STOCK, values)
            await fetch(conn, MAKE_LEVELS, values)
    except IntegrityError as error:
        raise NotFound from error


async def new_moves(
    conn: AsyncConnection, *, store_id: StoreId, moves: Sequence[Move]
) -> list[Move]:
    """Those of which the key has not come yet. Ask with the stock of their SKUs locked."""
    keys = [move.key for move in moves]
    known = {key for (key,) in await fetch(conn, KNOWN_KEYS, {"store_id": store_id, "keys": keys})}
    return [move for move in moves if move.key not in known]


async def post(
    conn: AsyncConnection, *, store_id: StoreId, moves: Sequence[Move], about: About
) -> list[int | None]:
    """Write moves and what they change; the rows must be there, and be locked in their order.
    Answers what the goods of each are worth, as `move_value` says.

    Raises IntegrityError when a constraint is broken, NotFound when a row is not there.
    """
    if not moves:
        return []
    levels, totals = changes(moves)
    values = await _values_of(conn, store_id=store_id, moves=moves, at=about.at)
    ids = new_ids(len(moves))
    rows = [_row(*one) for one in zip(ids, moves, values, strict=True)]
    found = await fetch(
        conn,
        APPLY,
        {
            "store_id": store_id,
            "moves": msgspec.json.encode(rows).decode(),
            "about_kind": about.kind,
            "about_id": about.id,
            "at": about.at,
            "by_id": about.by_id,
            **_columns(levels, totals),
        },
    )
    if found != [(len(totals), len(levels))]:
        raise NotFound
    return values


async def post_or_refuse(
    conn: AsyncConnection, *, store_id: StoreId, moves: Sequence[Move], about: About
) -> list[int | None]:
    """As `post`, but what is too little is a refusal, and the transaction can go on.

    Raises StockBelowReserved (409) when orders have reserved more than would be left in the store,
    NotEnoughThere (409) when a warehouse has less than that.
    """
    try:
        async with conn.begin_nested():
            return await post(conn, store_id=store_id, moves=moves, about=about)
    except IntegrityError as error:
        name = constraint_of(error)
        if name == "stock_never_oversold":
            raise StockBelowReserved(field="quantity") from error
        if name and name.startswith("stock_levels"):
            raise NotEnoughThere(field="quantity") from error
        raise


def _row(move_id: UUID, move: Move, value_minor: int | None) -> dict[str, Any]:
    return {
        "id": move_id, "sku_id": move.sku_id, "quantity": move.quantity, "kind": move.kind,
        "src": move.src.place, "src_warehouse": move.src.warehouse_id, "dst": move.dst.place,
        "dst_warehouse": move.dst.warehouse_id, "batch_id": move.batch_id,
        "unit_cost_minor": move.unit_cost_minor, "value_minor": value_minor, "key": move.key,
    }  # fmt: skip


def _columns(levels: Levels, totals: Totals) -> Mapping[str, Any]:
    there = list(levels.values())
    return {
        "skus": list(totals),
        "on_hand": [one.on_hand for one in totals.values()],
        "reserved": [one.reserved for one in totals.values()],
        "level_skus": [sku_id for sku_id, _ in levels],
        "warehouses": [warehouse_id for _, warehouse_id in levels],
        "there": [one.on_hand for one in there],
        "allocated": [one.allocated for one in there],
        "damaged": [one.damaged for one in there],
        "inspecting": [one.inspecting for one in there],
        "transit": [one.transit for one in there],
    }


async def _values_of(
    conn: AsyncConnection, *, store_id: StoreId, moves: Sequence[Move], at: datetime
) -> list[int | None]:
    """What each move's goods cost; the moving average is written anew where it changed."""
    crossing = {move.sku_id for move in moves if comes_in(move) or goes_out(move)}
    if not crossing:
        return [None for _ in moves]
    rows = await fetch(conn, HOLD_COSTS, {"store_id": store_id, "skus": list(crossing)})
    costs = {SkuId(sku_id): Cost(quantity, cost) for sku_id, quantity, cost in rows}
    values = []
    changed = set()
    for move in moves:
        value = move_value(costs.setdefault(move.sku_id, Cost()), move)
        values.append(value)
        if value is not None:
            changed.add(move.sku_id)
    if changed:
        ordered = sorted(changed)
        await fetch(
            conn,
            WRITE_COSTS,
            {
                "store_id": store_id,
                "skus": ordered,
                "quantities": [costs[one].quantity for one in ordered],
                "costs": [costs[one].cost_minor for one in ordered],
                "at": at,
            },
        )
    return values
