"""The hand-off: from a product link to where the product is bought. Works without script.

A click counts with a token of a place where we showed the link: the sheet, or the page that stands
between, which everybody gets who comes from anywhere else.
"""

from typing import Any

import ada_url
from litestar import Response, get, head, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Access, Permission
from dougong.base.errors import NotFound
from dougong.flows.hand_off import HandOff, hand_off
from dougong.flows.hand_over_checkout import hand_over_checkout
from dougong.links.rules import LinkState, Validity
from dougong.reads.hand_off import link_behind
from dougong.web.account.common import AnyRequest
from dougong.web.deps import Actor, Conn, Now
from dougong.web.forms import Form, FormData
from dougong.web.i18n import locale_of_request
from dougong.web.observe import CSP
from dougong.web.render import page
from dougong.web.shopper.qr import qr_answer
from dougong.web.shopper.structured_data import absolute
from dougong.web.videos import spend_click
from dougong.web.visits import token_for, visitor_from

GO = "/go/{link_code:str}"
OPEN: dict[str, Any] = {"permission": Permission.PUBLIC, "include_in_schema": False}
# The shop learns from which site its visitor comes, not from which page; nothing keeps the answer.
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "strict-origin",
    "x-robots-tag": "noindex, nofollow",
}


class GoForm(Form):
    share: str = ""
    token: str = ""


async def _hand_off(
    request: AnyRequest,
    actor: Access | None,
    conn: Conn,
    now: Now,
    link_code: str,
    *,
    share: str,
    token: str,
    goes_on: bool,
) -> HandOff:
    await spend_click(request, actor)
    who = visitor_from(request, actor)
    return await hand_off(
        conn,
        code=link_code[:64],
        visit=who.visit,
        visitor=who.visitor,
        person_id=who.person_id,
        acts_for=who.acts_for,
        share_code=share[:20],
        goes_on=goes_on,
        token=token,
        at=now,
    )


def _status(found: HandOff) -> int:
    if found.validity is Validity.PREFETCH:
        return 503  # a browser throws it away, and asks again when somebody taps
    if found.target is not None:
        return 200
    return 403 if found.link.state is LinkState.SHOWN else 410


def _answer(request: AnyRequest, found: HandOff, *, share: str, token: str) -> Response[Any]:
    """`token`: for the forms of the page that stands between."""
    if found.is_sent and found.target:
        return Response("", status_code=303, headers=HEADERS | {"location": found.target})
    leads_out = found.target if found.link.url is not None else None
    read = ada_url.URL(leads_out) if leads_out else None
    made = page(
        request,
        "shopper/go.html",
        status=_status(found),
        link=found.link,
        leads=found.target is not None,
        host=read.hostname if read else "",
        share=share[:20],
        token=token,
    )
    made.headers.update(HEADERS)
    if read:  # the forms on this page lead there, by way of our redirect
        to = f"form-action 'self' {read.origin}"
        if found.link.adapter == "ucp":  # its carts may be on any of its hosts
            to = " ".join([to, *(f"https://{one}" for one in found.link.hosts)])
        made.headers["content-security-policy"] = CSP.replace("form-action 'self'", to)
    return made


@get(GO, **OPEN)
async def go(
    link_code: FromPath[str],
    request: AnyRequest,
    actor: Actor,
    conn: Conn,
    now: Now,
    share: FromQuery[str] = "",
    t: FromQuery[str] = "",
) -> Response[Any]:
    found = await _hand_off(
        request, actor, conn, now, link_code, share=share, token=t, goes_on=False
    )
    fresh = token_for(request, actor, code=link_code[:64], now=now)
    return _answer(request, found, share=share, token=fresh)


@post(GO, status_code=303, **OPEN)
async def go_on(
    link_code: FromPath[str],
    data: FormData[GoForm],
    request: AnyRequest,
    actor: Actor,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """From the page that asks before leaving."""
    found = await _hand_off(
        request, actor, conn, now, link_code, share=data.share, token=data.token, goes_on=True
    )
    fresh = token_for(request, actor, code=link_code[:64], now=now)
    return _answer(request, found, share=data.share, token=fresh)


@post(GO + "/checkout", status_code=303, **OPEN)
async def go_to_checkout(
    link_code: FromPath[str], data: FormData[GoForm], request: AnyRequest, actor: Actor
) -> Response[Any]:
    """To a cart with the product in it, where the source can open one; else to the product."""
    await spend_click(request, actor)
    who = visitor_from(request, actor)
    made = await hand_over_checkout(
        code=link_code[:64],
        visit=who.visit,
        visitor=who.visitor,
        person_id=who.person_id,
        acts_for=who.acts_for,
        share_code=data.share[:20],
        token=data.token,
        language=locale_of_request.get(),
    )
    if made.target is not None:
        return Response("", status_code=303, headers=HEADERS | {"location": made.target})
    fresh = token_for(request, actor, code=link_code[:64], now=made.at)
    return _answer(request, made.found, share=data.share, token=fresh)


@head(GO, **OPEN)
async def go_head(
    link_code: FromPath[str], request: AnyRequest, actor: Actor, conn: Conn, now: Now
) -> Response[None]:
    """Whether the link is there; never where it leads."""
    found = await _hand_off(request, actor, conn, now, link_code, share="", token="", goes_on=False)
    status = 200 if found.target is not None else _status(found)
    return Response(None, status_code=status, headers=HEADERS)


@get(GO + "/qr.svg", **OPEN)
async def go_qr(link_code: FromPath[str], conn: Conn, now: Now) -> Response[bytes]:
    """The hand-off address as a picture, for print and screens."""
    if await link_behind(conn, code=link_code[:64], at=now) is None:
        raise NotFound
    return qr_answer(absolute(f"/go/{link_code}"))


HANDLERS: list[HTTPRouteHandler] = [go, go_on, go_to_checkout, go_head, go_qr]
