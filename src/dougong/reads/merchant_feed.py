"""A store's products as items of a feed: what the export writes."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import ProductId, StoreId
from dougong.catalog.feed_types import FeedItem
from dougong.infra.settings import settings

ITEMS = text("""
    SELECT k.code, p.code AS group_code, p.title_zh, p.title_en, p.description_zh,
      p.description_en, p.brand, p.category, p.state, p.commission_bp, k.options, k.price_minor,
      k.list_price_minor, COALESCE(k.gtin, '') AS gtin, k.weight_g, k.attributes,
      COALESCE(s.on_hand, 0) AS on_hand,
      ARRAY(SELECT i.file FROM product_images i
        WHERE i.store_id = p.store_id AND i.product_id = p.id ORDER BY i.position) AS files
    FROM products p
    JOIN skus k ON k.store_id = p.store_id AND k.product_id = p.id AND k.state = 'active'
    LEFT JOIN stock s ON s.store_id = k.store_id AND s.sku_id = k.id
    WHERE p.store_id = :store_id
      AND (CAST(:ids AS uuid[]) IS NULL OR p.id = ANY(CAST(:ids AS uuid[])))
    ORDER BY p.code, k.position, k.code
""")


async def product_ids_by_code(conn: AsyncConnection, *, store_id: StoreId) -> dict[str, ProductId]:
    """Every product of the store."""
    found = await conn.execute(
        text("SELECT code, id FROM products WHERE store_id = :id"), {"id": store_id}
    )
    return {row.code: ProductId(row.id) for row in found}


async def feed_items(
    conn: AsyncConnection, *, store_id: StoreId, product_ids: Sequence[ProductId] | None = None
) -> list[FeedItem]:
    """Every SKU on sale of the store, or of these products, in the order of their codes."""
    found = await conn.execute(
        ITEMS, {"store_id": store_id, "ids": None if product_ids is None else list(product_ids)}
    )
    media = f"{settings().public_url}/media/"
    return [
        FeedItem(
            line=0,
            code=row.code,
            group=row.group_code,
            title=row.title_zh,
            title_en=row.title_en,
            description=row.description_zh,
            description_en=row.description_en,
            price_minor=row.price_minor,
            list_price_minor=row.list_price_minor,
            options=row.options,
            brand=row.brand,
            category=row.category,
            gtin=row.gtin,
            weight_g=row.weight_g,
            quantity=row.on_hand,
            attributes=row.attributes,
            image_links=tuple(media + file for file in row.files),
            commission_bp=row.commission_bp,
            state=row.state,
        )
        for row in found
    ]
