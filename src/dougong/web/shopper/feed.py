"""The feed: a full-height stage of videos, and the next ones as they are wanted."""

from typing import Any
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Access, Permission
from dougong.base.errors import NotFound
from dougong.links.share_rules import code_in
from dougong.reads.feed import feed_page, following_page, video_item
from dougong.reads.feed_items import FeedPage
from dougong.reads.shopper_products import creator_profile, video_cards
from dougong.web.account.common import AnyRequest
from dougong.web.deps import Actor, Conn, Now
from dougong.web.render import Page, page
from dougong.web.shopper.structured_data import absolute

FIRST = 4
MORE = 6
OPEN: dict[str, Any] = {"permission": Permission.PUBLIC, "include_in_schema": False}


async def _page(
    kind: str, conn: Conn, actor: Access | None, now: Now, *, cursor: str, limit: int
) -> FeedPage:
    person_id = actor.person_id if actor else None
    if kind != "following":
        return await feed_page(person_id=person_id, cursor=cursor, limit=limit, conn=conn)
    if person_id is None:
        return FeedPage([], None)
    return await following_page(conn, person_id=person_id, cursor=cursor, limit=limit, at=now)


@get(["/", "/following"], **OPEN)
async def home(request: AnyRequest, actor: Actor, conn: Conn, now: Now) -> Page:
    kind = "following" if request.url.path == "/following" else "for_you"
    found = await _page(kind, conn, actor, now, cursor="", limit=FIRST)
    return page(request, "shopper/feed.html", kind=kind, items=found.items, next=found.next_cursor)


@get("/feed/more", **OPEN)
async def more(
    request: AnyRequest,
    actor: Actor,
    conn: Conn,
    now: Now,
    cursor: FromQuery[str] = "",
    kind: FromQuery[str] = "for_you",
) -> Page:
    """Further slides; the last element says where to go on."""
    found = await _page(kind, conn, actor, now, cursor=cursor, limit=MORE)
    return page(
        request, "shopper/slides.html", kind=kind, items=found.items, next=found.next_cursor
    )


@get("/feed/options/{video_id:uuid}", **OPEN)
async def video_options(video_id: FromPath[UUID], request: AnyRequest) -> Page:
    """What else can be done with a video: hide it, report it."""
    return page(request, "shopper/video_options.html", video_id=video_id)


@get("/v/{video_id:uuid}", **OPEN)
async def one_video(
    video_id: FromPath[UUID],
    request: AnyRequest,
    actor: Actor,
    conn: Conn,
    now: Now,
    share: FromQuery[str] = "",
) -> Page:
    """A shared video, with the feed behind it. `share`: the share code that led here."""
    person_id = actor.person_id if actor else None
    item = await video_item(conn, video_id=video_id, person_id=person_id, at=now)
    if item is None:
        raise NotFound
    found = await _page("for_you", conn, actor, now, cursor="", limit=FIRST)
    rest = [one for one in found.items if one.video_id != video_id]
    return page(
        request,
        "shopper/feed.html",
        kind="for_you",
        items=[item, *rest],
        next=found.next_cursor,
        shared=item,
        share=code_in(share) or "",
        address=absolute(f"/v/{video_id}"),
        picture=absolute(item.poster),
    )


@get("/c/{handle:str}", **OPEN)
async def creator(
    handle: FromPath[str], request: AnyRequest, actor: Actor, conn: Conn, now: Now
) -> Page:
    """A creator's public profile."""
    person_id = actor.person_id if actor else None
    found = await creator_profile(conn, handle=handle, person_id=person_id)
    if found is None:
        raise NotFound
    videos = await video_cards(conn, at=now, creator_id=found.id, most=60)
    return page(request, "shopper/creator.html", profile=found, videos=videos)


HANDLERS: list[HTTPRouteHandler] = [home, more, video_options, one_video, creator]
