"""A room sees that somebody has bought, and what is left of its flash offers: once the order is
committed, one sale of a batch and each offer once."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId
from dougong.flows.price_orders import Priced, Shelf, Wanted
from dougong.infra import broadcast
from dougong.live.offer_commands import OfferLeft
from dougong.live.selling_rules import masked
from dougong.reads.live_sales import room_and_name


class LiveSale(NamedTuple):
    """An order that came by a link of a live cart."""

    creator_id: UUID
    buyer_id: PersonId
    title_zh: str
    title_en: str
    quantity: int


def live_sale(shelf: Shelf, wanted: Wanted, priced: Priced) -> LiveSale | None:
    """The first line of an order that a live cart has brought, if one did."""
    for line in priced.quote.lines:
        link = shelf.links.get(line.link_id) if line.link_id else None
        if link and link.surface == "live" and link.product_id == line.offer.product_id:
            offer = line.offer
            return LiveSale(
                link.creator_id, wanted.buyer_id, offer.title_zh, offer.title_en, line.quantity
            )
    return None


async def tell_of_orders(
    conn: AsyncConnection, *, sales: Sequence[LiveSale], left: Sequence[OfferLeft]
) -> None:
    """Tell, at this transaction's commit. Nothing is asked where nobody bought in a room."""
    for one in left:
        facts = {"id": str(one.id), "left": one.left}
        await broadcast.say(conn, one.room_id, "offer_left", facts)
    for sale in {sale.creator_id: sale for sale in sales}.values():
        found = await room_and_name(conn, creator_id=sale.creator_id, person_id=sale.buyer_id)
        if found is None:
            continue  # bought after the room was over
        room_id, name = found
        told = {
            "name": masked(name),
            "title_zh": sale.title_zh,
            "title_en": sale.title_en,
            "quantity": sale.quantity,
        }
        await broadcast.say(conn, room_id, "order", told)
