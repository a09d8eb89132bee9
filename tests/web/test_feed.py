"""The feed: order, paging without doubles or gaps, what a person saw, hid, liked and follows."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.content.factories import AT, a_person, a_product, a_video, an_organisation

from dougong.base.errors import BadInput
from dougong.base.ids import new_id
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.links.commands import add_link
from dougong.reads import feed
from dougong.reads.feed_cursor import Cursor, Place, TimeCursor

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
async def fresh_feed() -> AsyncIterator[None]:
    feed.forget()
    yield
    feed.forget()


async def some_videos(
    count: int, *, likes_on_every: int = 5, later: timedelta = -MINUTE
) -> list[UUID]:
    """Published videos of one creator, an hour apart, some of them liked; committed."""
    async with transaction() as conn:
        now = await clock.refresh(conn)
        creator_id = await an_organisation(conn)
        made = [
            await a_video(conn, creator_id=creator_id, at=now + later - timedelta(hours=i))
            for i in range(count)
        ]
        for video_id in made[::likes_on_every]:
            await like(conn, video_id, await a_person(conn))
    return list(made)


async def like(
    conn: AsyncConnection, video_id: UUID, person_id: UUID, *, later: timedelta = -MINUTE
) -> None:
    await conn.execute(
        text("INSERT INTO likes (video_id, person_id, at) VALUES (:v, :p, :at)"),
        {"v": video_id, "p": person_id, "at": clock.now() + later},
    )


async def read_all(*, person_id: UUID | None = None, limit: int = 4) -> list[UUID]:
    seen: list[UUID] = []
    cursor: str | None = ""
    async with transaction() as conn:
        while cursor is not None:
            page = await feed.feed_page(person_id=person_id, conn=conn, cursor=cursor, limit=limit)
            seen += [item.video_id for item in page.items]
            cursor = page.next_cursor
    return seen


@pytest.mark.parametrize("limit", [1, 3, 7, 30])
async def test_paging_shows_every_video_once(limit: int) -> None:
    made = await some_videos(11)
    shown = await read_all(limit=limit)
    assert len(shown) == len(set(shown))
    assert set(made) <= set(shown)


async def test_new_videos_and_likes_between_pages_move_nothing_that_is_being_read() -> None:
    made = await some_videos(9)
    want = await read_all(limit=30)
    first = await feed.feed_page(person_id=None, limit=4)
    later = await some_videos(1, later=timedelta(seconds=3))
    async with transaction() as conn:
        for video_id in (made[-1], made[-2]):
            for _ in range(20):
                await like(conn, video_id, await a_person(conn), later=MINUTE)
    # Another worker has neither this snapshot nor this order.
    feed.forget()
    shown = [item.video_id for item in first.items]
    cursor = first.next_cursor
    while cursor:
        page = await feed.feed_page(person_id=None, cursor=cursor, limit=4)
        shown += [item.video_id for item in page.items]
        cursor = page.next_cursor
    assert len(shown) == len(set(shown))
    assert set(made) <= set(shown)
    assert set(want) <= set(shown)
    assert not set(later) & set(shown)


async def test_what_was_seen_comes_last_and_what_was_hidden_does_not_come() -> None:
    made = await some_videos(6)
    async with transaction() as conn:
        person_id = await a_person(conn)
        before = clock.now() - timedelta(minutes=5)
        await conn.execute(
            text("""
                INSERT INTO video_views (person_id, video_id, first_at, last_at)
                VALUES (:p, :v, :at, :at)
            """),
            {"p": person_id, "v": made[0], "at": before},
        )
        await conn.execute(
            text("INSERT INTO hidden_videos (person_id, video_id, at) VALUES (:p, :v, :at)"),
            {"p": person_id, "v": made[1], "at": before},
        )
    shown = await read_all(person_id=person_id)
    assert shown[-1] == made[0]
    assert made[1] not in shown
    assert len(shown) == len(set(shown))


async def test_watching_while_reading_does_not_show_a_video_twice() -> None:
    await some_videos(8)
    async with transaction() as conn:
        person_id = await a_person(conn)
        page = await feed.feed_page(person_id=person_id, conn=conn, limit=4)
        shown = [item.video_id for item in page.items]
        for video_id in shown:
            await conn.execute(
                text("""
                    INSERT INTO video_views (person_id, video_id, first_at, last_at)
                    VALUES (:p, :v, :at, :at)
                """),
                {"p": person_id, "v": video_id, "at": clock.now() + timedelta(seconds=3)},
            )
        while page.next_cursor:
            page = await feed.feed_page(
                person_id=person_id, conn=conn, cursor=page.next_cursor, limit=4
            )
            shown += [item.video_id for item in page.items]
    assert len(shown) == len(set(shown))


async def test_a_video_shows_its_creator_its_products_and_what_is_mine() -> None:
    async with transaction() as conn:
        now = await clock.refresh(conn)
        creator_id = await an_organisation(conn)
        video_id = await a_video(conn, creator_id=creator_id, at=now - timedelta(minutes=2))
        store_id, product_id = await a_product(conn, price_minor=12_900)
        await add_link(
            conn,
            video_id=video_id,
            creator_id=creator_id,
            store_id=store_id,
            product_id=product_id,
            position=0,
            at=AT,
        )
        person_id = await a_person(conn)
        await like(conn, video_id, person_id)
        await conn.execute(
            text("INSERT INTO follows (person_id, creator_id, at) VALUES (:p, :c, :at)"),
            {"p": person_id, "c": creator_id, "at": now},
        )
    async with transaction() as conn:
        item = await feed.video_item(
            conn, video_id=video_id, person_id=person_id, at=now + timedelta(seconds=1)
        )
        following = await feed.following_page(
            conn, person_id=person_id, at=now + timedelta(seconds=1)
        )
    assert item is not None
    assert (item.liked_by_me, item.following, item.likes) == (True, True, 1)
    (card,) = item.links
    assert (card.price_minor, card.currency, card.title_en) == (12_900, "CNY", "Bamboo basket")
    assert card.image == "/media/products/basket.jpg"
    assert [one.video_id for one in following.items] == [video_id]


async def test_following_pages_by_time_without_doubles() -> None:
    made = await some_videos(7)
    async with transaction() as conn:
        person_id = await a_person(conn)
        await conn.execute(
            text("""
                INSERT INTO follows (person_id, creator_id, at)
                SELECT :p, creator_id, :at FROM videos WHERE id = :v
            """),
            {"p": person_id, "v": made[0], "at": AT},
        )
        shown: list[UUID] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await feed.following_page(
                conn, person_id=person_id, cursor=cursor, limit=3, at=clock.now()
            )
            shown += [item.video_id for item in page.items]
            cursor = page.next_cursor
    assert shown == made


@pytest.mark.parametrize("cursor", ["x", "AAAA", "!!!!", "é", "A" * 60, "_" * 44])
async def test_a_strange_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput) as refused:
        await feed.feed_page(person_id=None, cursor=cursor)
    assert refused.value.field == "cursor"


@given(
    epoch=st.integers(0, 2**40),
    group=st.integers(0, 1),
    score=st.floats(allow_nan=False, allow_infinity=False),
    video_id=st.uuids(),
)
def test_a_cursor_comes_back_as_it_went(
    epoch: int, group: int, score: float, video_id: UUID
) -> None:
    cursor = Cursor(epoch, Place(group, score, video_id))
    assert Cursor.parse(cursor.text()) == cursor


@given(st.binary(max_size=60))
def test_any_text_is_a_cursor_or_is_refused(raw: bytes) -> None:
    for shape in (Cursor, TimeCursor):
        try:
            shape.parse(raw.decode("latin-1"))
        except BadInput:
            continue


async def test_an_unknown_video_has_no_item(conn: AsyncConnection) -> None:
    assert await feed.video_item(conn, video_id=new_id(), person_id=None, at=AT) is None
