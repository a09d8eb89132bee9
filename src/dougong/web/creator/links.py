"""A creator's product links: put on, moved, taken off, and what each of them brings."""

from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import LinkId, ProductId, StoreId, VideoId
from dougong.flows.choose_instead import choose_instead
from dougong.flows.publish_video import link_product
from dougong.links import commands
from dougong.links.rules import Instead, WhenDenied
from dougong.reads.creator_links import links_of_creator, order_of_video
from dougong.reads.creator_outside import outside_links
from dougong.web.creator.common import creator_page, see
from dougong.web.deps import Conn, Now
from dougong.web.forms import Form, FormData
from dougong.web.render import Page

LINKS = "/creator/{creator_id:uuid}/videos/{video_id:uuid}/links"
ROUTE: dict[str, Any] = {"permission": Permission.LINK_MANAGE, "include_in_schema": False}


class LinkForm(Form):
    store_id: UUID
    product_id: UUID


class MoveForm(Form):
    to: Literal["up", "down"]


class WhenDeniedForm(Form):
    """`default`, `hide`, `convert`, or the ids of a store and its product: `store:product`."""

    when_denied: str


class NothingForm(Form):
    """A button."""


def choice_from(text: str) -> Instead:
    """Raises BadInput."""
    try:
        if ":" not in text:
            return Instead(WhenDenied(text))
        store, _, product = text.partition(":")
        return Instead(WhenDenied.CONVERT, (UUID(store), UUID(product)))
    except ValueError:
        raise BadInput(field="when_denied", reason="unknown") from None


def video_url(creator_id: UUID, video_id: UUID) -> str:
    return f"/creator/{creator_id}/videos/{video_id}#products"


@get("/creator/{creator_id:uuid}/links", **ROUTE)
async def link_list(
    creator_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn, now: Now
) -> Page:
    links = await links_of_creator(conn, creator_id=creator_id, at=now)
    return await creator_page(
        request,
        conn,
        "creator/links.html",
        creator_id=creator_id,
        links=links,
        outside=await outside_links(conn, creator_id=creator_id),
    )


@post(LINKS, **ROUTE)
async def add(
    creator_id: FromPath[UUID],
    video_id: FromPath[UUID],
    data: FormData[LinkForm],
    conn: Conn,
    now: Now,
) -> Response[Any]:
    await link_product(
        conn,
        video_id=VideoId(video_id),
        creator_id=creator_id,
        store_id=StoreId(data.store_id),
        product_id=ProductId(data.product_id),
        at=now,
    )
    return see(video_url(creator_id, video_id))


@post(LINKS + "/{link_id:uuid}/remove", **ROUTE)
async def remove(
    creator_id: FromPath[UUID],
    video_id: FromPath[UUID],
    link_id: FromPath[UUID],
    data: FormData[NothingForm],
    conn: Conn,
    now: Now,
) -> Response[Any]:
    await commands.remove_link(conn, link_id=LinkId(link_id), creator_id=creator_id, at=now)
    return see(video_url(creator_id, video_id))


@post(LINKS + "/{link_id:uuid}/move", **ROUTE)
async def move(
    creator_id: FromPath[UUID],
    video_id: FromPath[UUID],
    link_id: FromPath[UUID],
    data: FormData[MoveForm],
    conn: Conn,
) -> Response[Any]:
    """One place up or down among those of its kind: of our stores, or of other platforms."""
    ours = VideoId(video_id)
    there = await order_of_video(conn, video_id=ours, creator_id=creator_id)
    order = [LinkId(one) for one, _ in there]
    if link_id in order:
        place = order.index(LinkId(link_id))
        steps = range(place - 1, -1, -1) if data.to == "up" else range(place + 1, len(order))
        other = next((n for n in steps if there[n][1] == there[place][1]), place)
        order[place], order[other] = order[other], order[place]
        await commands.reorder_links(conn, video_id=ours, creator_id=creator_id, link_ids=order)
    return see(video_url(creator_id, video_id))


@post("/creator/{creator_id:uuid}/links/{link_id:uuid}/when-denied", **ROUTE)
async def when_denied(
    creator_id: FromPath[UUID],
    link_id: FromPath[UUID],
    data: FormData[WhenDeniedForm],
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """What becomes of the link when a rule denies it; where one does, at once."""
    await choose_instead(
        conn,
        link_id=LinkId(link_id),
        creator_id=creator_id,
        instead=choice_from(data.when_denied),
        at=now,
    )
    return see(f"/creator/{creator_id}/links")


HANDLERS: list[HTTPRouteHandler] = [link_list, add, remove, move, when_denied]
