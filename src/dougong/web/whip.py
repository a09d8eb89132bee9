"""WHIP (RFC 9725): a publisher posts its offer, and ends its session by deleting it.

The stream key is the permission. Every answer may be read by pages of any origin: no cookie counts
here. Trickled candidates are taken and not needed (infra/live_webrtc.py); ICE is not restarted.
"""

from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, patch, post, route
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.errors import Refusal
from dougong.base.ids import RoomId
from dougong.flows import publish_live
from dougong.infra.limits import spend
from dougong.infra.live_sdp import MAX_SDP_BYTES, BadOffer, fragment_candidates
from dougong.live.publisher_rules import StrangeKey
from dougong.web.account.common import caller_of
from dougong.web.refusals import message_for

ENDPOINT = "/whip/{room_id:uuid}"
SESSION = ENDPOINT + "/{session_id:uuid}"
OFFER, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
MOST_OFFERS_A_MINUTE = 60  # of one address
OPEN: dict[str, Any] = {"permission": Permission.PUBLIC, "include_in_schema": False}
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Accept-Patch, WWW-Authenticate",
}
PREFLIGHT = CORS | {
    "Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "86400",
    "Accept-Post": OFFER,
    "Accept-Patch": FRAGMENT,
}
AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]


def stream_key(request: AnyRequest) -> str:
    """The bearer token. Raises StrangeKey without one."""
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        raise StrangeKey
    return key.strip()


def refused(refusal: Refusal) -> Answer:
    """As `application/problem+json` (RFC 9457), readable from other origins."""
    more = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
    if refusal.status == 503:
        more["Retry-After"] = "2"
    problem = {
        "title": message_for(refusal.code, refusal.facts),
        "status": refusal.status,
        "code": refusal.code,
    }
    return _problem(problem, refusal.status, more)


def failed(status: int, code: str, **headers: str) -> Answer:
    return _problem({"title": code, "status": status, "code": code}, status, headers)


def _problem(problem: dict[str, Any], status: int, headers: dict[str, str]) -> Answer:
    return Response(
        problem, status_code=status, media_type="application/problem+json", headers=CORS | headers
    )


async def body_of(request: AnyRequest, kind: str) -> str:
    """The body as text. Raises HTTPException 415, 413, 400."""
    told = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if told != kind:
        raise HTTPException(status_code=415, detail="unsupported_media_type")
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError as error:
        raise HTTPException(status_code=400, detail="bad_input") from error


def etag(session_id: UUID) -> str:
    """Of the ICE session, which stays the same as long as the WHIP session."""
    return f'"{session_id.hex}"'


@post(ENDPOINT, request_max_body_size=MAX_SDP_BYTES, **OPEN)
async def publish(room_id: FromPath[UUID], request: AnyRequest) -> Answer:
    """Take a publisher."""
    try:
        key = stream_key(request)
        await spend(f"whip:{caller_of(request).address}", most=MOST_OFFERS_A_MINUTE, window_s=60)
        offer = await body_of(request, OFFER)
        made = await publish_live.publish_by_whip(room_id=RoomId(room_id), key=key, offer=offer)
    except Refusal as refusal:
        return refused(refusal)
    except HTTPException as error:
        return failed(error.status_code, error.detail, **{"Accept-Post": OFFER})
    headers = {"Location": f"/whip/{room_id}/{made.session_id}", "ETag": etag(made.session_id)}
    return Response(
        made.answer,
        status_code=201,
        media_type=OFFER,
        headers=CORS | headers | {"Accept-Patch": FRAGMENT},
    )


@patch(SESSION, request_max_body_size=MAX_SDP_BYTES, **OPEN)
async def trickle(
    room_id: FromPath[UUID], session_id: FromPath[UUID], request: AnyRequest
) -> Answer:
    """More candidates of the publisher."""
    try:
        key = stream_key(request)
        fragment = await body_of(request, FRAGMENT)
        await publish_live.check_session(room_id=RoomId(room_id), session_id=session_id, key=key)
    except Refusal as refusal:
        return refused(refusal)
    except HTTPException as error:
        return failed(error.status_code, error.detail, **{"Accept-Patch": FRAGMENT})
    wanted = request.headers.get("if-match", "")
    if not wanted:
        return failed(428, "precondition_required")
    if wanted == "*":
        return failed(422, "no_ice_restart")
    if wanted != etag(session_id):
        return failed(412, "precondition_failed")
    try:
        fragment_candidates(fragment)
    except BadOffer as error:
        return failed(422 if error.was_read else 400, error.reason)
    return Response(None, status_code=204, headers=CORS)


@delete(SESSION, status_code=200, **OPEN)
async def leave(room_id: FromPath[UUID], session_id: FromPath[UUID], request: AnyRequest) -> Answer:
    """End the session."""
    try:
        await publish_live.leave(
            room_id=RoomId(room_id), session_id=session_id, key=stream_key(request)
        )
    except Refusal as refusal:
        return refused(refusal)
    return Response(None, status_code=200, headers=CORS)


@route([ENDPOINT, SESSION], http_method="OPTIONS", status_code=204, **OPEN)
async def options() -> Response[None]:
    """What a publisher on another origin asks before it posts."""
    return Response(None, status_code=204, headers=PREFLIGHT)


# OPTIONS first: else Litestar adds one of its own, which knows nothing of other origins.
HANDLERS: list[HTTPRouteHandler] = [options, publish, trickle, leave]
