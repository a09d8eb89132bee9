"""Writes products, their SKUs and their pictures."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import ProductId, SkuId, StoreId, new_id
from dougong.catalog.images import StoredImage
from dougong.catalog.rules import (
    MAX_BRAND,
    MAX_CODE,
    MAX_DESCRIPTION,
    MAX_IMAGES,
    MAX_SKUS,
    MAX_TITLE,
    STATES,
    NotReady,
    ProductCodeTaken,
    SkuCodeTaken,
    TooManyImages,
    Variant,
    check_commission,
    check_variant,
    clean_text,
)
from dougong.catalog.tables import product_images, products, skus
from dougong.infra import events


class ProductText(msgspec.Struct, frozen=True, kw_only=True):
    """What a merchant writes about a product. `commission_bp`: offered to creators, or None."""

    code: str
    title_zh: str
    category: str
    title_en: str = ""
    description_zh: str = ""
    description_en: str = ""
    brand: str = ""
    commission_bp: int | None = None


async def create_product(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    words: ProductText,
    variants: Sequence[Variant],
    at: datetime,
    state: str = "draft",
    images: Sequence[StoredImage] = (),
) -> tuple[ProductId, dict[str, SkuId]]:
    """A product with its SKUs and pictures; answers SKU ids by code. Stock is the supply area's.

    Raises BadInput, ProductCodeTaken, SkuCodeTaken, TooManyImages, NotReady, NotFound.
    """
    product_id = ProductId(new_id())
    row = {
        "store_id": store_id,
        "id": product_id,
        "created_at": at,
        "updated_at": at,
        **_columns(words),
    }
    try:
        async with conn.begin_nested():
            await conn.execute(insert(products).values(row))
    except IntegrityError as error:
        raise _refusal(error, words) from error
    made = await put_variants(
        conn, store_id=store_id, product_id=product_id, variants=variants, at=at
    )
    if images:
        await set_images(conn, store_id=store_id, product_id=product_id, images=images)
    await _tell(conn, "catalog.product_created", store_id, product_id, at, {"code": words.code})
    if state != "draft":
        await set_state(conn, store_id=store_id, product_ids=[product_id], state=state, at=at)
    return product_id, made


async def change_product(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    product_id: ProductId,
    words: ProductText,
    at: datetime,
) -> None:
    """Raises BadInput, ProductCodeTaken, NotFound."""
    change = (
        update(products)
        .where(products.c.store_id == store_id, products.c.id == product_id)
        .values(_columns(words) | {"updated_at": at})
    )
    try:
        async with conn.begin_nested():
            changed = (await conn.execute(change)).rowcount
    except IntegrityError as error:
        raise _refusal(error, words) from error
    if changed != 1:
        raise NotFound
    facts = {"code": words.code, "commission_bp": words.commission_bp}
    await _tell(conn, "catalog.product_changed", store_id, product_id, at, facts)


def _columns(words: ProductText) -> dict[str, Any]:
    def clean(field: str, most: int, *, required: bool = False) -> str:
        return clean_text(getattr(words, field), field=field, most=most, required=required)

    return {
        "code": clean("code", MAX_CODE, required=True),
        "title_zh": clean("title_zh", MAX_TITLE, required=True),
        "title_en": clean("title_en", MAX_TITLE),
        "description_zh": clean("description_zh", MAX_DESCRIPTION),
        "description_en": clean("description_en", MAX_DESCRIPTION),
        "brand": clean("brand", MAX_BRAND),
        "category": clean("category", 200, required=True),
        "commission_bp": check_commission(words.commission_bp),
    }


def _refusal(error: IntegrityError, words: ProductText) -> Exception:
    said = str(error.orig)
    if "products_store_id_code_key" in said:
        return ProductCodeTaken(field="code", product_code=words.code)
    if "products_category_fkey" in said:
        return BadInput(field="category", reason="unknown_category")
    return NotFound()


async def set_purchase(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    product_id: ProductId,
    url: str | None,
    source: str,
    at: datetime,
) -> None:
    """Where a product is really bought, and the source that is; None and `own`: here.

    Raises NotFound.
    """
    change = (
        update(products)
        .where(products.c.store_id == store_id, products.c.id == product_id)
        .values(purchase_url=url, purchase_source=source, updated_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
    await events.record(
        conn,
        "catalog.purchase_address_set",
        store_id=store_id,
        subject_id=product_id,
        at=at,
        facts={"source": source},
    )


async def set_state(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    product_ids: Sequence[ProductId],
    state: str,
    at: datetime,
) -> int:
    """Show, hide or archive products; answers how many changed.

    Raises BadInput for an unknown state, NotReady when one to be shown has no SKU on sale.
    """
    if state not in STATES:
        raise BadInput(field="state", reason="unknown_state")
    if state == "active":
        ready = await conn.scalar(
            select(products.c.id)
            .where(products.c.store_id == store_id, products.c.id.in_(product_ids))
            .where(
                ~select(skus.c.id)
                .where(skus.c.store_id == products.c.store_id)
                .where(skus.c.product_id == products.c.id, skus.c.state == "active")
                .exists()
            )
            .limit(1)
        )
        if ready is not None:
            raise NotReady(missing="price")
    changed = await conn.execute(
        update(products)
        .where(products.c.store_id == store_id, products.c.id.in_(product_ids))
        .where(products.c.state != state)
        .values(state=state, updated_at=at)
        .returning(products.c.id)
    )
    ids = [row.id for row in changed]
    for product_id in ids:
        await _tell(
            conn, "catalog.product_state_changed", store_id, product_id, at, {"state": state}
        )
    return len(ids)


async def put_variants(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    product_id: ProductId,
    variants: Sequence[Variant],
    at: datetime,
) -> dict[str, SkuId]:
    """Make these the SKUs of the product, in this order; answers ids by code.

    A SKU that is not among them is archived, never deleted: orders name it. One that comes back
    by its id or its code lives again. Raises BadInput (`variants.N.field`), SkuCodeTaken, NotFound.
    """
    if not 1 <= len(variants) <= MAX_SKUS:
        raise BadInput(field="variants", reason="missing" if not variants else "too_many")
    clean = [check_variant(v, prefix=f"variants.{i}.") for i, v in enumerate(variants)]
    codes = [variant.code for variant in clean]
    if len(set(codes)) < len(codes):
        twice = next(code for code in codes if codes.count(code) > 1)
        raise SkuCodeTaken(field=f"variants.{codes.index(twice)}.code", sku_code=twice)
    held = await conn.execute(
        select(skus.c.id, skus.c.code)
        .where(skus.c.store_id == store_id, skus.c.product_id == product_id)
        .with_for_update()
    )
    by_code = {row.code: SkuId(row.id) for row in held}
    known = set(by_code.values())
    if any(v.sku_id is not None and v.sku_id not in known for v in clean):
        raise NotFound(field="variants")
    ids = [v.sku_id or by_code.get(v.code) or SkuId(new_id()) for v in clean]
    if len(set(ids)) < len(ids):
        raise SkuCodeTaken(field="variants", sku_code="")
    try:
        async with conn.begin_nested():
            await conn.execute(PUT_VARIANTS, _rows(store_id, product_id, ids, clean))
    except IntegrityError as error:
        if "skus_store_id_code_key" in str(error.orig):
            raise SkuCodeTaken(field="variants", sku_code="") from error
        raise NotFound from error
    made = dict(zip(codes, ids, strict=True))
    facts = {"skus": {code: str(sku_id) for code, sku_id in made.items()}}
    await _tell(conn, "catalog.variants_changed", store_id, product_id, at, facts)
    return made


PUT_VARIANTS = text("""
    WITH want AS (
      SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:codes AS text[]), CAST(:options AS text[]),
        CAST(:prices AS bigint[]), CAST(:list_prices AS bigint[]), CAST(:gtins AS text[]),
        CAST(:weights AS int[])) WITH ORDINALITY
        AS w (id, code, options, price_minor, list_price_minor, gtin, weight_g, pos)
    ),
    gone AS (
      UPDATE skus SET state = 'archived'
      WHERE store_id = :store_id AND product_id = :product_id AND state <> 'archived'
        AND id NOT IN (SELECT id FROM want)
    )
    INSERT INTO skus AS s (store_id, id, product_id, code, options, price_minor,
      list_price_minor, gtin, weight_g, position)
    SELECT :store_id, id, :product_id, code, CAST(options AS jsonb), price_minor,
      list_price_minor, NULLIF(gtin, ''), weight_g, pos - 1
    FROM want
    ON CONFLICT (store_id, id) DO UPDATE SET code = excluded.code, options = excluded.options,
      price_minor = excluded.price_minor, list_price_minor = excluded.list_price_minor,
      gtin = excluded.gtin, weight_g = excluded.weight_g, position = excluded.position,
      state = 'active'
