"""Holds stock for the intake; writes packages. Free units are `on_hand - reserved`, never < 0."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, SkuId, StoreId, new_id, new_ids
from dougong.infra.db import fetch
from dougong.supply.quota_commands import quotas_in_force, use_quotas
from dougong.supply.quota_rules import HeldUnits
from dougong.supply.rules import PackageKnown
from dougong.supply.tracking_rules import PackageState, watch_at

# One lock per SKU, in id order, before anything is decided: no two batches can wait in a circle.
HOLD = """
    SELECT sku_id, on_hand - reserved AS free, quotas FROM stock
    WHERE store_id = %(store_id)s AND sku_id = ANY(%(skus)s::uuid[])
    ORDER BY sku_id FOR UPDATE
"""

# One move for all that a batch takes of a SKU; which orders those are, their lines say.
RESERVE = """
    WITH taken AS (
      SELECT * FROM unnest(%(skus)s::uuid[], %(units)s::int[], %(ids)s::uuid[])
        AS t (sku_id, units, id)
    ), moved AS (
      INSERT INTO stock_moves (store_id, id, sku_id, quantity, kind, src, dst, about_kind, about_id,
        at, key)
      SELECT %(store_id)s, id, sku_id, units, 'reserved', 'pool', 'promised', %(about_kind)s,
        %(about_id)s, %(at)s, 'reserved:' || id FROM taken
    )
    UPDATE stock s SET reserved = s.reserved + t.units
    FROM taken t WHERE s.store_id = %(store_id)s AND s.sku_id = t.sku_id
"""


async def hold_units(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: Collection[SkuId], at: datetime
) -> HeldUnits:
    """Lock the stock of SKUs until the transaction ends; one without a stock row has none.

    What is set aside for channels is asked for only where the locked row says that there is any.
    """
    found = await fetch(conn, HOLD, {"store_id": store_id, "skus": list(sku_ids)})
    free = {SkuId(sku_id): units for sku_id, units, _ in found}
    if divided := [SkuId(sku_id) for sku_id, _, quotas in found if quotas]:
        quotas = await quotas_in_force(conn, store_id=store_id, sku_ids=divided, at=at)
        return HeldUnits(free, quotas)
    return HeldUnits(free)


async def reserve(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    held: HeldUnits,
    orders: Sequence[OrderId],
    at: datetime,
) -> None:
    """Write what was taken of held units for the orders of one batch."""
    if not held.taken:
        return
    one = orders[0] if len(orders) == 1 else None
    await fetch(
        conn,
        RESERVE,
        {
            "store_id": store_id,
            "skus": list(held.taken),
            "units": list(held.taken.values()),
            "ids": new_ids(len(held.taken)),
            "about_kind": "orders" if one is None else "order",
            "about_id": one,
            "at": at,
        },
    )
    await use_quotas(conn, store_id=store_id, uses=held.uses, at=at)


async def package_before(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    carrier: str,
    tracking_no: str,
    lines: Mapping[int, int],
) -> UUID | None:
    """The package of this order that these very lines went out in, if they did."""
    found: UUID | None = await conn.scalar(
        text("""
            SELECT p.id FROM packages p
            JOIN package_lines l ON l.store_id = p.store_id AND l.package_id = p.id
              AND l.order_id = :order_id
            WHERE p.store_id = :store_id AND p.shipped_at IS NOT NULL
              AND p.carrier = :carrier AND p.tracking_no = :tracking_no
            GROUP BY p.id
            HAVING jsonb_object_agg(l.line_no, l.quantity) = CAST(:lines AS jsonb)
        """),
        {
            "store_id": store_id,
            "order_id": order_id,
            "carrier": carrier,
            "tracking_no": tracking_no,
            "lines": msgspec.json.encode(lines).decode(),
        },
    )
    return found


async def ship_package(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    carrier: str,
    tracking_no: str,
    lines: Mapping[int, int],
    at: datetime,
) -> UUID:
    """Write a package of `lines` (line number to quantity); its units leave by `ship_units`.

    Whether that much is left to ship is decided by the order's own line, in the same transaction.
    Raises PackageKnown (409) when the order has this package already.
    """
    package_id = new_id()
    made = await conn.execute(
        text("""
            INSERT INTO packages (store_id, id, order_id, carrier, tracking_no, shipped_at,
              state_at, heard_at, watch_at)
            VALUES (:store_id, :id, :order_id, :carrier, :tracking_no, :at, :at, :at, :watch_at)
            ON CONFLICT (store_id, carrier, tracking_no, order_id) DO NOTHING
        """),
        {
            "store_id": store_id,
            "id": package_id,
            "order_id": order_id,
            "carrier": carrier,
            "tracking_no": tracking_no,
            "at": at,
            "watch_at": watch_at(PackageState.HANDED_OVER, at),
        },
    )
    if made.rowcount != 1:
        raise PackageKnown(field="tracking_no")
    await write_lines(
        conn, store_id=store_id, package_id=package_id, order_id=order_id, lines=lines
    )
    return package_id


async def write_lines(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_id: UUID,
    order_id: OrderId,
    lines: Mapping[int, int],
) -> None:
    """Write what of an order lies in a package: line number to quantity."""
    await conn.execute(
        text("""
            INSERT INTO package_lines (store_id, package_id, order_id, line_no, quantity)
            SELECT :store_id, :id, :order_id, line_no, quantity
            FROM unnest(CAST(:lines AS int[]), CAST(:quantities AS int[])) AS l (line_no, quantity)
        """),
        {
            "store_id": store_id,
            "id": package_id,
            "order_id": order_id,
            "lines": list(lines),
            "quantities": list(lines.values()),
        },
    )
