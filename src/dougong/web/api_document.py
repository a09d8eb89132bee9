"""The OpenAPI 3.1 document: Litestar lists the routes, the shapes are msgspec's own, and what every
operation shares (who may, refusals, headers) is added from the route table."""

import inspect
import re
from functools import cache
from typing import Any, get_args, get_origin

import msgspec
from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin

from dougong.base.access import Permission
from dougong.web.refusals import RefusalBody

REF = "#/components/schemas/{name}"
DESCRIPTION = """\
Money is `{"minor": 1230, "currency": "CNY"}`: whole minor units (fen, cents), never a decimal
fraction, always below 2^53. Instants are RFC 3339 with an offset. Lists come in pages: pass `after`
(or `cursor`) back for the next one.

Sign in with `POST /api/v1/sessions`, or make an API key under *Account*, and send it as
`Authorization: Bearer …`. What one may not touch looks like what does not exist: 404.

Where an operation takes an `Idempotency-Key`, the same key with the same body gives the same answer
and happens once: after a lost reply, send the request again. The key with another body is refused
with 409 `idempotency_key_reused`. Unknown fields and query parameters are refused with 400.

Every refusal is `{"code", "message", "field", "facts", "request_id"}`; codes are stable, messages
are in the language that was asked for. Every answer carries `X-Request-Id`.
"""
REFUSALS = {
    400: "The request does not fit: see `field` and `facts`.",
    401: "Signing in is needed, or the token is no longer good.",
    403: "The caller is known, and may not do this here: see `code`.",
    404: "There is no such thing, or it is not the caller's.",
    409: "It does not fit what is there already, or an idempotency key is used for something else.",
    413: "The body is too big.",
    415: "The body is no JSON.",
    422: "Well-formed, but not possible: see `code`.",
    429: "Too often; come back after `Retry-After` seconds.",
    503: "The database or an outside party is away; send it again with the same key.",
}
ID = {
    "X-Request-Id": {"description": "Names this request in our logs.", "schema": {"type": "string"}}
}
LATER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}}}


