"""Identifiers: UUIDv7, so that ids of one time lie together in an index."""

import os
import time
from typing import NewType
from uuid import UUID, uuid5

PersonId = NewType("PersonId", UUID)
OrgId = NewType("OrgId", UUID)
StoreId = NewType("StoreId", UUID)
ProductId = NewType("ProductId", UUID)
SkuId = NewType("SkuId", UUID)
VideoId = NewType("VideoId", UUID)
LinkId = NewType("LinkId", UUID)
OrderId = NewType("OrderId", UUID)
PaymentId = NewType("PaymentId", UUID)
RuleId = NewType("RuleId", UUID)
EntryId = NewType("EntryId", UUID)
RoundId = NewType("RoundId", UUID)
RoomId = NewType("RoomId", UUID)

# The book of what belongs to no store: unallocated money, the platform's own accounts.
PLATFORM_BOOK = StoreId(UUID("00000000-0000-7000-8000-000000000001"))


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random."""
    return new_ids(1)[0]


def new_ids(count: int) -> list[UUID]:
    """Many at once: the system is asked for randomness only once."""
    millis, chance = time.time_ns() // 1_000_000, os.urandom(10 * count)
    return [_version_7(millis, chance[n : n + 10]) for n in range(0, 10 * count, 10)]


def _version_7(millis: int, chance: bytes) -> UUID:
    value = (millis << 80) | int.from_bytes(chance, "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def derived_id(parent: UUID, name: str) -> UUID:
    """The same id for the same parent and name: what makes a repeat find its first answer."""
    return uuid5(parent, name)
