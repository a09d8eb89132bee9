"""What creator pages share: whose console it is, and the texts of failures."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.reads.creator_videos import creator_organisation
from dougong.web.i18n import gettext, mark
from dougong.web.render import Page, page

# Why a video could not be taken, and what its creator can do.
FAILURES: dict[str, tuple[str, str]] = {
    "unknown_container": (
        mark("This is not a video that we can read."),
        mark("Save it as MP4, MOV, WebM or MKV and upload it again."),
    ),
    "too_long": (mark("The video is too long."), mark("Cut it, then upload it again.")),
    "too_big": (
        mark("The video takes too much space."),
        mark("Export it smaller, for example with 1080 × 1920 pixels, and upload it again."),
    ),
    "too_many_pixels": (
        mark("The picture is too large."),
        mark("Export it smaller, for example with 1080 × 1920 pixels, and upload it again."),
    ),
    "no_video": (
        mark("There is no moving picture in this file."),
        mark("Check that you chose the right file."),
    ),
    "too_many_streams": (
        mark("This file holds too many tracks."),
        mark("Export it with one picture and one sound track, and upload it again."),
    ),
    "damaged": (
        mark("The file is damaged."),
        mark("Play it on your own device first; export it again if it stops, then upload it."),
    ),
    "took_too_long": (
        mark("Reading this file takes too long."),
        mark("Export it smaller or shorter, and upload it again."),
    ),
    "out_of_memory": (
        mark("Reading this file takes too much memory."),
        mark("Export it smaller or shorter, and upload it again."),
    ),
    "upload_lost": (mark("The uploaded file was lost."), mark("Please upload it again.")),
    "fault": (
        mark("Something went wrong on our side."),
        mark("Your file is still here: try again in a minute."),
    ),
}


def failure_words(code: str | None) -> tuple[str, str]:
    """(what happened, what to do) in the language of the request."""
    what, advice = FAILURES.get(code or "fault", FAILURES["fault"])
    return gettext(what), gettext(advice)


async def creator_page(
    request: Request[Any, Any, Any],
    conn: AsyncConnection,
    name: str,
    *,
    creator_id: UUID,
    status: int = 200,
    **context: Any,
) -> Page:
    """A page or fragment of one creator's console."""
    creator = await creator_organisation(conn, creator_id=creator_id)
    words = {"failure_words": failure_words}
    return page(request, name, status=status, creator=creator, **words, **context)


def see(url: str) -> Response[Any]:
    """Go and look at a page after something was done."""
    return Response(None, status_code=303, headers={"Location": url})
