"""What must hold of live rooms, as SQL: each statement answers the rows that break it."""

from sqlalchemy import text

OFFERS_OVERSOLD = text("""
    SELECT greatest(sold - quota, 1) AS found, 'offer ' || id AS example FROM live_offers
    WHERE NOT (sold BETWEEN 0 AND quota)
""")

# An offer's units are those of its orders that have not lapsed, at its price, within a buyer's
# limit.
OFFER_USES = text("""
    WITH counted AS (
      SELECT o.store_id, o.id, o.sold, COALESCE(sum(u.quantity), 0) AS units
      FROM live_offers o LEFT JOIN live_offer_uses u
        ON u.store_id = o.store_id AND u.offer_id = o.id AND u.released_at IS NULL
      GROUP BY o.store_id, o.id
    )
    SELECT abs(sold - units) AS found, 'offer ' || id AS example FROM counted WHERE sold <> units
    UNION ALL
    SELECT u.quantity, 'use by order ' || u.order_id
    FROM live_offer_uses u JOIN live_offers f ON f.store_id = u.store_id AND f.id = u.offer_id
    LEFT JOIN orders o ON o.store_id = u.store_id AND o.id = u.order_id
    LEFT JOIN LATERAL (
      SELECT sum(l.quantity) AS units FROM order_lines l
      WHERE l.store_id = u.store_id AND l.order_id = u.order_id AND l.sku_id = f.sku_id
        AND l.unit_price_minor = f.price_minor
    ) l ON true
    WHERE o.id IS NULL OR l.units IS DISTINCT FROM u.quantity
      OR (o.state = 'cancelled') <> (u.released_at IS NOT NULL)
    UNION ALL
    SELECT sum(u.quantity) - max(f.per_buyer), 'buyer ' || u.buyer_id
    FROM live_offer_uses u JOIN live_offers f ON f.store_id = u.store_id AND f.id = u.offer_id
    WHERE u.released_at IS NULL
    GROUP BY u.store_id, u.offer_id, u.buyer_id HAVING sum(u.quantity) > max(f.per_buyer)
""")
