"""Is it alive, is it ready, how is it: for load balancers and Prometheus."""

import hmac
import os
from datetime import timedelta
from functools import cache
from ipaddress import ip_address
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dougong.base.access import Permission
from dougong.base.errors import NotFound, NotMigrated
from dougong.infra import clock
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.infra.migrate import head
from dougong.infra.settings import settings
from dougong.reads.operator_jobs import Waiting, waiting
from dougong.web.deps import Conn

# A worker gives a sign every ten seconds.
AWAY_AFTER = timedelta(seconds=40)
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


@cache
def _wanted() -> str:
    return head()


READY = text("""
    SELECT (SELECT version_num FROM alembic_version) AS revision,
      (SELECT max(last_heartbeat) FROM procrastinate_workers) AS worker_seen_at
""")


@get("/healthz", permission=Permission.PUBLIC, include_in_schema=False)
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/readyz", permission=Permission.PUBLIC, include_in_schema=False)
async def ready(conn: Conn) -> dict[str, str]:
    """503 when the database is away or at another revision than this code.

    `jobs` says whether a job worker was seen; that it is away does not make the answer 503, since
    taking the web workers out of service too would help nobody: alert on it instead.
    """
    found = (await conn.execute(READY)).one()
    if found.revision != _wanted():
        raise NotMigrated(revision=str(found.revision), wanted=_wanted())
    seen = found.worker_seen_at
    is_seen = seen is not None and wall_now() - seen < AWAY_AFTER
    return {"status": "ok", "revision": found.revision, "jobs": "seen" if is_seen else "away"}


@get("/metrics", permission=Permission.PUBLIC, include_in_schema=False)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Figures of all web workers together, whichever of them answers, and of what waits.

    404 for who may not read them (`metrics_token`, else a direct call from this machine).
    """
    if not _may_read(request):
        raise NotFound
    return Response(generate_latest(await _registry()), media_type=CONTENT_TYPE_LATEST)


def _may_read(request: Request[Any, Any, Any]) -> bool:
    token = settings().metrics_token
    if token:
        told = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(told.encode(), token.encode())
    forwarded = {"forwarded", "x-forwarded-for", "x-real-ip", "via"} & set(request.headers)
    if forwarded or settings().trusted_proxies or request.client is None:
        return False  # a proxy of this machine speaks for the whole world
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _registry() -> CollectorRegistry:
    """What the workers counted (in files that they share, under `dougong serve`), and the queues.

    The queues are left out while the database is away: the other figures are wanted then.
    """
    made = CollectorRegistry()
    if os.environ.get(MULTIPROCESS):
        MultiProcessCollector(made)  # type: ignore[no-untyped-call]
    else:
        made.register(_OfThisProcess())
    try:
        async with transaction() as conn:
            found = await waiting(conn, at=await clock.refresh(conn))
    except (OperationalError, PoolTimeout):
        found = None
    made.register(_OfTheDatabase(found))
    return made


class _OfTheDatabase:
    """Plain values: a gauge would be shared between the workers as well, and then told twice."""

    def __init__(self, found: Waiting | None) -> None:
        self.found = found

    def collect(self) -> Any:
        found = self.found
        yield GaugeMetricFamily(
            "dougong_database_up", "Whether the database answers", value=float(found is not None)
        )
        if found is None:
            return
        for name in ("deadlines", "deadlines_due", "events", "inbox", "unsealed"):
            yield GaugeMetricFamily(
                f"dougong_waiting_{name}", "Rows that a job will act on", value=getattr(found, name)
            )
        seen = found.worker_seen_at
        age_s = (wall_now() - seen).total_seconds() if seen else float("inf")
        yield GaugeMetricFamily(
            "dougong_job_worker_seen_seconds", "Since a job worker's sign", value=age_s
        )


class _OfThisProcess:
    """The process's own registry as a part of another one."""

    def collect(self) -> Any:
        return REGISTRY.collect()


@get("/api/v1/empty", permission=Permission.PUBLIC, include_in_schema=False)
async def empty_get() -> dict[str, Any]:
    """The floor that `make bench` puts read figures beside."""
    return {}


@post("/api/v1/empty", permission=Permission.PUBLIC, include_in_schema=False, status_code=200)
async def empty_post() -> dict[str, Any]:
    """The floor that `make bench` puts write figures beside."""
    return {}


HANDLERS: list[HTTPRouteHandler] = [alive, ready, metrics, empty_get, empty_post]
