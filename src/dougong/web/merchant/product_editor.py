"""One product: both languages, variants with price and stock, commission, pictures."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import ProductId, SkuId, StoreId
from dougong.base.money import decimal_text
from dougong.catalog.images import keep_image
from dougong.catalog.product_commands import (
    ProductText,
    change_product,
    create_product,
    images_of,
    put_variants,
    set_images,
    set_state,
)
from dougong.catalog.queries import category_tree, store_of
from dougong.catalog.rules import MAX_IMAGES, TooManyImages, Variant
from dougong.flows.change_stock import change_stock
from dougong.reads.merchant_products import product_to_edit
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    STORE,
    amount,
    many,
    merchant_page,
    problem_words,
    rate_bp,
    see,
    store_url,
    whole,
)
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.CATALOG_MANAGE, "include_in_schema": False}
PRODUCT = STORE + "/products/{product_id:uuid}"
# Several photographs of a telephone at once; each is judged by itself.
MAX_PICTURES_BYTES = 60_000_000
Cells = str | list[str]
VARIANT_FIELDS = ("sku_id", "sku_code", "options", "price", "list_price", "stock", "gtin", "weight")


class ProductForm(Form):
    """Variants come as columns: the first value of each is the first row."""

    code: str
    title_zh: str
    category: str
    state: Literal["draft", "active", "archived"] = "draft"
    title_en: str = ""
    description_zh: str = ""
    description_en: str = ""
    brand: str = ""
    commission: str = ""
    sku_id: Cells = ""
    sku_code: Cells = ""
    options: Cells = ""
    price: Cells = ""
    list_price: Cells = ""
    stock: Cells = ""
    gtin: Cells = ""
    weight: Cells = ""


class PictureForm(Form):
    file: str
    act: Literal["left", "right", "remove"]


def variant_rows(data: ProductForm) -> list[dict[str, str]]:
    """The rows of the table that say something. Raises BadInput when columns differ in length."""
    columns = {field: many(getattr(data, field)) for field in VARIANT_FIELDS}
    length = max(len(column) for column in columns.values())
    if any(len(column) != length for column in columns.values()):
        raise BadInput(field="variants", reason="too_few_cells")
    rows = [{field: columns[field][n] for field in VARIANT_FIELDS} for n in range(length)]
    return [row for row in rows if row["sku_id"] or row["sku_code"].strip() or row["price"].strip()]


def options_of(text: str, *, field: str) -> dict[str, str]:
    """`color: red; size: M`. Raises BadInput."""
    options: dict[str, str] = {}
    for part in text.replace("；", ";").split(";"):
        if part.strip():
            name, colon, value = part.replace("：", ":").partition(":")
            if not colon or not name.strip() or not value.strip() or name.strip() in options:
                raise BadInput(field=field, reason="bad_options")
            options[name.strip()] = value.strip()
    return options


def read_variants(rows: list[dict[str, str]], currency: str) -> list[Variant]:
    """Raises BadInput at `variants.N.column`."""
    made = []
    for n, row in enumerate(rows):
        at = f"variants.{n}."
        try:
            sku_id = SkuId(UUID(row["sku_id"])) if row["sku_id"] else None
        except ValueError as error:
            raise BadInput(field=f"{at}code", reason="unknown_value") from error
        made.append(
            Variant(
                sku_id=sku_id,
                code=row["sku_code"],
                options=options_of(row["options"], field=f"{at}options"),
                price_minor=amount(row["price"], currency, field=f"{at}price") or 0,
                list_price_minor=amount(
                    row["list_price"], currency, field=f"{at}list_price", required=False
                ),
                quantity=whole(row["stock"], field=f"{at}quantity"),
                gtin=row["gtin"],
                weight_g=whole(row["weight"], field=f"{at}weight_g") or 0,
            )
        )
    return made


def read_words(data: ProductForm) -> ProductText:
    return ProductText(
        code=data.code,
        title_zh=data.title_zh,
        title_en=data.title_en,
        description_zh=data.description_zh,
        description_en=data.description_en,
        brand=data.brand,
        category=data.category,
        commission_bp=rate_bp(data.commission, field="commission"),
    )


def _typed(product: Any, variants: Any, currency: str) -> dict[str, Any]:
    """What stands in the form of a product that is there already."""
    values = {field: getattr(product, field) for field in ("code", "brand", "category", "state")}
    for field in ("title_zh", "title_en", "description_zh", "description_en"):
        values[field] = getattr(product, field)
    offered = product.commission_bp
    values["commission"] = "" if offered is None else decimal_text(offered, "CNY")
    values["rows"] = [
        {
            "sku_id": str(row.id),
            "sku_code": row.code,
            "options": "; ".join(f"{name}: {value}" for name, value in row.options.items()),
            "price": decimal_text(row.price_minor, currency),
            "list_price": decimal_text(row.list_price_minor, currency)
            if row.list_price_minor
            else "",
            "stock": str(row.on_hand),
            "gtin": row.gtin or "",
            "weight": str(row.weight_g or ""),
            "reserved": row.reserved,
        }
        for row in variants
    ]
    return values


async def _editor(
    request: Request[Any, Any, Any],
    conn: AsyncConnection,
    store_id: UUID,
    product_id: UUID | None,
    *,
    data: ProductForm | None = None,
    error: Refusal | None = None,
) -> Page:
    store = await store_of(conn, store_id=StoreId(store_id))
    product: Any = None
    variants: Sequence[Any] = ()
    images: Sequence[Any] = ()
    if product_id is not None:
        product, variants, images = await product_to_edit(
            conn, store_id=StoreId(store_id), product_id=ProductId(product_id)
        )
    if data is not None:
        values = msgspec.structs.asdict(data) | {"rows": variant_rows(data)}
    elif product is not None:
        values = _typed(product, variants, store.currency)
    else:
        values = msgspec.structs.asdict(
            ProductForm(code="", title_zh="", category="", state="active")
        )
        values["rows"] = []
    return await merchant_page(
        request,
        conn,
        "merchant/product.html",
        store_id=store_id,
        status=422 if error else 200,
        product=product,
        images=images,
        values=values,
        categories=await category_tree(conn),
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
        most_images=MAX_IMAGES,
    )


@get(STORE + "/products/new", **ROUTE)
async def new_product(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    return await _editor(request, conn, store_id, None)


@get(PRODUCT, **ROUTE)
async def edit_product(
    store_id: FromPath[UUID],
    product_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
) -> Page:
    return await _editor(request, conn, store_id, product_id)


@post(STORE + "/products", **ROUTE)
async def add_product(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[ProductForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    ours = StoreId(store_id)
    try:
        async with conn.begin_nested():
            currency = (await store_of(conn, store_id=ours)).currency
            variants = read_variants(variant_rows(data), currency)
            product_id, made = await create_product(
                conn, store_id=ours, words=read_words(data), variants=variants, at=now
            )
            await _stock(conn, ours, variants, made, now)
            if data.state != "draft":
                await set_state(
                    conn, store_id=ours, product_ids=[product_id], state=data.state, at=now
                )
    except Refusal as refusal:
        return await _editor(request, conn, store_id, None, data=data, error=refusal)
    await _note(
        conn, who, "catalog.product_created", store_id, data, told_prices(variants, currency), now
    )
    return see(store_url(store_id, f"products/{product_id}"))


@post(PRODUCT, **ROUTE)
async def save_product(
    store_id: FromPath[UUID],
    product_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[ProductForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    ours, product = StoreId(store_id), ProductId(product_id)
    try:
        async with conn.begin_nested():
            currency = (await store_of(conn, store_id=ours)).currency
            variants = read_variants(variant_rows(data), currency)
            words = read_words(data)
            await change_product(conn, store_id=ours, product_id=product, words=words, at=now)
            made = await put_variants(
                conn, store_id=ours, product_id=product, variants=variants, at=now
            )
            await _stock(conn, ours, variants, made, now)
            await set_state(conn, store_id=ours, product_ids=[product], state=data.state, at=now)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _editor(request, conn, store_id, product_id, data=data, error=refusal)
    await _note(
        conn, who, "catalog.product_changed", store_id, data, told_prices(variants, currency), now
    )
    return see(store_url(store_id, f"products/{product_id}?saved=1"))


def told_prices(variants: list[Variant], currency: str) -> list[str]:
    """`T1-50 39.00 CNY`, for people."""
    return [f"{one.code} {decimal_text(one.price_minor, currency)} {currency}" for one in variants]


async def _note(
    conn: AsyncConnection,
    who: Access,
    action: str,
    store_id: UUID,
    data: ProductForm,
    prices: list[str],
    at: datetime,
) -> None:
    """What was saved, with its prices, in the audit log."""
    facts = {"state": data.state, "commission": data.commission, "prices": prices}
    await audit(
        conn,
        at=at,
        person_id=who.person_id,
        action=action,
        owner_id=store_id,
        subject=data.code,
        facts=facts,
    )


async def _stock(
    conn: AsyncConnection,
    store_id: StoreId,
    variants: list[Variant],
    made: dict[str, SkuId],
    at: datetime,
) -> None:
    levels = {made[v.code.strip()]: v.quantity for v in variants if v.quantity is not None}
    await change_stock(conn, store_id=store_id, levels=levels, at=at)


@post(PRODUCT + "/images", request_max_body_size=MAX_PICTURES_BYTES, **ROUTE)
async def add_pictures(
    store_id: FromPath[UUID],
    product_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
) -> Response[Any]:
    """Files in the field `image`, put behind those that are there."""
    form = await request.form()
    if unknown := set(form) - {"image", "_csrf_token"}:
        raise BadInput(field=min(unknown), reason="unknown_value")
    sent = [one for one in form.getall("image", []) if isinstance(one, UploadFile) and one.filename]
    if not sent:
        raise BadInput(field="image", reason="missing")
    if len(sent) > MAX_IMAGES:
        raise TooManyImages(field="image", most=MAX_IMAGES)
    ours, product = StoreId(store_id), ProductId(product_id)
    made = [await keep_image(await one.read()) for one in sent]
    held = await images_of(conn, store_id=ours, product_id=product)
    await set_images(
        conn, store_id=ours, product_id=product, images=list(dict.fromkeys([*held, *made]))
    )
    return see(store_url(store_id, f"products/{product_id}#pictures"))


@post(PRODUCT + "/images/order", **ROUTE)
async def order_pictures(
    store_id: FromPath[UUID],
    product_id: FromPath[UUID],
    data: FormData[PictureForm],
    conn: Conn,
) -> Response[Any]:
    ours, product = StoreId(store_id), ProductId(product_id)
    images = await images_of(conn, store_id=ours, product_id=product)
    place = next((n for n, image in enumerate(images) if image.file == data.file), None)
    if place is None:
        raise BadInput(field="file", reason="unknown_value")
    image = images.pop(place)
    if data.act != "remove":
        images.insert(max(0, place + (-1 if data.act == "left" else 1)), image)
    await set_images(conn, store_id=ours, product_id=product, images=images)
    return see(store_url(store_id, f"products/{product_id}#pictures"))


HANDLERS: list[HTTPRouteHandler] = [
    new_product,
    edit_product,
    add_product,
    save_product,
    add_pictures,
    order_pictures,
]
