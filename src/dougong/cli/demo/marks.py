"""How far seeding has come: a stop in the middle goes on where it stopped."""

from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK
from dougong.cli.demo.market import Market
from dougong.infra.events import record

OPENED, SEEDED, PIECE = "demo.market_opened", "demo.seeded", "demo.piece_written"
ORDER_KEY = "demo-order-"


async def read_market(conn: AsyncConnection) -> Market | None:
    """The market that an earlier run has opened."""
    facts = await conn.scalar(
        text("SELECT facts FROM events WHERE kind = :kind LIMIT 1"), {"kind": OPENED}
    )
    return msgspec.convert(facts["market"], Market) if facts else None


async def write_mark(
    conn: AsyncConnection, market: Market, *, at: datetime, is_last: bool = False
) -> None:
    if is_last:
        await record(conn, SEEDED, subject_id=PLATFORM_BOOK, at=at, facts={})
    else:
        facts = {"market": msgspec.to_builtins(market)}
        await record(conn, OPENED, subject_id=PLATFORM_BOOK, at=at, facts=facts)


async def orders_lived(conn: AsyncConnection) -> set[str]:
    """The keys of the story's orders that are there, each with its whole life."""
    found = await conn.scalars(
        text("SELECT idempotency_key FROM orders WHERE starts_with(idempotency_key, :key)"),
        {"key": ORDER_KEY},
    )
    return set(found)


async def begin_piece(conn: AsyncConnection, name: str, *, at: datetime) -> bool:
    """False when an earlier run has written this piece of the story; else it counts as written
    with this transaction."""
    if await has_piece(conn, name):
        return False
    await record(conn, PIECE, subject_id=PLATFORM_BOOK, at=at, facts={"piece": name})
    return True


async def has_piece(conn: AsyncConnection, name: str) -> bool:
    found = await conn.scalar(
        text("SELECT true FROM events WHERE kind = :kind AND facts->>'piece' = :name LIMIT 1"),
        {"kind": PIECE, "name": name},
    )
    return bool(found)
