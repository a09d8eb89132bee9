"""Writes waves: which lines are picked together, what was picked, what was packed of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import OrderId, PersonId, SkuId, StoreId, new_id
from dougong.supply.fulfilment_rules import NothingToPick, PickedAlready, WaveClosed
from dougong.supply.stock_rules import NothingToUndo

# Whole orders that wait, in no open wave and in no package: the promised first. With a warehouse,
# those whose every waiting unit is set aside there. What a supplier sends is nobody's to pick.
ORDERS = text("""
    SELECT o.id FROM orders o
    LEFT JOIN ship_promises p ON p.store_id = o.store_id AND p.order_id = o.id
    WHERE o.store_id = :s AND o.state IN ('paid', 'part_shipped')
      AND (CAST(:ids AS uuid[]) IS NULL OR o.id = ANY(CAST(:ids AS uuid[])))
      AND NOT EXISTS (SELECT FROM wave_lines w
        WHERE w.store_id = o.store_id AND w.order_id = o.id AND w.is_open)
      AND NOT EXISTS (SELECT FROM package_lines l
        JOIN packages k ON k.store_id = l.store_id AND k.id = l.package_id
        WHERE l.store_id = o.store_id AND l.order_id = o.id AND k.state = 'packed')
      AND EXISTS (SELECT FROM order_lines d
        WHERE d.store_id = o.store_id AND d.order_id = o.id AND d.kind = 'goods'
          AND d.quantity > d.shipped_quantity + d.returned_quantity
          AND NOT EXISTS (SELECT FROM dropship_lines x WHERE x.store_id = d.store_id
            AND x.order_id = d.order_id AND x.line_no = d.line_no
            AND x.state IN ('waiting', 'sent')))
      AND (CAST(:warehouse AS uuid) IS NULL OR NOT EXISTS (SELECT FROM order_lines d
        WHERE d.store_id = o.store_id AND d.order_id = o.id AND d.kind = 'goods'
          AND NOT EXISTS (SELECT FROM dropship_lines x WHERE x.store_id = d.store_id
            AND x.order_id = d.order_id AND x.line_no = d.line_no
            AND x.state IN ('waiting', 'sent'))
          AND d.quantity - d.shipped_quantity - d.returned_quantity > (
            SELECT COALESCE(sum(a.quantity - a.shipped - a.released), 0) FROM stock_allocations a
            WHERE a.store_id = o.store_id AND a.order_id = o.id AND a.line_no = d.line_no
              AND a.warehouse_id = :warehouse)))
    ORDER BY p.promised_by NULLS LAST, o.placed_at, o.id LIMIT :most
    FOR UPDATE OF o SKIP LOCKED
""")
LINES = text("""
    INSERT INTO wave_lines (store_id, wave_id, order_id, line_no, sku_id, quantity, bin)
    SELECT l.store_id, :wave, l.order_id, l.line_no, l.sku_id,
      l.quantity - l.shipped_quantity - l.returned_quantity, COALESCE(b.bin, '')
    FROM order_lines l
    LEFT JOIN LATERAL (SELECT bin FROM pick_bins b WHERE b.store_id = l.store_id
      AND b.sku_id = l.sku_id
      AND (CAST(:warehouse AS uuid) IS NULL OR b.warehouse_id = :warehouse) LIMIT 1) b ON true
    WHERE l.store_id = :s AND l.order_id = ANY(CAST(:orders AS uuid[])) AND l.kind = 'goods'
      AND l.sku_id IS NOT NULL AND l.quantity > l.shipped_quantity + l.returned_quantity
      AND NOT EXISTS (SELECT FROM dropship_lines x WHERE x.store_id = l.store_id
        AND x.order_id = l.order_id AND x.line_no = l.line_no AND x.state IN ('waiting', 'sent'))
""")


async def begin_wave(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    warehouse_id: UUID | None,
    order_ids: Sequence[UUID] | None,
    most: int,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """A wave of up to `most` waiting orders, those with the nearest promise first; `order_ids`:
    only of these. Two who begin one at once share no order. Raises NothingToPick."""
    asked = {"s": store_id, "warehouse": warehouse_id, "most": most}
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('wave:' || :s, 0))"),
        {"s": str(store_id)},
    )
    found = await conn.execute(ORDERS, asked | {"ids": list(order_ids) if order_ids else None})
    orders = list(found.scalars())
    if not orders:
        raise NothingToPick
    wave_id = new_id()
    await conn.execute(
        text("""
            INSERT INTO waves (store_id, id, number, warehouse_id, made_by, made_at)
            SELECT :s, :id, 1 + COALESCE(max(number), 0), :warehouse, :by, :at
            FROM waves WHERE store_id = :s
        """),
        {"s": store_id, "id": wave_id, "warehouse": warehouse_id, "by": by_id, "at": at},
    )
    await conn.execute(
        LINES, {"s": store_id, "wave": wave_id, "warehouse": warehouse_id, "orders": orders}
    )
    return wave_id


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


NEXT = text("""
    SELECT w.order_id, w.line_no, w.quantity - w.picked AS left FROM wave_lines w
    JOIN order_lines l ON l.store_id = w.store_id AND l.order_id = w.order_id
      AND l.line_no = w.line_no
    WHERE w.store_id = :s AND w.wave_id = :w AND w.sku_id = :sku AND w.is_open
      AND w.picked < LEAST(w.quantity, w.packed + l.quantity - l.shipped_quantity
        - l.returned_quantity)
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
    at: datetime,
) -> None:
    """Units of orders went into a package: a wave line that has nothing left to pack is over, and
    so is a wave without open lines."""
    orders, lines, units = [], [], []
    for order_id, some in parts.items():
        for line_no, quantity in some.items():
            orders.append(order_id)
            lines.append(line_no)
            units.append(quantity)
    asked = {"s": store_id, "orders": orders, "lines": lines, "units": units}
    await conn.execute(
        text("""
            UPDATE wave_lines w SET packed = LEAST(w.quantity, w.packed + u.units),
              is_open = w.packed + u.units < w.quantity
            FROM unnest(CAST(:orders AS uuid[]), CAST(:lines AS int[]), CAST(:units AS int[]))
              AS u (order_id, line_no, units)
            WHERE w.store_id = :s AND w.order_id = u.order_id AND w.line_no = u.line_no
              AND w.is_open
        """),
        asked,
    )
    await conn.execute(
        text("""
            UPDATE waves v SET state = 'closed', closed_at = :at
            WHERE v.store_id = :s AND v.state <> 'closed' AND NOT EXISTS (
              SELECT FROM wave_lines w WHERE w.store_id = v.store_id AND w.wave_id = v.id
                AND w.is_open)
        """),
        {"s": store_id, "at": at},
    )


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
