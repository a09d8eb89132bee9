"""What is said and counted beside the table: deliveries, amounts that are not signed, disputes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Access
from dougong.base.ids import RoundId
from dougong.flows.count_round import bill_advertising, count_round
from dougong.infra.idempotency import once
from dougong.partners import dispute_commands
from dougong.partners.amount_commands import Said, confirm_amount, report_amount
from dougong.partners.delivery_commands import add_by_hand
from dougong.partners.rules import BadTerms, RoundClosed, Side, Unit
from dougong.reads.partner_rounds import signed_terms
from dougong.web.agreements import pages
from dougong.web.agreements.acts import Answer, Done, attempt, noted, on_round
from dougong.web.agreements.forms import (
    AmountForm,
    CloseForm,
    DeliveryForm,
    DisputeForm,
    NoteForm,
    amount_from,
    day_start,
)
from dougong.web.agreements.pages import AnyRequest, Seat, seat_of
from dougong.web.agreements.words import COMPONENTS
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import FormData
from dougong.web.operator.common import day_from, see


async def add_delivery(
    round_id: FromPath[UUID],
    data: FormData[DeliveryForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    """The operator bills advertising (booked in the ledger), or records what no book knows."""

    async def make() -> Done:
        await _deliver(conn, RoundId(round_id), data, who, now)
        await noted(conn, who, seat_of(request), "partners.add_delivery", round_id, now)
        return Done()

    async def act() -> None:
        await once(
            conn, owner_id=who.person_id, route=f"rounds/{round_id}/deliveries",
            key=data.key[:200], request=[data.how, data.component, data.day, data.amount],
            answer=Done, at=now, make=make,
        )  # fmt: skip

    if refusal := await attempt(conn, act):
        return await pages.progress_view(request, conn, round_id, now, refusal=refusal)
    return see(f"/operator/rounds/{round_id}/progress")


async def _deliver(
    conn: AsyncConnection, round_id: RoundId, data: DeliveryForm, who: Access, now: datetime
) -> None:
    terms = await signed_terms(conn, round_id=round_id)
    if terms is None:
        raise RoundClosed(state="negotiating")
    component = terms.component(data.component)
    if component is None:
        raise BadTerms(field="component", reason="unknown")
    day = day_from(data.day, field="day", default=now.date())
    if data.how == "bill":
        amount = amount_from(data.amount, Unit.SPEND, terms.currency, field="amount")
        if amount <= 0:
            raise BadTerms(field="amount", reason="out_of_range")
        at = min(now, day_start(f"{day}T12:00", field="day"))
        await bill_advertising(
            conn, round_id=round_id, amount_minor=amount, currency=terms.currency,
            reference=data.note.strip()[:80], key=UUID(data.key), at=at,
        )  # fmt: skip
    else:
        amount = amount_from(data.amount, component.unit, terms.currency, field="amount")
        await add_by_hand(
            conn, round_id=round_id, component=data.component, day=day, amount=amount,
            note=data.note, author_id=who.person_id, at=now,
        )  # fmt: skip
    await count_round(conn, round_id=round_id, at=now)


async def add_amount(
    round_id: FromPath[UUID],
    data: FormData[AmountForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    """A report is written down by the platform; a confirmation is each side's own."""

    async def act(seat: Seat) -> None:
        ours, said, author = RoundId(round_id), _said(data), who.person_id
        if data.kind == "confirmed":
            await confirm_amount(
                conn, round_id=ours, partner_id=seat.partner_id, said=said, side=seat.side,
                author_id=author, at=now,
            )  # fmt: skip
        elif data.kind == "reported" and seat.side is Side.PLATFORM:
            await report_amount(conn, round_id=ours, said=said, author_id=author, at=now)
        else:
            raise BadTerms(field="kind", reason="unknown")

    return await on_round(
        request, conn, who, round_id, now, "partners.say_amount", act,
        view=pages.amounts_view, tail="/amounts", form=data,
    )  # fmt: skip


def _said(data: AmountForm) -> Said:
    try:
        unit = Unit(data.unit)
    except ValueError:
        raise BadTerms(field="unit", reason="unknown") from None
    if data.component not in COMPONENTS:
        raise BadTerms(field="component", reason="unknown")
    times = amount_from(data.times, Unit.SPEND, "CNY", field="times_last") if data.times else 0
    return Said(
        component=data.component,
        unit=unit,
        amount=amount_from(data.amount, unit, data.currency, field="amount"),
        currency=data.currency,
        is_about=bool(data.is_about),
        times_last_bp=times * 100 if times else None,
        source=data.source.strip(),
        citation=data.citation.strip(),
        said_at=day_start(data.said_on, field="said_at"),
    )


async def open_dispute(
    round_id: FromPath[UUID],
    data: FormData[DisputeForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act(seat: Seat) -> None:
        if data.component not in COMPONENTS:
            raise BadTerms(field="component", reason="unknown")
        await dispute_commands.open_dispute(
            conn, round_id=RoundId(round_id), partner_id=seat.partner_id, subject=data.subject,
            component=data.component, body=data.body, side=seat.side, person_id=who.person_id,
            at=now,
        )  # fmt: skip

    return await on_round(
        request, conn, who, round_id, now, "partners.dispute", act, form=data, **DISPUTES
    )


# Where what was done about a dispute is looked at again.
DISPUTES: dict[str, Any] = {"view": pages.disputes_view, "tail": "/disputes"}


async def add_note(
    round_id: FromPath[UUID],
    dispute_id: FromPath[UUID],
    data: FormData[NoteForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act(seat: Seat) -> None:
        await dispute_commands.add_note(
            conn, round_id=RoundId(round_id), partner_id=seat.partner_id, dispute_id=dispute_id,
            body=data.body, side=seat.side, author_id=who.person_id, at=now,
        )  # fmt: skip

    return await on_round(
        request, conn, who, round_id, now, "partners.dispute_note", act, form=data, **DISPUTES
    )


async def close_dispute(
    round_id: FromPath[UUID],
    dispute_id: FromPath[UUID],
    data: FormData[CloseForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    async def act(seat: Seat) -> None:
        await dispute_commands.close_dispute(
            conn, round_id=RoundId(round_id), partner_id=seat.partner_id, dispute_id=dispute_id,
            resolution=data.resolution, side=seat.side, person_id=who.person_id, at=now,
        )  # fmt: skip

    return await on_round(
        request, conn, who, round_id, now, "partners.close_dispute", act, **DISPUTES
    )
