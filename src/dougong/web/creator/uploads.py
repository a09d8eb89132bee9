"""Resumable upload: tus 1.0 (core, creation, termination), https://tus.io/protocols.

A chunk is all or nothing: its bytes are durable before the row says that they are there, so the
offset answered to HEAD is what is kept after any crash.
"""

import base64
import binascii
from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, head, patch, post
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import PersonId
from dougong.content import upload_commands
from dougong.content.queries import upload_of
from dougong.content.rules import WrongOffset
from dougong.flows.publish_video import receive_chunk
from dougong.infra import files
from dougong.infra.limits import spend
from dougong.infra.settings import settings
from dougong.web.deps import Conn, Now, Who
from dougong.web.refusals import message_for

VERSION = "1.0.0"
CHUNK_BYTES = 5 * 1024 * 1024
MAX_CHUNK_BYTES = 8 * 1024 * 1024
CHUNK_TYPE = "application/offset+octet-stream"
TUS = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}

UPLOADS = "/creator/{creator_id:uuid}/uploads"
UPLOAD = UPLOADS + "/{upload_id:uuid}"
ROUTE: dict[str, Any] = {"permission": Permission.VIDEO_MANAGE, "include_in_schema": False}


def number(request: Request[Any, Any, Any], name: str) -> int:
    """A header that is a whole number of bytes. Raises BadInput."""
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise BadInput(field=name, reason="a number of bytes")
    return int(value)


def check_version(request: Request[Any, Any, Any]) -> None:
    """Raises HTTPException 412 for another version of the protocol."""
    if request.headers.get("Tus-Resumable") != VERSION:
        raise HTTPException(status_code=412, detail="Tus-Resumable", headers=TUS)


def file_name(metadata: str) -> str:
    """`filename` of an Upload-Metadata header; empty when there is none."""
    for pair in metadata.split(","):
        name, _, value = pair.strip().partition(" ")
        if name == "filename":
            try:
                return base64.b64decode(value, validate=True).decode("utf-8", "replace")
            except binascii.Error as error:
                raise BadInput(field="Upload-Metadata", reason="base64") from error
    return ""


def plainly(refusal: Refusal) -> Response[str]:
    """A refusal as text: the upload script shows it as it is."""
    words = message_for(refusal.code, refusal.facts)
    headers = TUS | {"Refusal-Code": refusal.code}
    return Response(words, status_code=refusal.status, headers=headers, media_type="text/plain")


@post(UPLOADS, status_code=201, **ROUTE)
async def create(
    creator_id: FromPath[UUID], request: Request[Any, Any, Any], who: Who, conn: Conn, now: Now
) -> Response[Any]:
    """Announce a file: its size in Upload-Length, its name in Upload-Metadata."""
    check_version(request)
    length = number(request, "Upload-Length")
    name = file_name(request.headers.get("Upload-Metadata", ""))
    await spend(f"upload:{creator_id}", most=60, window_s=3600)
    try:
        upload_id = await upload_commands.start_upload(
            conn,
            creator_id=creator_id,
            started_by=PersonId(who.person_id),
            file_name=name,
            bytes_total=length,
            most_bytes=settings().upload_max_bytes,
            at=now,
        )
    except Refusal as refusal:
        return plainly(refusal)
    place = UPLOADS.replace("{creator_id:uuid}", str(creator_id))
    headers = {"Location": f"{place}/{upload_id}", "Upload-Offset": "0"}
    return Response(None, status_code=201, headers=TUS | headers)


@head(UPLOAD, **ROUTE)
async def status(
    creator_id: FromPath[UUID],
    upload_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
) -> Response[None]:
    """Where to go on."""
    check_version(request)
    found = await upload_of(conn, creator_id=creator_id, upload_id=upload_id)
    headers = {"Upload-Offset": str(found.bytes_received), "Upload-Length": str(found.bytes_total)}
    return Response(None, headers=TUS | headers)


@patch(UPLOAD, request_max_body_size=MAX_CHUNK_BYTES, **ROUTE)
async def append(
    creator_id: FromPath[UUID],
    upload_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Take one chunk. The last one answers the address of the video's page in Video-Location."""
    check_version(request)
    if request.headers.get("Content-Type") != CHUNK_TYPE:
        raise HTTPException(status_code=415, detail=CHUNK_TYPE, headers=TUS)
    offset = number(request, "Upload-Offset")
    data = await request.body()
    try:
        video_id = await receive_chunk(
            conn, creator_id=creator_id, upload_id=upload_id, offset=offset, data=data, at=now
        )
    except WrongOffset as refusal:
        return plainly(refusal)
    headers = TUS | {"Upload-Offset": str(offset + len(data))}
    if video_id:
        headers["Video-Location"] = f"/creator/{creator_id}/videos/{video_id}"
    return Response(None, status_code=204, headers=headers)


@delete(UPLOAD, status_code=200, **ROUTE)
async def terminate(
    creator_id: FromPath[UUID],
    upload_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
) -> Response[None]:
    """Give an unfinished upload up; the tidy job removes its bytes if we stop in between."""
    check_version(request)
    await upload_commands.drop_upload(conn, creator_id=creator_id, upload_id=upload_id)
    files.remove_upload(upload_id)
    return Response(None, status_code=204, headers=TUS)


HANDLERS: list[HTTPRouteHandler] = [create, status, append, terminate]
