"""Somebody wants to send pictures into a room: with its key, one at a time, and until it ends.

The row in live_publishers comes first, and its uniqueness decides between two who come at once.
Then the process of the room is asked; no transaction is open meanwhile. Where that fails, the row
is ended again.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import PersonId, RoomId
from dougong.infra import clock, live_control
from dougong.infra.db import transaction
from dougong.infra.live_processes import rtmp_url
from dougong.infra.settings import settings
from dougong.live.commands import lock_room, on_air_room
from dougong.live.publisher_commands import (
    MadeKey,
    end_publisher,
    key_id_of,
    make_stream_key,
    revoke_stream_key,
    start_publisher,
)
from dougong.live.publisher_queries import Publisher, is_publishing, last_publisher
from dougong.live.publisher_rules import (
    REPLACED_AFTER_S,
    MediaOfferRefused,
    PublishedAlready,
    RoomOver,
)
from dougong.live.rules import OnAirAlready, RoomState


class Sender(NamedTuple):
    """By what way somebody sends. `client`: as a media server calls the connection."""

    protocol: str
    client: str = ""


class Published(NamedTuple):
    """A publisher that was taken, and the answer to its offer."""

    session_id: UUID
    answer: str


async def publish_by_whip(*, room_id: RoomId, key: str, offer: str) -> Published:
    """Take a WebRTC publisher.

    Raises RoomGone, StrangeKey, RoomOver, PublishedAlready, OnAirAlready, BadInput for an offer
    that cannot be read, MediaOfferRefused for one that cannot be taken, IngestAway.
    """
    session_id = await _claim(room_id=room_id, key=key, sender=Sender("whip"))
    said = await _ask_for(
        session_id, do="offer", room=str(room_id), session=str(session_id), sdp=offer
    )
    if said.get("error") == "bad_offer":
        await _end(session_id, reason="refused")
        if not said["read"]:
            raise BadInput(field="offer", reason=said["reason"])
        raise MediaOfferRefused(reason=said["reason"])
    return Published(session_id, said["sdp"])


async def publish_by_rtmp(*, room_id: RoomId, key: str, client: str) -> None:
    """Read a stream that an RTMP server has begun to take. Raises as `publish_by_whip`, and
    NotFound where no such server is set. `client`: as that server calls the connection."""
    if not settings().rtmp_pull_url:
        raise NotFound
    session_id = await _claim(room_id=room_id, key=key, sender=Sender("rtmp", client))
    room, session, url = str(room_id), str(session_id), rtmp_url(room_id)
    await _ask_for(session_id, do="pull", room=room, session=session, url=url)


async def rtmp_goes_on(*, room_id: RoomId, key: str, client: str) -> None:
    """Whether the RTMP server shall keep this connection. Raises StrangeKey where the key was
    revoked, RoomOver where the room has ended, PublishedAlready where another took its place."""
    async with transaction() as conn:
        await key_id_of(conn, room_id=room_id, key=key)
        room = await lock_room(conn, room_id=room_id, creator_id=None)
        last = await last_publisher(conn, room_id=room_id)
    if room.state == RoomState.ENDED:
        raise RoomOver
    if not _is_this(last, client):
        raise PublishedAlready


def _is_this(last: Publisher | None, client: str) -> bool:
    """Whether a room's publisher came by this connection of an RTMP server, and is there."""
    if last is None or last.ended_at or last.protocol != "rtmp":
        return False
    return last.client == client


async def rtmp_is_over(*, room_id: RoomId, client: str) -> None:
    """The RTMP server says that a publisher has gone; nothing where another is there by now. Where
    the room has ended, that is why: the server may have asked `rtmp_goes_on` before we told it."""
    async with transaction() as conn:
        last = await last_publisher(conn, room_id=room_id)
        if last is None or not _is_this(last, client):
            return
        room = await lock_room(conn, room_id=room_id, creator_id=None)
        reason = "room_ended" if room.state == RoomState.ENDED else "left"
        at = await clock.refresh(conn)
        await end_publisher(conn, publisher_id=last.id, reason=reason, at=at)
    await live_control.ask(do="close", room=str(room_id), session=str(last.id))


