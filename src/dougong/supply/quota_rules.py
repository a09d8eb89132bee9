"""Units of a SKU that are set aside for one way of selling: what an order may take, pure."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import Conflict
from dougong.base.ids import OrderId, SkuId


class Channel(StrEnum):
    """How an order's line came: by a link of a live cart, by one of a video, or straight: in the
    shop's own pages, or by API."""

    LIVE = "live"
    VIDEO = "video"
    SHOP = "shop"
    API = "api"


class QuotaThere(Conflict):
    """This channel or room has units of the SKU set aside already: end that first."""

    code = "quota_there"


class QuotaOver(Conflict):
    """These units have been given back to all already."""

    code = "quota_over"


def channel_of(surface: str | None, *, straight: Channel) -> Channel:
    """The channel of a link's surface; `straight`: that of a line which no link has brought."""
    return Channel(surface) if surface in (Channel.LIVE, Channel.VIDEO) else straight


class Quota(msgspec.Struct):
    """`left` units of a SKU that only this channel sells; with a host, only the host's room."""

    id: UUID
    sku_id: SkuId
    channel: Channel
    host_id: UUID | None
    left: int


class Part(msgspec.Struct, frozen=True):
    """Units of a SKU that an order wants by one way. `host_id`: whose live cart brought it."""

    sku_id: SkuId
    units: int
    channel: Channel
    host_id: UUID | None


class HeldUnits:
    """Stock that is locked for one batch: what is still free of it, order by order."""

    def __init__(self, free: Mapping[SkuId, int], quotas: Sequence[Quota] = ()) -> None:
        self._free = dict(free)
        self.quotas = quotas
        self.taken: dict[SkuId, int] = {}
        self.uses: dict[tuple[OrderId, UUID], int] = {}

    def take(self, units: Mapping[SkuId, int]) -> SkuId | None:
        """All that one order wants, or nothing: then the SKU of which there is too little.

        For SKUs without quotas; else see `take_parts`."""
        for sku_id, wanted in units.items():
            if wanted > self._free.get(sku_id, 0):
                return sku_id
        for sku_id, wanted in units.items():
            self._free[sku_id] -= wanted
            self.taken[sku_id] = self.taken.get(sku_id, 0) + wanted
        return None

    def take_parts(self, order_id: OrderId, parts: Collection[Part]) -> SkuId | None:
        """As `take`. A way that has a quota sells from that alone, and nobody else does."""
        by_quota: dict[UUID, int] = {}
        of_all: dict[SkuId, int] = {}
        total: dict[SkuId, int] = {}
        for part in parts:
            quota = self._quota_of(part)
            if quota is None:
                of_all[part.sku_id] = of_all.get(part.sku_id, 0) + part.units
            else:
                by_quota[quota.id] = by_quota.get(quota.id, 0) + part.units
                if by_quota[quota.id] > quota.left:
                    return part.sku_id
            total[part.sku_id] = total.get(part.sku_id, 0) + part.units
        for sku_id, wanted in of_all.items():
            kept = sum(quota.left for quota in self.quotas if quota.sku_id == sku_id)
            if wanted > self._free.get(sku_id, 0) - kept:
                return sku_id
        if short := self.take(total):
            return short
        for quota in self.quotas:
            if units := by_quota.get(quota.id):
                quota.left -= units
                self.uses[order_id, quota.id] = units
        return None

    def _quota_of(self, part: Part) -> Quota | None:
        """The room's own before the channel's."""
        of_channel = None
        for quota in self.quotas:
            if (quota.sku_id, quota.channel) == (part.sku_id, part.channel):
                if quota.host_id is None:
                    of_channel = quota
                elif quota.host_id == part.host_id:
                    return quota
        return of_channel
