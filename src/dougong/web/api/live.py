"""API v1: what people take of a room: a dropped coupon, a place in a draw, its proof."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.ids import RoomId
from dougong.flows.drop_coupon import claim_coupon
from dougong.live.draw_commands import enter_draw
from dougong.reads.live_draws import DrawView, draw_view
from dougong.web.deps import Conn, Now, Who

ROOM = "/api/v1/live/{room_id:uuid}"
TAKE: dict[str, Any] = {"permission": Permission.LIVE_TAKE_PART, "tags": ["live"]}
OPEN: dict[str, Any] = {"permission": Permission.PUBLIC, "tags": ["live"]}


class ClaimAnswer(msgspec.Struct):
    """`code` is what the checkout takes; `left`: how many others can still claim one."""

    drop_id: UUID
    store_id: UUID
    code: str
    name_zh: str
    name_en: str
    left: int


class TicketAnswer(msgspec.Struct):
    """`ticket` stands for the person in the published list of entrants."""

    draw_id: UUID
    ticket: str


class DrawAnswer(msgspec.Struct):
    """All that is needed to find the winners again. `seed` is there once it is drawn; `tickets`
    stand in the order of entry, `winners` in the order drawn."""

    draw_id: UUID
    prize_zh: str
    prize_en: str
    promised: int
    opens_at: datetime
    closes_at: datetime
    drawn_at: datetime | None
    seed_hash: str
    seed: str | None
    entropy: str | None
    tickets: list[str]
    winners: list[str]


@post(ROOM + "/coupon-drops/{drop_id:uuid}/claims", status_code=201,
      summary="Claim a dropped coupon", **TAKE)  # fmt: skip
async def claim(
    room_id: FromPath[UUID], drop_id: FromPath[UUID], conn: Conn, who: Who, now: Now
) -> ClaimAnswer:
    """One a person; a repeat answers the same. Only for who is in the room."""
    got = await claim_coupon(
        conn, room_id=RoomId(room_id), drop_id=drop_id, person_id=who.person_id, at=now
    )
    return ClaimAnswer(got.drop_id, got.store_id, got.code, got.name_zh, got.name_en, got.left)


@post(ROOM + "/draws/{draw_id:uuid}/entries", status_code=201, summary="Enter a draw", **TAKE)
async def enter(
    room_id: FromPath[UUID], draw_id: FromPath[UUID], conn: Conn, who: Who, now: Now
) -> TicketAnswer:
    """One a person; a repeat keeps its place. Only for who is in the room."""
    ticket = await enter_draw(
        conn, room_id=room_id, draw_id=draw_id, person_id=who.person_id, at=now
    )
    return TicketAnswer(draw_id, ticket)


@get(ROOM + "/draws/{draw_id:uuid}", summary="Check a draw", **OPEN)
async def check(room_id: FromPath[UUID], draw_id: FromPath[UUID], conn: Conn) -> DrawAnswer:
    """The seed's hash from the start; the seed, tickets and winners once it is drawn."""
    return _answer(await draw_view(conn, room_id=room_id, draw_id=draw_id))


def _answer(view: DrawView) -> DrawAnswer:
    return DrawAnswer(
        view.draw_id, view.prize_zh, view.prize_en, view.promised, view.opens_at, view.closes_at,
        view.drawn_at, view.seed_hash.hex(), view.seed.hex() if view.seed else None,
        view.entropy.hex() if view.entropy else None, view.tickets, view.winners,
    )  # fmt: skip


HANDLERS: list[HTTPRouteHandler] = [claim, enter, check]
