"""Pages that both sides see: a round, its offer form, progress, amounts, disputes, statement."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from litestar import Request, Response
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.queries import organisation
from dougong.base.access import Access, Permission
from dougong.base.errors import NotFound, Refusal
from dougong.partners.rules import ComponentKind, Side
from dougong.policy.rules import FEE_KINDS
from dougong.reads import partner_progress as progress
from dougong.reads import partner_rounds as rounds
from dougong.web.agreements import words
from dougong.web.agreements.charts import progress_chart, rounds_chart, season_chart
from dougong.web.agreements.files import statement_file
from dougong.web.agreements.forms import OfferForm, Shown, shown_form, shown_terms
from dougong.web.deps import Conn, Now, Who
from dougong.web.i18n import gettext, mark, pick
from dougong.web.operator.rules import KINDS
from dougong.web.operator.words import cell_words
from dougong.web.refusals import message_for
from dougong.web.render import Page, page

AnyRequest = Request[Any, Any, Any]
MOST_COLUMNS = 4
REASONS = {
    "before_start": mark("The end must be after the start."),
    "after_end": mark("An offer cannot stand longer than its period."),
    "past": mark("This lies in the past."),
    "future": mark("This lies in the future."),
    "empty": mark("This is needed."),
    "missing": mark("This is needed."),
    "too_long": mark("This is too long."),
    "too_many": mark("These are too many."),
    "twice": mark("This stands there twice."),
    "out_of_range": mark("This is outside what is possible."),
    "0–100 %": mark("Give a rate from 0 to 100 %."),
    "needs_value": mark("Say what one unit is worth: rebates and shortfalls are paid by it."),
    "tiers_rise": mark("Tiers rise from line to line."),
    "tier_line": mark("One tier a line: an amount, a blank, a rate in percent."),
    "not_a_number": mark("This is not a number."),
    "other_name": mark("Type your name as it stands in your account."),
    "no_date": mark("Please give a date and a time."),
    "unknown": mark("This is not one of the known values."),
}


class Seat(msgspec.Struct, frozen=True):
    """From which side a page is looked at. `partner_id`: None for the platform, which sits at
    every table; `base` is the address of its rounds."""

    side: Side
    partner_id: UUID | None
    base: str

    def negotiates(self, who: Access) -> bool:
        ours, theirs = Permission.PARTNER_NEGOTIATE, Permission.AGREEMENT_NEGOTIATE
        return who.may(ours if self.side is Side.PLATFORM else theirs, self.partner_id)

    def signs(self, who: Access) -> bool:
        ours, theirs = Permission.PARTNER_SIGN, Permission.AGREEMENT_SIGN
        return who.may(ours if self.side is Side.PLATFORM else theirs, self.partner_id)


def seat_of(request: AnyRequest) -> Seat:
    """The partner whose path it is, or the platform."""
    partner_id = request.path_params.get("partner_id")
    if partner_id is None:
        return Seat(Side.PLATFORM, None, "/operator/rounds")
    return Seat(Side.PARTNER, partner_id, f"/partner/{partner_id}/rounds")


def refusal_text(refusal: Refusal | None) -> str:
    if refusal is None:
        return ""
    reason = REASONS.get(str(refusal.facts.get("reason", "")))
    return gettext(reason) if reason else message_for(refusal.code, refusal.facts)


async def seat_page(
    request: AnyRequest,
    conn: AsyncConnection,
    template: str,
    *,
    refusal: Refusal | None = None,
    **context: Any,
) -> Page:
    """A page of one side's console, with the words that all of them use."""
    seat = seat_of(request)
    mine = await organisation(conn, seat.partner_id) if seat.partner_id else None
    who: Access = request.scope["user"]
    return page(
        request,
        f"agreements/{template}.html",
        status=refusal.status if refusal else 200,
        seat=seat,
        partner=mine,
        may_negotiate=seat.negotiates(who),
        may_sign=seat.signs(who),
        w=words,
        tell=words.said,
        error=refusal_text(refusal),
        error_field=(refusal.field or "") if refusal else "",
        key=uuid4(),
        **context,
    )


async def the_round(request: AnyRequest, conn: AsyncConnection, round_id: UUID) -> Any:
    """The round, if it is this side's. Raises NotFound."""
    found = await rounds.round_names(
        conn, round_id=round_id, partner_id=seat_of(request).partner_id
    )
    if found is None:
        raise NotFound
    return found


async def list_page(
    request: AnyRequest, conn: AsyncConnection, now: datetime, *, refusal: Refusal | None = None
) -> Page:
    """All rounds with what is signed, reported and confirmed: each in a column of its own."""
    seat = seat_of(request)
    found = await rounds.rounds_named(conn, partner_id=seat.partner_id)
    amounts = await rounds.amounts_of(conn, round_ids=[one.round_id for one in found])
    signed = {one.round_id: await rounds.signed_terms(conn, round_id=one.round_id) for one in found}
    alarms = {row.round_id for row in await progress.open_alarms(conn)}
    return await seat_page(
        request,
        conn,
        "list",
        refusal=refusal,
        rounds=found,
        amounts=amounts,
        signed=signed,
        alarms=alarms,
        partners=await rounds.partners_named(conn) if seat.partner_id is None else [],
    )


async def rounds_page(request: AnyRequest, conn: Conn, now: Now) -> Page:
    return await list_page(request, conn, now)


