"""What a room has shown is sealed each minute, and at once when it ends; the heads of its chain are
published outside the database, beside those of the books."""

import asyncio
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RoomId
from dougong.flows.seal_books import publish, seals_log
from dougong.infra import broadcast, clock
from dougong.infra.db import transaction
from dougong.infra.jobs import defer, task
from dougong.live.drop_commands import end_drops_of
from dougong.live.evidence_rules import SETTLED, RoomHead
from dougong.live.offer_commands import stop_offers_of
from dougong.live.pin_commands import end_explanation, end_shelf_facts, not_sealed
from dougong.live.seal_commands import rooms_to_seal, seal_room

PUBLISH = "live.publish_head"


@task("live.seal", every="* * * * * 30")
async def seal_evidence() -> None:
    """Every room that has begun, a transaction each."""
    async with transaction() as conn:
        rooms = await rooms_to_seal(conn, at=await clock.refresh(conn))
    for room_id in rooms:
        async with transaction() as conn:
            upto = await clock.refresh(conn) - SETTLED
            await seal_and_publish(conn, room_id=RoomId(room_id), upto=upto)


async def seal_and_publish(conn: AsyncConnection, *, room_id: RoomId, upto: datetime) -> None:
    """Its head is published by a job, when this transaction is there to stay."""
    at = clock.wall_now()
    if made := await seal_room(conn, room_id=room_id, upto=upto, sealed_at=at):
        hash_hex, when = made.hash.hex(), at.isoformat()
        await defer(
            conn, PUBLISH, sealed_at=when, room_id=str(room_id), number=made.number, hash=hash_hex
        )


class PublishedRoomHead(msgspec.Struct, frozen=True):
    """One line of seals.log."""

    sealed_at: str
    room_id: str
    number: int
    hash: str


@task(PUBLISH)
async def publish_head(*, sealed_at: str, room_id: str, number: int, hash: str) -> None:
    """A head may stand there twice."""
    head = PublishedRoomHead(sealed_at, room_id, number, hash)
    await asyncio.to_thread(publish, head)


def published_room_heads() -> list[RoomHead]:
    """Every head of a room in seals.log."""
    if not seals_log().exists():
        return []
    heads = []
    for line in seals_log().read_bytes().splitlines():
        with suppress(msgspec.DecodeError):  # a book's, or one that a crash cut off
            read = msgspec.json.decode(line, type=PublishedRoomHead)
            heads.append(RoomHead(UUID(read.room_id), read.number, bytes.fromhex(read.hash)))
    return heads


async def close_selling(conn: AsyncConnection, *, room_id: RoomId, at: datetime) -> None:
    """The room is over, and locked: nothing is explained or offered any more, and what was is
    sealed. A draw that is open is drawn when it closes."""
    at = await not_sealed(conn, room_id=room_id, at=at)
    if await end_explanation(conn, room_id=room_id, reason="room_ended", at=at):
        await broadcast.say(conn, room_id, "unpin", {"why": "room_ended"})
    await end_shelf_facts(conn, room_id=room_id, link_ids=None, at=at)
    await stop_offers_of(conn, room_id=room_id, at=at)
    await end_drops_of(conn, room_id=room_id, at=at)
    await seal_and_publish(conn, room_id=room_id, upto=at)
