"""What a shopper does with a video: fragments for htmx and answers for the feed's script."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Access, Permission
from dougong.base.ids import LinkId, VideoId, new_id
from dougong.content import reaction_commands as reactions
from dougong.content.rules import MAX_COMMENT_CHARACTERS, REPORT_REASONS, CommentRefused
from dougong.flows import publish_video
from dougong.flows.follow_creator import follow_creator
from dougong.infra.limits import spend
from dougong.links.click_commands import record_click
from dougong.reads.feed_comments import comments_of, likes_of
from dougong.web.account.common import caller_of
from dougong.web.deps import Actor, Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.refusals import message_for
from dougong.web.render import Page, page
from dougong.web.visits import visitor_from

VIDEO = "/videos/{video_id:uuid}"
# `channel_id`, not `creator_id`: the person acts on its own reaction, not for the creator.
CHANNEL = "/channels/{channel_id:uuid}/follow"
REACT: dict[str, Any] = {"permission": Permission.CONTENT_REACT, "include_in_schema": False}
OPEN: dict[str, Any] = {"permission": Permission.PUBLIC, "include_in_schema": False}

MOST_REACTIONS_A_MINUTE = 120
MOST_COMMENTS_A_MINUTE = 10
MOST_COMMENTS_A_DAY = 300
MOST_REPORTS_AN_HOUR = 20
MOST_CLICKS_A_MINUTE = 120

AnyRequest = Request[Any, Any, Any]


class CommentForm(Form):
    body: str


class ReportForm(Form):
    reason: str
    note: str = ""


class SeenForm(Form):
    watched_ms: int


class ClickForm(Form):
    """`click_id`: a fresh UUID made where the tap happens, so that a repeat counts once.
    `share`: the share code by which the video was opened."""

    click_id: UUID | None = msgspec.field(default=None)
    share: str = ""


def manages(actor: Access | None) -> list[UUID]:
    """The creators that this person may act for."""
    return actor.orgs_with(Permission.VIDEO_MANAGE) if actor else []


def moderates(actor: Access | None) -> bool:
    return actor is not None and actor.may(Permission.MODERATION)


async def spend_reaction(who: Access) -> None:
    await spend(f"react:{who.person_id}", most=MOST_REACTIONS_A_MINUTE, window_s=60)


async def spend_comment(who: Access) -> None:
    await spend(f"comment:{who.person_id}", most=MOST_COMMENTS_A_MINUTE, window_s=60)
    await spend(f"comment_day:{who.person_id}", most=MOST_COMMENTS_A_DAY, window_s=86_400)


async def spend_report(who: Access) -> None:
    await spend(f"report:{who.person_id}", most=MOST_REPORTS_AN_HOUR, window_s=3600)


async def spend_click(request: AnyRequest, actor: Access | None) -> None:
    """By person, or by address for those who are not signed in."""
    bucket = str(actor.person_id) if actor else caller_of(request).address
    await spend(f"click:{bucket}", most=MOST_CLICKS_A_MINUTE, window_s=60)


async def like_button(request: AnyRequest, conn: Conn, video_id: UUID, *, liked: bool) -> Page:
    count = await likes_of(conn, video_id=VideoId(video_id))
    return page(request, "videos/like.html", video_id=video_id, liked=liked, likes=count)


@post(VIDEO + "/like", status_code=200, **REACT)
async def like(
    video_id: FromPath[UUID], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Page:
    await spend_reaction(who)
    await reactions.like(conn, video_id=VideoId(video_id), person_id=who.person_id, at=now)
    return await like_button(request, conn, video_id, liked=True)


@delete(VIDEO + "/like", status_code=200, **REACT)
async def unlike(
    video_id: FromPath[UUID], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Page:
    await spend_reaction(who)
    await reactions.unlike(conn, video_id=VideoId(video_id), person_id=who.person_id, at=now)
    return await like_button(request, conn, video_id, liked=False)


@post(CHANNEL, status_code=200, **REACT)
async def follow(
    channel_id: FromPath[UUID], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Page:
    await spend_reaction(who)
    await follow_creator(conn, creator_id=channel_id, person_id=who.person_id, at=now)
    return page(request, "videos/follow.html", creator_id=channel_id, following=True)


@delete(CHANNEL, status_code=200, **REACT)
async def unfollow(
    channel_id: FromPath[UUID], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Page:
    await spend_reaction(who)
    await reactions.unfollow(conn, creator_id=channel_id, person_id=who.person_id, at=now)
    return page(request, "videos/follow.html", creator_id=channel_id, following=False)


async def comment_list(
    request: AnyRequest,
    conn: Conn,
    video_id: UUID,
    actor: Access | None,
    *,
    cursor: str = "",
    error: str = "",
    typed: str = "",
    status: int = 200,
) -> Page:
    found = await comments_of(
        conn,
        video_id=VideoId(video_id),
        reader_id=actor.person_id if actor else None,
        acts_for=manages(actor),
        is_moderator=moderates(actor),
        cursor=cursor,
    )
    return page(
        request,
        "videos/comment_rows.html" if cursor else "videos/comments.html",
        status=status,
        video_id=video_id,
        comments=found,
        error=error,
        typed=typed,
        most_characters=MAX_COMMENT_CHARACTERS,
    )


@get(VIDEO + "/comments", **OPEN)
async def comments(
    video_id: FromPath[UUID],
    request: AnyRequest,
    actor: Actor,
    conn: Conn,
    cursor: FromQuery[str] = "",
) -> Page:
    """The comments as a sheet; with a cursor, only further rows."""
    return await comment_list(request, conn, video_id, actor, cursor=cursor)


@post(VIDEO + "/comments", status_code=200, **REACT)
async def comment(
    video_id: FromPath[UUID],
    data: FormData[CommentForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Page:
    await spend_comment(who)
    try:
        await reactions.add_comment(
            conn,
            video_id=VideoId(video_id),
            person_id=who.person_id,
            body=data.body,
            at=now,
        )
    except CommentRefused as refusal:
        words = message_for(refusal.code, refusal.facts)
        return await comment_list(
            request, conn, video_id, who, error=words, typed=data.body, status=422
        )
    return await comment_list(request, conn, video_id, who)


@delete(VIDEO + "/comments/{comment_id:uuid}", status_code=200, **REACT)
async def remove_comment(
    video_id: FromPath[UUID],
    comment_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Page:
    """By its writer, the video's creator, or a moderator."""
    await publish_video.remove_comment(
        conn,
        video_id=VideoId(video_id),
        comment_id=comment_id,
        person_id=who.person_id,
        creator_ids=manages(who),
        is_moderator=moderates(who),
        at=now,
    )
    return await comment_list(request, conn, video_id, who)


