"""The stream of a room as files: playlists that change, segments that never do; and what an RTMP
server of one's own asks and tells (docs/how-to/media-server.md)."""

import hmac
import re
from collections.abc import Awaitable
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import File

from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import RoomId
from dougong.flows.publish_live import publish_by_rtmp, rtmp_goes_on, rtmp_is_over
from dougong.infra.live_processes import room_folder
from dougong.infra.settings import settings

FILE_NAME = re.compile(r"index\.m3u8|poster\.jpg|\d{6,9}\.ts")
KINDS = {
    "m3u8": "application/vnd.apple.mpegurl",
    "ts": "video/mp2t",
    "jpg": "image/jpeg",
}
ROUTE: dict[str, Any] = {"permission": Permission.PUBLIC, "include_in_schema": False}
MAX_HOOK_BYTES = 16_384
HOOK_FIELDS = ("call", "name", "key", "addr", "clientid")
MAX_WORD = 200
READS = "update_play"  # what nginx calls the update of a connection that reads
AnyRequest = Request[Any, Any, Any]
# Players on any page may read a public stream.
CORS = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


@get("/media/live/{room_id:uuid}/{name:str}", **ROUTE)
async def stream_file(room_id: FromPath[UUID], name: FromPath[str]) -> File:
    """Raises NotFound: also before the first pictures."""
    path = room_folder(room_id) / name
    if not FILE_NAME.fullmatch(name) or not path.is_file():
        raise NotFound
    is_lasting = name.endswith(".ts")
    kept = "public, max-age=31536000, immutable" if is_lasting else "no-cache"
    return File(
        path,
        media_type=KINDS[name.rsplit(".", 1)[1]],
        content_disposition_type="inline",
        headers=CORS | {"Cache-Control": kept},
    )


def _check_secret(told: str) -> None:
    """Raises NotFound: to a stranger there is no such page."""
    secret = settings().rtmp_hook_secret
    if not secret or not hmac.compare_digest(told.encode(), secret.encode()):
        raise NotFound


class Hook(NamedTuple):
    """What a media server tells. `client`: as it calls the connection, empty where it does not."""

    call: str
    room_id: RoomId
    key: str
    client: str


async def _told(request: AnyRequest) -> Hook:
    """Raises BadInput."""
    form = await request.form()
    said = {name: str(form.get(name, ""))[:MAX_WORD] for name in HOOK_FIELDS}
    try:
        room_id = RoomId(UUID(said["name"]))
    except ValueError as error:
        raise BadInput(field="name", reason="a room's id") from error
    # The number begins anew with the server, the address tells more of one connection.
    client = f"{said['addr']}/{said['clientid']}" if said["clientid"] else ""
    return Hook(said["call"], room_id, said["key"], client)


@post("/hooks/rtmp/publish", request_max_body_size=MAX_HOOK_BYTES, **ROUTE)
async def rtmp_publish(request: AnyRequest, secret: FromQuery[str] = "") -> Response[Any]:
    """`on_publish`: 201 lets the publisher in, anything else keeps it out."""
    _check_secret(secret)
    hook = await _told(request)
    return await _answer(publish_by_rtmp(room_id=hook.room_id, key=hook.key, client=hook.client))


@post("/hooks/rtmp/update", request_max_body_size=MAX_HOOK_BYTES, **ROUTE)
async def rtmp_update(request: AnyRequest, secret: FromQuery[str] = "") -> Response[Any]:
    """`on_update`: 201 keeps a connection, anything else cuts it off. Those that only read are
    ours."""
    _check_secret(secret)
    hook = await _told(request)
    if hook.call == READS:
        return Response(None, status_code=201)
    return await _answer(rtmp_goes_on(room_id=hook.room_id, key=hook.key, client=hook.client))


async def _answer(done: Awaitable[None]) -> Response[Any]:
    """A refusal is short: who asked reads only its status."""
    try:
        await done
    except Refusal as refusal:
        return Response({"code": refusal.code}, status_code=refusal.status)
    return Response(None, status_code=201)


@post("/hooks/rtmp/publish-done", request_max_body_size=MAX_HOOK_BYTES, **ROUTE)
async def rtmp_publish_done(request: AnyRequest, secret: FromQuery[str] = "") -> Response[Any]:
    """`on_publish_done`: the publisher has gone."""
    _check_secret(secret)
    hook = await _told(request)
    await rtmp_is_over(room_id=hook.room_id, client=hook.client)
    return Response(None, status_code=201)


HANDLERS: list[HTTPRouteHandler] = [stream_file, rtmp_publish, rtmp_update, rtmp_publish_done]
