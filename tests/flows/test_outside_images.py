"""Pictures of products elsewhere: fetched by a job, kept as our own encoding, shown everywhere."""

import io
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text
from tests.content.factories import AT
from tests.flows.test_compose_link import World, world

from dougong.flows.compose_link import compose_link
from dougong.flows.outside_images import fetch_outside_picture
from dougong.flows.publish_link import publish_outside_link
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.reads.creator_outside import outside_links
from dougong.reads.feed_items import outside_card

__all__ = ["world"]  # a fixture
PICTURE = "/img/basket.jpg"


def a_jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "green").save(out, "JPEG", comment=b"where it was taken")
    return out.getvalue()


async def published(world: World) -> Any:
    """The link, and the product with its queued job."""
    found = await compose_link(world.url, creator_id=world.creator, at=AT)
    assert found.chosen
    assert found.picture is None
    link_id = await publish_outside_link(
        world.url, creator_id=world.creator, video_id=world.video, item_id=found.chosen.item_id,
        category="", at=AT,
    )  # fmt: skip
    async with transaction() as conn:
        rows = await conn.execute(
            text("""
                SELECT l.id AS link_id, o.id, o.image_url, o.image_file, (
                  SELECT count(*) FROM procrastinate_jobs j
                  WHERE j.task_name = 'flows.fetch_outside_picture'
                    AND j.args->>'product_id' = o.id::text) AS jobs
                FROM product_links l JOIN outside_products o ON o.id = l.outside_product_id
                WHERE l.id = :id
            """),
            {"id": link_id},
        )
        return rows.one()


async def shown(world: World, link_id: Any) -> tuple[str | None, str | None, str | None]:
    """On the feed's card and sheet, in the creator's list, in the composer."""
    async with transaction() as conn:
        await conn.execute(
            text("UPDATE videos SET state = 'published', published_at = :at WHERE id = :id"),
            {"id": world.video, "at": AT},
        )
        card = await outside_card(conn, link_id=link_id, at=AT)
        (listed,) = await outside_links(conn, creator_id=world.creator)
    found = await compose_link(world.url, creator_id=world.creator, at=AT)
    assert card is not None
    return card.image, listed.image_file, found.picture


async def test_a_picture_is_fetched_once_and_shown_everywhere(world: World) -> None:
    world.shop.puts(PICTURE, a_jpeg(), kind="image/jpeg")
    made = await published(world)
    assert (made.image_url, made.image_file, made.jobs) == (world.shop.at(PICTURE), None, 1)
    assert await shown(world, made.link_id) == (None, None, None)
    await fetch_outside_picture(str(made.id))
    card, listed, composer = await shown(world, made.link_id)
    assert listed is not None
    assert (card, composer) == (f"/media/{listed}", listed)
    with Image.open(settings().data_dir / "media" / listed, formats=("WEBP",)) as kept:
        assert kept.size == (640, 480)
        assert "comment" not in kept.info
    await fetch_outside_picture(str(made.id))
    assert world.shop.asked.count(PICTURE) == 1


@pytest.mark.parametrize("body", [b"", b"<svg onload=x>", b"\xff\xd8\xff broken"])
async def test_what_is_no_picture_is_done_without(world: World, body: bytes) -> None:
    world.shop.puts(PICTURE, body, kind="image/jpeg")
    made = await published(world)
    await fetch_outside_picture(str(made.id))
    assert await shown(world, made.link_id) == (None, None, None)
