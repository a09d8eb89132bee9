"""What a person acts for, and how to become a creator or open a store."""

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from dougong.accounts import queries
from dougong.base.access import Access, Permission
from dougong.base.errors import Refusal
from dougong.flows.open_store import become_creator, open_store
from dougong.infra.limits import spend
from dougong.infra.settings import settings
from dougong.web.account.common import AnyRequest, form_page, go, request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData

DAY_S = 86_400
MOST_A_DAY = 5


class BecomeCreator(Form):
    name: str
    handle: str


class OpenStore(Form):
    name_zh: str
    code: str
    name_en: str = ""


async def _page(
    request: AnyRequest,
    conn: Conn,
    who: Access,
    *,
    refusal: Refusal | None = None,
    form: str = "",
    values: dict[str, Any] | None = None,
) -> Response[str]:
    return form_page(
        request,
        "account/roles.html",
        refusal=refusal,
        organisations=await queries.organisations_of(conn, who.person_id),
        form=form,
        values={"name": who.name, "handle": "", "name_zh": "", "name_en": "", "code": ""}
        | (values or {}),
    )


@get("/me/roles", permission=Permission.SELF_READ, include_in_schema=False)
async def roles_page(request: AnyRequest, conn: Conn, who: Who) -> Response[str]:
    return await _page(request, conn, who)


@post(
    "/me/roles/creator",
    permission=Permission.SELF_WRITE,
    include_in_schema=False,
    status_code=200,
)
async def take_creator(
    request: AnyRequest, conn: Conn, now: Now, who: Who, data: FormData[BecomeCreator]
) -> Response[str]:
    try:
        await spend(f"open.person:{who.person_id}", most=MOST_A_DAY, window_s=DAY_S)
        org_id = await become_creator(
            conn,
            person_id=who.person_id,
            name=data.name,
            handle=data.handle,
            at=now,
            request_id=request_id(request),
        )
    except Refusal as refusal:
        values = {"name": data.name, "handle": data.handle}
        return await _page(request, conn, who, refusal=refusal, form="creator", values=values)
    return go(f"/creator/{org_id}/videos")


@post(
    "/me/roles/store",
    permission=Permission.SELF_WRITE,
    include_in_schema=False,
    status_code=200,
)
async def take_store(
    request: AnyRequest, conn: Conn, now: Now, who: Who, data: FormData[OpenStore]
) -> Response[str]:
    try:
        await spend(f"open.person:{who.person_id}", most=MOST_A_DAY, window_s=DAY_S)
        async with conn.begin_nested():
            store_id = await open_store(
                conn,
                person_id=who.person_id,
                name_zh=data.name_zh,
                name_en=data.name_en,
                code=data.code,
                currency=settings().currency,
                at=now,
                request_id=request_id(request),
            )
    except Refusal as refusal:
        values = {"name_zh": data.name_zh, "name_en": data.name_en, "code": data.code}
        return await _page(request, conn, who, refusal=refusal, form="store", values=values)
    return go(f"/merchant/stores/{store_id}/products")


HANDLERS: list[HTTPRouteHandler] = [roles_page, take_creator, take_store]
