"""Writes stock and packages. Free units are `on_hand - reserved`; a constraint keeps them ≥ 0."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import OrderId, SkuId, StoreId, new_id
from dougong.supply.rules import StockBelowReserved

# One lock per SKU, in id order, before anything is decided: no two batches can wait in a circle.
TAKE = text("""
    WITH want AS (
      SELECT * FROM unnest(
        CAST(:orders AS uuid[]), CAST(:skus AS uuid[]), CAST(:quantities AS int[])
      ) WITH ORDINALITY AS w (order_id, sku_id, quantity, pos)
    ),
    held AS MATERIALIZED (
      SELECT s.sku_id, s.on_hand - s.reserved AS free FROM stock s
      WHERE s.store_id = :store_id AND s.sku_id IN (SELECT sku_id FROM want)
      ORDER BY s.sku_id FOR UPDATE
    )
    SELECT w.order_id, w.sku_id, w.quantity, COALESCE(h.free, 0) AS free
    FROM want w LEFT JOIN held h USING (sku_id) ORDER BY w.pos
""")

RESERVE = text("""
    UPDATE stock s SET reserved = s.reserved + t.units
    FROM unnest(CAST(:skus AS uuid[]), CAST(:units AS int[])) AS t (sku_id, units)
    WHERE s.store_id = :store_id AND s.sku_id = t.sku_id
""")


class Want(NamedTuple):
    """Units of one SKU for one order; an order may want several SKUs."""

    order_id: OrderId
    sku_id: SkuId
    quantity: int


async def reserve(
    conn: AsyncConnection, *, store_id: StoreId, wants: Sequence[Want]
) -> dict[OrderId, SkuId]:
    """Reserve for many orders, in the order given; each order gets all that it wants or nothing.

    Answers the orders that got nothing, each with the SKU it failed at.
    """
    found = await conn.execute(
        TAKE,
        {
            "store_id": store_id,
            "orders": [want.order_id for want in wants],
            "skus": [want.sku_id for want in wants],
            "quantities": [want.quantity for want in wants],
        },
    )
    free = {row.sku_id: row.free for row in found}
    wanted: dict[OrderId, dict[SkuId, int]] = {}
    for want in wants:
        units = wanted.setdefault(want.order_id, {})
        units[want.sku_id] = units.get(want.sku_id, 0) + want.quantity
    taken: dict[SkuId, int] = {}
    refused: dict[OrderId, SkuId] = {}
    for order_id, units in wanted.items():
        short = next((sku for sku, n in units.items() if n > free[sku] - taken.get(sku, 0)), None)
        if short is not None:
            refused[order_id] = short
            continue
        for sku_id, n in units.items():
            taken[sku_id] = taken.get(sku_id, 0) + n
    if taken:
        await conn.execute(
            RESERVE,
            {"store_id": store_id, "skus": list(taken), "units": list(taken.values())},
        )
    return refused


RELEASE = text("""
    WITH held AS MATERIALIZED (
      SELECT sku_id FROM stock WHERE store_id = :store_id AND sku_id = ANY(CAST(:skus AS uuid[]))
      ORDER BY sku_id FOR UPDATE
    )
    UPDATE stock s SET reserved = s.reserved - t.units
    FROM unnest(CAST(:skus AS uuid[]), CAST(:units AS int[])) AS t (sku_id, units)
    JOIN held USING (sku_id)
    WHERE s.store_id = :store_id AND s.sku_id = t.sku_id
""")

SHIP_OUT = text("""
    WITH held AS MATERIALIZED (
      SELECT sku_id FROM stock WHERE store_id = :store_id AND sku_id = ANY(CAST(:skus AS uuid[]))
      ORDER BY sku_id FOR UPDATE
    )
    UPDATE stock s SET reserved = s.reserved - t.units, on_hand = s.on_hand - t.units
    FROM unnest(CAST(:skus AS uuid[]), CAST(:units AS int[])) AS t (sku_id, units)
    JOIN held USING (sku_id)
    WHERE s.store_id = :store_id AND s.sku_id = t.sku_id
""")


async def release(conn: AsyncConnection, *, store_id: StoreId, units: Mapping[SkuId, int]) -> None:
    """Give reserved units back: the order was closed before they were shipped."""
    await _change(conn, store_id=store_id, units=units, statement=RELEASE)


async def _change(
    conn: AsyncConnection, *, store_id: StoreId, units: Mapping[SkuId, int], statement: TextClause
) -> None:
    if units:
        await conn.execute(
            statement,
            {"store_id": store_id, "skus": list(units), "units": list(units.values())},
        )


async def ship_package(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    carrier: str,
    tracking_no: str,
    lines: Mapping[int, int],
    units: Mapping[SkuId, int],
    at: datetime,
) -> UUID:
    """Write a package of `lines` (line number to quantity) and take its units out of stock.

    Whether that much is left to ship is decided by the order's own line, in the same transaction.
    """
    package_id = new_id()
    await _change(conn, store_id=store_id, units=units, statement=SHIP_OUT)
    await conn.execute(
        text("""
            INSERT INTO packages (store_id, id, order_id, carrier, tracking_no, shipped_at)
            VALUES (:store_id, :id, :order_id, :carrier, :tracking_no, :at)
        """),
        {
            "store_id": store_id,
            "id": package_id,
            "order_id": order_id,
            "carrier": carrier,
            "tracking_no": tracking_no,
            "at": at,
        },
    )
    await conn.execute(
        text("""
            INSERT INTO package_lines (store_id, package_id, line_no, quantity)
            SELECT :store_id, :id, line_no, quantity
            FROM unnest(CAST(:lines AS int[]), CAST(:quantities AS int[])) AS l (line_no, quantity)
        """),
        {
            "store_id": store_id,
            "id": package_id,
            "lines": list(lines),
            "quantities": list(lines.values()),
        },
    )
    return package_id


async def set_on_hand(
    conn: AsyncConnection, *, store_id: StoreId, levels: Mapping[SkuId, int]
) -> None:
    """Set the units on hand of many SKUs of a store; makes the stock row where there is none.

    Raises StockBelowReserved (409) when open orders have reserved more than a new level.
    """
    if not levels:
        return
    if min(levels.values()) < 0:
        raise StockBelowReserved(field="quantity")
    ordered = dict(sorted(levels.items()))
    try:
        async with conn.begin_nested():
            await conn.execute(
                text("""
                    INSERT INTO stock (store_id, sku_id, on_hand)
                    SELECT :store_id, sku_id, level
                    FROM unnest(CAST(:skus AS uuid[]), CAST(:levels AS int[])) AS l (sku_id, level)
                    ON CONFLICT (store_id, sku_id) DO UPDATE SET on_hand = excluded.on_hand
                """),
                {"store_id": store_id, "skus": list(ordered), "levels": list(ordered.values())},
            )
    except IntegrityError as error:
        if "stock_never_oversold" in str(error.orig):
            raise StockBelowReserved(field="quantity") from error
        raise NotFound from error  # the SKU is not this store's
