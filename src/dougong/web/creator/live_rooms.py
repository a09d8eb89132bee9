"""A creator's live rooms: announce one, a break, the end, the chat's rules and who helps in it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts.queries import sign_in_row
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import PersonId, RoomId
from dougong.catalog.images import keep_image
from dougong.catalog.rules import ImageRefused
from dougong.flows.live_on_air import end_room
from dougong.flows.plan_room import plan_room
from dougong.infra.settings import settings
from dougong.live.chat_commands import add_moderator, drop_moderator, set_chat, set_keywords
from dougong.live.commands import pause_room, set_cover
from dougong.live.rules import EndReason
from dougong.reads.live_room import helpers_of, rooms_of_creator
from dougong.web.account.common import AnyRequest
from dougong.web.creator.common import creator_page, see
from dougong.web.deps import Conn, Now
from dougong.web.forms import Form, FormData
from dougong.web.refusals import message_for
from dougong.web.render import Page

ROOMS = "/creator/{creator_id:uuid}/live"
ROOM = ROOMS + "/{room_id:uuid}"
MAX_COVER_BYTES = 9_000_000
ROUTE: dict[str, Any] = {"permission": Permission.LIVE_MANAGE, "include_in_schema": False}


class PlanForm(Form):
    """`announced_for`: `2020-08-20T20:00` in the platform's zone; empty: now."""

    title_zh: str = ""
    title_en: str = ""
    announced_for: str = ""


class ChatForm(Form):
    chat: str
    slow_mode_s: Annotated[int, msgspec.Meta(ge=0, le=300)] = 0


class WordsForm(Form):
    """One word a line."""

    words: str = ""


class HelperForm(Form):
    email: str


def instant(text: str, *, otherwise: datetime) -> datetime:
    """Raises BadInput."""
    if not text:
        return otherwise
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(settings().timezone))
    except ValueError as error:
        raise BadInput(field="announced_for", reason="YYYY-MM-DD HH:MM") from error


async def _page(
    request: AnyRequest, conn: Conn, creator_id: UUID, now: Now, *, refusal: Refusal | None = None
) -> Page:
    return await creator_page(
        request,
        conn,
        "creator/live.html",
        creator_id=creator_id,
        status=refusal.status if refusal else 200,
        rooms=await rooms_of_creator(conn, creator_id=creator_id, at=now),
        helpers=await helpers_of(conn, creator_id=creator_id),
        problem=message_for(refusal.code, refusal.facts) if refusal else "",
        now_text=now.astimezone(ZoneInfo(settings().timezone)).strftime("%Y-%m-%dT%H:%M"),
    )


@get(ROOMS, **ROUTE)
async def rooms(creator_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now) -> Page:
    return await _page(request, conn, creator_id, now)


@post(ROOMS, status_code=303, **ROUTE)
async def plan(
    creator_id: FromPath[UUID], data: FormData[PlanForm], request: AnyRequest, conn: Conn, now: Now
) -> Page | Response[Any]:
    try:
        async with conn.begin_nested():
            room_id = await plan_room(
                conn,
                creator_id=creator_id,
                title_zh=data.title_zh,
                title_en=data.title_en,
                announced_for=instant(data.announced_for, otherwise=now),
                at=now,
            )
    except Refusal as refusal:
        return await _page(request, conn, creator_id, now, refusal=refusal)
    return see(f"/creator/{creator_id}/live#room-{room_id}")


@post(ROOM + "/cover", status_code=303, request_max_body_size=MAX_COVER_BYTES, **ROUTE)
async def cover(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Page | Response[Any]:
    """A picture in the field `image`, read like those of products."""
    form = await request.form()
    if unknown := set(form) - {"image", "_csrf_token"}:
        raise BadInput(field=min(unknown), reason="unknown_value")
    sent = form.get("image")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise BadInput(field="image", reason="missing")
    try:
        kept = await keep_image(await sent.read())
        await set_cover(conn, room_id=RoomId(room_id), creator_id=creator_id, cover_file=kept.file)
    except ImageRefused as refusal:
        return await _page(request, conn, creator_id, now, refusal=refusal)
    return see(f"/creator/{creator_id}/live#room-{room_id}")


@post(ROOM + "/pause", status_code=303, **ROUTE)
async def pause(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], conn: Conn, now: Now
) -> Response[Any]:
    await pause_room(conn, room_id=RoomId(room_id), creator_id=creator_id, at=now)
    return see(f"/creator/{creator_id}/live")


@post(ROOM + "/end", status_code=303, **ROUTE)
async def end(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], conn: Conn, now: Now
) -> Response[Any]:
    """One that has not begun is cancelled."""
    await end_room(
        conn, room_id=RoomId(room_id), creator_id=creator_id, reason=EndReason.CREATOR, at=now
    )
    return see(f"/creator/{creator_id}/live")


@post(ROOM + "/chat", status_code=303, **ROUTE)
async def chat_rules(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], data: FormData[ChatForm], conn: Conn
) -> Response[Any]:
    await set_chat(
        conn, room_id=RoomId(room_id), creator_id=creator_id, chat=data.chat,
        slow_mode_s=data.slow_mode_s,
    )  # fmt: skip
    return see(f"/creator/{creator_id}/live")


@post(ROOMS + "/keywords", status_code=303, **ROUTE)
async def keywords(
    creator_id: FromPath[UUID], data: FormData[WordsForm], conn: Conn, now: Now
) -> Response[Any]:
    await set_keywords(conn, creator_id=creator_id, words=data.words.splitlines(), at=now)
    return see(f"/creator/{creator_id}/live#chat")


@post(ROOMS + "/moderators", status_code=303, **ROUTE)
async def name_moderator(
    creator_id: FromPath[UUID],
    data: FormData[HelperForm],
    request: AnyRequest,
    conn: Conn,
    now: Now,
) -> Page | Response[Any]:
    found = await sign_in_row(conn, data.email.strip().lower())
    if found is None:
        refusal = BadInput(field="email", reason="unknown")
        return await _page(request, conn, creator_id, now, refusal=refusal)
    await add_moderator(conn, creator_id=creator_id, person_id=PersonId(found.id), at=now)
    return see(f"/creator/{creator_id}/live#chat")


@post(ROOMS + "/moderators/{person_id:uuid}/drop", status_code=303, **ROUTE)
async def no_moderator(
    creator_id: FromPath[UUID], person_id: FromPath[UUID], conn: Conn, now: Now
) -> Response[Any]:
    await drop_moderator(conn, creator_id=creator_id, person_id=PersonId(person_id), at=now)
    return see(f"/creator/{creator_id}/live#chat")


HANDLERS: list[HTTPRouteHandler] = [
    rooms, plan, cover, pause, end, chat_rules, keywords, name_moderator, no_moderator,
]  # fmt: skip
