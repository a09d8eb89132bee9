"""The studio of one room: go on air from this browser or from a program, and see how it arrives.

The page is a frame for the whole studio; what it includes besides publishing has handlers of its
own.
"""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, RoomId
from dougong.flows.publish_live import give_key, take_key_back
from dougong.infra.settings import serving_url, settings
from dougong.reads.live_publishing import (
    PublishedRoom,
    keys_of_room,
    publisher_of_room,
    room_to_publish,
)
from dougong.web.creator.common import creator_page, see
from dougong.web.deps import Conn, Now, Who
from dougong.web.render import Page

STUDIO = "/creator/{creator_id:uuid}/live/{room_id:uuid}"
ROUTE: dict[str, Any] = {"permission": Permission.LIVE_MANAGE, "include_in_schema": False}
AnyRequest = Request[Any, Any, Any]


async def _room(conn: Conn, creator_id: UUID, room_id: UUID) -> PublishedRoom:
    """Raises NotFound."""
    room = await room_to_publish(conn, room_id=RoomId(room_id), creator_id=creator_id)
    if room is None:
        raise NotFound
    return room


@get(STUDIO, **ROUTE)
async def studio(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Page:
    room = await _room(conn, creator_id, room_id)
    return await creator_page(
        request,
        conn,
        "creator/live_studio.html",
        creator_id=creator_id,
        room=room,
        keys=await keys_of_room(conn, room_id=room.id),
        publisher=await publisher_of_room(conn, room_id=room.id),
        whip_url=f"{serving_url().rstrip('/')}/whip/{room_id}",
        rtmp=bool(settings().rtmp_pull_url),
        video={
            "width": settings().live_longest_px * 9 // 16,
            "height": settings().live_longest_px,
            "fps": settings().live_fps,
            "kbps": settings().live_bitrate_kbps,
        },
    )


@post(STUDIO + "/keys", status_code=201, **ROUTE)
async def make_key(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], who: Who, conn: Conn, now: Now
) -> dict[str, str]:
    """A new stream key, told this once."""
    made = await give_key(
        conn,
        room_id=RoomId(room_id),
        creator_id=creator_id,
        made_by=PersonId(who.person_id),
        at=now,
    )
    return {"id": str(made.id), "key": made.key, "whip": f"/whip/{room_id}"}


@post(STUDIO + "/keys/{stream_key_id:uuid}/revoke", **ROUTE)
async def revoke_key(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], stream_key_id: FromPath[UUID]
) -> Response[Any]:
    """Whoever publishes with it is cut off at once."""
    await take_key_back(room_id=RoomId(room_id), creator_id=creator_id, key_id=stream_key_id)
    return see(f"/creator/{creator_id}/live/{room_id}")


@get(STUDIO + "/publisher", **ROUTE)
async def figures(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], conn: Conn
) -> Response[dict[str, Any]]:
    """How the pictures arrive, for the page to ask every few seconds."""
    room = await _room(conn, creator_id, room_id)
    found = await publisher_of_room(conn, room_id=room.id)
    told: dict[str, Any] = {"state": room.state, "publisher": None}
    if found:
        told["publisher"] = {
            "protocol": found.protocol,
            "bitrate_bps": found.bitrate_bps,
            "frames": found.frames,
            "dropped": found.dropped,
        }
    return Response(told, headers={"Cache-Control": "no-store"})


HANDLERS: list[HTTPRouteHandler] = [studio, make_key, revoke_key, figures]
