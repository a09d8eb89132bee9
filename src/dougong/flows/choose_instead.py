"""A creator chooses what becomes of a link when a rule denies it; where one does now, at once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId
from dougong.flows.sweep_links import judge
from dougong.links.convert_commands import set_when_denied, take_off_stand_ins
from dougong.links.rules import Instead, NotLinkable
from dougong.reads.composer import own_offers
from dougong.reads.link_sweep import one_link


async def choose_instead(
    conn: AsyncConnection,
    *,
    link_id: LinkId,
    creator_id: UUID,
    instead: Instead,
    at: datetime,
) -> None:
    """What stands in by the last choice is taken off.

    Raises LinkGone, and NotLinkable for a product that is not bought here.
    """
    if instead.product is not None:
        await _check_offer(conn, instead.product, at=at)
    await set_when_denied(conn, link_id=link_id, creator_id=creator_id, instead=instead)
    await take_off_stand_ins(conn, link_ids=[link_id], at=at)
    await judge(conn, await one_link(conn, link_id=link_id), at=at)


async def _check_offer(conn: AsyncConnection, product: tuple[UUID, UUID], *, at: datetime) -> None:
    """Raises NotLinkable when the product is not on sale, or is really bought elsewhere."""
    found = await own_offers(conn, product=product, at=at)
    if not found or found[0].purchase_source != "own":
        raise NotLinkable(field="product")
