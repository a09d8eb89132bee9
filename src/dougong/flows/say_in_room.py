"""Chat: what many people say at once is checked one by one and written together."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Access, Permission
from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import PersonId, RoomId
from dougong.infra.plain_text import plain_text
from dougong.live.chat_commands import (
    Message,
    known_messages,
    message_id,
    mute,
    remove_message,
    write_messages,
    writer_of,
)
from dougong.live.rules import Speaker, check_body, check_may_write
from dougong.reads.live_speakers import speakers_of


class Asked(msgspec.Struct, frozen=True):
    """Somebody wants to say something; `key` is the same when it is sent again."""

    room_id: RoomId
    person_id: PersonId
    key: str
    body: str


async def say_many(
    conn: AsyncConnection, asked: Sequence[Asked], *, at: datetime
) -> list[UUID | Refusal]:
    """The id of each message, or why it was refused: one that is refused stops no other.

    A message that is there already is answered with its id, whatever has changed since.
    """
    ids = [message_id(one.room_id, one.person_id, one.key) for one in asked]
    known = await known_messages(conn, ids)
    pairs = [(one.room_id, one.person_id) for one in asked]
    speakers = await speakers_of(conn, pairs, at=at)
    answers: list[UUID | Refusal] = []
    written: list[Message] = []
    for one, its_id, pair in zip(asked, ids, pairs, strict=True):
        if its_id in known:
            answers.append(its_id)
            continue
        try:
            said = _checked(one, its_id, speakers.get(pair), at=at)
        except Refusal as refusal:
            answers.append(refusal)
            continue
        known.add(its_id)
        written.append(said)
        answers.append(its_id)
        before = speakers[pair]
        speakers[pair] = msgspec.structs.replace(before, last_at=at, recent=before.recent + 1)
    if written:
        await write_messages(conn, written)
    return answers


def _checked(one: Asked, its_id: UUID, speaker: Speaker | None, *, at: datetime) -> Message:
    body = check_body(plain_text(one.body[:2_000]))
    check_may_write(speaker, body, at=at)
    assert speaker is not None  # noqa: S101 (check_may_write has raised)
    return Message(one.room_id, its_id, one.person_id, speaker.name, speaker.role, body, at)


async def check_leads(conn: AsyncConnection, *, room_id: RoomId, who: Access, at: datetime) -> None:
    """The creator's own people, its moderators, and the operator. Raises NotFound for others."""
    if who.may(Permission.LIVE_CUT):
        return
    speaker = (await speakers_of(conn, [(room_id, who.person_id)], at=at)).get(
        (room_id, who.person_id)
    )
    if speaker is None or not speaker.leads:
        raise NotFound


async def take_away(
    conn: AsyncConnection, *, room_id: RoomId, message_id: UUID, who: Access, at: datetime
) -> None:
    """Remove a message. Raises NotFound (also for who does not lead the room)."""
    await check_leads(conn, room_id=room_id, who=who, at=at)
    await remove_message(
        conn, room_id=room_id, message_id=message_id, by_id=who.person_id, why="moderator", at=at
    )


async def mute_writer(
    conn: AsyncConnection,
    *,
    room_id: RoomId,
    message_id: UUID,
    who: Access,
    lasts: timedelta | None,
    at: datetime,
) -> None:
    """Mute who wrote a message, and take it away. Raises NotFound, also when its writer leads."""
    await check_leads(conn, room_id=room_id, who=who, at=at)
    writer = await writer_of(conn, room_id=room_id, message_id=message_id)
    found = await speakers_of(conn, [(room_id, writer)], at=at)
    if found[room_id, writer].leads:
        raise NotFound
    await mute(conn, room_id=room_id, person_id=writer, by_id=who.person_id, lasts=lasts, at=at)
    await remove_message(
        conn, room_id=room_id, message_id=message_id, by_id=who.person_id, why="moderator", at=at
    )
