"""Sessions and the password."""

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts import commands, queries
from dougong.accounts.rules import token_hash
from dougong.base.access import Access, Permission
from dougong.base.errors import NotFound, Refusal
from dougong.flows import sign_in as flow
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.web.account.common import (
    AnyRequest,
    caller_of,
    drop_cookie,
    form_page,
    go,
    put_cookie,
    request_id,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.security import SESSION_COOKIE


class ChangePassword(Form):
    current: str
    password: str


class Nothing(Form):
    """A button."""


BROWSERS = {
    "MicroMessenger": "WeChat",
    "Edg/": "Edge",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


def device_name(user_agent: str) -> str:
    """`Chrome · Android`: what a person can tell devices by; the plain text where unknown."""
    told = [
        next((name for mark, name in names.items() if mark in user_agent), "")
        for names in (BROWSERS, SYSTEMS)
    ]
    return " · ".join(filter(None, told)) or user_agent[:60]


async def _page(
    request: AnyRequest, who: Access, *, refusal: Refusal | None = None
) -> Response[str]:
    async with transaction() as conn:
        rows = await queries.open_sessions(conn, who.person_id, at=wall_now())
        person = await queries.person(conn, who.person_id)
    mine = token_hash(request.cookies.get(SESSION_COOKIE, ""))
    sessions = [
        {
            "name": row.token_hash.hex(),
            "device": device_name(row.user_agent),
            "is_phone": "Mobile" in row.user_agent,
            "since": row.created_at,
            "is_this": row.token_hash == mine,
        }
        for row in rows
    ]
    return form_page(
        request, "account/security.html", refusal=refusal, sessions=sessions, email=person.email
    )


@get("/me/security", permission=Permission.SELF_READ, include_in_schema=False)
async def security_page(request: AnyRequest, who: Who) -> Response[str]:
    return await _page(request, who)


@post(
    "/me/security/password",
    permission=Permission.SELF_WRITE,
    include_in_schema=False,
    status_code=200,
)
async def change_password(
    request: AnyRequest, who: Who, data: FormData[ChangePassword]
) -> Response[str]:
    try:
        token = await flow.change_password(
            person_id=who.person_id,
            current=data.current,
            password=data.password,
            caller=caller_of(request),
        )
    except Refusal as refusal:
        return await _page(request, who, refusal=refusal)
    return put_cookie(go("/me/security?changed=password"), token)


@post(
    "/me/security/sessions/{session:str}/end",
    permission=Permission.SELF_WRITE,
    include_in_schema=False,
    status_code=303,
)
async def end_session(
    conn: Conn, who: Who, session: FromPath[str], data: FormData[Nothing]
) -> Response[str]:
    try:
        name = bytes.fromhex(session)
    except ValueError as error:
        raise NotFound from error
    await commands.end_named_session(conn, person_id=who.person_id, session=name, at=wall_now())
    return go("/me/security?changed=session")


@post(
    "/me/security/sign-out-everywhere",
    permission=Permission.SELF_WRITE,
    include_in_schema=False,
    status_code=303,
)
async def sign_out_everywhere(
    request: AnyRequest, conn: Conn, now: Now, who: Who, data: FormData[Nothing]
) -> Response[str]:
    ended = await commands.end_sessions(conn, person_id=who.person_id, at=wall_now())
    await commands.audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="accounts.signed_out_everywhere",
        owner_id=who.person_id,
        subject=who.name,
        facts={"ended_sessions": ended},
        request_id=request_id(request),
    )
    return drop_cookie(go("/sign-in"))


HANDLERS: list[HTTPRouteHandler] = [
    security_page,
    change_password,
    end_session,
    sign_out_everywhere,
]
