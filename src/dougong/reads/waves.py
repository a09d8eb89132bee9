"""Waves, pick lists, packages that wait for their carrier, and hand-over lists."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Result, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId

WAVES = text("""
    SELECT w.id, w.number, w.state, w.made_at, p.name AS by_name, l.orders, l.units, l.picked,
      l.packed, w.warehouse_id, w.lines, w.province, h.code AS warehouse, h.name_zh, h.name_en,
      w.carrier, w.is_cheapest, c.name AS carrier_name
    FROM waves w
    LEFT JOIN carriers c ON c.store_id = w.store_id AND c.code = w.carrier
    JOIN warehouses h ON h.store_id = w.store_id AND h.id = w.warehouse_id
    LEFT JOIN people p ON p.id = w.made_by
    CROSS JOIN LATERAL (SELECT count(DISTINCT order_id) AS orders, sum(quantity) AS units,
      sum(picked) AS picked, sum(packed) AS packed FROM wave_lines
      WHERE store_id = w.store_id AND wave_id = w.id) l
    WHERE w.store_id = :s
      AND (w.id = :only OR (CAST(:only AS uuid) IS NULL AND w.state <> 'closed'))
    ORDER BY w.made_at LIMIT :most
""")
PICKS = text("""
    SELECT w.sku_id, w.bin, k.code, k.gtin, k.options, p.title_zh, p.title_en,
      (SELECT i.file FROM product_images i WHERE i.store_id = p.store_id AND i.product_id = p.id
        ORDER BY i.position LIMIT 1) AS image_file,
      w.quantity, w.picked, w.orders
    FROM (SELECT store_id, sku_id, bin, sum(quantity) AS quantity, sum(picked) AS picked,
        count(DISTINCT order_id) AS orders FROM wave_lines
      WHERE store_id = :s AND wave_id = :w GROUP BY store_id, sku_id, bin) w
    JOIN skus k ON k.store_id = w.store_id AND k.id = w.sku_id
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    ORDER BY w.picked >= w.quantity, w.bin, k.code
""")
# An order that ships from two warehouses is packed in each.
TO_PACK = text("""
    SELECT o.id, o.number, o.address, o.buyer_id, w.wave_number, w.warehouse_id, w.picked,
      w.quantity, w.lines, h.name_zh, h.name_en, w.carrier, w.is_cheapest
    FROM (SELECT w.order_id, w.warehouse_id, min(v.number) AS wave_number,
        min(v.carrier) AS carrier, bool_or(v.is_cheapest) AS is_cheapest,
        sum(w.picked - w.packed) AS picked, sum(w.quantity - w.packed) AS quantity,
        jsonb_agg(jsonb_build_object('line_no', l.line_no, 'title_zh', l.title_zh,
          'title_en', l.title_en, 'options', l.options, 'code', COALESCE(k.code, ''),
          'gtin', COALESCE(k.gtin, ''), 'left', LEAST(w.quantity - w.packed,
            l.quantity - l.shipped_quantity - l.returned_quantity)) ORDER BY l.line_no)
          FILTER (WHERE l.quantity > l.shipped_quantity + l.returned_quantity) AS lines
      FROM waves v JOIN wave_lines w ON w.store_id = v.store_id AND w.wave_id = v.id
      JOIN order_lines l ON l.store_id = w.store_id AND l.order_id = w.order_id
        AND l.line_no = w.line_no
      LEFT JOIN skus k ON k.store_id = w.store_id AND k.id = w.sku_id
      WHERE v.store_id = :s AND v.state <> 'closed' AND w.is_open
      GROUP BY w.order_id, w.warehouse_id) w
    JOIN orders o ON o.store_id = :s AND o.id = w.order_id
    JOIN warehouses h ON h.store_id = :s AND h.id = w.warehouse_id
    WHERE w.picked > 0 AND o.state IN ('paid', 'part_shipped')
    ORDER BY w.picked < w.quantity, o.placed_at, w.warehouse_id LIMIT :most
""")
PACKED = text("""
    SELECT p.id, p.carrier, p.tracking_no, p.weight_g, p.packed_at, o.number,
      o.address->>'recipient' AS recipient, o.address->>'province' AS province,
      w.state AS waybill_state, w.reason, w.carrier AS asked_carrier, p.planned_carrier,
      p.planned_minor, o.currency, c.name AS planned_name,
      EXISTS (SELECT FROM hand_over_packages h WHERE h.store_id = p.store_id
        AND h.package_id = p.id AND h.outcome = 'listed') AS is_listed
    FROM packages p
    JOIN orders o ON o.store_id = p.store_id AND o.id = p.order_id
    LEFT JOIN carriers c ON c.store_id = p.store_id AND c.code = p.planned_carrier
    LEFT JOIN LATERAL (SELECT state, reason, carrier FROM waybills
      WHERE store_id = p.store_id AND package_id = p.id ORDER BY asked_at DESC LIMIT 1) w ON true
    WHERE p.store_id = :s AND p.state = 'packed' ORDER BY p.state_at, p.id LIMIT :most
""")
LISTS = text("""
    SELECT h.*, (SELECT count(*) FROM hand_over_packages p
      WHERE p.store_id = h.store_id AND p.hand_over_id = h.id AND p.outcome <> 'held_back')
      AS parcels
    FROM hand_overs h
    WHERE h.store_id = :s AND (CAST(:only AS uuid) IS NULL OR h.id = :only)
    ORDER BY h.state = 'closed', h.made_at DESC LIMIT :most