async def _ask_for(session_id: UUID, **what: Any) -> dict[str, Any]:
    """Ask for a publisher's sake, which is over where nobody answers. Raises IngestAway."""
    try:
        said = await live_control.ask(**what)
        if said.get("error") in ("away", "fault", "no_answer"):
            raise live_control.IngestAway
    except live_control.IngestAway:
        await _end(session_id, reason="ingest_away")
        raise
    return said


async def _end(publisher_id: UUID, *, reason: str) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await end_publisher(conn, publisher_id=publisher_id, reason=reason, at=at)


async def _claim(*, room_id: RoomId, key: str, sender: Sender) -> UUID:
    """Be the room's publisher. One whose pictures have stopped is replaced."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        taken = await _take(conn, room_id=room_id, key=key, sender=sender, at=at)
        there = None if taken else await last_publisher(conn, room_id=room_id)
    if taken:
        return taken
    if there and not there.ended_at:
        if await _is_heard(room_id, there.id):
            raise PublishedAlready
        await _end(there.id, reason="replaced")
    async with transaction() as conn:
        at = await clock.refresh(conn)
        taken = await _take(conn, room_id=room_id, key=key, sender=sender, at=at)
    if taken is None:
        raise PublishedAlready
    return taken


async def _take(
    conn: AsyncConnection, *, room_id: RoomId, key: str, sender: Sender, at: datetime
) -> UUID | None:
    """None while another is there. A stranger learns nothing of the room but that it exists."""
    key_id = await key_id_of(conn, room_id=room_id, key=key)
    room = await lock_room(conn, room_id=room_id, creator_id=None)
    if room.state == RoomState.ENDED:
        raise RoomOver
    other = await on_air_room(conn, creator_id=room.creator_id)
    if other not in (None, room_id):
        raise OnAirAlready(room_id=str(other))
    return await start_publisher(
        conn,
        room_id=room_id,
        key_id=key_id,
        protocol=sender.protocol,
        client=sender.client,
        at=at,
    )


async def _is_heard(room_id: RoomId, publisher_id: UUID) -> bool:
    """Whether pictures of this publisher come."""
    said = await live_control.ask(do="status", room=str(room_id))
    if said.get("session") != str(publisher_id):
        return False
    return not said["is_over"] and float(said["silent_s"]) < REPLACED_AFTER_S


async def check_session(*, room_id: RoomId, session_id: UUID, key: str) -> None:
    """Whether this key may speak for this session. Raises StrangeKey, NotFound."""
    async with transaction() as conn:
        await key_id_of(conn, room_id=room_id, key=key)
        if not await is_publishing(conn, room_id=room_id, publisher_id=session_id):
            raise NotFound


async def leave(*, room_id: RoomId, session_id: UUID, key: str) -> None:
    """A publisher ends its session. Raises StrangeKey, NotFound."""
    await check_session(room_id=room_id, session_id=session_id, key=key)
    await _end(session_id, reason="left")
    await live_control.ask(do="close", room=str(room_id), session=str(session_id))


async def give_key(
    conn: AsyncConnection, *, room_id: RoomId, creator_id: UUID, made_by: PersonId, at: datetime
) -> MadeKey:
    """A new stream key for a room that has not ended. Raises RoomGone, RoomOver, TooManyKeys."""
    room = await lock_room(conn, room_id=room_id, creator_id=creator_id)
    if room.state == RoomState.ENDED:
        raise RoomOver
    return await make_stream_key(conn, room_id=room_id, made_by=made_by, at=at)


async def take_key_back(*, room_id: RoomId, creator_id: UUID, key_id: UUID) -> None:
    """Revoke a key; whoever publishes with it is cut off at once. Raises RoomGone, NotFound."""
    async with transaction() as conn:
        await lock_room(conn, room_id=room_id, creator_id=creator_id)
        at = await clock.refresh(conn)
        publisher_id = await revoke_stream_key(conn, room_id=room_id, key_id=key_id, at=at)
    if publisher_id:
        await live_control.ask(do="close", room=str(room_id), session=str(publisher_id))
