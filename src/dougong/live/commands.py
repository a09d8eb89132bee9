"""Writes rooms: planned, started, paused, ended. What goes with it in other areas is in flows/."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, RoomId, new_id
from dougong.infra import broadcast, events
from dougong.infra.db import constraint_of
from dougong.infra.plain_text import plain_text
from dougong.infra.settings import settings
from dougong.live.presence_commands import everybody_leaves
from dougong.live.rules import (
    LONGEST_BREAK,
    MAX_TITLE_CHARACTERS,
    MOST_PLANNED,
    NEVER_CAME_AFTER,
    ON_AIR,
    REMIND_BEFORE,
    BadTitle,
    EndReason,
    OnAirAlready,
    RoomGone,
    RoomState,
    TooManyRooms,
    WrongRoomState,
    check_announced,
    states_before,
)
from dougong.live.tables import live_rooms

REMINDS, NEVER_COMES, SILENT = "live_reminds", "live_never_comes", "live_silent"
FORGETS = "live_forgets"
DEADLINES = (REMINDS, NEVER_COMES, SILENT)
# The last figures of a room, and a draw that closes late, are sealed within a week of its end.
SEALED_WITHIN = timedelta(days=8)


def title(text: str, *, field: str) -> str:
    """Clean plain text. Raises BadTitle."""
    clean = " ".join(plain_text(text).split())
    if len(clean) > MAX_TITLE_CHARACTERS:
        raise BadTitle(field=field, most=MAX_TITLE_CHARACTERS)
    return clean


async def make_room(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    title_zh: str,
    title_en: str,
    announced_for: datetime,
    cover_file: str | None,
    kept: timedelta,
    at: datetime,
) -> RoomId:
    """Announce a room. `kept`: how long its evidence stays (flows/plan_room.py asks the rules).

    Raises BadTitle, BadRoomTime, TooManyRooms.
    """
    check_announced(announced_for, at=at)
    zh, en = title(title_zh, field="title_zh"), title(title_en, field="title_en")
    if not zh and not en:
        raise BadTitle(field="title_zh", most=MAX_TITLE_CHARACTERS)
    planned = select(func.count()).select_from(live_rooms)
    planned = planned.where(live_rooms.c.creator_id == creator_id)
    standing = await conn.scalar(planned.where(live_rooms.c.state == RoomState.SCHEDULED))
    if (standing or 0) >= MOST_PLANNED:
        raise TooManyRooms(most=MOST_PLANNED)
    room_id = RoomId(new_id())
    row = {"id": room_id, "creator_id": creator_id, "title_zh": zh, "title_en": en,
           "cover_file": cover_file, "announced_for": announced_for, "keep_until": at + kept,
           "made_at": at}  # fmt: skip
    await conn.execute(insert(live_rooms).values(**row))
    await _set_deadlines(conn, room_id, announced_for)
    facts = {"creator_id": str(creator_id), "announced_for": announced_for.isoformat()}
    await events.record(conn, "live.room_planned", subject_id=room_id, at=at, facts=facts)
    return room_id


async def _set_deadlines(conn: AsyncConnection, room_id: RoomId, announced_for: datetime) -> None:
    for kind, due_at in (
        (REMINDS, announced_for - REMIND_BEFORE),
        (NEVER_COMES, announced_for + NEVER_CAME_AFTER),
    ):
        await events.renew_deadline(
            conn, store_id=PLATFORM_BOOK, kind=kind, subject_id=room_id, due_at=due_at
        )


async def change_plan(
    conn: AsyncConnection,
    *,
    room_id: RoomId,
    creator_id: UUID,
    title_zh: str,
    title_en: str,
    announced_for: datetime,
    at: datetime,
) -> None:
    """Another title or another time, before the room begins.

    Raises BadTitle, BadRoomTime, RoomGone, WrongRoomState.
    """
    check_announced(announced_for, at=at)
    zh, en = title(title_zh, field="title_zh"), title(title_en, field="title_en")
    if not zh and not en:
        raise BadTitle(field="title_zh", most=MAX_TITLE_CHARACTERS)
    room = await lock_room(conn, room_id=room_id, creator_id=creator_id)
    if room.state != RoomState.SCHEDULED:
        raise WrongRoomState(state=room.state)
    change = {"title_zh": zh, "title_en": en, "announced_for": announced_for}
    await conn.execute(update(live_rooms).where(live_rooms.c.id == room_id).values(**change))
    await _set_deadlines(conn, room_id, announced_for)
    facts = {"announced_for": announced_for.isoformat()}
    await events.record(conn, "live.room_replanned", subject_id=room_id, at=at, facts=facts)
    await say_state(conn, room_id)


async def set_cover(
    conn: AsyncConnection, *, room_id: RoomId, creator_id: UUID, cover_file: str
) -> None:
    """Raises RoomGone."""
    change = update(live_rooms).where(live_rooms.c.id == room_id)
    change = change.where(live_rooms.c.creator_id == creator_id).values(cover_file=cover_file)
    if (await conn.execute(change)).rowcount != 1:
        raise RoomGone


async def lock_room(conn: AsyncConnection, *, room_id: RoomId, creator_id: UUID | None) -> Row[Any]:
    """The room, kept for this transaction. `creator_id`: whose it must be; None: anybody's (the
    operator, the media). Raises RoomGone."""
    asked = select(live_rooms).where(live_rooms.c.id == room_id).with_for_update()
    if creator_id is not None:
        asked = asked.where(live_rooms.c.creator_id == creator_id)
    found = (await conn.execute(asked)).one_or_none()
    if found is None:
        raise RoomGone
    return found


async def lock_room_if_free(conn: AsyncConnection, *, room_id: RoomId) -> bool:
    """Keep a room for this transaction; False while another has it in hand."""
    asked = select(live_rooms.c.id).where(live_rooms.c.id == room_id)
    return await conn.scalar(asked.with_for_update(skip_locked=True)) is not None


async def go_on_air(conn: AsyncConnection, *, room_id: RoomId, at: datetime) -> bool:
    """The room is live: for the first time, or again after a break. False when it is already.

    Raises RoomGone, WrongRoomState (it has ended), OnAirAlready.
    """
    room = await lock_room(conn, room_id=room_id, creator_id=None)
    if room.state == RoomState.LIVE:
        return False
    _check_move(room.state, RoomState.LIVE)
    change = update(live_rooms).where(live_rooms.c.id == room_id)
    change = change.where(live_rooms.c.state.in_(states_before(RoomState.LIVE)))
    is_first = room.state == RoomState.SCHEDULED
    values = {"state": RoomState.LIVE, "paused_at": None}
    try:
        async with conn.begin_nested():
            first = {"started_at": at} if is_first else {}
            await conn.execute(change.values(**values, **first))
    except IntegrityError as error:
        if constraint_of(error) != "live_rooms_one_on_air":
            raise
        raise OnAirAlready(room_id=await on_air_room(conn, creator_id=room.creator_id)) from error
    await _drop_deadlines(conn, room_id, kinds=DEADLINES, why="on_air", at=at)
    kind = "live.room_started" if is_first else "live.room_resumed"
    facts = {"creator_id": str(room.creator_id)}
    await events.record(conn, kind, subject_id=room_id, at=at, facts=facts)
    await say_state(conn, room_id)
    return True


async def pause_room(
    conn: AsyncConnection, *, room_id: RoomId, creator_id: UUID | None, at: datetime
) -> None:
    """A break. `creator_id`: who asks for it; None: the pictures have stopped, and come back within
    `live_return_s`. A room that has a break already is left alone. Raises RoomGone, WrongRoomState.
    """
    room = await lock_room(conn, room_id=room_id, creator_id=creator_id)
    if room.state == RoomState.PAUSED:
        return
    _check_move(room.state, RoomState.PAUSED)
    change = update(live_rooms).where(live_rooms.c.id == room_id)
    change = change.where(live_rooms.c.state.in_(states_before(RoomState.PAUSED)))
    await conn.execute(change.values(state=RoomState.PAUSED, paused_at=at))
    silent = timedelta(seconds=settings().live_return_s)
    lasts = silent if creator_id is None else LONGEST_BREAK
    await events.renew_deadline(
        conn, store_id=PLATFORM_BOOK, kind=SILENT, subject_id=room_id, due_at=at + lasts
    )
    why = "silent" if creator_id is None else "creator"
    await events.record(conn, "live.room_paused", subject_id=room_id, at=at, facts={"why": why})
    await say_state(conn, room_id)


async def close_room(
    conn: AsyncConnection,
    *,
    room_id: RoomId,
    creator_id: UUID | None,
    reason: EndReason,
    at: datetime,
) -> Row[Any]:
    """End a room for good; one that has not begun is cancelled, whoever ends it by hand. Answers
    the room as it was. Raises RoomGone, WrongRoomState (it has ended already).
    """
    room = await lock_room(conn, room_id=room_id, creator_id=creator_id)
    _check_move(room.state, RoomState.ENDED)
    if room.started_at is None and reason is EndReason.CREATOR:
        reason = EndReason.CANCELLED
    change = update(live_rooms).where(live_rooms.c.id == room_id)
    change = change.where(live_rooms.c.state.in_(states_before(RoomState.ENDED)))
    await conn.execute(change.values(state=RoomState.ENDED, ended_at=at, end_reason=reason))
    await _drop_deadlines(conn, room_id, kinds=DEADLINES, why="ended", at=at)
    forgets = max(room.keep_until, at + SEALED_WITHIN)
    await events.renew_deadline(
        conn, store_id=PLATFORM_BOOK, kind=FORGETS, subject_id=room_id, due_at=forgets
    )
    await everybody_leaves(conn, room_id=room_id, at=at)
    facts = {"creator_id": str(room.creator_id), "reason": reason.value}
    await events.record(conn, "live.room_ended", subject_id=room_id, at=at, facts=facts)
    await say_state(conn, room_id)
    return room


async def keep_replay(conn: AsyncConnection, *, room_id: RoomId, video_id: UUID) -> None:
    """The recording has become a video. Raises RoomGone."""
    change = update(live_rooms).where(live_rooms.c.id == room_id).values(replay_video_id=video_id)
    if (await conn.execute(change)).rowcount != 1:
        raise RoomGone
    await say_state(conn, room_id)


async def on_air_room(conn: AsyncConnection, *, creator_id: UUID) -> RoomId | None:
    """The creator's room on air."""
    asked = select(live_rooms.c.id).where(live_rooms.c.creator_id == creator_id)
    found = await conn.scalar(asked.where(live_rooms.c.state.in_(ON_AIR)))
    return RoomId(found) if found else None


def _check_move(state: str, to: RoomState) -> None:
    if state not in states_before(to):
        raise WrongRoomState(state=state)


async def _drop_deadlines(
    conn: AsyncConnection, room_id: RoomId, *, kinds: tuple[str, ...], why: str, at: datetime
) -> None:
    for kind in kinds:
        await events.drop_deadline(
            conn, store_id=PLATFORM_BOOK, kind=kind, subject_id=room_id, at=at, why=why
        )


async def say_state(conn: AsyncConnection, room_id: RoomId) -> None:
    """Tell the room what has become of it, as it stands in this transaction."""
    room = (await conn.execute(select(live_rooms).where(live_rooms.c.id == room_id))).one()
    await broadcast.say(
        conn,
        room_id,
        "room",
        {
            "state": room.state,
            "title_zh": room.title_zh,
            "title_en": room.title_en,
            "announced_for": room.announced_for.isoformat(),
            "started_at": room.started_at.isoformat() if room.started_at else None,
            "end_reason": room.end_reason,
            "slow_mode_s": room.slow_mode_s,
            "chat": room.chat,
            "replay_video_id": str(room.replay_video_id) if room.replay_video_id else None,
        },
    )
