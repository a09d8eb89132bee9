"""What operators watch: a request id, one structured line per request, Prometheus figures."""

import re
import time
from collections.abc import Iterable
from typing import Any, cast
from uuid import uuid4

import structlog
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from dougong.infra.settings import settings

SLOW_S = 1.0
REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
REQUESTS = Counter("dougong_requests", "Answered requests", ["method", "status"])
SECONDS = Histogram("dougong_request_seconds", "Time to answer", ["method"])

CSP = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
log = structlog.get_logger("request")


def allowed_methods(scope: Scope) -> str:
    """Every method of the path; Litestar names only those of one handler of it."""
    template = scope["path_template"]
    found = {
        str(method)
        for route in scope["litestar_app"].routes
        if isinstance(route, HTTPRoute) and route.path == template
        for method in route.methods
    }
    return ", ".join(sorted(found))


RAW_SECURITY_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


def _with_ours(
    headers: Iterable[tuple[bytes, bytes]], request_id: str
) -> list[tuple[bytes, bytes]]:
    """An answer's headers, its id, and each security header that it does not set itself."""
    made = [*headers, (b"x-request-id", request_id.encode())]
    there = {name for name, _ in made}
    return made + [header for header in RAW_SECURITY_HEADERS if header[0] not in there]


class ObserveMiddleware:
    """Names each request (X-Request-Id, ours or the caller's), times it, and logs a line of what
    went wrong or took long; refusals log their own (`web/refusals.py`). Level debug: of all."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        asked = Headers.from_scope(scope).get("x-request-id", "")
        request_id = asked if REQUEST_ID.fullmatch(asked) else uuid4().hex
        cast(dict[str, Any], scope)["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 500
        method = str(cast(dict[str, Any], scope)["method"])

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if method == "OPTIONS":
                    headers = MutableScopeHeaders.from_message(message)
                    if "allow" in headers:
                        headers["allow"] = allowed_methods(scope)
                message["headers"] = _with_ours(message["headers"], request_id)
            await send(message)

        try:
            await self.app(scope, receive, send_named)
        finally:
            seconds = time.perf_counter() - started
            REQUESTS.labels(method, str(status)).inc()
            SECONDS.labels(method).observe(seconds)
            if status >= 500 or seconds > SLOW_S or settings().log_level == "debug":
                log.info(
                    "request",
                    method=method,
                    path=scope["path"],
                    status=status,
                    ms=round(seconds * 1000, 1),
                )
            structlog.contextvars.unbind_contextvars("request_id")
