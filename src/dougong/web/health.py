"""Is it alive, is it ready, how is it: for load balancers and Prometheus."""

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from dougong.base.access import Permission
from dougong.web.deps import Conn


@get("/healthz", permission=Permission.PUBLIC, include_in_schema=False)
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/readyz", permission=Permission.PUBLIC, include_in_schema=False)
async def ready(conn: Conn) -> dict[str, str]:
    """The database answers, at the revision that this code was written for."""
    revision = await conn.scalar(text("SELECT version_num FROM alembic_version"))
    return {"status": "ok", "revision": str(revision)}


@get("/metrics", permission=Permission.PUBLIC, include_in_schema=False)
async def metrics() -> Response[bytes]:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@get("/api/v1/empty", permission=Permission.PUBLIC, include_in_schema=False)
async def empty_get() -> dict[str, Any]:
    """The floor that `make bench` puts read figures beside."""
    return {}


@post("/api/v1/empty", permission=Permission.PUBLIC, include_in_schema=False, status_code=200)
async def empty_post() -> dict[str, Any]:
    """The floor that `make bench` puts write figures beside."""
    return {}


HANDLERS: list[HTTPRouteHandler] = [alive, ready, metrics, empty_get, empty_post]
