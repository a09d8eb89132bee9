"""A person's coins: what is held, packs to buy, what was given, and money back for what is left."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.flows.buy_coins import buy_coins, refund_coins
from dougong.flows.send_gift import send_gift
from dougong.gifts.commands import say_born_on
from dougong.gifts.queries import packs_on_offer
from dougong.reads.coins import gifts_given, wallet
from dougong.web.account.common import AnyRequest, form_page, go
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.paging import cursor_values, cut, first_url, next_url
from dougong.web.render import Page

BUY: dict[str, Any] = {"permission": Permission.COINS_BUY, "include_in_schema": False}
GIVE: dict[str, Any] = {"permission": Permission.GIFT_SEND, "include_in_schema": False}
MOST_PURCHASES, PAGE = 50, 20
KeyText = Annotated[str, msgspec.Meta(min_length=8, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class Buy(Form, kw_only=True):
    pack_id: UUID
    key: KeyText
    next: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Back(Form, kw_only=True):
    key: KeyText


class Born(Form):
    born_on: str


class Give(Form, kw_only=True):
    gift: Annotated[str, msgspec.Meta(max_length=40)]
    count: Annotated[int, msgspec.Meta(ge=1, le=999)] = 1
    key: KeyText


async def show(
    request: AnyRequest, conn: Conn, who: Who, *, after: str = "", refusal: Refusal | None = None
) -> Page:
    start = cursor_values(after, tuple[datetime, UUID])
    rows = await gifts_given(conn, person_id=who.person_id, before=start, most=PAGE + 1)
    given, following = cut(rows, lambda row: (row.given_at, row.id), PAGE)
    return form_page(
        request,
        "shopper/coins.html",
        refusal=refusal,
        held=await wallet(conn, person_id=who.person_id, most=MOST_PURCHASES),
        packs=await packs_on_offer(conn),
        given=given,
        key=f"coins-{uuid4()}",
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get("/coins", **BUY)
async def coins_page(request: AnyRequest, conn: Conn, who: Who, after: FromQuery[str] = "") -> Page:
    return await show(request, conn, who, after=after)


@post("/coins/purchases", status_code=303, **BUY)
async def buy(data: FormData[Buy], who: Who) -> Response[str]:
    """To the gateway's page; no transaction is open while it is asked."""
    payment = await buy_coins(
        person_id=who.person_id, pack_id=data.pack_id, key=data.key, return_url="/coins"
    )
    return go(payment.pay_url)


@post("/coins/purchases/{pay_in_id:uuid}/refunds", status_code=303, **BUY)
async def back(
    pay_in_id: FromPath[UUID], data: FormData[Back], who: Who, conn: Conn, now: Now
) -> Response[str]:
    """Money back for the coins of a purchase that are left."""
    await refund_coins(conn, person_id=who.person_id, pay_in_id=pay_in_id, key=data.key, at=now)
    return go("/coins")


@post("/coins/birthday", status_code=303, **BUY)
async def born(
    data: FormData[Born], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Response[str]:
    """Said once: limits go by it."""
    try:
        day = date.fromisoformat(data.born_on)
        if not date(1900, 1, 1) <= day <= now.date():
            raise ValueError(data.born_on)
    except ValueError:
        refusal = BadInput(field="born_on", reason="out_of_range")
        return await show(request, conn, who, refusal=refusal)
    await say_born_on(conn, person_id=who.person_id, born_on=day, at=now)
    return go("/coins")


@post("/live/{room_id:uuid}/gifts", status_code=200, **GIVE)
async def give(
    room_id: FromPath[UUID], data: FormData[Give], who: Who, conn: Conn, now: Now
) -> dict[str, Any]:
    """A gift for the room; the whole room sees it over its socket."""
    row = await send_gift(
        conn, room_id=room_id, person_id=who.person_id, name=who.name, gift=data.gift,
        count=data.count, key=data.key, at=now,
    )  # fmt: skip
    held = await wallet(conn, person_id=who.person_id, most=0)
    return {"gift_id": row.id, "coins": row.coins, "left": held.coins}


HANDLERS: list[HTTPRouteHandler] = [coins_page, buy, back, born, give]
