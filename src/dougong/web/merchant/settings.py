"""A store's own words, its shipping rule and its logo."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.catalog.commands import change_store, set_logo
from dougong.catalog.images import keep_image
from dougong.catalog.queries import store_of
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import STORE, amount, merchant_page, problem_words, see, store_url
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.STORE_MANAGE, "include_in_schema": False}


class StoreForm(Form, kw_only=True):
    name_zh: str
    name_en: str = ""
    tagline_zh: str = ""
    tagline_en: str = ""
    shipping_fee: str
    free_shipping_from: str = ""


@get(STORE + "/settings", **ROUTE)
async def settings_page(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    return await merchant_page(
        request,
        conn,
        "merchant/settings.html",
        store_id=store_id,
        typed=None,
        bad_field="",
        bad_words="",
    )


@post(STORE + "/settings", **ROUTE)
async def save_settings(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[StoreForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    ours = StoreId(store_id)
    try:
        currency = (await store_of(conn, store_id=ours)).currency
        fee = amount(data.shipping_fee, currency, field="shipping_fee") or 0
        free_from = amount(
            data.free_shipping_from, currency, field="free_shipping_from", required=False
        )
        await change_store(
            conn,
            store_id=ours,
            name_zh=data.name_zh,
            name_en=data.name_en,
            tagline_zh=data.tagline_zh,
            tagline_en=data.tagline_en,
            shipping_fee_minor=fee,
            free_shipping_from_minor=free_from,
            at=now,
        )
    except Refusal as refusal:
        return await merchant_page(
            request,
            conn,
            "merchant/settings.html",
            store_id=store_id,
            status=422,
            typed=data,
            bad_field=refusal.field,
            bad_words=problem_words(refusal),
        )
    fees = {"shipping_fee_minor": fee, "free_shipping_from_minor": free_from}
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="catalog.store_changed",
        owner_id=store_id,
        subject="settings",
        facts=fees | {"currency": currency},
    )
    return see(store_url(store_id, "settings?saved=1"))


@post(STORE + "/settings/logo", **ROUTE)
async def save_logo(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Response[Any]:
    form = await request.form()
    if unknown := set(form) - {"image", "_csrf_token"}:
        raise BadInput(field=min(unknown), reason="unknown_value")
    sent = form.get("image")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise BadInput(field="image", reason="missing")
    image = await keep_image(await sent.read())
    await set_logo(conn, store_id=StoreId(store_id), file=image.file)
    return see(store_url(store_id, "settings?saved=1"))


HANDLERS: list[HTTPRouteHandler] = [settings_page, save_settings, save_logo]
