"""Sharing a video: a card where our links open, a text with a code where they are blocked."""

from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Access, Permission
from dougong.base.errors import NotFound
from dougong.base.ids import VideoId
from dougong.infra.limits import spend
from dougong.links.share_commands import make_share
from dougong.links.share_rules import ChannelGone, ChannelState, share_text
from dougong.reads.feed import video_item
from dougong.reads.feed_items import FeedItem
from dougong.reads.sharing import channels_at
from dougong.web.account.common import AnyRequest, caller_of
from dougong.web.deps import Actor, Conn, Now
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, pick
from dougong.web.render import Page, page
from dougong.web.shopper.qr import qr_svg
from dougong.web.shopper.structured_data import absolute

SHARE = "/videos/{video_id:uuid}/share"
OPEN: dict[str, Any] = {"permission": Permission.PUBLIC, "include_in_schema": False}
MOST_SHARES_A_MINUTE = 30


class NothingForm(Form):
    """A button."""


async def spend_share(request: AnyRequest, actor: Access | None) -> None:
    """Making codes and trying them: by person, or by address without one."""
    bucket = str(actor.person_id) if actor else caller_of(request).address
    await spend(f"share:{bucket}", most=MOST_SHARES_A_MINUTE, window_s=60)


async def _item(conn: Conn, actor: Access | None, now: Now, video_id: UUID) -> FeedItem:
    person_id = actor.person_id if actor else None
    item = await video_item(conn, video_id=video_id, person_id=person_id, at=now)
    if item is None:
        raise NotFound
    return item


def _sheet(request: AnyRequest, item: FeedItem, **context: Any) -> Page:
    """A fragment for the sheet, a page of its own for who has no script."""
    is_fragment = bool(request.headers.get("HX-Request"))
    name = "shopper/share.html" if is_fragment else "shopper/share_page.html"
    return page(request, name, item=item, **context)


@get(SHARE, **OPEN)
async def share_sheet(
    video_id: FromPath[UUID], request: AnyRequest, actor: Actor, conn: Conn, now: Now
) -> Page:
    item = await _item(conn, actor, now, video_id)
    return _sheet(request, item, channels=await channels_at(conn, at=now), chosen=None)


@post(SHARE + "/{channel:str}", status_code=200, **OPEN)
async def share_there(
    video_id: FromPath[UUID],
    channel: FromPath[str],
    data: FormData[NothingForm],
    request: AnyRequest,
    actor: Actor,
    conn: Conn,
    now: Now,
) -> Page:
    """What to share on one channel: the address of the card, or the text with the code."""
    await spend_share(request, actor)
    item = await _item(conn, actor, now, video_id)
    channels = await channels_at(conn, at=now)
    chosen = next((one for one in channels if one.code == channel), None)
    if chosen is None:
        raise ChannelGone
    person_id = actor.person_id if actor else None
    code = await make_share(
        conn, video_id=VideoId(video_id), channel=channel, person_id=person_id, at=now
    )
    address = absolute(f"/v/{video_id}?share={code}")
    how = gettext("Copy this text and paste it into the search box of {site}.")
    words = share_text(
        code=code, title=pick(item, "caption"), how=how.format(site=gettext("Dougong"))
    )
    is_open = chosen.state is ChannelState.OPEN
    return _sheet(
        request,
        item,
        channels=channels,
        chosen=chosen,
        said=address if is_open else words,
        code=code,
        qr=qr_svg(address),
    )


HANDLERS: list[HTTPRouteHandler] = [share_sheet, share_there]
