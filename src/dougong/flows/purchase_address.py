"""A store's own product that is really bought elsewhere: judged as what its address leads to."""

from datetime import datetime
from uuid import UUID

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
        url = read_pasted(typed).url
        if not url:
            raise NoAddress(field="address")
        resolved = await resolve_link(url, at=at)
    source = resolved.source.code if resolved else "own"
    async with transaction() as conn:
        await set_purchase(
            conn,
            store_id=store_id,
            product_id=product_id,
            url=resolved.url if resolved else None,
            source=source,
            at=at,
        )
        await set_link_source(conn, store_id=store_id, product_id=product_id, source=source)
        links = await links_of_product(conn, store_id=store_id, product_id=UUID(str(product_id)))
        await judge(conn, links, at=at)
    return resolved
