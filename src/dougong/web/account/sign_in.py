"""Sign up, sign in, sign out."""

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from dougong.accounts import commands
from dougong.base.access import Permission
from dougong.base.errors import Refusal
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
    safe_next,
)
from dougong.web.deps import Actor
from dougong.web.forms import Form, FormData
from dougong.web.i18n import locale_of_request
from dougong.web.security import SESSION_COOKIE


class SignIn(Form):
    email: str
    password: str
    next: str = "/"


class SignUp(Form):
    name: str
    email: str
    password: str
    next: str = "/"


class SignOut(Form):
    next: str = "/"


@get("/sign-in", permission=Permission.PUBLIC, include_in_schema=False)
async def sign_in_page(request: AnyRequest, actor: Actor) -> Response[str]:
    target = safe_next(request.query_params.get("next"))
    if actor is not None:
        return go(target)
    return form_page(request, "account/sign_in.html", next=target, email="")


@post("/sign-in", permission=Permission.PUBLIC, include_in_schema=False, status_code=200)
async def sign_in(request: AnyRequest, data: FormData[SignIn]) -> Response[str]:
    target = safe_next(data.next)
    try:
        made = await flow.sign_in(
            email=data.email, password=data.password, caller=caller_of(request)
        )
    except Refusal as refusal:
        return form_page(
            request, "account/sign_in.html", refusal=refusal, next=target, email=data.email
        )
    await _end_old(request)
    return put_cookie(go(target), made.token)


@get("/sign-up", permission=Permission.PUBLIC, include_in_schema=False)
async def sign_up_page(request: AnyRequest, actor: Actor) -> Response[str]:
    target = safe_next(request.query_params.get("next"))
    if actor is not None:
        return go(target)
    return form_page(request, "account/sign_up.html", next=target, email="", person_name="")


@post("/sign-up", permission=Permission.PUBLIC, include_in_schema=False, status_code=200)
async def sign_up(request: AnyRequest, data: FormData[SignUp]) -> Response[str]:
    target = safe_next(data.next)
    try:
        made = await flow.sign_up(
            email=data.email,
            password=data.password,
            name=data.name,
            locale=locale_of_request.get(),
            caller=caller_of(request),
        )
    except Refusal as refusal:
        return form_page(
            request,
            "account/sign_up.html",
            refusal=refusal,
            next=target,
            email=data.email,
            person_name=data.name,
        )
    await _end_old(request)
    return put_cookie(go(target), made.token)


@post("/sign-out", permission=Permission.PUBLIC, include_in_schema=False, status_code=303)
async def sign_out(request: AnyRequest, data: FormData[SignOut]) -> Response[str]:
    await _end_old(request)
    return drop_cookie(go(safe_next(data.next)))


async def _end_old(request: AnyRequest) -> None:
    """A session that a browser leaves behind is over, so that its token is worth nothing."""
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        async with transaction() as conn:
            await commands.end_session(conn, token=token, at=wall_now())


HANDLERS: list[HTTPRouteHandler] = [sign_in_page, sign_in, sign_up_page, sign_up, sign_out]
