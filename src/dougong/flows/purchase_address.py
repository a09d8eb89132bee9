"""A store's own product that is really bought elsewhere: judged as what its address leads to."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import ProductId, StoreId
from dougong.catalog.product_commands import set_purchase
from dougong.flows.resolve_link import Resolved, resolve_link
from dougong.flows.sweep_links import judge
from dougong.infra.db import transaction
from dougong.links.commands import set_link_source
from dougong.links.paste_rules import NoAddress, read_pasted
from dougong.reads.link_sweep import links_of_product


async def save_purchase_address(
    typed: str, *, store_id: StoreId, product_id: ProductId, at: datetime
) -> Resolved | None:
    """Follow the address to its end, and keep that end with its source; '' takes it away again.

    Links that stand are judged anew at once, as links to that source: what its rules deny is
    hidden, and its owners hear why. Raises NoAddress, LinkUnresolved, UnlistedHost, NotFound.
    """
    resolved = None
    if typed.strip():
        pasted = read_pasted(typed).url
        if not pasted:
            raise NoAddress(field="address")
        resolved = await resolve_link(pasted, at=at)
    url, source = (resolved.url, resolved.source.code) if resolved else (None, "own")
    async with transaction() as conn:
        await lead_to(conn, store_id=store_id, product_id=product_id, url=url, source=source, at=at)
    return resolved


async def lead_to(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    product_id: ProductId,
    url: str | None,
    source: str,
    at: datetime,
) -> None:
    """Keep where a product is really bought (None: here), and judge its links as that.

    Raises NotFound.
    """
    product: dict[str, Any] = {"store_id": store_id, "product_id": product_id}
    await set_purchase(conn, **product, url=url, source=source, at=at)
    await set_link_source(conn, **product, source=source)
    await judge(conn, await links_of_product(conn, **product), at=at)
