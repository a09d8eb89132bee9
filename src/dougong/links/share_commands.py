"""Writes share codes, and the states of share channels by date."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import VideoId, new_id
from dougong.links.share_rules import (
    ChannelGone,
    ChannelState,
    ChannelStateInPast,
    ChannelStateTaken,
    checked_reason,
    new_code,
)
from dougong.links.tables import share_channel_states, share_channels, share_codes

# The states of channels are changed one at a time.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7300012)")
HALF_OPEN: Literal["[)"] = "[)"
TRIES = 3


async def make_share(
    conn: AsyncConnection,
    *,
    video_id: VideoId,
    channel: str,
    person_id: UUID | None,
    at: datetime,
) -> str:
    """The code by which this person shares this video there: the same one every time, and one for
    all who are not signed in. Raises ChannelGone."""
    known = select(share_channels.c.code).where(share_channels.c.code == channel)
    if await conn.scalar(known) is None:
        raise ChannelGone
    mine = select(share_codes.c.code).where(
        share_codes.c.video_id == video_id,
        share_codes.c.link_id.is_(None),
        share_codes.c.channel == channel,
        share_codes.c.person_id.is_not_distinct_from(person_id),
    )
    row = {"video_id": video_id, "channel": channel, "person_id": person_id, "made_at": at}
    for _ in range(TRIES):
        found = await conn.scalar(mine)
        if found is not None:
            return str(found)
        draft = upsert(share_codes).values(code=new_code(), **row)
        await conn.execute(draft.on_conflict_do_nothing())
    raise RuntimeError("no share code is free")


async def set_channel_state(
    conn: AsyncConnection,
    *,
    channel: str,
    state: ChannelState,
    starts: datetime,
    reason_zh: str,
    reason_en: str,
    at: datetime,
) -> None:
    """From an instant on, until further notice, a channel is open or blocked.

    Raises ChannelGone, ChannelStateInPast, ChannelStateTaken, BadInput.
    """
    reasons = {
        "reason_zh": checked_reason(reason_zh, field="reason_zh"),
        "reason_en": checked_reason(reason_en, field="reason_en"),
    }
    if starts < at:
        raise ChannelStateInPast(field="starts")
    await conn.execute(ONE_AT_A_TIME)
    known = select(share_channels.c.code).where(share_channels.c.code == channel)
    if await conn.scalar(known) is None:
        raise ChannelGone
    window = share_channel_states.c.in_force
    mine = share_channel_states.c.channel == channel
    later = select(func.count()).select_from(share_channel_states)
    if await conn.scalar(later.where(mine, func.lower(window) >= starts)):
        raise ChannelStateTaken(field="starts")
    await conn.execute(
        update(share_channel_states)
        .where(mine, func.upper_inf(window))
        .values(in_force=func.tstzrange(func.lower(window), starts))
    )
    row = {"id": new_id(), "channel": channel, "state": state, **reasons}
    open_ended = Range(starts, None, bounds=HALF_OPEN)
    await conn.execute(insert(share_channel_states).values(**row, in_force=open_ended))
