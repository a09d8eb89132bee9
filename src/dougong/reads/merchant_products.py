"""A merchant's products: the list, and all of one for its editor."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import ProductId, StoreId
from dougong.reads.merchant_stock import like

LAST = UUID(int=2**128 - 1)

LIST = text("""
    SELECT p.id, p.code, p.title_zh, p.title_en, p.state, p.category, p.brand, p.commission_bp,
      p.updated_at, c.name_zh AS category_zh, c.name_en AS category_en, v.skus, v.from_minor,
      v.to_minor, v.free,
      (SELECT i.file FROM product_images i WHERE i.store_id = p.store_id AND i.product_id = p.id
        ORDER BY i.position LIMIT 1) AS image_file
    FROM products p
    JOIN categories c ON c.path = p.category
    CROSS JOIN LATERAL (
      SELECT count(*) AS skus, COALESCE(min(k.price_minor), 0) AS from_minor,
        COALESCE(max(k.price_minor), 0) AS to_minor,
        COALESCE(sum(s.on_hand - s.reserved), 0)::bigint AS free
      FROM skus k LEFT JOIN stock s ON s.store_id = k.store_id AND s.sku_id = k.id
      WHERE k.store_id = p.store_id AND k.product_id = p.id AND k.state = 'active'
    ) v
    WHERE p.store_id = :store_id AND p.id < :before
      AND (CAST(:state AS text) = '' AND p.state <> 'archived' OR p.state = :state)
      AND (CAST(:category AS text) = '' OR p.category = :category
        OR p.category LIKE :category || '/%')
      AND (CAST(:words AS text) = '' OR p.title_zh ILIKE :pattern OR p.title_en ILIKE :pattern
        OR p.code ILIKE :pattern OR p.brand ILIKE :pattern
        OR EXISTS (SELECT FROM skus k WHERE k.store_id = p.store_id AND k.product_id = p.id
          AND (k.code ILIKE :pattern OR k.gtin = :words)))
    ORDER BY p.id DESC LIMIT :most
""")


async def product_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    words: str = "",
    state: str = "",
    category: str = "",
    before: UUID | None = None,
    most: int,
) -> Sequence[Any]:
    """The newest first. state "": all but the archived; category: this one and those below."""
    found = await conn.execute(
        LIST,
        {
            "store_id": store_id,
            "words": words,
            "pattern": like(words),
            "state": state,
            "category": category,
            "before": before or LAST,
            "most": most,
        },
    )
    return found.all()


async def state_counts(conn: AsyncConnection, *, store_id: StoreId) -> dict[str, int]:
    found = await conn.execute(
        text("SELECT state, count(*) AS n FROM products WHERE store_id = :id GROUP BY state"),
        {"id": store_id},
    )
    return {row.state: row.n for row in found}


PRODUCT = text("""
    SELECT p.*, c.name_zh AS category_zh, c.name_en AS category_en
    FROM products p JOIN categories c ON c.path = p.category
    WHERE p.store_id = :store_id AND p.id = :product_id
""")
VARIANTS = text("""
    SELECT k.*, COALESCE(s.on_hand, 0) AS on_hand, COALESCE(s.reserved, 0) AS reserved
    FROM skus k LEFT JOIN stock s ON s.store_id = k.store_id AND s.sku_id = k.id
    WHERE k.store_id = :store_id AND k.product_id = :product_id AND k.state = 'active'
    ORDER BY k.position, k.code
""")
IMAGES = text("""
    SELECT position, file, width, height FROM product_images
    WHERE store_id = :store_id AND product_id = :product_id ORDER BY position
""")


async def product_to_edit(
    conn: AsyncConnection, *, store_id: StoreId, product_id: ProductId
) -> tuple[Any, Sequence[Any], Sequence[Any]]:
    """The product, its SKUs on sale with their units, its pictures. Raises NotFound."""
    asked = {"store_id": store_id, "product_id": product_id}
    product = (await conn.execute(PRODUCT, asked)).one_or_none()
    if product is None:
        raise NotFound
    variants = (await conn.execute(VARIANTS, asked)).all()
    images = (await conn.execute(IMAGES, asked)).all()
    return product, variants, images


async def stores_of(conn: AsyncConnection, *, org_ids: Sequence[UUID]) -> Sequence[Any]:
    """The stores of these organisations with what waits there."""
    found = await conn.execute(
        text("""
            SELECT s.*,
              (SELECT count(*) FROM orders o WHERE o.store_id = s.id
                AND o.state IN ('paid', 'part_shipped')) AS to_ship,
              (SELECT count(*) FROM products p WHERE p.store_id = s.id AND p.state = 'active')
                AS on_sale
            FROM stores s WHERE s.org_id = ANY(CAST(:orgs AS uuid[])) ORDER BY s.code
        """),
        {"orgs": list(org_ids)},
    )
    return found.all()
