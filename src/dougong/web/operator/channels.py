"""Share channels: where our links open, where they are blocked, and from when on."""

from datetime import datetime
from typing import Any, Literal

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import Refusal
from dougong.links.share_commands import set_channel_state
from dougong.links.share_rules import MAX_REASON, ChannelState
from dougong.reads.sharing import channel_spans, channels_at
from dougong.web.account.common import AnyRequest, form_page, go, request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import instant_from, local_text

LIST = "/operator/channels"
ROUTE: dict[str, Any] = {"permission": Permission.SHARE_CHANNEL_MANAGE, "include_in_schema": False}


class StateForm(Form):
    """`starts`: a local date and time; nothing: now."""

    channel: str
    state: Literal["open", "blocked"]
    starts: str = ""
    reason_zh: str = ""
    reason_en: str = ""


EMPTY = StateForm(channel="wechat", state="blocked")


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    now: datetime,
    *,
    given: StateForm = EMPTY,
    refusal: Refusal | None = None,
) -> Response[str]:
    return form_page(
        request,
        "operator/channels.html",
        refusal=refusal,
        channels=await channels_at(conn, at=now),
        spans=await channel_spans(conn),
        given=given,
        now_text=local_text(now),
        most=MAX_REASON,
    )


@get(LIST, **ROUTE)
async def channels_page(request: AnyRequest, conn: Conn, now: Now) -> Response[str]:
    return await _page(request, conn, now)


@post(LIST, status_code=200, **ROUTE)
async def set_state(
    data: FormData[StateForm], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> Response[str]:
    try:
        starts = instant_from(data.starts, field="starts", default=now)
        await set_channel_state(
            conn,
            channel=data.channel,
            state=ChannelState(data.state),
            starts=starts,
            reason_zh=data.reason_zh,
            reason_en=data.reason_en,
            at=now,
        )
    except Refusal as refusal:
        return await _page(request, conn, now, given=data, refusal=refusal)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="links.share_channel_state",
        owner_id=None,
        subject=data.channel,
        facts={"state": data.state, "starts": starts.isoformat()},
        request_id=request_id(request),
    )
    return go(LIST)


HANDLERS: list[HTTPRouteHandler] = [channels_page, set_state]
