"""Reads what buying needs to decide: prices in force, lines as they stand."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, StoreId
from dougong.infra.db import fetch
from dougong.supply.purchase_rules import LineAtSupplier, OrderedLine, Price


class Item(NamedTuple):
    """How a supplier sells a SKU, and its prices in force."""

    supplier_sku: str
    pack_size: int
    min_quantity: int
    prices: list[Price]


async def prices_at(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID,
    sku_ids: Sequence[UUID],
    at: datetime,
) -> dict[UUID, Item]:
    """SKU to how this supplier sells it; one that it does not sell is not in the answer."""
    rows = await conn.execute(
        text("""
            SELECT i.sku_id, i.supplier_sku, i.pack_size, i.min_quantity, p.id, p.from_quantity,
              p.price_minor
            FROM supplier_items i
            LEFT JOIN supplier_prices p ON p.store_id = i.store_id
              AND p.supplier_id = i.supplier_id AND p.sku_id = i.sku_id
              AND p.in_force @> CAST(:at AS timestamptz)
            WHERE i.store_id = :store_id AND i.supplier_id = :supplier_id
              AND i.sku_id = ANY(CAST(:sku_ids AS uuid[]))
        """),
        {
            "store_id": store_id,
            "supplier_id": supplier_id,
            "sku_ids": list(sku_ids),
            "at": at,
        },
    )
    found: dict[UUID, Item] = {}
    for row in rows:
        item = found.setdefault(
            row.sku_id, Item(row.supplier_sku, row.pack_size, row.min_quantity, [])
        )
        if row.id is not None:
            item.prices.append(Price(row.id, row.from_quantity, row.price_minor))
    return found


async def ordered_lines(
    conn: AsyncConnection, *, store_id: StoreId, order_id: UUID
) -> dict[int, OrderedLine]:
    """Line number to what was ordered, received and billed of it."""
    rows = await conn.execute(
        text("""
            SELECT line_no, quantity, price_minor, received, returned, billed FROM purchase_lines
            WHERE store_id = :store_id AND order_id = :order_id ORDER BY line_no
        """),
        {"store_id": store_id, "order_id": order_id},
    )
    return {row.line_no: OrderedLine(*row) for row in rows}


AWAY = """
    SELECT line_no FROM dropship_lines WHERE store_id = %(store_id)s AND order_id = %(order_id)s
      AND state IN ('waiting', 'sent', 'shipped')
"""


async def with_suppliers(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId
) -> set[int]:
    """The lines of an order that suppliers send to its buyer."""
    found = await fetch(conn, AWAY, {"store_id": store_id, "order_id": order_id})
    return {line_no for (line_no,) in found}


async def refuse_away(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, lines: Iterable[int]
) -> None:
    """What a supplier sends is not sent from here as well. Raises LineAtSupplier (409)."""
    away = await with_suppliers(conn, store_id=store_id, order_id=order_id)
    for line_no in sorted(away.intersection(lines)):
        raise LineAtSupplier(field="lines", line_no=line_no)
