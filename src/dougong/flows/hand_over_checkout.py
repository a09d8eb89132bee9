"""From a tap on a UCP source's product to a cart that waits for the shopper at that shop.

The tap is kept as every other hand-off (flows/hand_off.py), then the shop is asked, outside any
transaction, for a cart or a checkout with the product in it. The shopper goes on where the shop
says, if that is on the source's host list, and else to the product's page.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog

from dougong.flows.hand_off import HandOff, hand_off
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.links.adapters.ucp import open_checkout
from dougong.links.rules import Visit, hand_off_url
from dougong.links.ucp_queries import UcpItem, ucp_item
from dougong.links.ucp_rules import ShopRefused

log = structlog.get_logger("links")


class HandOver(NamedTuple):
    """`at`: when the tap was. `target`: where the shopper goes on; None when the hand-off itself
    sends nobody on."""

    found: HandOff
    target: str | None
    at: datetime


async def hand_over_checkout(
    *,
    code: str,
    visit: Visit,
    visitor: str,
    person_id: UUID | None,
    acts_for: Collection[UUID],
    share_code: str,
    token: str,
    language: str,
) -> HandOver:
    """Open a cart for one piece of a link's product, and say where the shopper goes on.

    Raises LinkGone, and ShopNotTrusted when the shop's cart does not add up or is not for what was
    asked: then nobody is sent there.
    """
    async with transaction() as conn:
        at = await clock.refresh(conn)
        found = await hand_off(
            conn,
            code=code,
            visit=visit,
            visitor=visitor,
            person_id=person_id,
            acts_for=acts_for,
            share_code=share_code,
            goes_on=True,
            token=token,
            at=at,
        )
        item = await ucp_item(conn, link_id=found.link.link_id)
    if found.target is None or not found.is_sent:
        return HandOver(found, None, at)
    if item is None:
        return HandOver(found, found.target, at)
    return HandOver(found, await _at_the_shop(found, item, language) or found.target, at)


async def _at_the_shop(found: HandOff, item: UcpItem, language: str) -> str | None:
    """None where the shop opens no cart, or sends shoppers to a host that nobody listed."""
    try:
        url = await open_checkout(
            item.url, item_id=item.item_id, sub_id=found.sub_id, language=language
        )
    except ShopRefused as error:
        log.info("no_cart", link=str(found.link.link_id), why=error.facts.get("reason"))
        return None
    target = hand_off_url(url, hosts=found.link.hosts, parameter="", sub_id="") if url else None
    if url and target is None:
        log.warning("not_listed", link=str(found.link.link_id), source=found.link.source, url=url)
    return target
