"""Demo mode only: "enter as…", one tap to be one of the market's people.

One of each role, and a second operator: who drafts a rule cannot approve it.
"""

from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from dougong.accounts import commands, queries
from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.ids import PersonId
from dougong.infra.clock import wall_now
from dougong.infra.settings import settings
from dougong.web.account.common import AnyRequest, caller_of, go, put_cookie, safe_next
from dougong.web.deps import Conn, Now
from dougong.web.forms import Form, FormData
from dougong.web.render import Page, page
from dougong.web.security import SESSION_COOKIE

# Where each role's day starts, and the order on the page.
STARTS = {
    "shopper": "/",
    "creator": "/creator",
    "merchant": "/merchant/stores",
    "advertiser": "/brand",
    "partner": "/partner",
    "operator": "/operator/overview",
}


class Enter(Form):
    person_id: UUID
    next: str = ""


def require_demo() -> None:
    """Raises NotFound: outside demo mode there is no such page."""
    if settings().mode != "demo":
        raise NotFound


@get("/enter", permission=Permission.PUBLIC, include_in_schema=False)
async def enter_page(request: AnyRequest, conn: Conn) -> Page:
    require_demo()
    places = list(STARTS)
    people = await queries.demo_people(conn)
    ordered = sorted(people, key=lambda row: (places.index(row.role), row.nth))
    return page(request, "account/enter.html", people=ordered)


@post("/enter", permission=Permission.PUBLIC, include_in_schema=False, status_code=303)
async def enter(request: AnyRequest, conn: Conn, now: Now, data: FormData[Enter]) -> Response[str]:
    require_demo()
    found = [row for row in await queries.demo_people(conn) if row.id == data.person_id]
    if not found:
        raise NotFound
    caller = caller_of(request)
    if old := request.cookies.get(SESSION_COOKIE):
        await commands.end_session(conn, token=old, at=wall_now())
    token = await commands.start_session(
        conn, person_id=PersonId(found[0].id), at=wall_now(), user_agent=caller.user_agent
    )
    await commands.audit(
        conn,
        at=now,
        person_id=PersonId(found[0].id),
        action="accounts.entered_as_demo",
        owner_id=found[0].id,
        subject=found[0].name,
        facts={"address": caller.address},
        request_id=caller.request_id,
    )
    return put_cookie(go(safe_next(data.next, STARTS[found[0].role])), token)


HANDLERS: list[HTTPRouteHandler] = [enter_page, enter]
