"""Share channels as of an instant and over time, and what a share code opens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.links.share_rules import ChannelState


class Channel(msgspec.Struct, frozen=True):
    """A share channel in its state at an instant; `reason` of that state."""

    code: str
    name_zh: str
    name_en: str
    state: ChannelState
    reason_zh: str
    reason_en: str


class ChannelSpan(msgspec.Struct, frozen=True):
    """A state of a channel, half-open; `ends` None: until further notice."""

    channel: str
    state: ChannelState
    starts: datetime
    ends: datetime | None
    reason_zh: str
    reason_en: str


CHANNELS = text("""
    SELECT c.code, c.name_zh, c.name_en, COALESCE(s.state, 'open') AS state,
      COALESCE(s.reason_zh, '') AS reason_zh, COALESCE(s.reason_en, '') AS reason_en
    FROM share_channels c
    LEFT JOIN share_channel_states s
      ON s.channel = c.code AND s.in_force @> CAST(:at AS timestamptz)
    ORDER BY c.code = 'copy', c.created_at, c.code
""")

SPANS = text("""
    SELECT channel, state, lower(in_force) AS starts, upper(in_force) AS ends, reason_zh, reason_en
    FROM share_channel_states ORDER BY channel, lower(in_force) DESC
""")

OPENS = text("""
    SELECT s.video_id FROM share_codes s JOIN videos v ON v.id = s.video_id
    WHERE s.code = :code AND v.state = 'published' AND v.published_at <= :at
""")


async def channels_at(conn: AsyncConnection, *, at: datetime) -> list[Channel]:
    rows = await conn.execute(CHANNELS, {"at": at})
    return [msgspec.convert(dict(row._mapping), Channel) for row in rows]


async def channel_spans(conn: AsyncConnection) -> Sequence[ChannelSpan]:
    """Every state of every channel, the latest first."""
    rows = await conn.execute(SPANS)
    return [msgspec.convert(dict(row._mapping), ChannelSpan) for row in rows]


async def shared_video(conn: AsyncConnection, *, code: str, at: datetime) -> UUID | None:
    """The published video that a share code opens."""
    found = await conn.scalar(OPENS, {"code": code, "at": at})
    return UUID(str(found)) if found else None
