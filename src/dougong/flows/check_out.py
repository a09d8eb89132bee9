"""A whole checkout: one order per store, each placed by itself, all under one key."""

import asyncio
import hashlib
from collections.abc import Sequence
from uuid import UUID

import msgspec

from dougong.base.errors import Refusal
from dougong.base.ids import PersonId, StoreId, derived_id
from dougong.flows.place_orders import Answer, Placed, PlaceOrder, place_order
from dougong.flows.price_orders import Wanted, WantedLine
from dougong.supply.quota_rules import Channel


class StorePart(msgspec.Struct, frozen=True):
    """What is wanted of one store, and the total that the buyer was shown for it."""

    store_id: StoreId
    lines: tuple[WantedLine, ...]
    coupon_code: str | None
    expected_total_minor: int


class CheckedOut(msgspec.Struct, frozen=True):
    """The orders that were made, and the stores that refused."""

    checkout_id: UUID
    placed: list[Placed]
    refused: list[tuple[StoreId, Refusal]]

    @property
    def refusal(self) -> Refusal | None:
        """Of the whole checkout: what the first store said, where no order was made."""
        return self.refused[0][1] if self.refused and not self.placed else None


async def check_out(
    *,
    buyer_id: PersonId,
    key: str,
    address_id: UUID,
    parts: Sequence[StorePart],
    straight: Channel = Channel.SHOP,
) -> CheckedOut:
    """Place every part; a repeat with the same key and parts answers the same, and tries again
    what a store has refused. Other parts under that key are refused (KeyReused). `straight`: the
    way by which lines came that no link has brought.

    No transaction spans stores: a store that refuses does not hold up the others.
    """
    checkout_id = derived_id(buyer_id, f"checkout:{key}")
    asked = (buyer_id, key, address_id, sorted(parts, key=lambda part: part.store_id))
    checkout_hash = hashlib.sha256(msgspec.json.encode(asked)).digest()
    requests = [
        PlaceOrder(
            store_id=part.store_id,
            checkout_id=checkout_id,
            key=key,
            wanted=Wanted(buyer_id, part.lines, part.coupon_code, address_id, straight),
            expected_total_minor=part.expected_total_minor,
            checkout_hash=checkout_hash,
        )
        for part in parts
    ]
    answers = await _place_all(requests)
    placed: list[Placed] = []
    refused: list[tuple[StoreId, Refusal]] = []
    for part, answer in zip(parts, answers, strict=True):
        if isinstance(answer, Placed):
            placed.append(answer)
        elif isinstance(answer, Refusal):
            refused.append((part.store_id, answer))
        else:
            raise answer
    return CheckedOut(checkout_id, placed, refused)


async def _place_all(requests: Sequence[PlaceOrder]) -> Sequence[Answer | BaseException]:
    """Each store's answer; most checkouts are of one store, and need no task of their own."""
    if len(requests) == 1:
        return [await place_order(requests[0])]
    return await asyncio.gather(*map(place_order, requests), return_exceptions=True)
