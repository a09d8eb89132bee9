"""Where a creator starts: its channels."""

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from dougong.base.access import Permission
from dougong.reads.creator_videos import creator_organisations
from dougong.web.creator.common import see
from dougong.web.deps import Conn, Who
from dougong.web.render import page


@get("/creator", permission=Permission.VIDEO_MANAGE, any_org=True, include_in_schema=False)
async def channels(request: Request[Any, Any, Any], who: Who, conn: Conn) -> Response[Any]:
    mine = await creator_organisations(conn, creator_ids=who.orgs_with(Permission.VIDEO_MANAGE))
    if len(mine) == 1:
        return see(f"/creator/{mine[0].id}/videos")
    return page(request, "creator/channels.html", channels=mine)


HANDLERS: list[HTTPRouteHandler] = [channels]
