"""Writes waves: which lines are picked together, what was picked, what was packed of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import OrderId, PersonId, SkuId, StoreId, new_id
from dougong.infra import pause
from dougong.supply.carrier_queries import carrier_of
from dougong.supply.carrier_rules import PROVINCES, CarrierUnknown
from dougong.supply.fulfilment_rules import (
    CHEAPEST,
    NothingToPick,
    PickedAlready,
    WaveChoice,
    WaveClosed,
    WaveLines,
)
from dougong.supply.stock_rules import NothingToUndo
from dougong.supply.warehouse_commands import open_warehouse

# Orders of which units lie set aside in the warehouse, in no open wave of it and in no package that
# has not left; the promised first. One of which units wait for stock is left until they have come.
# OFFSET 0: what an order needs is looked up by its key, one promise after the other.
ORDERS = text("""
    SELECT o.id FROM ship_promises p
    JOIN orders o ON o.store_id = p.store_id AND o.id = p.order_id
      AND o.state IN ('paid', 'part_shipped')
      AND starts_with(COALESCE(o.address->>'province', ''), :province)
    CROSS JOIN LATERAL (
      SELECT FROM (SELECT count(*) AS lines FROM stock_allocations a
        WHERE a.store_id = o.store_id AND a.order_id = o.id AND a.warehouse_id = :warehouse
          AND a.state IN ('open', 'picked')) n
      WHERE n.lines BETWEEN :fewest AND :most_lines
        AND NOT EXISTS (SELECT FROM order_lines d
          WHERE d.store_id = o.store_id AND d.order_id = o.id AND d.sku_id IS NOT NULL
            AND d.quantity - d.shipped_quantity - d.returned_quantity > (
              SELECT COALESCE(sum(a.quantity - a.shipped - a.released), 0)
              FROM stock_allocations a WHERE a.store_id = o.store_id AND a.order_id = o.id
                AND a.line_no = d.line_no AND a.state IN ('open', 'picked'))
            AND NOT EXISTS (SELECT FROM dropship_lines x WHERE x.store_id = o.store_id
              AND x.order_id = o.id AND x.line_no = d.line_no
              AND x.state IN ('waiting', 'sent', 'shipped')))
      OFFSET 0) fits
    WHERE p.store_id = :s AND p.kept_at IS NULL
      AND (CAST(:ids AS uuid[]) IS NULL OR p.order_id = ANY(CAST(:ids AS uuid[])))
      AND p.order_id NOT IN (
        SELECT w.order_id FROM waves v
        JOIN wave_lines w ON w.store_id = v.store_id AND w.wave_id = v.id AND w.is_open
        WHERE v.store_id = :s AND v.state <> 'closed' AND v.warehouse_id = :warehouse
        UNION ALL
        SELECT l.order_id FROM packages k
        JOIN package_lines l ON l.store_id = k.store_id AND l.package_id = k.id
        WHERE k.store_id = :s AND k.state = 'packed'
          AND (k.warehouse_id IS NULL OR k.warehouse_id = :warehouse))
    ORDER BY p.promised_by, p.order_id LIMIT :most
    FOR UPDATE OF o SKIP LOCKED
""")
# Asked once more when the orders are locked: one may have been packed while it was being found.
STILL = text("""
    SELECT o.id FROM orders o
    WHERE o.store_id = :s AND o.id = ANY(CAST(:orders AS uuid[]))
      AND o.state IN ('paid', 'part_shipped')
      AND EXISTS (SELECT FROM stock_allocations a WHERE a.store_id = o.store_id
        AND a.order_id = o.id AND a.warehouse_id = :warehouse AND a.state IN ('open', 'picked'))
      AND NOT EXISTS (SELECT FROM package_lines l
        JOIN packages k ON k.store_id = l.store_id AND k.id = l.package_id
        WHERE l.store_id = o.store_id AND l.order_id = o.id AND k.state = 'packed'
          AND (k.warehouse_id IS NULL OR k.warehouse_id = :warehouse))