""")


def _rows(
    store_id: StoreId, product_id: ProductId, ids: Sequence[SkuId], variants: Sequence[Variant]
) -> dict[str, Any]:
    return {
        "store_id": store_id,
        "product_id": product_id,
        "ids": list(ids),
        "codes": [v.code for v in variants],
        "options": [msgspec.json.encode(v.options).decode() for v in variants],
        "prices": [v.price_minor for v in variants],
        "list_prices": [v.list_price_minor for v in variants],
        "gtins": [v.gtin for v in variants],
        "weights": [v.weight_g for v in variants],
    }


async def set_images(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    product_id: ProductId,
    images: Sequence[StoredImage],
) -> None:
    """Make these the pictures of a product, in this order; the first one stands for it.

    Raises TooManyImages, NotFound.
    """
    if len(images) > MAX_IMAGES:
        raise TooManyImages(field="image", most=MAX_IMAGES)
    await _lock(conn, store_id, product_id)
    await conn.execute(
        product_images.delete().where(
            product_images.c.store_id == store_id, product_images.c.product_id == product_id
        )
    )
    if images:
        rows = [
            {"store_id": store_id, "product_id": product_id, "position": i}
            | msgspec.structs.asdict(image)
            for i, image in enumerate(images)
        ]
        await conn.execute(insert(product_images), rows)


async def images_of(
    conn: AsyncConnection, *, store_id: StoreId, product_id: ProductId
) -> list[StoredImage]:
    """The pictures of a product in their order, the product locked. Raises NotFound."""
    await _lock(conn, store_id, product_id)
    found = await conn.execute(
        select(product_images.c.file, product_images.c.width, product_images.c.height)
        .where(product_images.c.store_id == store_id, product_images.c.product_id == product_id)
        .order_by(product_images.c.position)
    )
    return [StoredImage(row.file, row.width, row.height) for row in found]


async def _lock(conn: AsyncConnection, store_id: StoreId, product_id: ProductId) -> None:
    held = await conn.scalar(
        select(products.c.id)
        .where(products.c.store_id == store_id, products.c.id == product_id)
        .with_for_update()
    )
    if held is None:
        raise NotFound


async def _tell(
    conn: AsyncConnection,
    kind: str,
    store_id: StoreId,
    product_id: ProductId,
    at: datetime,
    facts: Mapping[str, Any],
) -> None:
    await events.record(conn, kind, subject_id=product_id, store_id=store_id, at=at, facts=facts)
