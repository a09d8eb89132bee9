"""What a store has to send: orders with their lines for packing slips and files of parcels."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, StoreId


class LeftToSend(msgspec.Struct, frozen=True):
    """An order as a file of parcels names it. `lines`: line number to units that are left;
    `sent`: the tracking numbers of the packages that went."""

    order_id: OrderId
    state: str
    lines: dict[int, int]
    sent: frozenset[str]


SLIPS = text("""
    SELECT o.id, o.number, o.state, o.placed_at, o.paid_at, o.address, o.currency, o.total_minor,
      (SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no, 'title_zh', l.title_zh,
          'title_en', l.title_en, 'options', l.options, 'code', COALESCE(k.code, ''),
          'quantity', l.quantity - l.returned_quantity,
          'left', l.quantity - l.shipped_quantity - l.returned_quantity) ORDER BY l.line_no)
        FROM order_lines l
        LEFT JOIN skus k ON k.store_id = l.store_id AND k.id = l.sku_id
        WHERE l.store_id = o.store_id AND l.order_id = o.id AND l.kind = 'goods') AS lines
    FROM orders o
    WHERE o.store_id = :store_id
      AND CASE WHEN CAST(:ids AS uuid[]) IS NULL THEN o.state IN ('paid', 'part_shipped')
        ELSE o.id = ANY(CAST(:ids AS uuid[])) AND o.paid_at IS NOT NULL END
    ORDER BY o.placed_at, o.id LIMIT :most
""")


async def slips(
    conn: AsyncConnection, *, store_id: StoreId, order_ids: Sequence[UUID] | None, most: int
) -> Sequence[Any]:
    """Paid orders with their goods, the oldest first; None: every order that waits."""
    asked = {"store_id": store_id, "ids": None if order_ids is None else list(order_ids)}
    return (await conn.execute(SLIPS, asked | {"most": most})).all()


LEFT = text("""
    SELECT o.id, o.number, o.state,
      (SELECT jsonb_object_agg(l.line_no, l.quantity - l.shipped_quantity - l.returned_quantity)
        FROM order_lines l WHERE l.store_id = o.store_id AND l.order_id = o.id
          AND l.kind = 'goods' AND l.quantity > l.shipped_quantity + l.returned_quantity
          AND NOT EXISTS (SELECT FROM dropship_lines x WHERE x.store_id = l.store_id
            AND x.order_id = l.order_id AND x.line_no = l.line_no
            AND x.state IN ('waiting', 'sent'))) AS lines,
      ARRAY(SELECT p.tracking_no FROM packages p
        WHERE p.store_id = o.store_id AND p.shipped_at IS NOT NULL AND p.id IN (
          SELECT package_id FROM package_lines WHERE store_id = o.store_id AND order_id = o.id)
        ) AS sent
    FROM orders o WHERE o.store_id = :store_id AND o.number = ANY(CAST(:numbers AS text[]))
""")


async def left_to_send(
    conn: AsyncConnection, *, store_id: StoreId, numbers: Sequence[str]
) -> dict[str, LeftToSend]:
    """By order number; a number that this store does not have is not in the answer."""
    found = await conn.execute(LEFT, {"store_id": store_id, "numbers": list(numbers)})
    return {
        row.number: LeftToSend(
            order_id=OrderId(row.id),
            state=row.state,
            lines={int(line_no): units for line_no, units in (row.lines or {}).items()},
            sent=frozenset(row.sent),
        )
        for row in found
    }


WAITING = text("""
    SELECT o.id, o.number, o.state, o.currency, o.total_minor, o.placed_at, o.paid_at, o.pay_by,
      o.address->>'recipient' AS recipient, o.address->>'city' AS city,
      l.lines, l.units, l.refunded_minor, l.title_zh, l.title_en, l.image_file
    FROM unnest(ARRAY['paid', 'part_shipped']) AS w (state)
    CROSS JOIN LATERAL (
      SELECT * FROM orders
      WHERE store_id = :store_id AND state = w.state
        AND (CAST(:after_at AS timestamptz) IS NULL
          OR (placed_at, id) > (:after_at, CAST(:after_id AS uuid)))
      ORDER BY placed_at, id LIMIT :most) o
    CROSS JOIN LATERAL (
      SELECT count(*) AS lines,
        sum(quantity - shipped_quantity - returned_quantity)::bigint AS units,
        sum(refunded_minor)::bigint AS refunded_minor,
        (array_agg(title_zh ORDER BY line_no))[1] AS title_zh,
        (array_agg(title_en ORDER BY line_no))[1] AS title_en,
        (array_agg(image_file ORDER BY line_no))[1] AS image_file
      FROM order_lines WHERE store_id = o.store_id AND order_id = o.id AND kind = 'goods'
    ) l
    ORDER BY o.placed_at, o.id LIMIT :most
""")


async def waiting_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    after: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """Orders to send, the one that has waited longest first; `units` are those that are left."""
    at, order_id = after or (None, None)
    asked = {"store_id": store_id, "after_at": at, "after_id": order_id, "most": most}
    return (await conn.execute(WAITING, asked)).all()