""")
LINES = text("""
    INSERT INTO wave_lines (store_id, wave_id, order_id, line_no, warehouse_id, sku_id, quantity,
      bin)
    SELECT a.store_id, :wave, a.order_id, a.line_no, a.warehouse_id, a.sku_id,
      a.quantity - a.shipped - a.released, COALESCE(b.bin, '')
    FROM stock_allocations a
    LEFT JOIN pick_bins b ON b.store_id = a.store_id AND b.sku_id = a.sku_id
      AND b.warehouse_id = a.warehouse_id
    WHERE a.store_id = :s AND a.order_id = ANY(CAST(:orders AS uuid[]))
      AND a.warehouse_id = :warehouse AND a.state IN ('open', 'picked')
""")
FROM_HERE = text("""
    SELECT id FROM warehouses WHERE store_id = :s AND ships AND closed_at IS NULL LIMIT 2
""")
# How many lines of an order may lie in the warehouse.
HOW_MANY = {
    WaveLines.ANY: (1, 32_767), WaveLines.ONE: (1, 1), WaveLines.SEVERAL: (2, 32_767),
}  # fmt: skip


async def begin_wave(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    choice: WaveChoice,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """A wave of orders that wait in a warehouse, those with the nearest promise first. Two who
    begin one at once share no order. Raises BadInput for a strange province, or where the store
    ships from several warehouses and none is chosen, NotFound, WarehouseClosed, CarrierUnknown,
    NothingToPick."""
    if choice.province and choice.province not in PROVINCES:
        raise BadInput(field="province", reason="unknown_value")
    carrier = None if choice.carrier in ("", CHEAPEST) else choice.carrier
    if carrier and (await carrier_of(conn, store_id=store_id, code=carrier)).closed_at is not None:
        raise CarrierUnknown(field="carrier")
    warehouse_id = await _warehouse(conn, store_id, choice.warehouse_id)
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('wave:' || :s, 0))"),
        {"s": str(store_id)},
    )
    fewest, most_lines = HOW_MANY[choice.lines]
    here = {"s": store_id, "warehouse": warehouse_id}
    asked = {"most": choice.most, "province": choice.province}
    asked |= {"ids": list(choice.order_ids) if choice.order_ids else None}
    asked |= {"fewest": fewest, "most_lines": most_lines}
    locked = list((await conn.execute(ORDERS, here | asked)).scalars())
    await pause.point("wave: locked the orders")
    orders = list((await conn.execute(STILL, here | {"orders": locked})).scalars())
    if not orders:
        raise NothingToPick
    wave_id = new_id()
    await conn.execute(
        text("""
            INSERT INTO waves (store_id, id, number, warehouse_id, lines, province, carrier,
              is_cheapest, made_by, made_at)
            SELECT :s, :id, 1 + COALESCE(max(number), 0), :warehouse, :lines, :province,
              :carrier, :cheapest, :by, :at
            FROM waves WHERE store_id = :s
        """),
        here
        | {"id": wave_id, "lines": choice.lines, "province": choice.province}
        | {"carrier": carrier, "cheapest": choice.carrier == CHEAPEST}
        | {"by": by_id, "at": at},
    )
    await conn.execute(LINES, here | {"wave": wave_id, "orders": orders})
    return wave_id


async def _warehouse(conn: AsyncConnection, store_id: StoreId, chosen: UUID | None) -> UUID:
    """Raises BadInput, NotFound, WarehouseClosed."""
    if chosen is not None:
        await open_warehouse(conn, store_id=store_id, warehouse_id=chosen)
        return chosen
    found = list((await conn.execute(FROM_HERE, {"s": store_id})).scalars())
    if not found:
        raise NothingToPick
    if len(found) > 1:
        raise BadInput(field="warehouse_id", reason="choose_warehouse")
    only: UUID = found[0]
    return only


async def lock_wave(conn: AsyncConnection, *, store_id: StoreId, wave_id: UUID) -> Any:
    """An open wave's row, locked. Raises NotFound, WaveClosed."""
    row = (
        await conn.execute(
            text("SELECT * FROM waves WHERE store_id = :s AND id = :w FOR UPDATE"),
            {"s": store_id, "w": wave_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    if row.state == "closed":
        raise WaveClosed
    return row


# What was given back since is set aside no more.
NEXT = text("""
    SELECT w.order_id, w.line_no, w.quantity - w.picked AS left FROM wave_lines w
    JOIN stock_allocations a ON a.store_id = w.store_id AND a.order_id = w.order_id
      AND a.line_no = w.line_no AND a.warehouse_id = w.warehouse_id
    WHERE w.store_id = :s AND w.wave_id = :w AND w.sku_id = :sku AND w.is_open
      AND w.picked < LEAST(w.quantity, w.packed + a.quantity - a.shipped - a.released)
    ORDER BY w.order_id, w.line_no FOR UPDATE OF w
""")


async def pick_unit(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    wave_id: UUID,
    sku_id: SkuId,
    key: str,
    by_id: PersonId,
    at: datetime,
) -> tuple[UUID, int]:
    """One unit of a SKU was taken from its shelf: for the first line of the wave that still needs
    one; answers (order, line). The same key again answers the same line and takes nothing.

    Raises NotFound, WaveClosed, PickedAlready when the wave needs no more of it.
    """
    await lock_wave(conn, store_id=store_id, wave_id=wave_id)
    before = (
        await conn.execute(
            text("SELECT order_id, line_no FROM picks WHERE store_id = :s AND key = :key"),
            {"s": store_id, "key": key},
        )
    ).one_or_none()
    if before is not None:
        return before.order_id, before.line_no
    asked = {"s": store_id, "w": wave_id, "sku": sku_id}
    line = (await conn.execute(NEXT, asked)).first()
    if line is None:
        raise PickedAlready(field="code")
    named = {"s": store_id, "w": wave_id, "o": line.order_id, "n": line.line_no}
    await conn.execute(
        text("""
            UPDATE wave_lines SET picked = picked + 1
            WHERE store_id = :s AND wave_id = :w AND order_id = :o AND line_no = :n
        """),
        named,
    )
    await conn.execute(
        text("""
            INSERT INTO picks (store_id, key, wave_id, order_id, line_no, quantity, by_id, at)
            VALUES (:s, :key, :w, :o, :n, 1, :by, :at)
        """),
        named | {"key": key, "by": by_id, "at": at},
    )
    await conn.execute(PICKED, {"s": store_id, "w": wave_id})
    return line.order_id, line.line_no


async def put_back(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    wave_id: UUID,
    key: str,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """The scan of this key was a mistake: its unit lies on the shelf again; answers its SKU. Said
    again, nothing more is put back.

    Raises NothingToUndo when this person has no such scan or its unit is packed, NotFound,
    WaveClosed.
    """
    await lock_wave(conn, store_id=store_id, wave_id=wave_id)
    asked = {"s": store_id, "w": wave_id, "key": key, "by": by_id, "at": at}
    scan = (await conn.execute(SCAN, asked)).one_or_none()
    if scan is None or (scan.undone is None and scan.packed >= scan.picked):
        raise NothingToUndo(field="key")
    sku_id: UUID = scan.sku_id
    if scan.undone is not None:
        return sku_id
    named = asked | {"o": scan.order_id, "n": scan.line_no, "undo": f"undo:{new_id().hex}"}
    await conn.execute(
        text("""
            UPDATE wave_lines SET picked = picked - 1
            WHERE store_id = :s AND wave_id = :w AND order_id = :o AND line_no = :n
        """),
        named,
    )
    await conn.execute(
        text("""
            INSERT INTO picks (store_id, key, wave_id, order_id, line_no, quantity, undoes, by_id,
              at)
            VALUES (:s, :undo, :w, :o, :n, -1, :key, :by, :at)
        """),
        named,
    )
    await conn.execute(UNPICKED, asked)
    return sku_id


SCAN = text("""
    SELECT p.order_id, p.line_no, w.sku_id, w.picked, w.packed, u.key AS undone
    FROM picks p
    JOIN wave_lines w ON w.store_id = p.store_id AND w.wave_id = p.wave_id
      AND w.order_id = p.order_id AND w.line_no = p.line_no
    LEFT JOIN picks u ON u.store_id = p.store_id AND u.undoes = p.key
    WHERE p.store_id = :s AND p.wave_id = :w AND p.key = :key AND p.by_id = :by AND p.quantity > 0
    FOR UPDATE OF w
""")
UNPICKED = text("""
    UPDATE waves SET state = 'picking' WHERE store_id = :s AND id = :w AND state = 'picked'
""")
PICKED = text("""
    UPDATE waves SET state = 'picked' WHERE store_id = :s AND id = :w AND state = 'picking'
      AND NOT EXISTS (SELECT FROM wave_lines
        WHERE store_id = :s AND wave_id = :w AND is_open AND picked < quantity)
""")


async def note_packed(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    parts: Mapping[OrderId, Mapping[int, int]],
    warehouse_id: UUID | None,
    at: datetime,
) -> None:
    """Units of orders went into a package, in `warehouse_id` or wherever waves have them: a wave
    line that has nothing left to pack is over, and so is a wave without open lines."""
    orders, lines, units = [], [], []
    for order_id, some in parts.items():
        for line_no, quantity in some.items():
            orders.append(order_id)
            lines.append(line_no)
            units.append(quantity)
    asked = {"s": store_id, "orders": orders, "lines": lines, "units": units}
    await conn.execute(PACK, asked | {"warehouse": warehouse_id})
    await conn.execute(OVER, {"s": store_id, "at": at})


PACK = text("""
    UPDATE wave_lines w SET packed = w.packed + u.units, is_open = w.packed + u.units < w.quantity
    FROM (
      SELECT w.wave_id, w.order_id, w.line_no, LEAST(w.quantity - w.packed, u.units
        - COALESCE(sum(w.quantity - w.packed) OVER (PARTITION BY w.order_id, w.line_no
          ORDER BY w.wave_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS units
      FROM wave_lines w
      JOIN unnest(CAST(:orders AS uuid[]), CAST(:lines AS int[]), CAST(:units AS int[]))
        AS u (order_id, line_no, units) ON w.order_id = u.order_id AND w.line_no = u.line_no
      WHERE w.store_id = :s AND w.is_open
        AND (CAST(:warehouse AS uuid) IS NULL OR w.warehouse_id = :warehouse)
    ) u
    WHERE w.store_id = :s AND w.wave_id = u.wave_id AND w.order_id = u.order_id
      AND w.line_no = u.line_no AND u.units > 0
""")
OVER = text("""
    UPDATE waves v SET state = 'closed', closed_at = :at
    WHERE v.store_id = :s AND v.state <> 'closed' AND NOT EXISTS (
      SELECT FROM wave_lines w WHERE w.store_id = v.store_id AND w.wave_id = v.id AND w.is_open)
""")


async def close_wave(
    conn: AsyncConnection, *, store_id: StoreId, wave_id: UUID, at: datetime
) -> None:
    """What is not packed yet goes into another wave. Raises NotFound, WaveClosed."""
    await lock_wave(conn, store_id=store_id, wave_id=wave_id)
    asked = {"s": store_id, "w": wave_id, "at": at}
    await conn.execute(
        text("UPDATE wave_lines SET is_open = false WHERE store_id = :s AND wave_id = :w"), asked
    )
    await conn.execute(
        text("""
            UPDATE waves SET state = 'closed', closed_at = :at WHERE store_id = :s AND id = :w
        """),
        asked,
    )
