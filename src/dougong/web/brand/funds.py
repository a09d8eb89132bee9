"""A brand's funds: what is free and what is held, paying in, and what was paid in."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import Refusal
from dougong.base.money import Money
from dougong.flows.pay_in import start_pay_in
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.payments.rules import PayInPurpose
from dougong.reads import brand_funds, task_desk
from dougong.tasks.brief_rules import BadBrief
from dougong.web.deps import Conn, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import see
from dougong.web.paging import PAGE_ROWS, cursor_values, cut, first_url, next_url
from dougong.web.render import page
from dougong.web.tasks.forms import amount_from
from dougong.web.tasks.pages import Answer, AnyRequest, brand_seat
from dougong.web.tasks.words import problem

ROUTE: dict[str, Any] = {"permission": Permission.FUNDS_MANAGE, "include_in_schema": False}
FUNDS = "/brand/{brand_id:uuid}/funds"
KeyText = Annotated[str, msgspec.Meta(min_length=8, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class PayInForm(Form, kw_only=True):
    """`amount` as it is typed, in the platform's currency."""

    amount: Annotated[str, msgspec.Meta(max_length=40)] = ""
    key: KeyText


async def _show(
    request: AnyRequest,
    conn: AsyncConnection,
    brand_id: UUID,
    *,
    after: str = "",
    typed: str = "",
    refusal: Refusal | None = None,
) -> Answer:
    start = cursor_values(after, tuple[datetime, UUID])
    found = await brand_funds.paid_in(conn, brand_id=brand_id, before=start, most=PAGE_ROWS + 1)
    rows, following = cut(found, lambda row: (row.asked_at, row.id))
    return page(
        request,
        "tasks/funds.html",
        status=refusal.status if refusal else 200,
        **await brand_seat(brand_id).home(conn),
        **problem(refusal),
        funds=await task_desk.funds(conn, brand_id=brand_id),
        currency=settings().currency,
        rows=rows,
        typed=typed,
        key=f"funds-{uuid4()}",
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(FUNDS, **ROUTE)
async def funds_page(
    brand_id: FromPath[UUID], request: AnyRequest, conn: Conn, after: FromQuery[str] = ""
) -> Answer:
    return await _show(request, conn, brand_id, after=after)


@post(FUNDS, **ROUTE)
async def pay_in(
    brand_id: FromPath[UUID], data: FormData[PayInForm], request: AnyRequest, who: Who
) -> Answer:
    """To the gateway's page; no transaction is open while it is asked."""
    try:
        minor = amount_from(data.amount, field="amount")
        if minor <= 0:
            raise BadBrief(field="amount", reason="out_of_range")
        async with transaction() as conn:
            await task_desk.brand_organisation(conn, brand_id=brand_id)
        payment = await start_pay_in(
            purpose=PayInPurpose.FUNDS,
            owner_id=brand_id,
            payer_id=who.person_id,
            amount=Money(minor, settings().currency),
            key=data.key,
            return_url=f"/brand/{brand_id}/funds",
        )
    except Refusal as refusal:
        async with transaction() as conn:
            return await _show(request, conn, brand_id, typed=data.amount, refusal=refusal)
    return see(payment.pay_url)


HANDLERS: list[HTTPRouteHandler] = [funds_page, pay_in]
