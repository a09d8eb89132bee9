"""How far seeding has come, kept as events: a stop in the middle goes on where it stopped."""

from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK
from dougong.cli.demo.market import Market
from dougong.infra.events import record

OPENED, SEEDED = "demo.market_opened", "demo.seeded"


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
    elif await read_market(conn) is None:
        facts = {"market": msgspec.to_builtins(market)}
        await record(conn, OPENED, subject_id=PLATFORM_BOOK, at=at, facts=facts)
