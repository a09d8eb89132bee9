"""Reported videos: the operator keeps or removes them, with a reason."""

from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.ids import VideoId
from dougong.content.rules import MAX_NOTE_CHARACTERS, BadReport
from dougong.flows.publish_video import resolve_reports, restore_video
from dougong.reads.feed_comments import closed_reports, open_reports
from dougong.web.creator.common import see
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, mark
from dougong.web.render import Page, page

ROUTE: dict[str, Any] = {"permission": Permission.MODERATION, "include_in_schema": False}
MISSING = mark("Say why: the creator and the audit log will read it.")


class Decision(Form):
    resolution: Literal["kept", "removed"]
    reason: str = ""


class Reversal(Form):
    reason: str = ""


async def report_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    *,
    error_at: UUID | None = None,
    status: int = 200,
) -> Page:
    return page(
        request,
        "operator/reports.html",
        status=status,
        waiting=await open_reports(conn),
        decided=await closed_reports(conn),
        error_at=error_at,
        error=gettext(MISSING),
        most_characters=MAX_NOTE_CHARACTERS,
    )


@get("/operator/reports", **ROUTE)
async def reports(request: Request[Any, Any, Any], conn: Conn) -> Page:
    return await report_page(request, conn)


@post("/operator/reports/{video_id:uuid}", **ROUTE)
async def decide(
    video_id: FromPath[UUID],
    data: FormData[Decision],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        await resolve_reports(
            conn,
            video_id=VideoId(video_id),
            resolution=data.resolution,
            reason=data.reason,
            resolved_by=who.person_id,
            at=now,
        )
    except BadReport:
        return await report_page(request, conn, error_at=video_id, status=422)
    return see("/operator/reports")


@post("/operator/reports/{video_id:uuid}/restore", **ROUTE)
async def restore(
    video_id: FromPath[UUID],
    data: FormData[Reversal],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """A removal was a mistake, or its ground is gone."""
    try:
        async with conn.begin_nested():
            await restore_video(
                conn,
                video_id=VideoId(video_id),
                reason=data.reason,
                restored_by=who.person_id,
                at=now,
            )
    except BadReport:
        return await report_page(request, conn, error_at=video_id, status=422)
    return see("/operator/reports")


HANDLERS: list[HTTPRouteHandler] = [reports, decide, restore]
