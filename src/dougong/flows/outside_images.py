"""Pictures of products at other platforms: fetched by a job, re-encoded, and shown as our own."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.flows.feed_images import outside_image
from dougong.infra.db import transaction
from dougong.infra.jobs import defer, task
from dougong.links.outside_commands import picture_to_fetch, set_picture


async def want_picture(conn: AsyncConnection, *, product_id: UUID) -> None:
    """Queue the fetching of a product's picture, where one was seen and none was fetched yet."""
    if await picture_to_fetch(conn, product_id=product_id):
        await defer(conn, "flows.fetch_outside_picture", product_id=str(product_id))


@task("flows.fetch_outside_picture", retries=3)
async def fetch_outside_picture(product_id: str) -> None:
    """One that cannot be had is done without; it is asked for again with the next link."""
    known = UUID(product_id)
    async with transaction() as conn:
        url = await picture_to_fetch(conn, product_id=known)
    image = await outside_image(url) if url else None
    if image is not None:
        async with transaction() as conn:
            await set_picture(conn, product_id=known, file=image.file)
