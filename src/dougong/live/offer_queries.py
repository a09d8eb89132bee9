"""Reads flash offers."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.live.offer_rules import Offer
from dougong.live.tables import live_offers

OFFER = [column for column in live_offers.c if column.name != "store_id"]


async def offers_by_id(
    conn: AsyncConnection, *, store_id: StoreId, offer_ids: Collection[UUID]
) -> dict[UUID, Offer]:
    """The offers of these that are this store's; without an id, nothing is asked."""
    if not offer_ids:
        return {}
    mine = live_offers.c.store_id == store_id
    found = await conn.execute(select(*OFFER).where(mine, live_offers.c.id.in_(offer_ids)))
    return {row.id: Offer(**row._mapping) for row in found}