@post(VIDEO + "/hide", status_code=204, **REACT)
async def hide(video_id: FromPath[UUID], who: Who, conn: Conn, now: Now) -> None:
    await spend_reaction(who)
    await reactions.hide(conn, video_id=VideoId(video_id), person_id=who.person_id, at=now)


@get(VIDEO + "/report", **REACT)
async def report_form(video_id: FromPath[UUID], request: AnyRequest) -> Page:
    return page(
        request,
        "videos/report.html",
        video_id=video_id,
        reasons=REPORT_REASONS,
        is_sent=False,
    )


@post(VIDEO + "/report", status_code=200, **REACT)
async def report(
    video_id: FromPath[UUID],
    data: FormData[ReportForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Page:
    await spend_report(who)
    await reactions.report(
        conn,
        video_id=VideoId(video_id),
        person_id=who.person_id,
        reason=data.reason,
        note=data.note,
        at=now,
    )
    return page(
        request, "videos/report.html", video_id=video_id, reasons=REPORT_REASONS, is_sent=True
    )


@post(VIDEO + "/seen", status_code=204, **REACT)
async def seen(
    video_id: FromPath[UUID], data: FormData[SeenForm], who: Who, conn: Conn, now: Now
) -> None:
    await spend(f"seen:{who.person_id}", most=MOST_REACTIONS_A_MINUTE, window_s=60)
    await reactions.seen(
        conn,
        video_id=VideoId(video_id),
        person_id=who.person_id,
        watched_ms=data.watched_ms,
        at=now,
    )


@post("/links/{link_id:uuid}/clicks", status_code=204, **OPEN)
async def click(
    link_id: FromPath[UUID],
    data: FormData[ClickForm],
    request: AnyRequest,
    actor: Actor,
    conn: Conn,
    now: Now,
) -> Response[None]:
    """A tap on a product card."""
    await spend_click(request, actor)
    who = visitor_from(request, actor)
    await record_click(
        conn,
        link_id=LinkId(link_id),
        click_id=data.click_id or new_id(),
        **who._asdict(),
        share_code=data.share[:20],
        at=now,
    )
    return Response(None, status_code=204)


HANDLERS: list[HTTPRouteHandler] = [
    like,
    unlike,
    follow,
    unfollow,
    comments,
    comment,
    remove_comment,
    hide,
    report_form,
    report,
    seen,
    click,
]
