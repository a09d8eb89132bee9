"""Plain rows for tests of links that lead outside: a source, a product there, a link to it."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.content.factories import a_video, an_organisation

from dougong.base.ids import LinkId, VideoId, new_id

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class ALink(msgspec.Struct, frozen=True):
    """A link to a product of a source, on a published video."""

    link_id: LinkId
    code: str
    video_id: VideoId
    creator_id: UUID
    source: str
    outside_product_id: UUID


async def a_source(
    conn: AsyncConnection,
    *,
    hosts: list[str],
    sub_id_parameter: str = "sub",
    asks: bool = False,
    adapter: str = "page",
    settings: dict[str, object] | None = None,
) -> str:
    code = f"s{new_id().hex[-20:]}"
    await conn.execute(
        text("""
            INSERT INTO sources (code, name_zh, name_en, hosts, adapter, settings,
              asks_before_leaving, created_at)
            VALUES (:code, '竹里市集', 'Bamboo Market', :hosts, :adapter,
              CAST(:settings AS jsonb), :asks, :at)
        """),
        {
            "code": code,
            "hosts": hosts,
            "adapter": adapter,
            "settings": msgspec.json.encode(
                {"sub_id_parameter": sub_id_parameter} | (settings or {})
            ).decode(),
            "asks": asks,
            "at": AT,
        },
    )
    return code


async def an_outside_product(
    conn: AsyncConnection,
    *,
    source: str,
    url: str,
    title: str = "青瓷杯",
    gtin: str | None = None,
    price_minor: int | None = 9_900,
    state: str = "good",
    check_after: datetime = AT,
) -> UUID:
    product_id = new_id()
    await conn.execute(
        text("""
            INSERT INTO outside_products (id, source, item_id, url, title, gtin, price_minor,
              currency, state, seen_at, checked_at, check_after)
            VALUES (:id, :source, :item_id, :url, :title, :gtin, :price, :currency, :state,
              :at, :at, :check_after)
        """),
        {
            "id": product_id,
            "source": source,
            "item_id": product_id.hex,
            "url": url,
            "title": title,
            "gtin": gtin,
            "price": price_minor,
            "currency": None if price_minor is None else "CNY",
            "state": state,
            "at": AT,
            "check_after": check_after,
        },
    )
    return product_id


async def an_outside_link(
    conn: AsyncConnection,
    *,
    url: str,
    hosts: list[str],
    sub_id_parameter: str = "sub",
    asks: bool = False,
    product_state: str = "good",
    source: str | None = None,
    product_id: UUID | None = None,
    creator_id: UUID | None = None,
) -> ALink:
    creator_id = creator_id or await an_organisation(conn)
    video_id = await a_video(conn, creator_id=creator_id)
    source = source or await a_source(
        conn, hosts=hosts, sub_id_parameter=sub_id_parameter, asks=asks
    )
    product_id = product_id or await an_outside_product(
        conn, source=source, url=url, state=product_state
    )
    link_id = LinkId(new_id())
    code = await conn.scalar(
        text("""
            INSERT INTO product_links (id, video_id, creator_id, source, outside_product_id,
              position, published_at)
            VALUES (:id, :video, :creator, :source, :product, 0, :at) RETURNING code
        """),
        {
            "id": link_id,
            "video": video_id,
            "creator": creator_id,
            "source": source,
            "product": product_id,
            "at": AT,
        },
    )
    return ALink(link_id, str(code), video_id, creator_id, source, product_id)
