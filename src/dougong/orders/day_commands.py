"""What paid orders came to by local day of payment: of a store, a product, a creator, a link.

What was paid never changes, so an order is counted once, when the books seal its capture. Days
are those of the platform's zone (settings.timezone). `earned_minor` is the creators' shares as if
nothing were ever refunded, by the formula of `rules.line_shares`; `orders` counts each order once.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, StoreId
from dougong.infra.settings import settings

COUNT = text("""
    INSERT INTO sold_days AS d (store_id, kind, day, subject_id, currency, orders, units,
      paid_minor, earned_minor)
    SELECT s.store_id, s.kind, s.day, s.subject_id, s.currency, count(DISTINCT s.order_id),
      sum(s.units), sum(s.paid_minor), sum(s.earned_minor)
    FROM (
      SELECT o.store_id, k.kind, CAST(o.paid_at AT TIME ZONE :zone AS date) AS day, k.subject_id,
        o.currency, o.id AS order_id, CASE l.kind WHEN 'goods' THEN l.quantity ELSE 0 END AS units,
        l.paid_minor, CASE WHEN l.creator_id IS NULL THEN 0
          ELSE e.commission - e.commission * l.commission_cut_bp / 10000 END AS earned_minor
      FROM unnest(CAST(:orders AS uuid[])) AS w (order_id)
      JOIN orders o ON o.store_id = :store_id AND o.id = w.order_id AND o.paid_at IS NOT NULL
      JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
      CROSS JOIN LATERAL (SELECT
        (l.paid_minor + l.platform_discount_minor + l.creator_discount_minor)
          * l.commission_bp / 10000 AS commission) e
      CROSS JOIN LATERAL (VALUES ('store', o.store_id),
        ('product', CASE l.kind WHEN 'goods' THEN l.product_id END),
        ('creator', l.creator_id),
        ('link', CASE WHEN l.creator_id IS NOT NULL THEN l.link_id END)) AS k (kind, subject_id)
      WHERE k.subject_id IS NOT NULL
    ) s GROUP BY s.store_id, s.kind, s.day, s.subject_id, s.currency
    ON CONFLICT (store_id, kind, day, subject_id) DO UPDATE SET orders = d.orders + EXCLUDED.orders,
      units = d.units + EXCLUDED.units, paid_minor = d.paid_minor + EXCLUDED.paid_minor,
      earned_minor = d.earned_minor + EXCLUDED.earned_minor
""")


async def count_sold(
    conn: AsyncConnection, *, store_id: StoreId, order_ids: Sequence[OrderId]
) -> None:
    """Count orders whose captures were just sealed, in the transaction of that seal."""
    if not order_ids:
        return
    asked = {"store_id": store_id, "orders": list(order_ids), "zone": settings().timezone}
    await conn.execute(COUNT, asked)


async def forget_sold(conn: AsyncConnection, *, store_id: StoreId) -> None:
    """Before a store's days are counted anew: after a change of the zone."""
    await conn.execute(
        text("DELETE FROM sold_days WHERE store_id = :store_id"), {"store_id": store_id}
    )
