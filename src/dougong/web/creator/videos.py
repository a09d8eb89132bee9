"""A creator's videos: the list, the upload page, one video from processing to published."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.ids import VideoId
from dougong.content import commands
from dougong.content.rules import MAX_CAPTION_CHARACTERS, CaptionTooLong
from dougong.flows import publish_video
from dougong.infra.limits import spend
from dougong.infra.settings import settings
from dougong.reads.creator_links import links_of_video, search_linkable
from dougong.reads.creator_outside import outside_links
from dougong.reads.creator_videos import (
    PAGE,
    VideoDay,
    days_of_video,
    removed_by_operator,
    video_of_creator,
    videos_of_creator,
)
from dougong.reads.feed_comments import comments_of
from dougong.reads.feed_cursor import TimeCursor
from dougong.web.creator.common import creator_page, see
from dougong.web.creator.uploads import CHUNK_BYTES
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext
from dougong.web.refusals import message_for
from dougong.web.render import Page

VIDEO = "/creator/{creator_id:uuid}/videos/{video_id:uuid}"
ROUTE: dict[str, Any] = {"permission": Permission.VIDEO_MANAGE, "include_in_schema": False}
# How long a creator is told that the platform removed a video.
REMOVAL_SHOWN = timedelta(days=90)
AnyRequest = Request[Any, Any, Any]


class CaptionForm(Form):
    caption_zh: str = ""
    caption_en: str = ""


class NothingForm(Form):
    """A button."""


@get("/creator/{creator_id:uuid}/videos", **ROUTE)
async def video_list(
    creator_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    before: FromQuery[str] = "",
) -> Page:
    start = TimeCursor.parse(before) if before else None
    found = await videos_of_creator(conn, creator_id=creator_id, before=start)
    shown = found[:PAGE]
    last = shown[-1] if len(found) > PAGE else None
    following = f"?before={TimeCursor(last.created_at, last.id).text()}" if last else ""
    return await creator_page(
        request,
        conn,
        "creator/videos.html",
        creator_id=creator_id,
        videos=shown,
        removed=[]
        if start
        else await removed_by_operator(conn, creator_id=creator_id, since=now - REMOVAL_SHOWN),
        next_url=following,
        currency=settings().currency,
    )


@get("/creator/{creator_id:uuid}/upload", **ROUTE)
async def upload_page(creator_id: FromPath[UUID], request: AnyRequest, conn: Conn) -> Page:
    return await creator_page(
        request,
        conn,
        "creator/upload.html",
        creator_id=creator_id,
        max_bytes=settings().upload_max_bytes,
        max_seconds=settings().upload_max_seconds,
        chunk_bytes=CHUNK_BYTES,
    )


def chart_of_days(days: list[VideoDay]) -> dict[str, Any]:
    """Views, likes and clicks as lines, orders as bars."""
    lines = (
        (gettext("Views"), [d.views for d in days]),
        (gettext("Likes"), [d.likes for d in days]),
        (gettext("Product clicks"), [d.clicks for d in days]),
    )
    series: list[dict[str, Any]] = [
        {"type": "line", "name": name, "data": data, "smooth": True, "showSymbol": False}
        for name, data in lines
    ]
    orders = [d.orders for d in days]
    series.append({"type": "bar", "name": gettext("Orders"), "data": orders, "barMaxWidth": 14})
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"bottom": 0},
        "grid": {"left": 8, "right": 12, "top": 16, "bottom": 36, "containLabel": True},
        "xAxis": {"type": "category", "data": [f"{d.day:%m-%d}" for d in days]},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": series,
    }


async def show_video(
    request: AnyRequest,
    conn: Conn,
    *,
    creator_id: UUID,
    video_id: UUID,
    at: datetime,
    status: int = 200,
    errors: dict[str, str] | None = None,
    typed: CaptionForm | None = None,
) -> Page:
    """The page of one video. Raises NotFound."""
    ours = VideoId(video_id)
    video = await video_of_creator(conn, creator_id=creator_id, video_id=ours)
    if video is None:
        raise NotFound
    days = await days_of_video(conn, creator_id=creator_id, video_id=ours, at=at)
    comments = None
    if video.state == "published":
        comments = await comments_of(conn, video_id=ours, reader_id=None, acts_for=[creator_id])
    return await creator_page(
        request,
        conn,
        "creator/video.html",
        creator_id=creator_id,
        status=status,
        video=video,
        links=await links_of_video(conn, video_id=ours, creator_id=creator_id, at=at),
        outside=await outside_links(conn, creator_id=creator_id, video_id=ours),
        comments=comments,
        chart=chart_of_days(days),
        errors=errors or {},
        caption_zh=typed.caption_zh if typed else video.caption_zh,
        caption_en=typed.caption_en if typed else video.caption_en,
        most_characters=MAX_CAPTION_CHARACTERS,
        currency=settings().currency,
    )


@get(VIDEO, **ROUTE)
async def video_page(
    creator_id: FromPath[UUID], video_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Page:
    return await show_video(request, conn, creator_id=creator_id, video_id=video_id, at=now)


@get(VIDEO + "/card", **ROUTE)
async def video_card(
    creator_id: FromPath[UUID], video_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Page:
    """The list's card: it asks for itself while the video is processed."""
    video = await video_of_creator(conn, creator_id=creator_id, video_id=VideoId(video_id))
    if video is None:
        raise NotFound
    return await creator_page(
        request,
        conn,
        "creator/video_card.html",
        creator_id=creator_id,
        video=video,
        currency=settings().currency,
    )


