"""Pictures that a feed names: beside the file, inside it, ours already, or at an outside address.

Outside ones are fetched by a job after the commit, through the guarded client.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from PIL import Image
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import ProductId, StoreId
from dougong.catalog.feed_commands import OWN_IMAGE, NewImages
from dougong.catalog.feed_types import Problem
from dougong.catalog.images import MAX_UPLOAD_BYTES, StoredImage, keep_image
from dougong.catalog.product_commands import images_of, set_images
from dougong.catalog.queries import image_links_of
from dougong.catalog.rules import MAX_IMAGES, ImageRefused
from dougong.infra import jobs
from dougong.infra.db import transaction
from dougong.infra.http import OutsideFailed, call
from dougong.infra.jobs import defer
from dougong.infra.settings import settings

PRODUCTS_A_JOB = 20
OUTSIDE = ("http://", "https://")


class _Missing(Exception):
    """`why`: one word for the report."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


async def keep_feed_images(
    images: Mapping[ProductId, NewImages], *, store_id: StoreId, beside: Path | None, at: datetime
) -> tuple[int, list[Problem]]:
    """Keep what is at hand and queue the rest. Answers how many were kept, and what is missing."""
    kept, notes, outside = 0, [], []
    for product_id, new in images.items():
        found = []
        for link in new.links:
            if link.startswith(OUTSIDE):
                continue
            try:
                found.append(await _at_hand(link, beside))
            except _Missing as missing:
                notes.append(Problem(new.line, "image_link", missing.why, link[:80]))
        if any(link.startswith(OUTSIDE) for link in new.links):
            outside.append(str(product_id))
        if found:
            async with transaction() as conn:
                await set_images(conn, store_id=store_id, product_id=product_id, images=found)
            kept += len(found)
    if outside:
        async with transaction() as conn:
            await _queue(conn, store_id, outside)
    return kept, notes


async def _queue(conn: AsyncConnection, store_id: StoreId, products: Sequence[str]) -> None:
    for start in range(0, len(products), PRODUCTS_A_JOB):
        chunk = list(products[start : start + PRODUCTS_A_JOB])
        await defer(conn, "flows.fetch_feed_images", store_id=str(store_id), product_ids=chunk)


async def _at_hand(link: str, beside: Path | None) -> StoredImage:
    """Raises _Missing."""
    if link.startswith(OWN_IMAGE):
        return await asyncio.to_thread(_ours, link.removeprefix(OWN_IMAGE))
    data = (
        _inside(link) if link.startswith("data:") else await asyncio.to_thread(_file, link, beside)
    )
    try:
        return await keep_image(data)
    except ImageRefused as refused:
        raise _Missing(str(refused.facts["why"])) from refused


def _ours(file: str) -> StoredImage:
    media = (settings().data_dir / "media").resolve()
    path = (media / file).resolve()
    if not path.is_relative_to(media / "images") or not path.is_file():
        raise _Missing("image_not_found")
    with Image.open(path, formats=("WEBP",)) as opened:
        return StoredImage(file, opened.width, opened.height)


def _inside(link: str) -> bytes:
    head, _, body = link.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise _Missing("bad_data_link")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise _Missing("bad_data_link") from error


def _file(name: str, beside: Path | None) -> bytes:
    """A file in the feed's own directory or below it, nowhere else."""
    if beside is None or "\\" in name or name.startswith("file:"):
        raise _Missing("image_not_found")
    home = beside.resolve()
    path = (home / name).resolve()
    if not path.is_relative_to(home) or not path.is_file():
        raise _Missing("image_not_found")
    if path.stat().st_size > MAX_UPLOAD_BYTES:
        raise _Missing("too_big")
    return path.read_bytes()


@jobs.task("flows.fetch_feed_images", retries=3)
async def fetch_feed_images(store_id: str, product_ids: list[str]) -> None:
    """Fetch the pictures that products' feeds named; for one that cannot be had, the old stay."""
    store = StoreId(UUID(store_id))
    for product_id in product_ids:
        await _fetch(store, ProductId(UUID(product_id)))


async def _fetch(store_id: StoreId, product_id: ProductId) -> None:
    async with transaction() as conn:
        links = await image_links_of(conn, store_id=store_id, product_id=product_id)
    outside = [link for link in links if link.startswith(OUTSIDE)]
    found = [image for link in outside if (image := await outside_image(link)) is not None]
    # The feed's own pictures, at hand before, were put there already.
    replaces = len(outside) == len(links)
    async with transaction() as conn:
        try:
            held = await images_of(conn, store_id=store_id, product_id=product_id)
        except NotFound:
            return
        if not replaces:
            images = [*held, *found]
        elif len(found) == len(outside):
            images = found
        else:
            images = [*found, *held]
        images = list({image.file: image for image in images}.values())[:MAX_IMAGES]
        await set_images(conn, store_id=store_id, product_id=product_id, images=images)


async def outside_image(link: str) -> StoredImage | None:
    """The picture at an outside address; None when it cannot be had."""
    try:
        answer = await call("GET", link, hops=3)
        return await keep_image(answer.body) if answer.status == 200 else None
    except (OutsideFailed, Refusal):
        return None