""")
HISTORY = text("""
    SELECT h.*, (SELECT count(*) FROM hand_over_packages p
      WHERE p.store_id = h.store_id AND p.hand_over_id = h.id AND p.outcome <> 'held_back')
      AS parcels
    FROM hand_overs h
    WHERE h.store_id = :s AND (CAST(:state AS text) = '' OR h.state = :state)
      AND (CAST(:at AS timestamptz) IS NULL OR (h.made_at, h.id) < (:at, CAST(:id AS uuid)))
    ORDER BY h.made_at DESC, h.id DESC LIMIT :most
""")
PARCELS = text("""
    SELECT p.package_id, p.outcome, p.reason, k.tracking_no, k.weight_g, o.number
    FROM hand_over_packages p
    JOIN packages k ON k.store_id = p.store_id AND k.id = p.package_id
    JOIN orders o ON o.store_id = k.store_id AND o.id = k.order_id
    WHERE p.store_id = :s AND p.hand_over_id = :list ORDER BY k.packed_at, k.id
""")
LABELS = text("""
    SELECT p.id, p.carrier, p.tracking_no, p.weight_g, o.number, o.address,
      s.name_zh AS store_name,
      (SELECT sum(l.quantity) FROM package_lines l WHERE l.store_id = p.store_id
        AND l.package_id = p.id) AS units
    FROM packages p
    JOIN orders o ON o.store_id = p.store_id AND o.id = p.order_id
    JOIN stores s ON s.id = p.store_id
    WHERE p.store_id = :s AND p.tracking_no IS NOT NULL
      AND (p.id = ANY(CAST(:ids AS uuid[])) OR p.id IN (SELECT package_id FROM hand_over_packages
        WHERE store_id = :s AND hand_over_id = ANY(CAST(:ids AS uuid[]))))
    ORDER BY p.packed_at, p.id LIMIT :most
""")
SKU = text("""
    SELECT k.id FROM skus k WHERE k.store_id = :s AND (k.code = :code OR k.gtin = :code)
    ORDER BY k.code = :code DESC LIMIT 1
""")


async def wave_rows(conn: AsyncConnection, *, store_id: StoreId, most: int) -> Sequence[Any]:
    """Open waves, the oldest first."""
    return (await conn.execute(WAVES, {"s": store_id, "only": None, "most": most})).all()


async def wave_row(conn: AsyncConnection, *, store_id: StoreId, wave_id: UUID) -> Any:
    """One wave, open or closed. Raises NotFound."""
    return _one(await conn.execute(WAVES, {"s": store_id, "only": wave_id, "most": 1}))


def _one(found: Result[Any]) -> Any:
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row


async def pick_list(conn: AsyncConnection, *, store_id: StoreId, wave_id: UUID) -> Sequence[Any]:
    """What to take from which bin; what is done stands at the end."""
    return (await conn.execute(PICKS, {"s": store_id, "w": wave_id})).all()


async def orders_to_pack(conn: AsyncConnection, *, store_id: StoreId, most: int) -> Sequence[Any]:
    """Orders of open waves of which something is picked, those that are whole first."""
    return (await conn.execute(TO_PACK, {"s": store_id, "most": most})).all()


async def packed_rows(conn: AsyncConnection, *, store_id: StoreId, most: int) -> Sequence[Any]:
    """Packages in the house with their waybill, the oldest first."""
    return (await conn.execute(PACKED, {"s": store_id, "most": most})).all()


async def planned_carriers(
    conn: AsyncConnection, *, store_id: StoreId, ids: Sequence[UUID]
) -> dict[UUID, str]:
    """Package to the code of the carrier that was chosen for it."""
    asked = text("""
        SELECT id, planned_carrier FROM packages
        WHERE store_id = :s AND id = ANY(CAST(:ids AS uuid[])) AND planned_carrier IS NOT NULL
    """)
    found = await conn.execute(asked, {"s": store_id, "ids": list(ids)})
    return {row.id: row.planned_carrier for row in found}


async def list_rows(conn: AsyncConnection, *, store_id: StoreId, most: int) -> Sequence[Any]:
    """Hand-over lists, open ones first."""
    return (await conn.execute(LISTS, {"s": store_id, "only": None, "most": most})).all()


async def list_row(conn: AsyncConnection, *, store_id: StoreId, list_id: UUID) -> Any:
    """One hand-over list. Raises NotFound."""
    return _one(await conn.execute(LISTS, {"s": store_id, "only": list_id, "most": 1}))


async def list_history(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    state: str = "",
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """Hand-over lists, open or closed, the newest first."""
    at, list_id = before or (None, None)
    asked = {"s": store_id, "state": state, "at": at, "id": list_id, "most": most}
    return (await conn.execute(HISTORY, asked)).all()


async def parcels_of(conn: AsyncConnection, *, store_id: StoreId, list_id: UUID) -> Sequence[Any]:
    """What a hand-over list names, with what became of each parcel."""
    return (await conn.execute(PARCELS, {"s": store_id, "list": list_id})).all()


async def label_rows(
    conn: AsyncConnection, *, store_id: StoreId, ids: Sequence[UUID], most: int
) -> Sequence[Any]:
    """What stands on the labels of packages, or of all on a hand-over list."""
    return (await conn.execute(LABELS, {"s": store_id, "ids": list(ids), "most": most})).all()


async def sku_scanned(conn: AsyncConnection, *, store_id: StoreId, code: str) -> UUID | None:
    """The SKU of a code or barcode."""
    found: UUID | None = await conn.scalar(SKU, {"s": store_id, "code": code})
    return found
