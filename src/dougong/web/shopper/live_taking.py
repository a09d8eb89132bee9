"""What people in a room take of it: a dropped coupon, a place in a draw. Both answer JSON to the
room's script; a draw has a page of its own on which anybody checks it."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.ids import RoomId
from dougong.flows.drop_coupon import claim_coupon
from dougong.live.draw_commands import enter_draw
from dougong.reads.live_draws import draw_view
from dougong.reads.live_replay import replay_of
from dougong.web.account.common import AnyRequest
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.render import Page, page

ROOM = "/live/{room_id:uuid}"
TAKE: dict[str, Any] = {
    "permission": Permission.LIVE_TAKE_PART,
    "include_in_schema": False,
    "status_code": 200,
}


class Nothing(Form):
    """A button."""


class Taken(msgspec.Struct):
    """A coupon's code or a draw's ticket; `left`: coupons for others."""

    code: str = ""
    ticket: str = ""
    left: int = 0


@post(ROOM + "/coupon-drops/{drop_id:uuid}/claim", **TAKE)
async def claim(
    room_id: FromPath[UUID],
    drop_id: FromPath[UUID],
    data: FormData[Nothing],
    conn: Conn,
    who: Who,
    now: Now,
) -> Taken:
    got = await claim_coupon(
        conn, room_id=RoomId(room_id), drop_id=drop_id, person_id=who.person_id, at=now
    )
    return Taken(code=got.code, left=got.left)


@post(ROOM + "/draws/{draw_id:uuid}/enter", **TAKE)
async def enter(
    room_id: FromPath[UUID],
    draw_id: FromPath[UUID],
    data: FormData[Nothing],
    conn: Conn,
    who: Who,
    now: Now,
) -> Taken:
    ticket = await enter_draw(
        conn, room_id=room_id, draw_id=draw_id, person_id=who.person_id, at=now
    )
    return Taken(ticket=ticket)


@get(ROOM + "/draws/{draw_id:uuid}", permission=Permission.PUBLIC, include_in_schema=False)
async def check(
    room_id: FromPath[UUID], draw_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Page:
    """Seed, tickets and winners, and how they follow from each other."""
    draw = await draw_view(conn, room_id=room_id, draw_id=draw_id)
    return page(request, "live/draw.html", draw=draw, room_id=room_id)


@get(ROOM + "/replay", permission=Permission.PUBLIC, include_in_schema=False)
async def replay(room_id: FromPath[UUID], request: AnyRequest, conn: Conn) -> Page:
    """The recording, with a mark for each product that was explained."""
    found = await replay_of(conn, room_id=room_id)
    if found is None:
        raise NotFound
    return page(request, "live/replay.html", replay=found)


HANDLERS: list[HTTPRouteHandler] = [claim, enter, check, replay]
