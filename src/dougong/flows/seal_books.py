"""Seals the books every minute and publishes the heads outside the database."""

import os
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.jobs import task
from dougong.infra.settings import settings
from dougong.ledger.day_commands import count_days
from dougong.ledger.seal_commands import books_with_unsealed, seal
from dougong.ledger.seal_queries import SealHead, captured_in
from dougong.orders.day_commands import count_sold

MOST_SEALS_AT_ONCE = 200


class PublishedHead(msgspec.Struct, frozen=True):
    """One line of seals.log."""

    sealed_at: str
    store_id: str
    number: int
    hash: str


@task("ledger.seal", every="* * * * * 0")
async def seal_books() -> None:
    """Seal what waits in every book. A book of its own is a transaction of its own."""
    async with transaction() as conn:
        waiting = await books_with_unsealed(conn)
    for store_id in waiting:
        await seal_book(store_id)


async def seal_book(store_id: StoreId) -> int:
    """Seal everything that waits in one book; answers how many seals that took."""
    for made in range(MOST_SEALS_AT_ONCE):
        async with transaction(slow=True) as conn:
            at = clock.wall_now()
            head = await seal_and_count(conn, store_id=store_id, at=at)
        if head is None:
            return made
        publish(PublishedHead(at.isoformat(), str(store_id), head.number, head.hash.hex()))
    return MOST_SEALS_AT_ONCE


async def seal_and_count(
    conn: AsyncConnection, *, store_id: StoreId, at: datetime
) -> SealHead | None:
    """Seal what waits in a book, and add it to the figures by day in the same transaction."""
    head = await seal(conn, store_id=store_id, at=at)
    if head is not None:
        await count_days(conn, store_id=store_id, number=head.number)
        captured = await captured_in(conn, store_id=store_id, number=head.number)
        await count_sold(conn, store_id=store_id, order_ids=captured)
    return head


def seals_log() -> Path:
    return settings().data_dir / "seals.log"


def publish(head: msgspec.Struct) -> None:
    """Append to seals.log, after the commit. Copy that file elsewhere: it is what shows a chain
    that somebody with all rights in the database has cut or made anew."""
    handle = os.open(seals_log(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        # The line break comes first too: a line that a crash cut off must not swallow this one.
        os.write(handle, b"\n" + msgspec.json.encode(head) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def published_heads() -> list[SealHead]:
    """Every head in seals.log; a line that was cut off by a crash is not one."""
    if not seals_log().exists():
        return []
    heads = []
    for line in seals_log().read_bytes().splitlines():
        try:
            read = msgspec.json.decode(line, type=PublishedHead)
        except msgspec.DecodeError:
            continue
        store_id = StoreId(msgspec.convert(read.store_id, type=StoreId))
        heads.append(SealHead(store_id, read.number, bytes.fromhex(read.hash)))
    return heads