class ApiDocument(JsonRenderPlugin):
    """The document as `/api/docs/openapi.json`."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return _document(request.app, msgspec.json.encode(openapi_schema))


@cache
def _document(app: Litestar, drawn: bytes) -> bytes:
    return msgspec.json.encode(completed(app, msgspec.json.decode(drawn)))


def operations(app: Litestar) -> list[tuple[str, str, HTTPRouteHandler]]:
    """(path as in the document, method in lower case, handler) of everything in it."""
    from dougong.web.app import routes_of

    return [
        (re.sub(r":\w+}", "}", path), method.lower(), handler)
        for path, handler in routes_of(app)
        if path.startswith("/api/") and handler.resolve_include_in_schema() is not False
        for method in sorted(handler.http_methods - {"OPTIONS"})
    ]


def operation_id(handler: HTTPRouteHandler) -> str:
    """Its tag and its name, such as `merchant_orders_ship`."""
    (tag,) = handler.tags or ()
    return f"{tag} {handler.handler_name}".replace(" ", "_")


def completed(app: Litestar, drawn: dict[str, Any]) -> dict[str, Any]:
    """drawn: as Litestar makes it; answers a document of the same operations."""
    found = operations(app)
    types = [RefusalBody]
    for _, _, handler in found:
        types += [one for one in (_taken(handler), _given(handler)) if one not in (None, bytes)]
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    shapes = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, Any] = {}
    for path, method, handler in found:
        operation = drawn["paths"][path][method]
        _complete(operation, path, handler, shapes)
        paths.setdefault(path, {})[method] = operation
    schemes = {"bearer": {"type": "http", "scheme": "bearer", "description": "Session or API key."}}
    return {
        "openapi": drawn["openapi"],
        "info": drawn["info"] | {"description": DESCRIPTION, "license": LICENSE},
        "servers": drawn["servers"],
        "tags": [
            {"name": tag}
            for tag in sorted({o["tags"][0] for p in paths.values() for o in p.values()})
        ],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": schemes},
    }


LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


def _complete(
    operation: dict[str, Any], path: str, handler: HTTPRouteHandler, shapes: dict[str, Any]
) -> None:
    permission: Permission = handler.opt["permission"]
    is_public = permission is Permission.PUBLIC
    taken, given = _taken(handler), _given(handler)
    operation["operationId"] = operation_id(handler)
    words = inspect.getdoc(handler.fn) or ""
    needs = "Open to anybody." if is_public else f"Needs `{permission}`."
    operation["description"] = f"{words}\n\n{needs}".strip()
    operation["security"] = [{}, {"bearer": []}] if is_public else [{"bearer": []}]
    for parameter in operation.get("parameters", []):
        _tidy(parameter)
    if taken is not None:
        content = {"application/json": {"schema": shapes[repr(taken)]}}
        operation["requestBody"] = {"required": True, "content": content}
    status = str(handler.status_code)
    success: dict[str, Any] = {"description": SUCCESS.get(status, "Done."), "headers": ID}
    if given is bytes:
        kinds = handler.opt.get("files", FILES)
        success["content"] = {kind: {"schema": {"type": "string"}} for kind in kinds}
    elif given is not None:
        success["content"] = {"application/json": {"schema": shapes[repr(given)]}}
    operation["responses"] = {status: success} | {
        str(code): _refusal(code) for code in refusals_of(path, handler)
    }


SUCCESS = {"200": "Here it is.", "201": "Made.", "202": "Accepted; it goes on by itself."}
FILES = (
    "text/csv; charset=utf-8",
    "text/tab-separated-values; charset=utf-8",
    "application/xml; charset=utf-8",
    "application/pdf",
)


def _tidy(parameter: dict[str, Any]) -> None:
    """One type, no null: what is left out is not sent."""
    schema = parameter["schema"]
    for one in schema.pop("oneOf", []):
        if one != {"type": "null"}:
            schema.update(one)
    schema.pop("description", None)
    parameter.setdefault("description", PATH_WORDS.get(parameter["name"], ""))
    for name in ("deprecated", "allowEmptyValue", "allowReserved"):
        parameter.pop(name, None)


PATH_WORDS = {
    "store": "The store that sold it.",
    "store_id": "A store.",
    "book_id": "The store.",
    "code": "The store's code.",
    "org_id": "The merchant's organisation.",
    "creator_id": "The creator's organisation.",
    "channel_id": "The creator.",
}


def refusals_of(path: str, handler: HTTPRouteHandler) -> list[int]:
    """The statuses, beside success, that a caller of a route may see."""
    is_public = handler.opt["permission"] is Permission.PUBLIC
    takes = _taken(handler) is not None
    writes = bool(handler.http_methods & {"POST", "PUT", "PATCH", "DELETE"})
    found = [400, 401] if not is_public or handler.opt.get("may_need_sign_in") else [400]
    if not is_public:
        found.append(403)
    if not is_public or "{" in path:
        found.append(404)
    if writes:
        found += [409, 413, 415, 422] if takes else [409, 422]
    return [*found, 429, 503]


def _refusal(code: int) -> dict[str, Any]:
    ref = REF.format(name=RefusalBody.__name__)
    return {
        "description": REFUSALS[code],
        "headers": ID | (LATER if code == 429 else {}),
        "content": {"application/json": {"schema": {"$ref": ref}}},
    }


def _taken(handler: HTTPRouteHandler) -> Any | None:
    """The type of the body, or None."""
    field = handler.parsed_data_field
    return None if field is None else field.annotation


def _given(handler: HTTPRouteHandler) -> Any | None:
    """The type of the answer; bytes for a file, None for nothing."""
    given = handler.parsed_return_field.annotation
    if isinstance(get_origin(given), type) and issubclass(get_origin(given), Response):
        given = get_args(given)[0]
    return None if given in (None, type(None)) else given
