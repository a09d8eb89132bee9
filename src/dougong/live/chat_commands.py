"""Writes what is said in rooms, and what moderators do about it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, RoomId, derived_id
from dougong.infra import broadcast, events
from dougong.live.rules import (
    LONGEST_SLOW_MODE_S,
    MAX_KEYWORD_CHARACTERS,
    MOST_KEYWORDS,
    MOST_MODERATORS,
    BadSetting,
    Chat,
    RoomGone,
    comparable,
)
from dougong.live.tables import (
    live_keywords,
    live_messages,
    live_moderators,
    live_mutes,
    live_rooms,
)


class Message(msgspec.Struct, frozen=True):
    """One message, checked. `role`: creator, moderator or viewer."""

    room_id: RoomId
    id: UUID
    person_id: PersonId
    name: str
    role: str
    body: str
    at: datetime


WRITE = text("""
    WITH said AS (
      INSERT INTO live_messages (room_id, id, person_id, body, at)
      SELECT * FROM unnest(CAST(:rooms AS uuid[]), CAST(:ids AS uuid[]), CAST(:people AS uuid[]),
        CAST(:bodies AS text[]), CAST(:ats AS timestamptz[]))
      ON CONFLICT (room_id, id) DO NOTHING RETURNING room_id, id, at
    ), counted AS (
      INSERT INTO live_minutes AS m (room_id, minute, messages)
      SELECT room_id, date_trunc('minute', at, 'UTC'), count(*) FROM said
      GROUP BY 1, 2 ORDER BY 1, 2
      ON CONFLICT (room_id, minute) DO UPDATE SET messages = m.messages + excluded.messages
    )
    SELECT id FROM said
""")


def message_id(room_id: UUID, person_id: UUID, key: str) -> UUID:
    """The id of what a person says with a key: the same when it is sent again."""
    return derived_id(room_id, f"{person_id}:{key}")


async def known_messages(conn: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Which of them are written already."""
    asked = select(live_messages.c.id).where(live_messages.c.id.in_(ids))
    return set(await conn.scalars(asked))


async def write_messages(conn: AsyncConnection, said: Sequence[Message]) -> None:
    """Write and tell each message once; what is there already is left out."""
    columns = {
        "rooms": [one.room_id for one in said],
        "ids": [one.id for one in said],
        "people": [one.person_id for one in said],
        "bodies": [one.body for one in said],
        "ats": [one.at for one in said],
    }
    new = set(await conn.scalars(WRITE, columns))
    for one in said:
        if one.id in new:
            facts = {"id": str(one.id), "name": one.name, "body": one.body, "role": one.role}
            await broadcast.say(conn, one.room_id, "chat", facts)
            new.discard(one.id)  # the same twice in one batch


async def remove_message(
    conn: AsyncConnection,
    *,
    room_id: RoomId,
    message_id: UUID,
    by_id: PersonId,
    why: str,
    at: datetime,
) -> None:
    """Take a message away for everybody; who may is the caller's question. Raises NotFound, also
    when it is gone already."""
    mine = (live_messages.c.room_id == room_id, live_messages.c.id == message_id)
    change = update(live_messages).where(*mine, live_messages.c.removed_at.is_(None))
    gone = await conn.execute(change.values(removed_at=at, removed_by=by_id, removed_why=why))
    if gone.rowcount != 1:
        raise NotFound
    facts = {"room_id": str(room_id), "by": str(by_id), "why": why}
    await events.record(conn, "live.message_removed", subject_id=message_id, at=at, facts=facts)
    await broadcast.say(conn, room_id, "chat_removed", {"id": str(message_id)})


async def writer_of(conn: AsyncConnection, *, room_id: RoomId, message_id: UUID) -> PersonId:
    """Raises NotFound."""
    asked = select(live_messages.c.person_id).where(live_messages.c.room_id == room_id)
    found = await conn.scalar(asked.where(live_messages.c.id == message_id))
    if found is None:
        raise NotFound
    return PersonId(found)


