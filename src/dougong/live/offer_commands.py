"""Opens and stops flash offers; holds, uses and gives back their quota as stock is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import OrderId, PersonId, StoreId
from dougong.live.offer_rules import Offer
from dougong.live.tables import live_offers


class OfferUse(NamedTuple):
    """One order's wish for units at an offer's price."""

    order_id: OrderId
    offer_id: UUID
    buyer_id: PersonId
    quantity: int


async def write_offer(conn: AsyncConnection, *, store_id: StoreId, offer: Offer) -> None:
    row = {"store_id": store_id, **msgspec.structs.asdict(offer)}
    await conn.execute(insert(live_offers).values(row))


async def stop_offer(
    conn: AsyncConnection, *, room_id: UUID, offer_id: UUID, at: datetime
) -> StoreId | None:
    """End an offer before its time; its store, or None when it is over already. Raises NotFound."""
    mine = (live_offers.c.room_id == room_id, live_offers.c.id == offer_id)
    change = (
        update(live_offers)
        .where(*mine, live_offers.c.stopped_at.is_(None), live_offers.c.ends_at > at)
        .values(stopped_at=at)
        .returning(live_offers.c.store_id)
    )
    stopped = await conn.scalar(change)
    if stopped is None and await conn.scalar(live_offers.select().where(*mine)) is None:
        raise NotFound
    return StoreId(stopped) if stopped else None


async def stop_offers_of(conn: AsyncConnection, *, room_id: UUID, at: datetime) -> None:
    """The room is over: no offer of it is left."""
    await conn.execute(
        update(live_offers)
        .where(live_offers.c.room_id == room_id, live_offers.c.stopped_at.is_(None))
        .where(live_offers.c.ends_at > at)
        .values(stopped_at=at)
    )


# Locked between the coupons and the stock, in id order: everybody takes them in that order.
HOLD = text("""
    SELECT id, quota - sold AS left, per_buyer FROM live_offers
    WHERE store_id = :store_id AND id = ANY(CAST(:offers AS uuid[]))
    ORDER BY id FOR UPDATE
""")

# Asked once the offers are locked: it sees what whoever had them before has written.
USED = text("""
    SELECT offer_id, buyer_id, sum(quantity)::int AS units FROM live_offer_uses
    WHERE store_id = :store_id AND offer_id = ANY(CAST(:offers AS uuid[]))
      AND buyer_id = ANY(CAST(:buyers AS uuid[])) AND released_at IS NULL
    GROUP BY offer_id, buyer_id
""")

USE = text("""
    WITH used AS (
      INSERT INTO live_offer_uses (store_id, offer_id, order_id, buyer_id, quantity)
      SELECT :store_id, offer_id, order_id, buyer_id, quantity
      FROM unnest(CAST(:orders AS uuid[]), CAST(:offers AS uuid[]), CAST(:buyers AS uuid[]),
        CAST(:units AS int[])) AS u (order_id, offer_id, buyer_id, quantity)
      RETURNING offer_id, quantity
    )
    UPDATE live_offers o SET sold = o.sold + n.units
    FROM (SELECT offer_id, sum(quantity)::int AS units FROM used GROUP BY offer_id) n
    WHERE o.store_id = :store_id AND o.id = n.offer_id
    RETURNING o.id, o.room_id, o.quota - o.sold AS left
""")

RELEASE = text("""
    WITH held AS MATERIALIZED (
      SELECT o.id FROM live_offers o
      WHERE o.store_id = :store_id AND o.id IN (
        SELECT offer_id FROM live_offer_uses
        WHERE store_id = :store_id AND order_id = :order_id AND released_at IS NULL)
      ORDER BY o.id FOR UPDATE
    ), freed AS (
      UPDATE live_offer_uses u SET released_at = :at FROM held
      WHERE u.store_id = :store_id AND u.offer_id = held.id AND u.order_id = :order_id
        AND u.released_at IS NULL
      RETURNING u.offer_id, u.quantity
    )
    UPDATE live_offers o SET sold = o.sold - freed.quantity FROM freed
    WHERE o.store_id = :store_id AND o.id = freed.offer_id
""")


class OfferLeft(NamedTuple):
    """What is left of an offer after a batch."""

    id: UUID
    room_id: UUID
    left: int


class HeldOffers:
    """Offers that are locked for one batch: who can still have how much, order by order."""

    def __init__(
        self,
        left: dict[UUID, int],
        per_buyer: Mapping[UUID, int],
        used: Mapping[tuple[UUID, UUID], int],
    ) -> None:
        self._left, self._per_buyer, self._used = left, per_buyer, Counter(dict(used))
        self.taken: list[OfferUse] = []

    def refusal(self, uses: Sequence[OfferUse]) -> tuple[str, int] | None:
        """Why an order cannot have all that it wants of its offers, and the limit of a buyer."""
        for use in uses:
            limit = self._per_buyer.get(use.offer_id, 0)
            if use.quantity > self._left.get(use.offer_id, 0):
                return "sold_out", limit
            if self._used[use.offer_id, use.buyer_id] + use.quantity > limit:
                return "per_buyer", limit
        return None

    def take(self, uses: Sequence[OfferUse]) -> None:
        for use in uses:
            self._left[use.offer_id] -= use.quantity
            self._used[use.offer_id, use.buyer_id] += use.quantity
            self.taken.append(use)


async def hold_offers(
    conn: AsyncConnection, *, store_id: StoreId, uses: Sequence[OfferUse]
) -> HeldOffers:
    """Lock the offers of these wishes until the transaction ends; without a wish, ask nothing."""
    if not uses:
        return HeldOffers({}, {}, {})
    where = {
        "store_id": store_id,
        "offers": list({use.offer_id for use in uses}),
        "buyers": list({use.buyer_id for use in uses}),
    }
    rows = (await conn.execute(HOLD, where)).all()
    used = {(r.offer_id, r.buyer_id): r.units for r in await conn.execute(USED, where)}
    return HeldOffers(
        {row.id: row.left for row in rows}, {row.id: row.per_buyer for row in rows}, used
    )


async def use_offers(
    conn: AsyncConnection, *, store_id: StoreId, held: HeldOffers
) -> list[OfferLeft]:
    """Write what was taken of held offers; the orders must be there."""
    if not held.taken:
        return []
    made = await conn.execute(
        USE,
        {
            "store_id": store_id,
            "orders": [use.order_id for use in held.taken],
            "offers": [use.offer_id for use in held.taken],
            "buyers": [use.buyer_id for use in held.taken],
            "units": [use.quantity for use in held.taken],
        },
    )
    return [OfferLeft(row.id, row.room_id, row.left) for row in made]


async def release_offers(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> None:
    """Give quota back: its order was never paid."""
    await conn.execute(RELEASE, {"store_id": store_id, "order_id": order_id, "at": at})
