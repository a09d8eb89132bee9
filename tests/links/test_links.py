"""Product links: whose video, which product, how many, in what order."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.content.factories import AT, a_product, a_video, an_organisation

from dougong.base.ids import ProductId, new_id
from dougong.links import commands
from dougong.links.rules import MOST_LINKS, LinkedAlready, LinkGone, NotLinkable, TooManyLinks


async def test_a_product_is_linked_once_until_it_is_removed(conn: AsyncConnection) -> None:
    creator_id = await an_organisation(conn)
    video_id = await a_video(conn, creator_id=creator_id)
    store_id, product_id = await a_product(conn)
    link = {
        "video_id": video_id,
        "creator_id": creator_id,
        "store_id": store_id,
        "product_id": product_id,
    }
    first = await commands.add_link(conn, **link, position=0, at=AT)
    with pytest.raises(LinkedAlready):
        await commands.add_link(conn, **link, position=1, at=AT)
    await commands.remove_link(conn, link_id=first, creator_id=creator_id, at=AT)
    assert await commands.add_link(conn, **link, position=0, at=AT) != first


async def test_another_creators_video_cannot_carry_a_link(conn: AsyncConnection) -> None:
    video_id = await a_video(conn, creator_id=await an_organisation(conn))
    thief = await an_organisation(conn)
    store_id, product_id = await a_product(conn)
    with pytest.raises(NotLinkable):
        await commands.add_link(
            conn,
            video_id=video_id,
            creator_id=thief,
            store_id=store_id,
            product_id=product_id,
            position=0,
            at=AT,
        )


async def test_a_product_of_another_store_cannot_be_linked(conn: AsyncConnection) -> None:
    creator_id = await an_organisation(conn)
    video_id = await a_video(conn, creator_id=creator_id)
    store_id, _ = await a_product(conn)
    with pytest.raises(NotLinkable):
        await commands.add_link(
            conn,
            video_id=video_id,
            creator_id=creator_id,
            store_id=store_id,
            product_id=ProductId(new_id()),
            position=0,
            at=AT,
        )


async def test_a_video_carries_a_bounded_number_of_links_in_the_order_asked(
    conn: AsyncConnection,
) -> None:
    creator_id = await an_organisation(conn)
    video_id = await a_video(conn, creator_id=creator_id)
    made = []
    for position in range(MOST_LINKS):
        store_id, product_id = await a_product(conn)
        made.append(
            await commands.add_link(
                conn,
                video_id=video_id,
                creator_id=creator_id,
                store_id=store_id,
                product_id=product_id,
                position=position,
                at=AT,
            )
        )
    store_id, product_id = await a_product(conn)
    with pytest.raises(TooManyLinks):
        await commands.add_link(
            conn,
            video_id=video_id,
            creator_id=creator_id,
            store_id=store_id,
            product_id=product_id,
            position=0,
            at=AT,
        )
    wanted = list(reversed(made))
    await commands.reorder_links(conn, video_id=video_id, creator_id=creator_id, link_ids=wanted)
    found = await conn.scalars(
        text("SELECT id FROM product_links WHERE video_id = :v ORDER BY position"), {"v": video_id}
    )
    assert list(found) == wanted


async def test_a_link_is_removed_by_its_creator_only(conn: AsyncConnection) -> None:
    creator_id = await an_organisation(conn)
    video_id = await a_video(conn, creator_id=creator_id)
    store_id, product_id = await a_product(conn)
    link_id = await commands.add_link(
        conn,
        video_id=video_id,
        creator_id=creator_id,
        store_id=store_id,
        product_id=product_id,
        position=0,
        at=AT,
    )
    with pytest.raises(LinkGone):
        await commands.remove_link(
            conn, link_id=link_id, creator_id=await an_organisation(conn), at=AT
        )