async def round_view(
    request: AnyRequest,
    conn: AsyncConnection,
    round_id: UUID,
    now: datetime,
    *,
    refusal: Refusal | None = None,
) -> Page:
    found = await the_round(request, conn, round_id)
    proposals = await rounds.proposals_of(conn, round_id=round_id)
    names = words.source_names(await rounds.sources_of(conn, partner_id=found.partner_id))
    shown = proposals[-MOST_COLUMNS:]
    live = next((one for one in proposals if one.is_live()), None)
    return await seat_page(
        request,
        conn,
        "round",
        refusal=refusal,
        round=found,
        proposals=proposals,
        shown=shown,
        rows=words.board(shown, names),
        live=live,
        signed=next((one for one in proposals if one.state == "signed"), None),
        is_over=live is not None and live.expires_at <= now,
        comments=await rounds.comments_of(conn, round_id=round_id),
        rules=await rounds.rules_of_round(conn, round_id=round_id),
        kinds={kind: gettext(text) for kind, text in KINDS.items()},
        cell_words=lambda value: names.get(value) or cell_words(value),
    )


async def round_page(round_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now) -> Page:
    return await round_view(request, conn, round_id, now)


async def offer_view(
    request: AnyRequest,
    conn: AsyncConnection,
    round_id: UUID,
    now: datetime,
    *,
    given: OfferForm | None = None,
    refusal: Refusal | None = None,
) -> Page:
    found = await the_round(request, conn, round_id)
    proposals = await rounds.proposals_of(conn, round_id=round_id)
    signed = next((one for one in proposals if one.state == "signed"), None)
    live = next((one for one in proposals if one.is_live()), None)
    answered = live or signed or (proposals[-1] if proposals else None)
    shown: Shown = (
        shown_form(given) if given else shown_terms(answered.terms() if answered else None, now=now)
    )
    sources = await rounds.sources_of(conn, partner_id=found.partner_id)
    return await seat_page(
        request,
        conn,
        "offer",
        refusal=refusal,
        round=found,
        shown=shown,
        answered=answered,
        is_counter=live is not None,
        is_amendment=signed is not None,
        sources=[(one.code, pick(one, "name")) for one in sources],
        surfaces=[(one, cell_words(one)) for one in ("video", "live", "profile", "search")],
        fee_kinds=[(str(one), gettext(KINDS[one])) for one in KINDS if one in FEE_KINDS],
        cell_words=cell_words,
    )


async def offer_page(round_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now) -> Page:
    return await offer_view(request, conn, round_id, now)


async def progress_view(
    request: AnyRequest,
    conn: AsyncConnection,
    round_id: UUID,
    now: datetime,
    *,
    refusal: Refusal | None = None,
) -> Page:
    found = await the_round(request, conn, round_id)
    state = await progress.progress_of(conn, round_id=round_id, at=now)
    previous = (
        await rounds.round_names(conn, round_id=found.previous_id) if found.previous_id else None
    )
    return await seat_page(
        request,
        conn,
        "progress",
        refusal=refusal,
        round=found,
        previous=previous,
        progress=state,
        chart=progress_chart(state) if state else None,
        beside=rounds_chart(state, found, previous) if state and previous else None,
        seasons=[season_chart(one) for one in state.components] if state else [],
        deliveries=await progress.deliveries_of(conn, round_id=round_id, most=40),
        accruals=await progress.accruals_of(conn, round_id=round_id),
        kinds=[(one.value, words.said(words.COMPONENTS, one)) for one in ComponentKind],
        today=now,
    )


async def progress_page(
    round_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Page:
    return await progress_view(request, conn, round_id, now)


async def statement_page(
    round_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    file: FromQuery[str] = "",
) -> Response[Any]:
    """The true-up once the round has ended; before that, what it would be today."""
    found = await the_round(request, conn, round_id)
    made = await progress.statement_of(conn, round_id=round_id)
    state = await progress.progress_of(conn, round_id=round_id, at=now)
    lines: Sequence[Any] = made.lines if made else (state.lines if state else [])
    currency = made.currency if made else state.currency if state else "CNY"
    if file in ("csv", "xlsx"):
        return statement_file(found, lines, currency, is_final=made is not None, how=file)
    return await seat_page(
        request, conn, "statement", round=found, made=made, lines=lines, currency=currency
    )


async def amounts_view(
    request: AnyRequest,
    conn: AsyncConnection,
    round_id: UUID,
    now: datetime,
    *,
    refusal: Refusal | None = None,
) -> Page:
    found = await the_round(request, conn, round_id)
    return await seat_page(
        request,
        conn,
        "amounts",
        refusal=refusal,
        round=found,
        amounts=await rounds.amounts_of(conn, round_ids=[round_id]),
        signed=await rounds.signed_terms(conn, round_id=round_id),
        today=now,
    )


async def amounts_page(round_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now) -> Page:
    return await amounts_view(request, conn, round_id, now)


async def disputes_view(
    request: AnyRequest,
    conn: AsyncConnection,
    round_id: UUID,
    now: datetime,
    *,
    refusal: Refusal | None = None,
) -> Page:
    found = await the_round(request, conn, round_id)
    return await seat_page(
        request,
        conn,
        "disputes",
        refusal=refusal,
        round=found,
        disputes=await rounds.disputes_of(conn, round_id=round_id),
        instant=datetime.fromisoformat,
    )


async def disputes_page(
    round_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Page:
    return await disputes_view(request, conn, round_id, now)


async def traffic_page(
    partner_id: FromPath[UUID], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Page:
    """What the partner's sources got in the last thirty days: links, taps, clicks that count."""
    sources = await rounds.sources_of(conn, partner_id=partner_id)
    codes = [one.code for one in sources]
    since = now - timedelta(days=30)
    return await seat_page(
        request,
        conn,
        "traffic",
        sources=words.source_names(sources),
        rows=await progress.traffic_of(conn, sources=codes, since=since, until=now),
        orders=await progress.orders_of(conn, sources=codes, since=since, until=now, most=100),
        cell_words=cell_words,
    )
