"""Refusals as people and programs see them: one JSON shape, one page, one fragment."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec
import structlog
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, ValidationException
from prometheus_client import Counter
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dougong.base.errors import BadInput, Refusal, SignInNeeded, Unavailable
from dougong.web.i18n import gettext, locale_of_request, mark
from dougong.web.observe import SECURITY_HEADERS
from dougong.web.render import page
from dougong.web.security import locale_for
from dougong.web.words import refusal_words

log = structlog.get_logger("web")

CODES_BY_STATUS = {
    400: "bad_input",
    401: "sign_in_needed",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_big",
    415: "unsupported_media_type",
    429: "too_many_requests",
}
METHOD = CODES_BY_STATUS[405]
# The state of things says no (sold out, the price has changed): an answer of every day, and in a
# flash sale what most of thousands hear. Counted by code; a line of its own at level debug only.
EVERYDAY = (409, 422)
REFUSALS = Counter("dougong_refusals", "Refusals by code", ["code"])
UNKNOWN = mark("Something went wrong on our side. Nothing was changed; please try again.")


class RefusalBody(msgspec.Struct):
    """The JSON of every refusal. `request_id` finds it in the logs."""

    code: str
    message: str
    field: str | None = None
    facts: dict[str, Any] = {}
    request_id: str = ""


def message_for(code: str, facts: dict[str, Any]) -> str:
    """The text for people. Facts that a text does not name are left out."""
    return refusal_words(code, facts, unknown=UNKNOWN)


def wants_json(request: Request[Any, Any, Any]) -> bool:
    return request.scope["path"].startswith(
        ("/api/", "/gateways/", "/hooks/", "/healthz", "/readyz")
    )


def refuse(request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
    body = RefusalBody(
        code=refusal.code,
        message=message_for(refusal.code, refusal.facts | {"field": refusal.field or ""}),
        field=refusal.field,
        facts={key: _plain(value) for key, value in refusal.facts.items()},
    )
    return _answer(request, refusal.status, body)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str | float | bool | list | dict) else str(value)


def _answer(request: Request[Any, Any, Any], status: int, body: RefusalBody) -> Response[Any]:
    body.request_id = str(request.scope.get("request_id") or uuid4().hex)
    headers: dict[str, str] = {}
    if "user" not in request.scope:  # no route was found: no middleware has run
        headers = SECURITY_HEADERS | {"x-request-id": body.request_id}
    REFUSALS.labels(body.code).inc()
    (log.debug if status in EVERYDAY else log.info)(
        "refused",
        request_id=body.request_id,
        method=request.method,
        path=request.scope["path"],
        status=status,
        code=body.code,
        field=body.field,
    )
    if status == 429:
        headers["Retry-After"] = str(body.facts.get("retry_after_s", 60))
    if wants_json(request):
        return Response(body, status_code=status, headers=headers, media_type=MediaType.JSON)
    if status == SignInNeeded.status and request.method == "GET":
        from urllib.parse import quote

        asked = f"?{request.url.query}" if request.url.query else ""
        target = quote(request.url.path + asked, safe="/")
        if request.headers.get("HX-Request"):
            return Response("", status_code=200, headers={"HX-Redirect": f"/sign-in?next={target}"})
        return Response("", status_code=303, headers={"Location": f"/sign-in?next={target}"})
    if request.headers.get("HX-Request"):
        headers |= {"HX-Retarget": "#toast", "HX-Reswap": "innerHTML"}
        made = page(request, "toast.html", status=status, refusal=body)
    else:
        made = page(request, "refused.html", status=status, refusal=body)
    made.headers.update(headers)
    return made


def on_refusal(request: Request[Any, Any, Any], error: Refusal) -> Response[Any]:
    return refuse(request, error)


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if "user" not in request.scope:  # no route was found: no middleware has run
        locale_of_request.set(locale_for(request, None))
    facts: dict[str, Any] = {}
    field = None
    if isinstance(error, ValidationException):
        found = error.extra if isinstance(error.extra, list) else []
        facts = {"problems": [_problem(one) for one in found]}
        field = next((one["field"] for one in facts["problems"] if one["field"]), None)
        detail = "; ".join(p["problem"] for p in facts["problems"]) or str(error.detail)
        return refuse(request, BadInput(field=field, reason=detail, **facts))
    code = CODES_BY_STATUS.get(error.status_code, "bad_input")
    body = RefusalBody(code=code, message=message_for(code, {"reason": error.detail, "field": ""}))
    made = _answer(request, error.status_code, body)
    made.headers.update({"allow": (error.headers or {}).get("allow", "")} if code == METHOD else {})
    return made


def _problem(found: Any) -> dict[str, str]:
    one = found if isinstance(found, dict) else {"message": str(found)}
    return {"field": str(one.get("key", "")), "problem": str(one.get("message", ""))}


def on_database(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The database is away or too slow: 503, and the same key may be sent again."""
    if _is_away(error):
        log.warning("database_unavailable", error=str(error)[:300])
        return refuse(request, Unavailable())
    return on_fault(request, error)


def on_several(request: Request[Any, Any, Any], errors: ExceptionGroup) -> Response[Any]:
    """A handler and the end of its transaction failed together: when the database went away in
    between, both have that one cause."""
    leaves = list(_leaves(errors))
    away = [one for one in leaves if _is_away(one)]
    refusals = [one for one in leaves if isinstance(one, Refusal)]
    if away and len(away) + len(refusals) == len(leaves):
        return on_database(request, away[0])
    return on_fault(request, errors)


def _leaves(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _is_away(error: Exception) -> bool:
    if isinstance(error, OperationalError | PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def on_fault(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A fault of ours: logged in full, answered without detail."""
    log.error("fault", exc_info=error, path=request.url.path)
    body = RefusalBody(code="fault", message=gettext(UNKNOWN))
    return _answer(request, 500, body)


# What is raised to what is answered.
ANSWERS: dict[Any, Any] = {
    Refusal: on_refusal,
    HTTPException: on_http,
    DBAPIError: on_database,
    PoolTimeout: on_database,
    ExceptionGroup: on_several,
    Exception: on_fault,
}
