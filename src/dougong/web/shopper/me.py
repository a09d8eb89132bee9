"""A shopper's own page: orders at a glance, addresses, language, keys, roles."""

from litestar import get
from litestar.handlers import HTTPRouteHandler

from dougong.accounts.queries import organisations_of
from dougong.base.access import Permission
from dougong.reads.live_room import reminded_rooms
from dougong.reads.shopper_orders import cart_count, order_counts
from dougong.web.account.common import AnyRequest
from dougong.web.deps import Conn, Now, Who
from dougong.web.render import Page, page


@get("/me", permission=Permission.SELF_READ, include_in_schema=False)
async def me_page(request: AnyRequest, conn: Conn, who: Who, now: Now) -> Page:
    return page(
        request,
        "shopper/me.html",
        counts=await order_counts(conn, buyer_id=who.person_id),
        held=await cart_count(conn, person_id=who.person_id),
        rooms=await reminded_rooms(conn, person_id=who.person_id, at=now),
        orgs=await organisations_of(conn, who.person_id),
    )


HANDLERS: list[HTTPRouteHandler] = [me_page]
