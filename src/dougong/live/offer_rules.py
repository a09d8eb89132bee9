"""What is true of flash offers by rule: a price for a while, for so many units, so many a buyer."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from dougong.base.errors import BadInput, Refusal

MOST_QUOTA = 100_000
LONGEST_OFFER = timedelta(hours=4)


class OfferRefused(Refusal):
    """Facts: `why`: unknown, not_yet, over, sold_out, per_buyer (and then `per_buyer`)."""

    code = "offer_refused"
    status = 409


class Offer(msgspec.Struct, frozen=True):
    """A flash offer of one SKU. In force in the half-open window [starts_at, ends_at), unless it
    was stopped before. `sold` counts units of placed orders that have not lapsed."""

    id: UUID
    room_id: UUID
    link_id: UUID
    product_id: UUID
    sku_id: UUID
    price_minor: int
    currency: str
    quota: int
    sold: int
    per_buyer: int
    starts_at: datetime
    ends_at: datetime
    stopped_at: datetime | None

    @property
    def over_at(self) -> datetime:
        return min(self.ends_at, self.stopped_at or self.ends_at)

    @property
    def left(self) -> int:
        return self.quota - self.sold


def check_terms(
    *,
    price_minor: int,
    usual_minor: int,
    quota: int,
    free: int,
    per_buyer: int,
    starts_at: datetime,
    ends_at: datetime,
) -> None:
    """Raises BadInput, naming the field: a flash offer is cheaper than usual, promises no more
    units than are free, and ends after it starts, LONGEST_OFFER later at most."""
    if not 0 < price_minor < usual_minor:
        raise BadInput(field="price", reason="not_below_usual")
    if not 1 <= quota <= min(free, MOST_QUOTA):
        raise BadInput(field="quota", reason="more_than_free")
    if not 1 <= per_buyer <= quota:
        raise BadInput(field="per_buyer", reason="more_than_quota")
    if not timedelta(0) < ends_at - starts_at <= LONGEST_OFFER:
        raise BadInput(field="minutes", reason="too_long")


def usable(offer: Offer | None, *, sku_id: UUID, at: datetime) -> Offer:
    """The offer, if a line of this SKU can have its price now. Raises OfferRefused."""
    if offer is None or offer.sku_id != sku_id:
        raise OfferRefused(field="offer_id", why="unknown")
    if at < offer.starts_at:
        raise OfferRefused(field="offer_id", why="not_yet")
    if at >= offer.over_at:
        raise OfferRefused(field="offer_id", why="over")
    if offer.left <= 0:
        raise OfferRefused(field="offer_id", why="sold_out")
    return offer
