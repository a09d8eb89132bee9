"""API keys: made, shown once, revoked."""

from datetime import timedelta
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts import commands, key_commands, queries
from dougong.accounts.rules import grantable
from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput, Refusal
from dougong.infra.clock import wall_now
from dougong.web.account.common import AnyRequest, form_page, go, request_id
from dougong.web.account.scope_words import SCOPE_WORDS
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext

DAYS = (30, 90, 365, 0)


class MakeKey(Form):
    name: str
    days: int
    scopes: list[str] | str = ""


class Nothing(Form):
    """A button."""


async def _page(
    request: AnyRequest,
    conn: Conn,
    who: Access,
    *,
    refusal: Refusal | None = None,
    name: str = "",
    days: int = 90,
    chosen: list[str] | None = None,
    fresh: key_commands.MadeKey | None = None,
) -> Response[str]:
    scopes = [(str(one), gettext(SCOPE_WORDS[one])) for one in grantable(who)]
    made = form_page(
        request,
        "account/keys.html",
        refusal=refusal,
        keys=await queries.keys_of(conn, who.person_id),
        scope_words={str(one): gettext(words) for one, words in SCOPE_WORDS.items()},
        scopes=scopes,
        key_name=name,
        days=days,
        chosen=chosen or [],
        fresh=fresh,
        wall=wall_now(),
    )
    made.headers["Cache-Control"] = "no-store"
    return made


@get("/me/keys", permission=Permission.KEYS_MANAGE, include_in_schema=False)
async def keys_page(request: AnyRequest, conn: Conn, who: Who) -> Response[str]:
    return await _page(request, conn, who)


@post("/me/keys", permission=Permission.KEYS_MANAGE, include_in_schema=False, status_code=200)
async def make_key(
    request: AnyRequest, conn: Conn, now: Now, who: Who, data: FormData[MakeKey]
) -> Response[str]:
    chosen = [data.scopes] if isinstance(data.scopes, str) and data.scopes else list(data.scopes)
    at = wall_now()
    try:
        if data.days not in DAYS:
            raise BadInput(field="days", reason=str(data.days))
        made = await key_commands.make_key(
            conn,
            access=who,
            name=data.name,
            scopes=chosen,
            at=at,
            expires_at=at + timedelta(days=data.days) if data.days else None,
        )
    except Refusal as refusal:
        return await _page(
            request, conn, who, refusal=refusal, name=data.name, days=data.days, chosen=chosen
        )
    await commands.audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="accounts.key_made",
        owner_id=who.person_id,
        subject=made.shown,
        facts={"name": data.name, "scopes": chosen},
        request_id=request_id(request),
    )
    return await _page(request, conn, who, fresh=made)


@post(
    "/me/keys/{key_id:uuid}/revoke",
    permission=Permission.KEYS_MANAGE,
    include_in_schema=False,
    status_code=303,
)
async def revoke_key(
    request: AnyRequest,
    conn: Conn,
    now: Now,
    who: Who,
    key_id: FromPath[UUID],
    data: FormData[Nothing],
) -> Response[str]:
    await key_commands.revoke_key(conn, person_id=who.person_id, key_id=key_id, at=wall_now())
    await commands.audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="accounts.key_revoked",
        owner_id=who.person_id,
        subject=str(key_id),
        request_id=request_id(request),
    )
    return go("/me/keys")


HANDLERS: list[HTTPRouteHandler] = [keys_page, make_key, revoke_key]
