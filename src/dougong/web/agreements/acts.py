"""What either side does at the table. A refusal changes nothing, and is shown where it belongs."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.accounts.queries import person
from dougong.base.access import Access
from dougong.base.errors import Refusal
from dougong.base.ids import OrgId, PersonId, RoundId
from dougong.flows.end_round import notice
from dougong.flows.offer_terms import offer_terms, open_for
from dougong.flows.sign_round import sign_round
from dougong.infra.idempotency import once
from dougong.partners import commands
from dougong.partners.rules import BadTerms, OtherText
from dougong.web.agreements import pages
from dougong.web.agreements.forms import (
    EndForm,
    KeyedForm,
    NumberForm,
    OfferForm,
    RoundForm,
    SignForm,
    WordsForm,
    terms_from,
    whole_from,
)
from dougong.web.agreements.pages import AnyRequest, Seat, seat_of, the_round
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import FormData
from dougong.web.operator.common import see

Answer = Response[Any]
View = Callable[..., Awaitable[Answer]]  # a page of one round, with a refusal if there is one


class Done(msgspec.Struct):
    """What is kept of a form that was taken: sent again, it does nothing more."""


async def attempt(conn: AsyncConnection, act: Callable[[], Awaitable[object]]) -> Refusal | None:
    """Do something whole or not at all; the refusal, if there is one."""
    try:
        async with conn.begin_nested():
            await act()
    except Refusal as refusal:
        return refusal
    return None


async def noted(
    conn: AsyncConnection, who: Access, seat: Seat, action: str, round_id: UUID, now: datetime
) -> None:
    await audit(
        conn, at=now, person_id=who.person_id, action=action, owner_id=seat.partner_id,
        subject=str(round_id),
    )  # fmt: skip


async def open_round(
    data: FormData[RoundForm], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Answer:
    made: list[RoundId] = []

    async def act() -> None:
        try:
            partner_id = OrgId(UUID(data.partner))
            previous = RoundId(UUID(data.previous)) if data.previous else None
        except ValueError:
            raise BadTerms(field="partner", reason="unknown") from None
        made.append(
            await open_for(
                conn, partner_id=partner_id, name_zh=data.name_zh, name_en=data.name_en,
                previous_id=previous, person_id=who.person_id, at=now,
            )
        )  # fmt: skip
        await noted(conn, who, seat_of(request), "partners.open_round", made[0], now)

    if refusal := await attempt(conn, act):
        return await pages.list_page(request, conn, now, refusal=refusal)
    return see(f"/operator/rounds/{made[0]}")


async def make_offer(
    round_id: FromPath[UUID],
    data: FormData[OfferForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    seat = seat_of(request)
    await the_round(request, conn, round_id)

    async def act() -> None:
        days = whole_from(data.days, field="expires_at")
        if not 0 < days <= 180:
            raise BadTerms(field="expires_at", reason="out_of_range")
        await offer_terms(
            conn,
            round_id=RoundId(round_id),
            partner_id=seat.partner_id,
            side=seat.side,
            author_id=who.person_id,
            terms=terms_from(data),
            message=data.message,
            expires_at=now + timedelta(days=days),
            at=now,
        )
        await noted(conn, who, seat, "partners.offer", round_id, now)

    if refusal := await attempt(conn, act):
        return await pages.offer_view(request, conn, round_id, now, given=data, refusal=refusal)
    return see(f"{seat.base}/{round_id}")


async def accept(
    round_id: FromPath[UUID],
    data: FormData[NumberForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act(seat: Seat) -> None:
        await commands.accept(
            conn, round_id=RoundId(round_id), partner_id=seat.partner_id, number=data.number,
            side=seat.side, person_id=who.person_id, at=now,
        )  # fmt: skip

    return await on_round(request, conn, who, round_id, now, "partners.accept", act)


async def on_round(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Access,
    round_id: UUID,
    now: datetime,
    action: str,
    act: Callable[[Seat], Awaitable[object]],
    *,
    view: View = pages.round_view,
    tail: str = "",
    form: KeyedForm | None = None,
) -> Answer:
    """Do it, note it, and look at the round (or that part of it) again. A `form` with a key does
    it once, however often it is sent."""
    seat = seat_of(request)
    await the_round(request, conn, round_id)

    async def whole() -> Done:
        await act(seat)
        await noted(conn, who, seat, action, round_id, now)
        return Done()

    async def keyed() -> None:
        if form is None:
            await whole()
        else:
            await once(
                conn, owner_id=who.person_id, route=request.url.path, key=form.key[:200],
                request=msgspec.structs.replace(form, csrf=""), answer=Done, at=now, make=whole,
            )  # fmt: skip

    if refusal := await attempt(conn, keyed):
        return await view(request, conn, round_id, now, refusal=refusal)
    return see(f"{seat.base}/{round_id}{tail}")


async def take_back(
    round_id: FromPath[UUID],
    data: FormData[NumberForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act(seat: Seat) -> None:
        await commands.take_back(
            conn, round_id=RoundId(round_id), partner_id=seat.partner_id, number=data.number,
            side=seat.side, person_id=who.person_id, reason=data.reason, at=now,
        )  # fmt: skip

    return await on_round(request, conn, who, round_id, now, "partners.take_back", act)


async def sign(
    round_id: FromPath[UUID],
    data: FormData[SignForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act(seat: Seat) -> None:
        signer = (await person(conn, PersonId(who.person_id))).name
        if data.name.strip() != signer:
            raise BadTerms(field="name", reason="other_name")
        try:
            hash = bytes.fromhex(data.hash)
        except ValueError:
            raise OtherText from None
        await sign_round(
            conn, round_id=RoundId(round_id), partner_id=seat.partner_id, number=data.number,
            side=seat.side, person_id=who.person_id, signer=signer, hash=hash, at=now,
        )  # fmt: skip

    return await on_round(request, conn, who, round_id, now, "partners.sign", act)


async def say(
    round_id: FromPath[UUID],
    data: FormData[WordsForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act(seat: Seat) -> None:
        await commands.comment(
            conn, round_id=RoundId(round_id), partner_id=seat.partner_id, side=seat.side,
            author_id=who.person_id, body=data.body, number=data.number, term=data.term, at=now,
        )  # fmt: skip

    return await on_round(request, conn, who, round_id, now, "partners.comment", act, form=data)


async def end(
    round_id: FromPath[UUID],
    data: FormData[EndForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    """Give notice of a signed round, or give up one that is being negotiated."""
    state = (await the_round(request, conn, round_id)).state

    async def act(seat: Seat) -> None:
        ours, reason = RoundId(round_id), data.reason
        if state == "signed":
            await notice(
                conn, round_id=ours, partner_id=seat.partner_id, side=seat.side, reason=reason,
                at=now,
            )  # fmt: skip
        else:
            await commands.give_up(
                conn, round_id=ours, partner_id=seat.partner_id, side=seat.side,
                person_id=who.person_id, reason=reason, at=now,
            )  # fmt: skip

    return await on_round(request, conn, who, round_id, now, "partners.end", act)
