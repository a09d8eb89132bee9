"""API v1, what goes in and out of a catalogue as files: pictures, and feeds."""

import base64
import binascii
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import ProductId, StoreId
from dougong.catalog.images import keep_image
from dougong.catalog.product_commands import images_of, set_images
from dougong.catalog.queries import recent_runs
from dougong.catalog.rules import MAX_IMAGES, TooManyImages
from dougong.web.api.common import STORE, image_url
from dougong.web.deps import Conn
from dougong.web.forms import Input
from dougong.web.merchant.products import MEDIA_TYPES, feed_file
from dougong.web.paging import file_answer

ROUTE: dict[str, Any] = {"permission": Permission.CATALOG_MANAGE, "tags": ["merchant catalogue"]}
IMAGES = STORE + "/products/{product_id:uuid}/images"
MOST_RUNS = 50


class ImageInput(Input):
    """`content`: the bytes of a JPEG, PNG or WebP in base64, up to 6 MB."""

    content: Annotated[str, Meta(min_length=1, max_length=8_400_000)]


class Picture(msgspec.Struct):
    """`file`: its name here; the same picture twice is one file."""

    file: str
    url: str
    width: int
    height: int


class Pictures(msgspec.Struct):
    """In the order in which they are shown; the first stands for the product."""

    items: list[Picture]


class ImageOrder(Input):
    """`files`: those to keep, in their order; the others are taken away."""

    files: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=MAX_IMAGES)]


class Run(msgspec.Struct):
    """`state`: waiting, running, done or failed."""

    id: UUID
    state: str
    file_name: str
    rows_total: int
    rows_done: int
    rows_bad: int


class Runs(msgspec.Struct):
    items: list[Run]


async def _pictures(conn: AsyncConnection, store_id: UUID, product_id: UUID) -> Pictures:
    held = await images_of(conn, store_id=StoreId(store_id), product_id=ProductId(product_id))
    return Pictures(
        [Picture(one.file, str(image_url(one.file)), one.width, one.height) for one in held]
    )


@get(IMAGES, summary="Pictures of a product", **ROUTE)
async def list_images(store_id: FromPath[UUID], product_id: FromPath[UUID], conn: Conn) -> Pictures:
    """In their order, up to twelve."""
    return await _pictures(conn, store_id, product_id)


@post(IMAGES, summary="Add a picture", status_code=201, **ROUTE)
async def add_image(
    store_id: FromPath[UUID], product_id: FromPath[UUID], data: JSONBody[ImageInput], conn: Conn
) -> Pictures:
    """Put behind those that are there; it is encoded anew. One that is there already stays where it
    is, so a repeat changes nothing. 422 `image_refused` or `too_many_images`."""
    try:
        content = base64.b64decode(data.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(field="content", reason="bad_encoding") from error
    held = await images_of(conn, store_id=StoreId(store_id), product_id=ProductId(product_id))
    made = await keep_image(content)
    if made not in held:
        if len(held) >= MAX_IMAGES:
            raise TooManyImages(field="content", most=MAX_IMAGES)
        await set_images(
            conn,
            store_id=StoreId(store_id),
            product_id=ProductId(product_id),
            images=[*held, made],
        )
    return await _pictures(conn, store_id, product_id)


@put(IMAGES, summary="Order or remove pictures", **ROUTE)
async def order_images(
    store_id: FromPath[UUID], product_id: FromPath[UUID], data: JSONBody[ImageOrder], conn: Conn
) -> Pictures:
    """400 for a file that is not one of this product's pictures."""
    held = {
        one.file: one
        for one in await images_of(
            conn, store_id=StoreId(store_id), product_id=ProductId(product_id)
        )
    }
    if len(set(data.files)) < len(data.files):
        raise BadInput(field="files", reason="duplicate_id")
    if not set(data.files) <= set(held):
        raise BadInput(field="files", reason="unknown_value")
    await set_images(
        conn,
        store_id=StoreId(store_id),
        product_id=ProductId(product_id),
        images=[held[file] for file in data.files],
    )
    return await _pictures(conn, store_id, product_id)


@get(STORE + "/feed-imports", summary="Imports of a store", **ROUTE)
async def list_imports(store_id: FromPath[UUID], conn: Conn) -> Runs:
    """The last 50, newest first, without their reports."""
    rows = await recent_runs(conn, store_id=StoreId(store_id), most=MOST_RUNS)
    return Runs([Run(*(getattr(row, name) for name in Run.__struct_fields__)) for row in rows])


@get(
    STORE + "/feed",
    summary="Export the catalogue as a feed",
    responses={200: ResponseSpec(bytes, generate_examples=False, description="The feed.")},
    **ROUTE,
)
async def export_feed(
    store_id: FromPath[UUID],
    conn: Conn,
    how: FromQuery[Literal["csv", "tsv", "xml"]] = "csv",
) -> Response[bytes]:
    """Every SKU on sale, as a file that `feed-imports` takes again."""
    data, code = await feed_file(conn, StoreId(store_id), how)
    return file_answer(data, f"{code}.{how}", MEDIA_TYPES[how])


HANDLERS: list[HTTPRouteHandler] = [
    list_images,
    add_image,
    order_images,
    list_imports,
    export_feed,
]
