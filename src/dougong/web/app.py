"""The application: routes from `routes.py`, one guard, one error shape, commit at the edge."""

from litestar import Litestar, Router
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import CacheControlHeader, State
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute, WebSocketRoute
from litestar.static_files import create_static_files_router

import dougong.flows.tasks  # noqa: F401 (registers every job: a page may defer any of them)
from dougong import __version__
from dougong.base.access import Permission
from dougong.infra.db import dispose
from dougong.infra.logs import configure_logs
from dougong.infra.settings import settings
from dougong.web import refusals
from dougong.web.api.deeds import provide_deed
from dougong.web.api_docs import ApiDocs
from dougong.web.api_document import ApiDocument
from dougong.web.deps import provide_actor, provide_conn, provide_now, provide_who
from dougong.web.live.hub import Hub
from dougong.web.live.socket import SOCKETS
from dougong.web.observe import ObserveMiddleware
from dougong.web.raw_send import App
from dougong.web.render import STATIC_DIR
from dougong.web.routes import HANDLERS
from dougong.web.security import SubjectMiddleware, check, permission_of
from dougong.web.strict_request import StrictRequest

MAX_BODY_BYTES = 10_000_000


def create_app() -> Litestar:
    """Raises RuntimeError when a route names no permission."""
    configure_logs()
    forever = CacheControlHeader(max_age=31_536_000, public=True)
    media_dir = settings().data_dir / "media"
    media_dir.mkdir(parents=True, exist_ok=True)
    public = {"permission": Permission.PUBLIC}
    files = [
        create_static_files_router(
            "/static", [STATIC_DIR], cache_control=forever, opt=public, include_in_schema=False
        ),
        create_static_files_router(
            "/media", [media_dir], cache_control=forever, opt=public, include_in_schema=False
        ),
    ]
    app = App(
        route_handlers=[
            Router("/", route_handlers=[*HANDLERS, *SOCKETS], guards=[check]),
            *files,
        ],
        dependencies={
            "deed": Provide(provide_deed),
            "conn": Provide(provide_conn),
            "now": Provide(provide_now),
            "actor": Provide(provide_actor),
            "who": Provide(provide_who),
        },
        middleware=[ObserveMiddleware, SubjectMiddleware],
        exception_handlers=refusals.ANSWERS,
        csrf_config=_csrf(),
        openapi_config=OpenAPIConfig(
            title="Dougong",
            version=__version__,
            path="/api/docs",
            render_plugins=[ApiDocs(path="/"), ApiDocument()],
        ),
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,  # ours is structlog's; this one would tell what libraries whisper
        state=State({"hub": Hub()}),
        on_shutdown=[_leave_rooms, dispose],
    )
    for _, handler in [*routes_of(app), *sockets_of(app)]:
        permission_of(handler)
    return app


def _csrf() -> CSRFConfig:
    """For pages; the API takes no cookie, gateways and hooks sign what they send."""
    return CSRFConfig(
        secret=settings().secret().decode(),
        cookie_name="csrftoken",
        cookie_httponly=False,
        cookie_samesite="lax",
        cookie_secure=settings().public_url.startswith("https://"),
        exclude=["^/api/", "^/gateways/", "^/hooks/", "^/whip/"],
    )


async def _leave_rooms(app: Litestar) -> None:
    await app.state.hub.stop()


def sockets_of(app: Litestar) -> list[tuple[str, BaseRouteHandler]]:
    """Every path that takes a WebSocket."""
    found = [route for route in app.routes if isinstance(route, WebSocketRoute)]
    return [(route.path, route.route_handler) for route in found]


def routes_of(app: Litestar) -> list[tuple[str, HTTPRouteHandler]]:
    """Every path with its handler, except Litestar's own pages under /api/docs."""
    return [
        (route.path, handler)
        for route in app.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith("/api/docs")
        for handler in route.route_handlers
        if handler.http_methods != {"OPTIONS"}
    ]
