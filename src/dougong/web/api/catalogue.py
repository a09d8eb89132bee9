"""API v1, the merchant's catalogue: products, SKUs, stock, feeds."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import ProductId, SkuId, StoreId
from dougong.base.money import Money
from dougong.catalog.import_runs import run_of
from dougong.catalog.product_commands import (
    ProductText,
    change_product,
    create_product,
    put_variants,
    set_state,
)
from dougong.catalog.queries import store_of
from dougong.catalog.rules import Variant
from dougong.flows.change_stock import change_stock
from dougong.flows.import_feed import start_import
from dougong.infra.idempotency import once
from dougong.reads.merchant_products import product_rows, product_to_edit
from dougong.reads.merchant_stock import stock_rows
from dougong.web.api.catalogue_types import (
    FeedInput,
    ImportRun,
    Product,
    ProductChange,
    ProductInput,
    ProductPage,
    ProductRow,
    Sku,
    SkuInput,
    StockInput,
    StockPage,
    StockRow,
)
from dougong.web.api.common import (
    STORE,
    After,
    Key,
    Limit,
    Search,
    image_url,
    money_or_none,
    plain,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_values, cut

ROUTE: dict[str, Any] = {"permission": Permission.CATALOG_MANAGE, "tags": ["merchant catalogue"]}


async def _product(conn: AsyncConnection, store_id: UUID, product_id: UUID) -> Product:
    store = await store_of(conn, store_id=StoreId(store_id))
    row, variants, images = await product_to_edit(
        conn, store_id=StoreId(store_id), product_id=ProductId(product_id)
    )
    return Product(
        id=row.id,
        store_id=store_id,
        code=row.code,
        title_zh=row.title_zh,
        title_en=row.title_en,
        description_zh=row.description_zh,
        description_en=row.description_en,
        brand=row.brand,
        category=row.category,
        state=row.state,
        commission_bp=row.commission_bp,
        image_urls=[str(image_url(image.file)) for image in images],
        skus=[_sku(variant, store.currency) for variant in variants],
        updated_at=row.updated_at,
    )


def _sku(row: Any, currency: str) -> Sku:
    return Sku(
        id=row.id,
        code=row.code,
        options=row.options,
        price=Money(row.price_minor, currency),
        list_price=money_or_none(row.list_price_minor, currency),
        gtin=row.gtin,
        weight_g=row.weight_g,
        on_hand=row.on_hand,
        reserved=row.reserved,
        free=row.on_hand - row.reserved,
    )


def _variants(skus: list[SkuInput]) -> list[Variant]:
    return [
        Variant(
            code=sku.code,
            price_minor=sku.price_minor,
            options=sku.options,
            list_price_minor=sku.list_price_minor,
            gtin=sku.gtin,
            weight_g=sku.weight_g,
            quantity=sku.quantity,
        )
        for sku in skus
    ]


async def _stock(
    conn: AsyncConnection,
    store_id: UUID,
    skus: list[SkuInput],
    made: dict[str, SkuId],
    at: datetime,
) -> None:
    levels = {made[sku.code.strip()]: sku.quantity for sku in skus if sku.quantity is not None}
    await change_stock(conn, store_id=StoreId(store_id), levels=levels, at=at)


@get(STORE + "/catalogue", summary="All products of a store, also drafts", **ROUTE)
async def list_products(
    store_id: FromPath[UUID],
    conn: Conn,
    q: Search = "",
    show: FromQuery[Literal["", "draft", "active", "archived"]] = "",
    category: Annotated[str, QueryParameter(max_length=200)] = "",
    after: After = "",
    limit: Limit = 50,
) -> ProductPage:
    """The newest first. `show` empty: all but the archived. `q`: title, code, brand or GTIN."""
    start = cursor_values(after, tuple[UUID])
    store = await store_of(conn, store_id=StoreId(store_id))
    found = await product_rows(
        conn,
        store_id=StoreId(store_id),
        words=plain(q),
        state=show,
        category=plain(category),
        before=start[0] if start else None,
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.id,), limit)
    items = [
        ProductRow(
            id=row.id,
            code=row.code,
            title_zh=row.title_zh,
            title_en=row.title_en,
            state=row.state,
            category=row.category,
            price_from=Money(row.from_minor, store.currency),
            free=row.free,
            image_url=image_url(row.image_file),
        )
        for row in rows
    ]
    return ProductPage(items, following or None)


@get(STORE + "/catalogue/{product_id:uuid}", summary="One product as its merchant sees it", **ROUTE)
async def read_product(store_id: FromPath[UUID], product_id: FromPath[UUID], conn: Conn) -> Product:
    """With SKUs, stock and pictures; drafts too."""
    return await _product(conn, store_id, product_id)


@post(STORE + "/products", summary="Enter a product", status_code=201, **ROUTE)
async def enter_product(
    store_id: FromPath[UUID], data: JSONBody[ProductInput], key: Key, conn: Conn, now: Now
) -> Product:
    """With its SKUs and, where `quantity` is given, their stock. 409 for a code that is taken."""

    async def make() -> Product:
        product_id, made = await create_product(
            conn,
            store_id=StoreId(store_id),
            words=ProductText(
                code=data.code,
                title_zh=data.title_zh,
                title_en=data.title_en,
                description_zh=data.description_zh,
                description_en=data.description_en,
                brand=data.brand,
                category=data.category,
                commission_bp=data.commission_bp,
            ),
            variants=_variants(data.skus),
            at=now,
            state=data.state,
        )
        await _stock(conn, store_id, data.skus, made, now)
        return await _product(conn, store_id, product_id)

    return await once(
        conn,
        owner_id=store_id,
        route="POST products",
        key=key,
        request=data,
        answer=Product,
        at=now,
        make=make,
    )


@patch(STORE + "/products/{product_id:uuid}", summary="Change a product", **ROUTE)
async def update_product(
    store_id: FromPath[UUID],
    product_id: FromPath[UUID],
    data: JSONBody[ProductChange],
    conn: Conn,
    now: Now,
) -> Product:
    """What is left out stays. `skus`, when given, are all of them: others go off sale."""
    ours, product = StoreId(store_id), ProductId(product_id)
    row, _, _ = await product_to_edit(conn, store_id=ours, product_id=product)
    fields = {
        name: getattr(row, name) if getattr(data, name) is UNSET else getattr(data, name)
        for name in ProductText.__struct_fields__
    }
    await change_product(
        conn, store_id=ours, product_id=product, words=ProductText(**fields), at=now
    )
    if data.skus is not UNSET:
        made = await put_variants(
            conn, store_id=ours, product_id=product, variants=_variants(data.skus), at=now
        )
        await _stock(conn, store_id, data.skus, made, now)
    if data.state is not UNSET:
        await set_state(conn, store_id=ours, product_ids=[product], state=data.state, at=now)
    return await _product(conn, store_id, product_id)


@get(STORE + "/stock", summary="Stock of every SKU", **ROUTE)
async def list_stock(
    store_id: FromPath[UUID],
    conn: Conn,
    q: Search = "",
    is_low: FromQuery[bool] = False,
    after: After = "",
    limit: Limit = 50,
) -> StockPage:
    """By SKU code. `free` is what is on hand less what open orders have reserved."""
    found = await stock_rows(
        conn,
        store_id=StoreId(store_id),
        words=plain(q),
        is_low=is_low,
        after=cursor_values(after, tuple[str, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.code, row.id), limit)
    items = [StockRow(row.id, row.code, row.on_hand, row.reserved, row.free) for row in rows]
    return StockPage(items, following or None)


@put(STORE + "/stock", summary="Set units on hand", status_code=204, **ROUTE)
async def set_stock(
    store_id: FromPath[UUID], data: JSONBody[StockInput], conn: Conn, now: Now
) -> None:
    """All or nothing; 409 when open orders have reserved more than a new level."""
    levels = {SkuId(level.sku_id): level.on_hand for level in data.levels}
    if len(levels) < len(data.levels):
        raise BadInput(field="levels", reason="duplicate_id")
    await change_stock(conn, store_id=StoreId(store_id), levels=levels, at=now)


@post(STORE + "/feed-imports", summary="Import a product feed", status_code=202, **ROUTE)
async def import_feed(
    store_id: FromPath[UUID],
    data: JSONBody[FeedInput],
    key: Key,
    who: Who,
    conn: Conn,
    now: Now,
) -> ImportRun:
    """Starts a run; look at it until its state is done or failed. Rows are found by their id, so
    the same feed again changes nothing."""

    async def make() -> ImportRun:
        run_id = await start_import(
            conn,
            store_id=StoreId(store_id),
            file_name=data.file_name,
            data=data.content.encode("utf-8", "replace"),
            started_by=who.person_id,
            at=now,
            all_or_nothing=data.all_or_nothing,
            assumed_quantity=data.assumed_quantity,
        )
        return await _run(conn, store_id, run_id)

    return await once(
        conn,
        owner_id=store_id,
        route="POST feed-imports",
        key=key,
        request=data,
        answer=ImportRun,
        at=now,
        make=make,
    )


@get(STORE + "/feed-imports/{run_id:uuid}", summary="How an import goes", **ROUTE)
async def read_import(store_id: FromPath[UUID], run_id: FromPath[UUID], conn: Conn) -> ImportRun:
    """When it is over, `report` names every bad row by line, field and reason."""
    return await _run(conn, store_id, run_id)


async def _run(conn: AsyncConnection, store_id: UUID, run_id: UUID) -> ImportRun:
    run = await run_of(conn, store_id=StoreId(store_id), run_id=run_id)
    report = run.report if isinstance(run.report, dict) else {}
    return ImportRun(
        id=run.id,
        state=run.state,
        file_name=run.file_name,
        rows_total=run.rows_total,
        rows_done=run.rows_done,
        rows_bad=run.rows_bad,
        report=report,
    )


HANDLERS: list[HTTPRouteHandler] = [
    list_products,
    read_product,
    enter_product,
    update_product,
    list_stock,
    set_stock,
    import_feed,
    read_import,
]
