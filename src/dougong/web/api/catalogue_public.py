"""API v1, for anybody: stores, categories, products on sale."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.money import Money
from dougong.catalog.queries import category_tree
from dougong.infra.settings import settings
from dougong.reads.shopper_products import CouponHint, open_store, product_cards, product_view
from dougong.supply.quota_rules import Channel
from dougong.web.api.catalogue_types import (
    CategoryAnswer,
    FoundPage,
    FoundProduct,
    OfferedCoupon,
    OfferedProduct,
    OfferedSku,
    StoreAnswer,
)
from dougong.web.api.common import After, Limit, Search, image_url, money_or_none, plain
from dougong.web.deps import Conn, Now
from dougong.web.paging import cursor_of, cursor_values

OPEN: dict[str, Any] = {"permission": Permission.PUBLIC, "tags": ["catalogue"]}


@get("/api/v1/stores/{code:str}", summary="A store by its code", **OPEN)
async def store(code: FromPath[str], conn: Conn) -> StoreAnswer:
    """Its names, currency and shipping rule. 404 for one that is unknown or closed."""
    found = await open_store(conn, code=code)
    if found is None:
        raise NotFound
    return StoreAnswer(
        id=found.id,
        code=found.code,
        name_zh=found.name_zh,
        name_en=found.name_en,
        tagline_zh=found.tagline_zh,
        tagline_en=found.tagline_en,
        logo_url=image_url(found.logo_file),
        currency=found.currency,
        shipping_fee=Money(found.shipping_fee_minor, found.currency),
        free_shipping_from=money_or_none(found.free_shipping_from_minor, found.currency),
    )


@get("/api/v1/categories", summary="The category tree", **OPEN)
async def categories(conn: Conn) -> list[CategoryAnswer]:
    """Parents before their children, in the order in which they are shown."""
    return [
        CategoryAnswer(row.path, row.parent, row.name_zh, row.name_en)
        for row in await category_tree(conn)
    ]


@get("/api/v1/products", summary="Products on sale", **OPEN)
async def search(
    conn: Conn,
    q: Search = "",
    store_id: FromQuery[UUID | None] = None,
    category: Annotated[str, QueryParameter(max_length=200, description="A path.")] = "",
    after: After = "",
    limit: Limit = 24,
) -> FoundPage:
    """By words of title, brand and store; what can be bought first, then the newest."""
    cards, more = await product_cards(
        conn,
        store_id=store_id,
        words=plain(q),
        category=plain(category) or None,
        after=cursor_values(after, tuple[bool, datetime, UUID]),
        most=limit,
        way=Channel.API,
    )
    items = [
        FoundProduct(
            id=card.product_id,
            store_id=card.store_id,
            title_zh=card.title_zh,
            title_en=card.title_en,
            price_from=Money(card.price_minor, card.currency),
            is_sold_out=card.free <= 0,
            image_url=image_url(card.image_file),
        )
        for card in cards
    ]
    last = cards[-1] if more else None
    following = cursor_of(last.free > 0, last.created_at, last.product_id) if last else None
    return FoundPage(items, following)


@get(
    "/api/v1/stores/{store_id:uuid}/products/{product_id:uuid}",
    summary="One product with what can be chosen",
    **OPEN,
)
async def product(
    store_id: FromPath[UUID],
    product_id: FromPath[UUID],
    conn: Conn,
    now: Now,
    link_id: FromQuery[UUID | None] = None,
) -> OfferedProduct:
    """404 for a product that is not on sale. `free` counts what an order with this `link_id` can
    get now, without one what an order by API can."""
    found = await product_view(
        conn,
        store_id=store_id,
        product_id=product_id,
        link_id=link_id,
        straight=Channel.API,
        at=now,
    )
    if found is None:
        raise NotFound
    currency = found.store.currency
    return OfferedProduct(
        id=found.id,
        store_id=store_id,
        title_zh=found.title_zh,
        title_en=found.title_en,
        description_zh=found.description_zh,
        description_en=found.description_en,
        brand=found.brand,
        category=found.category,
        image_urls=[str(image_url(image.file)) for image in found.images],
        skus=[
            OfferedSku(
                id=variant.sku_id,
                options=variant.options,
                price=Money(variant.price_minor, currency),
                list_price=money_or_none(variant.list_price_minor, currency),
                free=max(0, variant.free),
            )
            for variant in found.variants
        ],
        coupons=[_coupon(coupon, currency) for coupon in found.coupons],
        url=f"{settings().public_url}/p/{store_id}/{product_id}",
    )


def _coupon(coupon: CouponHint, currency: str) -> OfferedCoupon:
    return OfferedCoupon(
        code=coupon.code,
        name_zh=coupon.name_zh,
        name_en=coupon.name_en,
        amount_off=money_or_none(coupon.amount_off_minor, currency),
        percent_off_bp=coupon.percent_off_bp,
        min_spend=Money(coupon.min_spend_minor, currency),
    )


HANDLERS: list[HTTPRouteHandler] = [store, categories, search, product]
