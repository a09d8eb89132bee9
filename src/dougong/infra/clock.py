"""The one place that asks for now.

In demo and test mode a *business clock* runs ahead of the wall clock by an offset that is kept in
the database (table `business_clock`), so that deadlines and dated rules can be watched working. A
market that plays history begins behind it.
"""

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotAllowed
from dougong.infra.settings import settings

REFRESH_S = 1.0

_offset = timedelta(0)
_read_at = float("-inf")


def wall_now() -> datetime:
    """The machine's own time: for logs, locks and signatures, never for business."""
    return datetime.now(UTC)


def now() -> datetime:
    """The business instant, by the offset last read."""
    return wall_now() + _offset


async def refresh(conn: AsyncConnection) -> datetime:
    """Read the offset when it is older than a second, and answer the business instant."""
    global _offset, _read_at
    if settings().mode != "production" and time.monotonic() - _read_at > REFRESH_S:
        seconds = await conn.scalar(text("SELECT offset_s FROM business_clock"))
        _offset, _read_at = timedelta(seconds=float(seconds or 0)), time.monotonic()
    return now()


def is_fresh() -> bool:
    """Whether `now()` can be used without `refresh`."""
    return settings().mode == "production" or time.monotonic() - _read_at <= REFRESH_S


async def advance(conn: AsyncConnection, *, by: timedelta) -> datetime:
    """Move the business clock ahead. Raises NotAllowed in production, or backwards."""
    global _read_at
    if settings().mode == "production" or by < timedelta(0):
        raise NotAllowed
    await conn.execute(
        text("UPDATE business_clock SET offset_s = offset_s + :s"), {"s": by.total_seconds()}
    )
    _read_at = float("-inf")
    return await refresh(conn)


async def begin_at(conn: AsyncConnection, *, at: datetime) -> datetime:
    """Begin in the past, for a market that plays history. Raises NotAllowed in production, for an
    instant to come, and where anything has happened already: a lived market never goes back."""
    global _read_at
    lived = await conn.scalar(text("SELECT EXISTS (SELECT FROM events)"))
    offset = at - wall_now()
    if settings().mode == "production" or offset > timedelta(0) or lived:
        raise NotAllowed
    await conn.execute(
        text("UPDATE business_clock SET offset_s = :s"), {"s": offset.total_seconds()}
    )
    _read_at = float("-inf")
    return await refresh(conn)


def pin(offset: timedelta) -> None:
    """Set this process's offset without a database: for tests and for history imports."""
    global _offset, _read_at
    _offset, _read_at = offset, time.monotonic()
