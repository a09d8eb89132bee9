"""The market before anybody has asked for anything: the newest of every store, by turns."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra import clock
from dougong.reads.shopper_products import PAGE, ProductCard

NEWEST = 600  # further back than that nobody leafs; the search finds the rest

# Each store's newest comes first, then each store's second newest, and so on. Of what came on one
# day the order is a hash's, so that a whole catalogue brought in at once does not stand in rows of
# the same kind of thing.
FRONT = text("""
    SELECT store_id, product_id, title_zh, title_en, image_file, price_minor, list_price_minor,
      currency, store_code, store_zh, store_en, free, created_at
    FROM (
      SELECT n.*, md5(CAST(n.product_id AS text)) AS mixed,
        row_number() OVER (PARTITION BY n.store_id ORDER BY date_trunc('day', n.created_at) DESC,
          md5(CAST(n.product_id AS text))) AS turn
      FROM (
        SELECT p.store_id, p.id AS product_id, p.title_zh, p.title_en, i.file AS image_file,
          s.price_minor, s.list_price_minor, st.currency, st.code AS store_code,
          st.name_zh AS store_zh, st.name_en AS store_en, s.free, p.created_at
        FROM products p
        JOIN stores st ON st.id = p.store_id AND st.state = 'open'
        JOIN LATERAL (
          SELECT min(s.price_minor) AS price_minor, min(s.list_price_minor) AS list_price_minor,
            COALESCE(sum(CASE WHEN k.quotas > 0 THEN units_for_way(s.store_id, s.id,
              k.on_hand - k.reserved, 'shop', NULL, :at)
              ELSE k.on_hand - k.reserved END), 0)::int AS free
          FROM skus s LEFT JOIN stock k ON k.store_id = s.store_id AND k.sku_id = s.id
          WHERE s.store_id = p.store_id AND s.product_id = p.id AND s.state = 'active'
        ) s ON s.price_minor IS NOT NULL
        LEFT JOIN product_images i ON i.store_id = p.store_id AND i.product_id = p.id
          AND i.position = 0
        WHERE p.state = 'active'
        ORDER BY p.created_at DESC, p.id DESC LIMIT :newest
      ) n
    ) t
    ORDER BY (free > 0) DESC, turn, mixed, product_id
    LIMIT :most OFFSET :skip
""")


async def market_front(conn: AsyncConnection, *, page: int = 0) -> tuple[list[ProductCard], bool]:
    """One page of the newest products, no store's in a row, and whether more follow."""
    asked = {"newest": NEWEST, "most": PAGE + 1, "skip": page * PAGE, "at": clock.now()}
    found = [ProductCard(**row._mapping) for row in await conn.execute(FRONT, asked)]
    return found[:PAGE], len(found) > PAGE
