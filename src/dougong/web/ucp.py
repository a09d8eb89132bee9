"""Where shops of the Universal Commerce Protocol read who we are, and tell us of orders."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.flows.ucp_order_event import receive_ucp_event
from dougong.infra.limits import spend
from dougong.links.adapters.ucp_agent import HOOK_PATH, PROFILE_PATH, agent_profile
from dougong.links.adapters.ucp_orders import Received
from dougong.links.adapters.ucp_wire import VERSION
from dougong.web.account.common import caller_of

MAX_EVENT_BYTES = 262_144
MOST_EVENTS_A_MINUTE = 600  # of one address: each may make us read a profile


@get(PROFILE_PATH, permission=Permission.PUBLIC, include_in_schema=False)
async def platform_profile() -> Response[dict[str, Any]]:
    """Our own profile: what we speak, and where order events go."""
    return Response(agent_profile(), headers={"cache-control": "public, max-age=3600"})


async def _receive(request: Request[Any, Any, Any], source: str | None) -> dict[str, Any]:
    await spend(f"ucp:{caller_of(request).address}", most=MOST_EVENTS_A_MINUTE, window_s=60)
    headers = {name.lower(): value for name, value in request.headers.items()}
    received = Received(request.url.path, headers, await request.body())
    await receive_ucp_event(source_code=source, received=received)
    return {"ucp": {"version": VERSION}}


@post(
    HOOK_PATH,
    permission=Permission.PUBLIC,
    status_code=200,
    include_in_schema=False,
    request_max_body_size=MAX_EVENT_BYTES,
)
async def any_order_event(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """As our profile names it to every shop: the sender's own profile says whose event it is."""
    return await _receive(request, None)


@post(
    f"{HOOK_PATH}/{{source:str}}",
    permission=Permission.PUBLIC,
    status_code=200,
    include_in_schema=False,
    request_max_body_size=MAX_EVENT_BYTES,
)
async def order_event(source: FromPath[str], request: Request[Any, Any, Any]) -> dict[str, Any]:
    """An order event of one source; its signature is its permission. A repeat is answered alike."""
    return await _receive(request, source[:40])


HANDLERS: list[HTTPRouteHandler] = [platform_profile, any_order_event, order_event]
