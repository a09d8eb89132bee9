"""Freight insurance as the operator offers it: versions by date, stores, the pool by month."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.aftersales.insurance_commands import approve_product, draft_product
from dougong.aftersales.insurance_rules import Band, Offer, return_bp
from dougong.base.access import Permission
from dougong.base.errors import NotFound, Refusal
from dougong.catalog.rules import clean_text
from dougong.infra.settings import settings
from dougong.reads.insurance import insuring, months, versions
from dougong.web.account.common import AnyRequest, form_page, go, request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.insurance_words import pool_chart
from dougong.web.merchant.common import amount, rate_bp
from dougong.web.operator.common import instant_from, local_text

GOVERN: dict[str, Any] = {"permission": Permission.MERCHANT_GOVERN, "include_in_schema": False}
PAGE = "/operator/insurance"
ROWS = 4  # bands that the form has
Short = Annotated[str, msgspec.Meta(max_length=60)]


class ProductForm(Form, kw_only=True):
    """`over` and `premium`: one a band; a row without a premium is left out."""

    name_zh: Short = ""
    name_en: Short = ""
    near: Short
    far: Short
    over: list[Short]
    premium: list[Short]
    starts: Short = ""


class Button(Form):
    """A button."""


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    now: datetime,
    *,
    refusal: Refusal | None = None,
    typed: ProductForm | None = None,
) -> Response[Any]:
    pool = await months(conn, zone=settings().timezone)
    ours = [one for one in pool if one.currency == settings().currency]
    return form_page(
        request,
        "operator/insurance.html",
        refusal=refusal,
        versions=await versions(conn),
        stores=await insuring(conn),
        return_bp=return_bp,
        months=pool,
        chart=pool_chart(ours),
        typed=typed or ProductForm(near="", far="", over=["0"], premium=[""]),
        rows=ROWS,
        currency=settings().currency,
        now=now,
        now_text=local_text(now),
    )


@get(PAGE, **GOVERN)
async def insurance_page(request: AnyRequest, conn: Conn, now: Now) -> Response[Any]:
    return await _page(request, conn, now)


def _offer(data: ProductForm, currency: str) -> Offer:
    bands = [
        Band(
            rate_bp(over, field="bands") or 0,
            amount(premium, currency, field="bands") or 0,
        )
        for over, premium in zip(data.over, data.premium, strict=False)
        if premium.strip()
    ]
    return Offer(
        currency=currency,
        name_zh=clean_text(data.name_zh, field="name_zh", most=60, required=True),
        name_en=clean_text(data.name_en, field="name_en", most=60, required=True),
        near_minor=amount(data.near, currency, field="near") or 0,
        far_minor=amount(data.far, currency, field="far") or 0,
        bands=tuple(bands),
    )


@post(PAGE, status_code=303, **GOVERN)
async def draft(
    data: FormData[ProductForm], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Response[Any]:
    """The next version, as a draft."""
    try:
        async with conn.begin_nested():
            product_id = await draft_product(
                conn,
                offer=_offer(data, settings().currency),
                starts=instant_from(data.starts, field="starts", default=now),
                by_id=who.person_id,
                at=now,
            )
    except Refusal as refusal:
        return await _page(request, conn, now, refusal=refusal, typed=data)
    await audit(
        conn, at=now, person_id=who.person_id, action="insurance.drafted",
        subject=str(product_id), request_id=request_id(request), facts={},
    )  # fmt: skip
    return go(PAGE)


@post(PAGE + "/{product_id:uuid}/approval", status_code=303, **GOVERN)
async def approve(
    product_id: FromPath[UUID],
    data: FormData[Button],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """By another person than the one who drafted it."""
    try:
        async with conn.begin_nested():
            await approve_product(conn, product_id=product_id, by_id=who.person_id, at=now)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _page(request, conn, now, refusal=refusal)
    await audit(
        conn, at=now, person_id=who.person_id, action="insurance.approved",
        subject=str(product_id), request_id=request_id(request), facts={},
    )  # fmt: skip
    return go(PAGE)


HANDLERS: list[HTTPRouteHandler] = [insurance_page, draft, approve]
