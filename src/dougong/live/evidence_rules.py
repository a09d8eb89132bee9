"""What is sealed of a room, and how: a chain that anybody with the facts can compute again.

Every fact with an end is one line of text. A seal's contents are SHA-256 of the SHA-256 of each
line, in their order; its hash is SHA-256 of the seal before it (32 zero bytes for the first)
followed by its contents. So the chain holds also when the facts were deleted after their time.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

FIRST_HASH = bytes(32)
# How long a fact must be over before a running room's seal takes it: longer than a transaction may
# take that writes one.
SETTLED = timedelta(seconds=15)
# A minute of figures is written until a minute after it is over.
MINUTE_ENDS = timedelta(minutes=2)


class Fact(NamedTuple):
    """`kind` and `id` tell facts apart; `said` is all that is sealed of it."""

    room_id: UUID
    ended_at: datetime
    kind: str
    id: str
    said: str

    @property
    def line(self) -> bytes:
        return "\x1f".join((self.kind, self.id, self.said)).encode()


class Seal(NamedTuple):
    """One link of a room's chain: it holds the facts that ended after the seal before it, and up
    to `upto`."""

    room_id: UUID
    number: int
    upto: datetime
    facts: int
    contents: bytes
    hash: bytes


class RoomHead(NamedTuple):
    """A seal as it was published outside the database."""

    room_id: UUID
    number: int
    hash: bytes


class BrokenSeal(NamedTuple):
    """`why`: `gap` (numbers are missing before it), `contents` (a fact was changed, added or taken
    away, or the seal before it was), `kept` (it should have been forgotten), `published` (it is not
    the one that was published)."""

    room_id: UUID
    number: int
    why: str


def contents_of(facts: Iterable[Fact]) -> bytes:
    ordered = sorted(facts, key=lambda one: (one.ended_at, one.kind, one.id))
    return hashlib.sha256(b"".join(hashlib.sha256(one.line).digest() for one in ordered)).digest()


def chained(previous: bytes, contents: bytes) -> bytes:
    return hashlib.sha256(previous + contents).digest()


def broken_seals(
    seals: Sequence[Seal], facts: Sequence[Fact], *, is_forgotten: bool
) -> list[BrokenSeal]:
    """The seals of one room, in their order, that do not hold.

    Of a room that was forgotten there are no facts any more but its offers, which orders name.
    """
    broken: list[BrokenSeal] = []
    number, previous, since = 0, FIRST_HASH, None
    kept = [one for one in facts if one.kind != "offer"] if is_forgotten else []
    for seal in seals:
        held = [
            f for f in facts if (since is None or f.ended_at > since) and f.ended_at <= seal.upto
        ]
        if seal.number != number + 1:
            broken.append(BrokenSeal(seal.room_id, seal.number, "gap"))
        elif chained(previous, seal.contents) != seal.hash or (
            not is_forgotten and (len(held) != seal.facts or contents_of(held) != seal.contents)
        ):
            broken.append(BrokenSeal(seal.room_id, seal.number, "contents"))
        elif any(one in kept for one in held):
            broken.append(BrokenSeal(seal.room_id, seal.number, "kept"))
        number, previous, since = seal.number, seal.hash, seal.upto
    return broken
