"""Rounds and what is on the table: offers, counter-offers, acceptance, comments.

Whoever changes a round locks its row first, so that two never act on the same offer; and each
change is guarded again by the statement that writes it.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PLATFORM_BOOK, OrgId, PersonId, RoundId, new_id
from dougong.infra import events
from dougong.partners.rules import (
    LIVE,
    OPEN_ROUNDS,
    BadTerms,
    Document,
    NothingChanged,
    NothingOnTable,
    NotYourTurn,
    OfferExpired,
    OfferOnTable,
    ProposalState,
    RoundClosed,
    RoundState,
    Side,
    Terms,
    canonical,
    check_terms,
    document_from,
    hash_of,
    rounds_before,
    states_before,
)
from dougong.partners.tables import partner_comments, partner_proposals, partner_rounds

SHORTEST_OFFER, LONGEST_OFFER = timedelta(hours=1), timedelta(days=180)
MOST_MESSAGE = 2_000
_STATE = ProposalState


class Offered(msgspec.Struct, frozen=True):
    """A proposal that was made: its id, and its number within the round."""

    proposal_id: UUID
    number: int


async def open_round(
    conn: AsyncConnection,
    *,
    partner_id: OrgId,
    name_zh: str,
    name_en: str,
    previous_id: RoundId | None,
    person_id: PersonId,
    at: datetime,
) -> RoundId:
    """Begin to negotiate. That `partner_id` is a partner is the caller's question.

    Raises BadTerms (a name), NotFound when the round before is not this partner's.
    """
    names = {"name_zh": name_zh.strip(), "name_en": name_en.strip()}
    for field, name in names.items():
        if not 1 <= len(name) <= 120:
            raise BadTerms(field=field, reason="empty" if not name else "too_long")
    if previous_id is not None:
        await lock_round(conn, round_id=previous_id, partner_id=partner_id)
    round_id = RoundId(new_id())
    row = {"id": round_id, "partner_id": partner_id, "previous_id": previous_id, "opened_at": at}
    await conn.execute(insert(partner_rounds).values(**row, **names, opened_by=person_id))
    facts = {"partner_id": str(partner_id)}
    await events.record(conn, "partners.round_opened", subject_id=round_id, at=at, facts=facts)
    return round_id


async def lock_round(
    conn: AsyncConnection, *, round_id: RoundId, partner_id: UUID | None
) -> Row[Any]:
    """The round, kept for this transaction. `partner_id`: whose it must be; None for the platform,
    a side of every round. Raises NotFound."""
    asked = select(partner_rounds).where(partner_rounds.c.id == round_id).with_for_update()
    if partner_id is not None:
        asked = asked.where(partner_rounds.c.partner_id == partner_id)
    found = (await conn.execute(asked)).one_or_none()
    if found is None:
        raise NotFound
    return found


async def live_proposal(conn: AsyncConnection, round_id: RoundId) -> Row[Any] | None:
    """What is on the table."""
    asked = select(partner_proposals).where(partner_proposals.c.round_id == round_id)
    return (await conn.execute(asked.where(partner_proposals.c.state.in_(LIVE)))).one_or_none()


async def signed_proposal(conn: AsyncConnection, round_id: RoundId) -> Row[Any] | None:
    asked = select(partner_proposals).where(partner_proposals.c.round_id == round_id)
    found = await conn.execute(asked.where(partner_proposals.c.state == _STATE.SIGNED))
    return found.one_or_none()


async def offer(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    side: Side,
    author_id: PersonId,
    terms: Terms,
    message: str,
    expires_at: datetime,
    at: datetime,
) -> Offered:
    """Put terms on the table; against the other side's offer they are a counter-offer, on a signed
    round an amendment. The offer lapses at `expires_at` unless both have signed it by then.

    Raises BadTerms, RoundClosed, NotYourTurn, OfferOnTable, OfferExpired, NothingChanged.
    """
    round_ = await lock_round(conn, round_id=round_id, partner_id=partner_id)
    if round_.state not in OPEN_ROUNDS or round_.notice_at or (round_.ends_at or at) < at:
        raise RoundClosed(state=round_.state)
    terms = _checked(terms, message, expires_at, at)
    live, signed = await live_proposal(conn, round_id), await signed_proposal(conn, round_id)
    _check_answer(live, signed, terms, side=side, at=at)
    if live is not None:
        await _close(conn, live, _STATE.COUNTERED, person_id=author_id, reason="", at=at)
    numbers = select(func.coalesce(func.max(partner_proposals.c.number), 0) + 1)
    number = int(await conn.scalar(numbers.where(partner_proposals.c.round_id == round_id)) or 1)
    document = canonical(Document(round_id=round_id, number=number, terms=terms))
    made = Offered(new_id(), number)
    row = {"id": made.proposal_id, "round_id": round_id, "number": number, "side": side}
    text = {"document": document, "hash": hash_of(document), "message": message.strip()}
    dates = {"offered_at": at, "expires_at": expires_at}
    await conn.execute(
        insert(partner_proposals).values(**row, **text, **dates, author_id=author_id)
    )
    await events.set_deadline(
        conn,
        store_id=PLATFORM_BOOK,
        kind="offer_expires",
        subject_id=made.proposal_id,
        due_at=expires_at,
    )
    facts = {"number": number, "side": side.value, "is_amendment": signed is not None}
    await events.record(conn, "partners.offered", subject_id=round_id, at=at, facts=facts)
    return made


def _check_answer(
    live: Row[Any] | None, signed: Row[Any] | None, terms: Terms, *, side: Side, at: datetime
) -> None:
    """Whether these terms may follow what is on the table, or what is signed."""
    if live is not None:
        if live.state != _STATE.OFFERED:
            raise OfferOnTable
        if live.side == side:
            raise NotYourTurn
        if live.expires_at <= at:
            raise OfferExpired
    answered = live or signed
    if answered is not None and document_from(answered.document).terms == terms:
        raise NothingChanged


def _checked(terms: Terms, message: str, expires_at: datetime, at: datetime) -> Terms:
    if terms.ends <= at:
        raise BadTerms(field="ends", reason="past")
    if not at + SHORTEST_OFFER <= expires_at <= at + LONGEST_OFFER:
        raise BadTerms(field="expires_at", reason="out_of_range")
    if expires_at > terms.ends:
        raise BadTerms(field="expires_at", reason="after_end")
    if len(message) > MOST_MESSAGE:
        raise BadTerms(field="message", reason="too_long")
    return check_terms(terms)


async def _close(
    conn: AsyncConnection,
    proposal: Row[Any],
    state: ProposalState,
    *,
    person_id: PersonId | None,
    reason: str,
    at: datetime,
) -> None:
    """Take a proposal off the table. Raises NothingOnTable."""
    change = (
        update(partner_proposals)
        .where(partner_proposals.c.id == proposal.id)
        .where(partner_proposals.c.state.in_(states_before(state)))
        .values(state=state, closed_at=at, closed_by=person_id, close_reason=reason)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NothingOnTable
    await drop_offer_deadline(conn, proposal.id, at=at, why=state)


async def drop_offer_deadline(
    conn: AsyncConnection, proposal_id: UUID, *, at: datetime, why: str
) -> None:
    await events.drop_deadline(
        conn,
        store_id=PLATFORM_BOOK,
        kind="offer_expires",
        subject_id=proposal_id,
        at=at,
        why=why,
    )


async def accept(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    number: int,
    side: Side,
    person_id: PersonId,
    at: datetime,
) -> None:
    """Take the other side's offer as it is: it becomes the text to sign.

    Raises NothingOnTable, NotYourTurn, OfferExpired, RoundClosed.
    """
    live = await _on_table(conn, round_id, partner_id, number)
    change = (
        update(partner_proposals)
        .where(partner_proposals.c.id == live.id)
        .where(partner_proposals.c.state.in_(states_before(_STATE.ACCEPTED)))
        .where(partner_proposals.c.side != side, partner_proposals.c.author_id != person_id)
        .where(partner_proposals.c.expires_at > at)
        .values(state=_STATE.ACCEPTED, accepted_by=person_id, accepted_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        if live.state != _STATE.OFFERED:
            raise NothingOnTable
        raise OfferExpired if live.expires_at <= at else NotYourTurn
    facts = {"number": number, "side": side.value}
    await events.record(conn, "partners.accepted", subject_id=round_id, at=at, facts=facts)


async def _on_table(
    conn: AsyncConnection, round_id: RoundId, partner_id: UUID | None, number: int
) -> Row[Any]:
    """The live proposal, if it is the one that was looked at."""
    round_ = await lock_round(conn, round_id=round_id, partner_id=partner_id)
    if round_.state not in OPEN_ROUNDS:
        raise RoundClosed(state=round_.state)
    live = await live_proposal(conn, round_id)
    if live is None or live.number != number:
        raise NothingOnTable
    return live


async def take_back(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    number: int,
    side: Side,
    person_id: PersonId,
    reason: str,
    at: datetime,
) -> ProposalState:
    """Withdraw one's own offer, or decline the other side's; answers which it was.

    What was accepted is not taken back, it lapses. Raises NothingOnTable, RoundClosed.
    """
    live = await _on_table(conn, round_id, partner_id, number)
    if live.state != _STATE.OFFERED:
        raise NothingOnTable
    state = _STATE.WITHDRAWN if live.side == side else _STATE.DECLINED
    await _close(conn, live, state, person_id=person_id, reason=reason.strip()[:500], at=at)
    facts = {"number": number, "side": side.value}
    if state is _STATE.WITHDRAWN:
        await events.record(conn, "partners.withdrawn", subject_id=round_id, at=at, facts=facts)
    else:
        await events.record(conn, "partners.declined", subject_id=round_id, at=at, facts=facts)
    return state


async def expire_offer(conn: AsyncConnection, *, proposal_id: UUID, at: datetime) -> bool:
    """Let an offer lapse that is over and not signed by both; False when there is nothing to do."""
    change = (
        update(partner_proposals)
        .where(partner_proposals.c.id == proposal_id, partner_proposals.c.expires_at <= at)
        .where(partner_proposals.c.state.in_(states_before(_STATE.EXPIRED)))
        .values(state=_STATE.EXPIRED, closed_at=at)
        .returning(partner_proposals.c.round_id, partner_proposals.c.number)
    )
    found = (await conn.execute(change)).one_or_none()
    if found is None:
        return False
    facts = {"number": found.number}
    await events.record(conn, "partners.expired", subject_id=found.round_id, at=at, facts=facts)
    return True


async def lock_round_of_deadline(conn: AsyncConnection, *, kind: str, subject_id: UUID) -> bool:
    """Keep the round that a deadline is about; False while another has it in hand."""
    asked = select(partner_rounds.c.id).with_for_update(skip_locked=True, of=partner_rounds)
    if kind == "offer_expires":
        of = partner_proposals.c.round_id == partner_rounds.c.id
        asked = asked.join(partner_proposals, of).where(partner_proposals.c.id == subject_id)
    else:
        asked = asked.where(partner_rounds.c.id == subject_id)
    return await conn.scalar(asked) is not None


async def give_up(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    side: Side,
    person_id: PersonId,
    reason: str,
    at: datetime,
) -> None:
    """End the negotiation without a signature; what was on the table is off. Raises RoundClosed."""
    round_ = await lock_round(conn, round_id=round_id, partner_id=partner_id)
    live = await live_proposal(conn, round_id)
    if live is not None and round_.state == RoundState.NEGOTIATING:
        await _close(conn, live, _STATE.WITHDRAWN, person_id=person_id, reason="given_up", at=at)
    change = (
        update(partner_rounds)
        .where(partner_rounds.c.id == round_id)
        .where(partner_rounds.c.state.in_(rounds_before(RoundState.GIVEN_UP)))
        .values(state=RoundState.GIVEN_UP, notice_reason=reason.strip()[:500])
    )
    if (await conn.execute(change)).rowcount != 1:
        raise RoundClosed(state=round_.state)
    facts = {"side": side.value}
    await events.record(conn, "partners.given_up", subject_id=round_id, at=at, facts=facts)


async def comment(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    side: Side,
    author_id: PersonId,
    body: str,
    number: int | None,
    term: str,
    at: datetime,
) -> UUID:
    """Say something about the round, or about a term of one proposal. Raises BadTerms, NotFound."""
    await lock_round(conn, round_id=round_id, partner_id=partner_id)
    words = body.strip()
    if not 1 <= len(words) <= 4_000 or len(term) > 200:
        raise BadTerms(field="body", reason="empty" if not words else "too_long")
    if number is not None:
        asked = select(partner_proposals.c.id).where(partner_proposals.c.round_id == round_id)
        if await conn.scalar(asked.where(partner_proposals.c.number == number)) is None:
            raise NotFound
    comment_id = new_id()
    row = {"id": comment_id, "round_id": round_id, "number": number, "term": term, "side": side}
    await conn.execute(
        insert(partner_comments).values(**row, author_id=author_id, body=words, at=at)
    )
    return comment_id
