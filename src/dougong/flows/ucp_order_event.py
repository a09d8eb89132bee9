"""A UCP source tells of an order: checked against its own keys, kept once, said on as an event."""

from uuid import NAMESPACE_URL, uuid5

import msgspec

from dougong.base.errors import NotFound
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.inbox import finish, keep
from dougong.links.adapters.ucp_orders import (
    OrderEvent,
    Received,
    check_sender,
    event_ids,
    order_event,
    sender_of,
    shop_at,
)
from dougong.links.source_queries import sources_at
from dougong.links.source_rules import Source
from dougong.links.ucp_rules import EventRefused, ShopNotTrusted


async def receive_ucp_event(*, source_code: str | None, received: Received) -> OrderEvent | None:
    """Take one event; None when it was here before.

    `source_code`: whose it must be; None: the one on whose hosts the sender's profile is. Raises
    NotFound when there is no such UCP source, and EventRefused when the sender is not that source's
    shop, its signature does not hold, or the order does not add up. Calls the shop for its profile,
    so never inside a transaction.
    """
    sources = await _ucp_sources(source_code)
    try:
        source, origin = sender_of(sources, received.headers)
        shop = await shop_at(origin)
        key_id = check_sender(shop, received, at=clock.wall_now().timestamp())
        event = order_event(received, source=source, key_id=key_id)
    except ShopNotTrusted as error:
        raise EventRefused(**error.facts) from error
    return event if await _kept(event, received) else None


async def _ucp_sources(code: str | None) -> list[Source]:
    async with transaction() as conn:
        found = await sources_at(conn, at=await clock.refresh(conn), code=code)
    sources = [one for one in found if one.adapter == "ucp"]
    if not sources:
        raise NotFound
    return sources


async def _kept(event: OrderEvent, received: Received) -> bool:
    """False for a repeat, by the message itself or by the sender's id for it."""
    facts, ids = msgspec.to_builtins(event), event_ids(received)
    inbox = f"ucp:{event.source}"
    async with transaction() as conn:
        at = await clock.refresh(conn)
        for event_id in ids:
            if not await keep(conn, source=inbox, event_id=event_id, body=facts, at=at):
                return False
            await finish(conn, source=inbox, event_id=event_id, outcome="seen", at=at)
        # One subject per order of a source, whoever asks.
        subject_id = uuid5(NAMESPACE_URL, f"{inbox}/{event.order_id}")
        await record(conn, "links.ucp_order_seen", subject_id=subject_id, at=at, facts=facts)
    return True
