"""What a UCP source must know to open a checkout for a link's product."""

from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class UcpItem(msgspec.Struct, frozen=True):
    """`item_id`: as the shop's checkout names it. `url`: the product's stored final address."""

    item_id: str
    url: str


ITEM = text("""
    SELECT o.item_id, o.url FROM product_links l
    JOIN outside_products o ON o.id = l.outside_product_id
    JOIN sources s ON s.code = o.source
    WHERE l.id = :link_id AND s.adapter = 'ucp'
""")


async def ucp_item(conn: AsyncConnection, *, link_id: UUID) -> UcpItem | None:
    """None when the link leads to no product of a UCP source."""
    row = (await conn.execute(ITEM, {"link_id": link_id})).one_or_none()
    return UcpItem(row.item_id, row.url) if row else None
