"""Plain rows for tests of content: a person, a creator, a store with a product."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import ProductId, StoreId, VideoId, new_id
from dougong.content.commands import create_ready_video, publish

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def a_person(conn: AsyncConnection, *, name: str = "Lin") -> UUID:
    person_id = new_id()
    await conn.execute(
        text("""
            INSERT INTO people (id, email, name, password_hash, locale, created_at)
            VALUES (:id, :email, :name, 'x', 'en', :at)
        """),
        {"id": person_id, "email": f"{person_id.hex}@example.org", "name": name, "at": AT},
    )
    return person_id


async def an_organisation(conn: AsyncConnection, *, kind: str = "creator") -> UUID:
    org_id = new_id()
    await conn.execute(
        text("""
            INSERT INTO organisations (id, kind, name, name_en, handle, created_at)
            VALUES (:id, :kind, '林木', 'Lin Wood', :handle, :at)
        """),
        {"id": org_id, "kind": kind, "handle": f"c{org_id.hex}", "at": AT},
    )
    return org_id


async def a_member(conn: AsyncConnection, *, org_id: UUID, role: str = "creator") -> UUID:
    person_id = await a_person(conn)
    await conn.execute(
        text("""
            INSERT INTO grants (person_id, org_id, role, granted_at)
            VALUES (:person, :org, :role, :at)
        """),
        {"person": person_id, "org": org_id, "role": role, "at": AT},
    )
    return person_id


async def a_session(conn: AsyncConnection, *, person_id: UUID) -> str:
    """A signed-in session's token."""
    from dougong.infra.clock import wall_now
    from dougong.web.security import token_hash

    token = new_id().hex
    await conn.execute(
        text("""
            INSERT INTO sessions (token_hash, person_id, created_at, expires_at)
            VALUES (:hash, :person, :at, CAST(:at AS timestamptz) + interval '1 day')
        """),
        {"hash": token_hash(token), "person": person_id, "at": wall_now()},
    )
    return token


async def a_product(
    conn: AsyncConnection, *, price_minor: int = 9900, commission_bp: int | None = 2000
) -> tuple[StoreId, ProductId]:
    """An active product of an open store of its own, with one SKU and one picture."""
    org_id = await an_organisation(conn, kind="merchant")
    store_id, product_id, sku_id = StoreId(new_id()), ProductId(new_id()), new_id()
    await conn.execute(
        text("""
            INSERT INTO categories (path, name_zh, name_en) VALUES ('content-test', '测试', 'Test')
            ON CONFLICT DO NOTHING
        """)
    )
    facts = {
        "store": store_id,
        "org": org_id,
        "code": f"s-{store_id.hex[-20:]}",
        "product": product_id,
        "sku": sku_id,
        "price": price_minor,
        "commission": commission_bp,
        "at": AT,
    }
    for statement in (
        """INSERT INTO stores (id, org_id, code, name_zh, currency, created_at)
           VALUES (:store, :org, :code, '小店', 'CNY', :at)""",
        """INSERT INTO products (store_id, id, code, title_zh, title_en, category, state,
             commission_bp, created_at, updated_at)
           VALUES (:store, :product, 'p1', '竹篮', 'Bamboo basket', 'content-test', 'active',
             :commission, :at, :at)""",
        """INSERT INTO skus (store_id, id, product_id, code, price_minor)
           VALUES (:store, :sku, :product, 'p1-a', :price)""",
        """INSERT INTO product_images (store_id, product_id, position, file, width, height)
           VALUES (:store, :product, 0, 'products/basket.jpg', 800, 800)""",
    ):
        await conn.execute(text(statement), facts)
    return store_id, product_id


async def a_video(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    at: datetime = AT,
    published: bool = True,
    caption_zh: str = "竹编",
    caption_en: str = "Weaving",
) -> VideoId:
    video_id = await create_ready_video(
        conn,
        creator_id=creator_id,
        caption_zh=caption_zh,
        caption_en=caption_en,
        media=f"videos/{new_id()}",
        seconds=12.0,
        width=720,
        height=1280,
        at=at,
    )
    if published:
        await publish(conn, video_id=video_id, creator_id=creator_id, at=at)
    return video_id
