"""The wall of rooms: everything on air at a glance, and the switch that ends a room."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import RoomId
from dougong.flows.live_on_air import end_room
from dougong.infra.settings import settings
from dougong.live.rules import EndReason
from dougong.reads.live_board import wall
from dougong.web.account.common import AnyRequest, go, request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.render import Page, page

READ: dict[str, Any] = {"permission": Permission.LIVE_READ, "include_in_schema": False}
CUT: dict[str, Any] = {"permission": Permission.LIVE_CUT, "include_in_schema": False}
MOST = 120


class CutForm(Form):
    reason: Annotated[str, msgspec.Meta(max_length=200)]


@get("/operator/live", **READ)
async def wall_page(
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
    q: FromQuery[str] = "",
    only: FromQuery[str] = "",
) -> Page:
    """To a script, the rooms alone: the page asks for them every few seconds."""
    shown = "scheduled" if only == "scheduled" else "on_air"
    words = q.replace("\x00", "").strip()[:100]
    part = bool(request.headers.get("HX-Request"))
    return page(
        request,
        "operator/live_rooms.html" if part else "operator/live_wall.html",
        rooms=await wall(
            conn, words=words, only=shown, currency=settings().currency, at=now, most=MOST
        ),
        show=shown,
        words=words,
        may_cut=who.may(Permission.LIVE_CUT),
        currency=settings().currency,
    )


@post("/operator/live/{room_id:uuid}/cut", status_code=303, **CUT)
async def cut(
    room_id: FromPath[UUID],
    data: FormData[CutForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[str]:
    """End a room for good, with a reason that the audit log keeps."""
    reason = data.reason.strip()
    if not reason:
        raise BadInput(field="reason", reason="empty")
    await end_room(
        conn, room_id=RoomId(room_id), creator_id=None, reason=EndReason.OPERATOR, at=now
    )
    await audit(
        conn, at=now, person_id=who.person_id, action="live.room_cut", subject=str(room_id),
        facts={"reason": reason}, request_id=request_id(request),
    )  # fmt: skip
    return go("/operator/live")


HANDLERS: list[HTTPRouteHandler] = [wall_page, cut]