@get(VIDEO + "/progress", **ROUTE)
async def video_progress(
    creator_id: FromPath[UUID], video_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Page:
    """How far the processing is; asks the page to load anew once it is over."""
    video = await video_of_creator(conn, creator_id=creator_id, video_id=VideoId(video_id))
    if video is None:
        raise NotFound
    made = await creator_page(
        request, conn, "creator/video_progress.html", creator_id=creator_id, video=video
    )
    if video.state != "processing":
        made.headers["HX-Refresh"] = "true"
    return made


@post(VIDEO + "/caption", **ROUTE)
async def edit_caption(
    creator_id: FromPath[UUID],
    video_id: FromPath[UUID],
    data: FormData[CaptionForm],
    request: AnyRequest,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    for field, typed in (("caption_zh", data.caption_zh), ("caption_en", data.caption_en)):
        try:
            commands.caption(typed)
        except CaptionTooLong as refusal:
            return await show_video(
                request,
                conn,
                creator_id=creator_id,
                video_id=video_id,
                at=now,
                status=422,
                errors={field: message_for(refusal.code, refusal.facts)},
                typed=data,
            )
    await commands.edit_captions(
        conn,
        video_id=VideoId(video_id),
        creator_id=creator_id,
        zh=data.caption_zh,
        en=data.caption_en,
        at=now,
    )
    return see(f"/creator/{creator_id}/videos/{video_id}")


@post(VIDEO + "/publish", **ROUTE)
async def publish(
    creator_id: FromPath[UUID],
    video_id: FromPath[UUID],
    data: FormData[NothingForm],
    conn: Conn,
    now: Now,
) -> Response[Any]:
    await publish_video.publish_video(
        conn, video_id=VideoId(video_id), creator_id=creator_id, at=now
    )
    return see(f"/creator/{creator_id}/videos/{video_id}")


@post(VIDEO + "/remove", **ROUTE)
async def remove(
    creator_id: FromPath[UUID],
    video_id: FromPath[UUID],
    data: FormData[NothingForm],
    conn: Conn,
    now: Now,
) -> Response[Any]:
    await publish_video.remove_video(
        conn, video_id=VideoId(video_id), creator_id=creator_id, at=now, why="creator"
    )
    return see(f"/creator/{creator_id}/videos")


@post(VIDEO + "/retry", **ROUTE)
async def retry(
    creator_id: FromPath[UUID],
    video_id: FromPath[UUID],
    data: FormData[NothingForm],
    conn: Conn,
    now: Now,
) -> Response[Any]:
    await spend(f"video_retry:{video_id}", most=5, window_s=3600)
    await publish_video.try_again(conn, video_id=VideoId(video_id), creator_id=creator_id, at=now)
    return see(f"/creator/{creator_id}/videos/{video_id}")


@get(VIDEO + "/products", **ROUTE)
async def find_products(
    creator_id: FromPath[UUID],
    video_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
) -> Page:
    """A fragment: products that can still be put on this video."""
    await spend(f"product_search:{who.person_id}", most=120, window_s=60)
    found = await search_linkable(conn, video_id=VideoId(video_id), words=q, at=now)
    return await creator_page(
        request,
        conn,
        "creator/products.html",
        creator_id=creator_id,
        video_id=video_id,
        products=found,
        words=q,
    )


HANDLERS: list[HTTPRouteHandler] = [
    video_list,
    upload_page,
    video_page,
    video_card,
    video_progress,
    edit_caption,
    publish,
    remove,
    retry,
    find_products,
]
