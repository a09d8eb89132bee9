"""Gifts: what was given and taken back, and what is on offer: packs, gifts, limits."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.money import BadAmount, Money, minor_from_text
from dougong.flows.send_gift import take_gift_back
from dougong.gifts.offer_commands import (
    ANIMATIONS,
    end_gift,
    end_pack,
    offer_gift,
    offer_pack,
    set_limit,
)
from dougong.gifts.queries import gifts_on_offer, limits_at, packs_on_offer
from dougong.infra.settings import settings
from dougong.reads.operator_gifts import gift_rows
from dougong.web.account.common import AnyRequest, form_page, go, request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, mark
from dougong.web.operator.common import MOST_IN_FILE, PAGE, csv_file, instant_from, local_text
from dougong.web.paging import cursor_values, cut, file_url, first_url, next_url
from dougong.web.render import page

GIFTS: dict[str, Any] = {"permission": Permission.GIFT_MANAGE, "include_in_schema": False}
HEAD = ("given_at", "giver", "creator", "gift", "count", "coins", "currency", "paid_minor",
        "platform_minor", "creator_minor", "fee_bp", "taken_back_at", "reason")  # fmt: skip
ANIMATION_WORDS = {
    "float": mark("Floats up"),
    "burst": mark("Bursts"),
    "fly": mark("Flies across"),
    "rain": mark("Rains"),
}
Short = Annotated[str, msgspec.Meta(max_length=200)]


class Back(Form):
    reason: Short


class Pack(Form):
    coins: int
    price: str


class Gift(Form, kw_only=True):
    code: Short
    name_zh: Short
    name_en: Short
    coins: int
    animation: Short = "float"
    icon: Short = "gift"


class LimitForm(Form, kw_only=True):
    from_age: int
    coins_per_day: int
    starts: str = ""
    reason_zh: Short = ""
    reason_en: Short = ""


class Nothing(Form):
    """A button."""


@get("/operator/gifts", **GIFTS)
async def gifts_page(
    request: AnyRequest,
    conn: Conn,
    q: FromQuery[str] = "",
    only: FromQuery[str] = "",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    """`q`: a part of the giver's or the creator's name; `only`: given, back, or all."""
    words = q.strip()[:100]
    rows = await gift_rows(
        conn,
        words=words,
        state=only if only in ("given", "back") else "",
        before=cursor_values(after, tuple[datetime, UUID]),
        most=MOST_IN_FILE if file == "csv" else PAGE + 1,
    )
    if file == "csv":
        lines = [
            (r.given_at.isoformat(), r.giver, r.creator, r.name_en, r.count, r.coins, r.currency,
             r.value_minor, r.platform_minor, r.creator_minor, r.fee_bp, r.reversed_at,
             r.reversal_reason)
            for r in rows
        ]  # fmt: skip
        return csv_file("gifts", HEAD, lines)
    shown, following = cut(rows, lambda row: (row.given_at, row.id), PAGE)
    return page(
        request,
        "operator/gifts.html",
        show="given",
        rows=shown,
        chosen={"q": q, "only": only},
        file_url=file_url(request),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@post("/operator/gifts/{gift_id:uuid}/reversal", status_code=303, **GIFTS)
async def back(
    gift_id: FromPath[UUID], data: FormData[Back], who: Who, conn: Conn, now: Now
) -> Response[str]:
    """Undo a gift that was no honest one; it is undone once."""
    if not data.reason.strip():
        raise BadInput(field="reason", reason="empty")
    await take_gift_back(
        conn, gift_id=gift_id, by=who.person_id, reason=data.reason.strip(), at=now
    )
    return go("/operator/gifts")


async def _offers(
    request: AnyRequest, conn: AsyncConnection, now: datetime, *, refusal: Refusal | None = None
) -> Response[str]:
    return form_page(
        request,
        "operator/gift_offers.html",
        refusal=refusal,
        show="offers",
        packs=await packs_on_offer(conn),
        kinds=await gifts_on_offer(conn),
        limits=sorted(await limits_at(conn, at=now), key=lambda one: one.from_age),
        animations=[(one, gettext(ANIMATION_WORDS[one])) for one in ANIMATIONS],
        currency=settings().currency,
        now_text=local_text(now),
    )


@get("/operator/gifts/offers", **GIFTS)
async def offers_page(request: AnyRequest, conn: Conn, now: Now) -> Response[str]:
    return await _offers(request, conn, now)


async def _noted(
    conn: AsyncConnection, request: AnyRequest, who: Access, now: datetime, *,
    action: str, subject: str,
) -> Response[str]:  # fmt: skip
    await audit(
        conn, at=now, person_id=who.person_id, action=action, subject=subject,
        request_id=request_id(request), facts={},
    )  # fmt: skip
    return go("/operator/gifts/offers")


@post("/operator/gifts/packs", status_code=303, **GIFTS)
async def add_pack(
    data: FormData[Pack], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Response[str]:
    currency = settings().currency
    try:
        try:
            price = Money(minor_from_text(data.price.strip(), currency), currency)
        except BadAmount as error:
            raise BadInput(field="price", reason="out_of_range") from error
        pack_id = await offer_pack(conn, coins=data.coins, price=price, at=now)
    except Refusal as refusal:
        return await _offers(request, conn, now, refusal=refusal)
    return await _noted(conn, request, who, now, action="gifts.pack_offered", subject=str(pack_id))


@post("/operator/gifts/packs/{pack_id:uuid}/end", status_code=303, **GIFTS)
async def stop_pack(
    pack_id: FromPath[UUID], data: FormData[Nothing], request: AnyRequest, who: Who, conn: Conn,
    now: Now,
) -> Response[str]:  # fmt: skip
    await end_pack(conn, pack_id=pack_id, at=now)
    return await _noted(conn, request, who, now, action="gifts.pack_ended", subject=str(pack_id))


@post("/operator/gifts/kinds", status_code=303, **GIFTS)
async def add_gift(
    data: FormData[Gift], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Response[str]:
    try:
        await offer_gift(
            conn, code=data.code.strip(), name_zh=data.name_zh, name_en=data.name_en,
            coins=data.coins, animation=data.animation, icon=data.icon.strip() or "gift", at=now,
        )  # fmt: skip
    except Refusal as refusal:
        return await _offers(request, conn, now, refusal=refusal)
    return await _noted(conn, request, who, now, action="gifts.gift_offered", subject=data.code)


@post("/operator/gifts/kinds/{code:str}/end", status_code=303, **GIFTS)
async def stop_gift(
    code: FromPath[str], data: FormData[Nothing], request: AnyRequest, who: Who, conn: Conn,
    now: Now,
) -> Response[str]:  # fmt: skip
    await end_gift(conn, code=code, at=now)
    return await _noted(conn, request, who, now, action="gifts.gift_ended", subject=code)


@post("/operator/gifts/limits", status_code=303, **GIFTS)
async def add_limit(
    data: FormData[LimitForm], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Response[str]:
    try:
        await set_limit(
            conn,
            from_age=data.from_age,
            coins_per_day=data.coins_per_day,
            starts=instant_from(data.starts, field="starts", default=now),
            reason_zh=data.reason_zh.strip(),
            reason_en=data.reason_en.strip(),
            at=now,
        )
    except Refusal as refusal:
        return await _offers(request, conn, now, refusal=refusal)
    subject = f"{data.from_age}+"
    return await _noted(conn, request, who, now, action="gifts.limit_set", subject=subject)


HANDLERS: list[HTTPRouteHandler] = [
    gifts_page, back, offers_page, add_pack, stop_pack, add_gift, stop_gift, add_limit,
]  # fmt: skip