async def mute(
    conn: AsyncConnection,
    *,
    room_id: RoomId,
    person_id: PersonId,
    by_id: PersonId,
    lasts: timedelta | None,
    at: datetime,
) -> None:
    """`lasts` None: for as long as the room does. A later mute replaces an earlier one."""
    until = at + lasts if lasts else None
    row = {"room_id": room_id, "person_id": person_id, "by_id": by_id, "at": at, "until_at": until}
    await conn.execute(
        upsert(live_mutes)
        .values(**row)
        .on_conflict_do_update(
            index_elements=["room_id", "person_id"],
            set_={"by_id": by_id, "at": at, "until_at": until},
        )
    )
    facts = {"person_id": str(person_id), "by": str(by_id)}
    await events.record(conn, "live.muted", subject_id=room_id, at=at, facts=facts)


async def unmute(conn: AsyncConnection, *, room_id: RoomId, person_id: PersonId) -> None:
    """Also when there was no mute."""
    mine = live_mutes.c.person_id == person_id
    await conn.execute(delete(live_mutes).where(live_mutes.c.room_id == room_id, mine))


async def set_chat(
    conn: AsyncConnection, *, room_id: RoomId, creator_id: UUID, chat: str, slow_mode_s: int
) -> None:
    """Raises RoomGone, BadSetting."""
    if chat not in set(Chat):
        raise BadSetting(field="chat", most=0, reason="unknown")
    if not 0 <= slow_mode_s <= LONGEST_SLOW_MODE_S:
        raise BadSetting(field="slow_mode_s", most=LONGEST_SLOW_MODE_S, reason="too_many")
    change = update(live_rooms).where(live_rooms.c.id == room_id)
    change = change.where(live_rooms.c.creator_id == creator_id)
    done = await conn.execute(change.values(chat=chat, slow_mode_s=slow_mode_s))
    if done.rowcount != 1:
        raise RoomGone
    facts = {"chat": chat, "slow_mode_s": slow_mode_s}
    await broadcast.say(conn, room_id, "chat_rules", facts)


async def set_keywords(
    conn: AsyncConnection, *, creator_id: UUID, words: Sequence[str], at: datetime
) -> None:
    """The whole list of a creator, as it is compared. Raises BadSetting."""
    kept = {comparable(one) for one in words} - {""}
    if len(kept) > MOST_KEYWORDS or any(len(one) > MAX_KEYWORD_CHARACTERS for one in kept):
        raise BadSetting(field="words", most=MOST_KEYWORDS, reason="too_many")
    await conn.execute(delete(live_keywords).where(live_keywords.c.creator_id == creator_id))
    if kept:
        rows = [{"creator_id": creator_id, "word": one, "added_at": at} for one in sorted(kept)]
        await conn.execute(insert(live_keywords), rows)


async def add_moderator(
    conn: AsyncConnection, *, creator_id: UUID, person_id: PersonId, at: datetime
) -> None:
    """Twice is once. Raises BadSetting."""
    named = select(func.count()).select_from(live_moderators)
    count = await conn.scalar(named.where(live_moderators.c.creator_id == creator_id))
    if (count or 0) >= MOST_MODERATORS:
        raise BadSetting(field="email", most=MOST_MODERATORS, reason="too_many")
    row = {"creator_id": creator_id, "person_id": person_id, "added_at": at}
    await conn.execute(upsert(live_moderators).values(**row).on_conflict_do_nothing())
    facts = {"person_id": str(person_id)}
    await events.record(conn, "live.moderator_named", subject_id=creator_id, at=at, facts=facts)


async def drop_moderator(
    conn: AsyncConnection, *, creator_id: UUID, person_id: PersonId, at: datetime
) -> None:
    """Also when there was none of that name."""
    mine = live_moderators.c.person_id == person_id
    gone = await conn.execute(
        delete(live_moderators).where(live_moderators.c.creator_id == creator_id, mine)
    )
    if gone.rowcount:
        facts = {"person_id": str(person_id)}
        await events.record(
            conn, "live.moderator_dropped", subject_id=creator_id, at=at, facts=facts
        )
