"""Who asks, and whether they may: read once per request, checked by one guard on every route."""

from functools import cache
from typing import Any, cast
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.handlers.base import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.types import ASGIApp, Receive, Scope, Send

from dougong.accounts.rules import token_hash
from dougong.base.access import Access, Permission, require
from dougong.base.errors import BadInput, NotFound
from dougong.infra.coalesce import Coalescer
from dougong.infra.db import request_transactions, side_engine
from dougong.infra.settings import settings
from dougong.reads.subjects import subjects_of
from dougong.web.i18n import LOCALES, locale_of_request

SESSION_COOKIE = "dougong_session"
LOCALE_COOKIE = "dougong_locale"
# Path parameters that name the owner of what a route touches, in the order they are looked for.
OWNERS = ("store_id", "creator_id", "partner_id", "brand_id", "org_id")


JSON = "application/json"


async def _look_up(tokens: list[bytes]) -> list[Access | Exception | None]:
    async with side_engine().connect() as conn:
        found = await subjects_of(conn, tokens)
    return [found.get(token) for token in tokens]


_subjects: Coalescer[bytes, Access | None] = Coalescer(_look_up, most=256, wait_s=0.001)


async def subject_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Access | None:
    """Who asks, as of now."""
    bearer = connection.headers.get("authorization", "")
    # A cookie never speaks for the API (no CSRF token there), nor a key for the pages.
    is_api = connection.url.path.startswith("/api/")
    token = bearer.removeprefix("Bearer ") if is_api and bearer.startswith("Bearer ") else ""
    if not is_api:
        token = connection.cookies.get(SESSION_COOKIE, "")
    subject = await _subjects.ask(token_hash(token)) if token else None
    if subject and subject.scopes is not None and not is_api:
        return None
    return subject


class SubjectMiddleware:
    """Puts the subject (or None) and the language of the request in place."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in (ScopeType.HTTP, ScopeType.WEBSOCKET):
            await self.app(scope, receive, send)
            return
        request_transactions.set([])
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        subject = await subject_of(connection)
        cast(dict[str, Any], scope)["user"] = subject
        locale_of_request.set(locale_for(connection, subject))
        await self.app(scope, receive, send)


def locale_for(connection: ASGIConnection[Any, Any, Any, Any], subject: Access | None) -> str:
    """The chosen language, else the person's, else the browser's, else the platform's."""
    chosen = connection.cookies.get(LOCALE_COOKIE)
    if chosen in LOCALES:
        return chosen
    if subject:
        return subject.locale
    asked = connection.headers.get("accept-language", "")[:2].lower()
    return asked if asked in LOCALES else settings().locale


def permission_of(handler: BaseRouteHandler) -> Permission:
    """The permission a route names. Raises RuntimeError without one: the app does not start."""
    permission = handler.opt.get("permission")
    if not isinstance(permission, Permission):
        raise RuntimeError(f"{handler} names no permission")
    return permission


async def check(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every route. One coroutine: Litestar would send a plain function to a thread,
    and copies the handler for every guard, at every request."""
    check_permission(connection, handler)
    if connection.url.path.startswith("/api/v1/"):
        check_query(connection, handler)
        await check_body(connection, handler)


def check_permission(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """What one may not touch looks like what does not exist."""
    if getattr(handler, "http_methods", None) == {"OPTIONS"}:
        return  # Litestar's own: it names the methods of the path and nothing else
    permission = permission_of(handler)
    if permission is Permission.PUBLIC:
        return
    owner = next((connection.path_params[o] for o in OWNERS if o in connection.path_params), None)
    if permission.startswith("org:") and owner is None and not handler.opt.get("any_org"):
        raise NotFound
    if handler.opt.get("any_org"):
        _any_org(connection.scope.get("user"), permission)
        return
    require(connection.scope.get("user"), permission, cast(UUID | None, owner))


@cache
def _query_names(handler: BaseRouteHandler) -> dict[str, bool]:
    """Query parameters by name, and whether one may be left without a value of its type."""
    asked = handler.parsed_fn_signature.parameters.items()
    return {
        field.kwarg_definition.name or name: field.is_optional
        for name, field in asked
        if isinstance(field.kwarg_definition, QueryParameter)
    }


def check_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The API refuses query parameters that it does not know, or that come twice: a mistyped filter
    would else answer with everything. Raises BadInput."""
    if not connection.scope["query_string"]:
        return
    known, met = _query_names(handler), set()
    for name, value in connection.query_params.multi_items():
        if name not in known:
            raise BadInput(field=name[:80], reason="unknown_parameter")
        if name in met:
            raise BadInput(field=name, reason="duplicate_parameter")
        if known[name] and value.casefold() == "null":  # msgspec would take it as left out
            raise BadInput(field=name, reason="unknown_value")
        met.add(name)


async def check_body(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """The API takes JSON that fits, and nothing else. Raises BadInput at the field, or 415."""
    if getattr(handler, "parsed_data_field", None) is None:
        return
    request = cast(Request[Any, Any, Any], connection)
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind != JSON:
        raise HTTPException(status_code=415, detail=kind[:80])
    await request.json()


def _any_org(access: Access | None, permission: Permission) -> Access:
    """For pages that start at "my stores": some organisation of the person's is enough."""
    if access is not None and access.orgs_with(permission):
        return access
    return require(access, permission, None)
