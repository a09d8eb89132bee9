"""Live rooms for viewers: the list, one room, a reminder; and what its moderators do."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Access, Permission
from dougong.base.errors import NotFound
from dougong.base.ids import RoomId
from dougong.flows.say_in_room import mute_writer, take_away
from dougong.gifts.queries import coins_of, gifts_on_offer
from dougong.live.reminder_commands import forget, remind
from dougong.live.rules import CameFrom
from dougong.reads.live_room import Room, last_messages, replays, room_by_id, standing_rooms
from dougong.reads.live_shelf import selling_now
from dougong.reads.live_speakers import speakers_of
from dougong.web.account.common import AnyRequest
from dougong.web.deps import Actor, Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext
from dougong.web.live.words import selling_words
from dougong.web.render import Page, page

OPEN: dict[str, Any] = {"permission": Permission.PUBLIC, "include_in_schema": False}
TAKE_PART: dict[str, Any] = {"permission": Permission.LIVE_TAKE_PART, "include_in_schema": False}


class MuteForm(Form):
    """`minutes` 0: for as long as the room lasts."""

    minutes: Annotated[int, msgspec.Meta(ge=0, le=1_440)] = 0


def room_words() -> dict[str, str]:
    """What the room's script says, in the language of the request."""
    return {
        "creator": gettext("Host"),
        "moderator": gettext("Moderator"),
        "gone": gettext("This message was removed."),
        "remove": gettext("Remove"),
        "mute": gettext("Mute"),
        "away": gettext("Connection lost. Coming back…"),
        "back": gettext("Connected again"),
        "left": gettext("{count} left"),
        "sold_out": gettext("Sold out"),
        "buy": gettext("Buy"),
        "bought": gettext("{name} bought {title}"),
        "gift": gettext("{name} sent {gift} × {count}"),
        "empty_shelf": gettext("Nothing in the cart yet. The host will add products soon."),
        "closed": gettext("The chat is closed."),
        "followers": gettext("Only followers can write."),
        "sign_in": gettext("Sign in to write"),
        "say": gettext("Say something…"),
    }


@get("/live", **OPEN)
async def live_list(request: AnyRequest, actor: Actor, conn: Conn, now: Now) -> Page:
    """Rooms on air, announced ones, and replays."""
    person_id = actor.person_id if actor else None
    standing = await standing_rooms(conn, person_id=person_id, at=now)
    return page(
        request,
        "live/list.html",
        on_air=[one for one in standing if one.state != "scheduled"],
        announced=[one for one in standing if one.state == "scheduled"],
        replays=await replays(conn, person_id=person_id, at=now),
    )


async def _room(conn: Conn, room_id: UUID, actor: Access | None, now: Now) -> Room:
    person_id = actor.person_id if actor else None
    room = await room_by_id(conn, room_id=room_id, person_id=person_id, at=now)
    if room is None:
        raise NotFound
    return room


@get("/live/{room_id:uuid}", **OPEN)
async def live_room(
    room_id: FromPath[UUID],
    request: AnyRequest,
    actor: Actor,
    conn: Conn,
    now: Now,
) -> Page:
    """One room, in whatever state it is."""
    room = await _room(conn, room_id, actor, now)
    leads = False
    if actor is not None:
        known = await speakers_of(conn, [(room_id, actor.person_id)], at=now)
        leads = actor.may(Permission.LIVE_CUT) or known[room_id, actor.person_id].leads
    asked = request.query_params.get("from", "")
    others = await standing_rooms(conn, person_id=None, at=now)
    return page(
        request,
        "live/room.html",
        room=room,
        leads=leads,
        messages=await last_messages(conn, room_id=room_id),
        selling=await selling_now(conn, room_id=room_id, creator_id=room.creator_id),
        words=room_words() | selling_words(),
        gifts=[] if room.state == "ended" else await gifts_on_offer(conn),
        coins=await coins_of(conn, person_id=actor.person_id) if actor else 0,
        came_from=asked if asked in set(CameFrom) else CameFrom.UNKNOWN.value,
        others=[one for one in others if one.state == "live" and one.id != room_id][:4],
    )


@post("/live/{room_id:uuid}/reminder", status_code=200, **TAKE_PART)
async def set_reminder(
    room_id: FromPath[UUID], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> Page:
    """Remind this person before the room begins. Answers the button."""
    await remind(conn, room_id=RoomId(room_id), person_id=who.person_id, at=now)
    return page(request, "live/remind.html", room=await _room(conn, room_id, who, now))


@post("/live/{room_id:uuid}/no-reminder", status_code=200, **TAKE_PART)
async def drop_reminder(
    room_id: FromPath[UUID], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> Page:
    await forget(conn, room_id=RoomId(room_id), person_id=who.person_id)
    return page(request, "live/remind.html", room=await _room(conn, room_id, who, now))


@post("/live/{room_id:uuid}/messages/{message_id:uuid}/remove", status_code=204, **TAKE_PART)
async def remove(
    room_id: FromPath[UUID], message_id: FromPath[UUID], conn: Conn, who: Who, now: Now
) -> None:
    """By who leads the room; everybody's page takes it away."""
    await take_away(conn, room_id=RoomId(room_id), message_id=message_id, who=who, at=now)


@post("/live/{room_id:uuid}/messages/{message_id:uuid}/mute", status_code=200, **TAKE_PART)
async def mute_person(
    room_id: FromPath[UUID],
    message_id: FromPath[UUID],
    data: FormData[MuteForm],
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[str]:
    """Mute who wrote a message, and take it away."""
    lasts = timedelta(minutes=data.minutes) if data.minutes else None
    await mute_writer(
        conn, room_id=RoomId(room_id), message_id=message_id, who=who, lasts=lasts, at=now
    )
    return Response(gettext("Muted"))


HANDLERS: list[HTTPRouteHandler] = [
    live_list, live_room, set_reminder, drop_reminder, remove, mute_person,
]  # fmt: skip
