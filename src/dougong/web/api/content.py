"""API v1: the feed, videos, and what a person does with them."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from dougong.base.access import Permission
from dougong.base.errors import SignInNeeded
from dougong.base.ids import LinkId, VideoId, new_id
from dougong.content import reaction_commands as reactions
from dougong.content.rules import MAX_WATCHED_MS, VideoGone
from dougong.flows.follow_creator import follow_creator
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.limits import spend
from dougong.links.click_commands import record_click
from dougong.reads.feed import feed_json, feed_page, following_page, video_item
from dougong.reads.feed_comments import CommentPage, comments_of
from dougong.reads.feed_items import FeedItem, FeedPage
from dougong.web.api.common import MaybeKey, once_if
from dougong.web.deps import Actor, Conn, Now, Who
from dougong.web.forms import Input
from dougong.web.videos import (
    MOST_REACTIONS_A_MINUTE,
    manages,
    spend_click,
    spend_comment,
    spend_reaction,
    spend_report,
)
from dougong.web.visits import visitor_from

VIDEO = "/api/v1/videos/{video_id:uuid}"
CHANNEL = "/api/v1/channels/{channel_id:uuid}/follow"
TAGS = ["videos"]
REACT: dict[str, Any] = {"permission": Permission.CONTENT_REACT, "tags": TAGS}
OPEN: dict[str, Any] = {"permission": Permission.PUBLIC, "tags": TAGS}

Limit = Annotated[int, QueryParameter(ge=1, le=30)]
CursorText = Annotated[str, QueryParameter(max_length=100)]


class CommentInput(Input):
    body: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class ReportInput(Input):
    reason: Literal["spam", "fake", "unsafe", "rights", "other"]
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


class SeenInput(Input):
    """Longer watching is counted up to the bound of one report."""

    watched_ms: Annotated[int, msgspec.Meta(ge=0, le=100 * MAX_WATCHED_MS)]


class ClickInput(Input):
    """`click_id`: made by the caller, so that a repeat counts once. `share`: the share code by
    which the video was opened."""

    click_id: UUID | None = None
    share: Annotated[str, msgspec.Meta(max_length=20)] = ""


class CommentMade(msgspec.Struct):
    comment_id: UUID


@get("/api/v1/feed", summary="The feed", may_need_sign_in=True, **OPEN)
async def feed(
    actor: Actor,
    cursor: CursorText = "",
    limit: Limit = 10,
    kind: FromQuery[Literal["for_you", "following"]] = "for_you",
) -> Response[FeedPage]:
    """A page of the feed. Anonymous readers are answered from memory, without the database."""
    if actor is None:
        if kind == "following":
            raise SignInNeeded
        ready: Any = await feed_json(cursor=cursor, limit=limit)
        return Response(ready, media_type=MediaType.JSON)
    async with transaction() as conn:
        if kind == "following":
            at = await clock.refresh(conn)
            made = await following_page(
                conn, person_id=actor.person_id, cursor=cursor, limit=limit, at=at
            )
        else:
            made = await feed_page(person_id=actor.person_id, conn=conn, cursor=cursor, limit=limit)
    return Response(made, media_type=MediaType.JSON)


@get(VIDEO, summary="One video", **OPEN)
async def video(video_id: FromPath[UUID], actor: Actor, conn: Conn, now: Now) -> FeedItem:
    """With its product links, and what the caller has done with it."""
    person_id = actor.person_id if actor else None
    item = await video_item(conn, video_id=video_id, person_id=person_id, at=now)
    if item is None:
        raise VideoGone
    return item


@put(VIDEO + "/like", summary="Like a video", status_code=204, **REACT)
async def like(video_id: FromPath[UUID], who: Who, conn: Conn, now: Now) -> None:
    await spend_reaction(who)
    await reactions.like(conn, video_id=VideoId(video_id), person_id=who.person_id, at=now)


@delete(VIDEO + "/like", summary="Take a like back", status_code=204, **REACT)
async def unlike(video_id: FromPath[UUID], who: Who, conn: Conn, now: Now) -> None:
    await spend_reaction(who)
    await reactions.unlike(conn, video_id=VideoId(video_id), person_id=who.person_id, at=now)


@put(CHANNEL, summary="Follow a creator", status_code=204, **REACT)
async def follow(channel_id: FromPath[UUID], who: Who, conn: Conn, now: Now) -> None:
    await spend_reaction(who)
    await follow_creator(conn, creator_id=channel_id, person_id=who.person_id, at=now)


@delete(CHANNEL, summary="Stop following a creator", status_code=204, **REACT)
async def unfollow(channel_id: FromPath[UUID], who: Who, conn: Conn, now: Now) -> None:
    await spend_reaction(who)
    await reactions.unfollow(conn, creator_id=channel_id, person_id=who.person_id, at=now)


@get(VIDEO + "/comments", summary="Comments, the newest first", **OPEN)
async def comments(
    video_id: FromPath[UUID], actor: Actor, conn: Conn, cursor: CursorText = ""
) -> CommentPage:
    return await comments_of(
        conn,
        video_id=VideoId(video_id),
        reader_id=actor.person_id if actor else None,
        acts_for=manages(actor),
        cursor=cursor,
    )


@post(VIDEO + "/comments", summary="Comment on a video", **REACT)
async def comment(
    video_id: FromPath[UUID],
    data: JSONBody[CommentInput],
    who: Who,
    conn: Conn,
    now: Now,
    key: MaybeKey = None,
) -> CommentMade:
    """Tags are taken out; at most 500 characters are left."""
    await spend_comment(who)

    async def make() -> CommentMade:
        return CommentMade(
            await reactions.add_comment(
                conn, video_id=VideoId(video_id), person_id=who.person_id, body=data.body, at=now
            )
        )

    return await once_if(
        conn,
        key=key,
        owner_id=who.person_id,
        route=f"POST videos/{video_id}/comments",
        request=data,
        answer=CommentMade,
        at=now,
        make=make,
    )


@delete(
    VIDEO + "/comments/{comment_id:uuid}", summary="Take a comment away", status_code=204, **REACT
)
async def remove_comment(
    video_id: FromPath[UUID], comment_id: FromPath[UUID], who: Who, conn: Conn, now: Now
) -> None:
    await reactions.remove_comment(
        conn,
        video_id=VideoId(video_id),
        comment_id=comment_id,
        person_id=who.person_id,
        creator_ids=manages(who),
        at=now,
    )


@post(VIDEO + "/hide", summary="Hide a video from my feed", status_code=204, **REACT)
async def hide(video_id: FromPath[UUID], who: Who, conn: Conn, now: Now) -> None:
    await spend_reaction(who)
    await reactions.hide(conn, video_id=VideoId(video_id), person_id=who.person_id, at=now)


@post(VIDEO + "/report", summary="Report a video", status_code=204, **REACT)
async def report(
    video_id: FromPath[UUID], data: JSONBody[ReportInput], who: Who, conn: Conn, now: Now
) -> None:
    await spend_report(who)
    await reactions.report(
        conn,
        video_id=VideoId(video_id),
        person_id=who.person_id,
        reason=data.reason,
        note=data.note,
        at=now,
    )


@post(VIDEO + "/seen", summary="Say how long a video was watched", status_code=204, **REACT)
async def seen(
    video_id: FromPath[UUID], data: JSONBody[SeenInput], who: Who, conn: Conn, now: Now
) -> None:
    await spend(f"seen:{who.person_id}", most=MOST_REACTIONS_A_MINUTE, window_s=60)
    await reactions.seen(
        conn,
        video_id=VideoId(video_id),
        person_id=who.person_id,
        watched_ms=data.watched_ms,
        at=now,
    )


@post(
    "/api/v1/links/{link_id:uuid}/clicks",
    summary="Count a tap on a product link",
    status_code=204,
    **OPEN,
)
async def click(
    link_id: FromPath[UUID],
    data: JSONBody[ClickInput],
    request: Request[Any, Any, Any],
    actor: Actor,
    conn: Conn,
    now: Now,
) -> None:
    await spend_click(request, actor)
    who = visitor_from(request, actor)
    await record_click(
        conn,
        link_id=LinkId(link_id),
        click_id=data.click_id or new_id(),
        **who._asdict(),
        share_code=data.share,
        at=now,
    )


HANDLERS: list[HTTPRouteHandler] = [
    feed,
    video,
    like,
    unlike,
    follow,
    unfollow,
    comments,
    comment,
    remove_comment,
    hide,
    report,
    seen,
    click,
]
