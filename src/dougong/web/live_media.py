"""The stream of a room as files: playlists that change, segments that never do; and what an RTMP
server of one's own asks and tells (docs/how-to/media-server.md)."""

import hmac
import re
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import File

from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import RoomId
from dougong.flows.publish_live import publish_by_rtmp, rtmp_is_over
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


async def _told(request: Request[Any, Any, Any]) -> tuple[RoomId, str]:
    """The room and the stream key of a hook. Raises BadInput."""
    form = await request.form()
    try:
        return RoomId(UUID(str(form.get("name", "")))), str(form.get("key", ""))
    except ValueError as error:
        raise BadInput(field="name", reason="a room's id") from error


@post("/hooks/rtmp/publish", request_max_body_size=MAX_HOOK_BYTES, **ROUTE)
async def rtmp_publish(
    request: Request[Any, Any, Any], secret: FromQuery[str] = ""
) -> Response[Any]:
    """`on_publish`: 201 lets the publisher in, anything else keeps it out."""
    _check_secret(secret)
    room_id, key = await _told(request)
    try:
        await publish_by_rtmp(room_id=room_id, key=key)
    except Refusal as refusal:
        return Response({"code": refusal.code}, status_code=refusal.status)
    return Response(None, status_code=201)


@post("/hooks/rtmp/publish-done", request_max_body_size=MAX_HOOK_BYTES, **ROUTE)
async def rtmp_publish_done(
    request: Request[Any, Any, Any], secret: FromQuery[str] = ""
) -> Response[Any]:
    """`on_publish_done`: the publisher has gone."""
    _check_secret(secret)
    room_id, _ = await _told(request)
    await rtmp_is_over(room_id=room_id)
    return Response(None, status_code=201)


HANDLERS: list[HTTPRouteHandler] = [stream_file, rtmp_publish, rtmp_publish_done]
