"""Signing a text by its hash, giving notice, and ending a round."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PLATFORM_BOOK, PersonId, RoundId, new_id
from dougong.infra import events
from dougong.partners.commands import (
    drop_offer_deadline,
    live_proposal,
    lock_round,
    signed_proposal,
)
from dougong.partners.rules import (
    OPEN_ROUNDS,
    TO_SIGN,
    NothingOnTable,
    OfferExpired,
    OtherText,
    ProposalState,
    RoundClosed,
    RoundState,
    SecondSignerNeeded,
    Side,
    SignedAlready,
    Terms,
    document_from,
    rounds_before,
    states_before,
)
from dougong.partners.tables import partner_proposals, partner_rounds, partner_signatures

AT_ONCE = timedelta(seconds=1)  # a rule ends in the future, if only by that
_STATE = ProposalState


class Signed(msgspec.Struct, frozen=True):
    """A text that both sides have signed. `author_id` put it forward for the platform (proposed or
    accepted it), `signer_id` signed it for the platform."""

    round_id: RoundId
    proposal_id: UUID
    number: int
    terms: Terms
    author_id: PersonId
    signer_id: PersonId
    is_amendment: bool


async def sign(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    number: int,
    side: Side,
    person_id: PersonId,
    signer: str,
    hash: bytes,
    at: datetime,
) -> Signed | None:
    """Sign what both have accepted; None while the other side's signature is missing.

    Raises NothingOnTable, OfferExpired, OtherText, SignedAlready, SecondSignerNeeded, RoundClosed.
    """
    round_ = await lock_round(conn, round_id=round_id, partner_id=partner_id)
    proposal = await _to_sign(conn, round_, number, side=side, at=at)
    if bytes(proposal.hash) != hash:
        raise OtherText
    mover = PersonId(proposal.author_id if proposal.side == Side.PLATFORM else proposal.accepted_by)
    if side is Side.PLATFORM and person_id == mover:
        raise SecondSignerNeeded
    signers = select(partner_signatures.c.side, partner_signatures.c.person_id)
    there = (
        await conn.execute(signers.where(partner_signatures.c.proposal_id == proposal.id))
    ).all()
    if any(one.side == side for one in there):
        raise SignedAlready
    if any(one.person_id == person_id for one in there):
        raise SecondSignerNeeded
    row = {"id": new_id(), "proposal_id": proposal.id, "hash": hash, "side": side, "at": at}
    await conn.execute(insert(partner_signatures).values(**row, person_id=person_id, signer=signer))
    facts = {"number": number, "side": side.value}
    await events.record(conn, "partners.signed", subject_id=round_id, at=at, facts=facts)
    if not there:
        await _move(conn, proposal, _STATE.HALF_SIGNED)
        return None
    ours = person_id if side is Side.PLATFORM else PersonId(there[0].person_id)
    return await _conclude(conn, round_, proposal, author_id=mover, signer_id=ours, at=at)


async def _to_sign(
    conn: AsyncConnection, round_: Row[Any], number: int, *, side: Side, at: datetime
) -> Row[Any]:
    if round_.state not in OPEN_ROUNDS:
        raise RoundClosed(state=round_.state)
    asked = select(partner_proposals).where(partner_proposals.c.round_id == round_.id)
    found = (await conn.execute(asked.where(partner_proposals.c.number == number))).one_or_none()
    if found is None:
        raise NotFound
    if found.state in (_STATE.SIGNED, _STATE.REPLACED):
        raise SignedAlready
    if found.state == _STATE.EXPIRED or (found.state in TO_SIGN and found.expires_at <= at):
        raise OfferExpired
    if found.state not in TO_SIGN:
        raise NothingOnTable
    return found


async def _move(
    conn: AsyncConnection, proposal: Row[Any], state: ProposalState, *, at: datetime | None = None
) -> None:
    values = {"state": state} | ({"closed_at": at} if at else {})
    change = (
        update(partner_proposals)
        .where(partner_proposals.c.id == proposal.id)
        .where(partner_proposals.c.state.in_(states_before(state)))
        .values(values)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NothingOnTable


async def _conclude(
    conn: AsyncConnection,
    round_: Row[Any],
    proposal: Row[Any],
    *,
    author_id: PersonId,
    signer_id: PersonId,
    at: datetime,
) -> Signed:
    """The second signature: the text holds from now on, and replaces the one before."""
    before = await signed_proposal(conn, round_.id)
    if before is not None:
        await _move(conn, before, _STATE.REPLACED, at=at)
    await _move(conn, proposal, _STATE.SIGNED, at=at)
    await drop_offer_deadline(conn, proposal.id, at=at, why="signed")
    terms = document_from(proposal.document).terms
    values: dict[str, object] = {"ends_at": terms.ends}
    if before is None:
        values |= {"state": RoundState.SIGNED, "signed_at": at}
    await conn.execute(
        update(partner_rounds).where(partner_rounds.c.id == round_.id).values(values)
    )
    ends = {"store_id": PLATFORM_BOOK, "kind": "round_ends", "subject_id": round_.id}
    if before is None:
        await events.set_deadline(conn, **ends, due_at=terms.ends)
    else:
        await events.move_deadline(conn, **ends, due_at=terms.ends)
    facts = {"number": proposal.number, "is_amendment": before is not None}
    await events.record(conn, "partners.round_signed", subject_id=round_.id, at=at, facts=facts)
    return Signed(
        round_id=round_.id,
        proposal_id=proposal.id,
        number=proposal.number,
        terms=terms,
        author_id=author_id,
        signer_id=signer_id,
        is_amendment=before is not None,
    )


async def give_notice(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    side: Side,
    reason: str,
    at: datetime,
) -> datetime:
    """End a signed round when its notice is over; answers that instant, which is never later than
    the period's end. Raises RoundClosed when it is not signed, or when notice was given before."""
    round_ = await lock_round(conn, round_id=round_id, partner_id=partner_id)
    signed = await signed_proposal(conn, round_id)
    if round_.state != RoundState.SIGNED or signed is None or round_.notice_at:
        raise RoundClosed(state=round_.state)
    wait = timedelta(days=document_from(signed.document).terms.notice_days)
    ends_at: datetime = min(round_.ends_at, at + max(wait, AT_ONCE))
    change = (
        update(partner_rounds)
        .where(partner_rounds.c.id == round_id, partner_rounds.c.state == RoundState.SIGNED)
        .where(partner_rounds.c.notice_at.is_(None))
        .values(notice_by=side, notice_at=at, notice_reason=reason.strip()[:500], ends_at=ends_at)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise RoundClosed(state=round_.state)
    await events.move_deadline(
        conn, store_id=PLATFORM_BOOK, kind="round_ends", subject_id=round_id, due_at=ends_at
    )
    facts = {"side": side.value, "ends": ends_at.isoformat()}
    await events.record(conn, "partners.notice_given", subject_id=round_id, at=at, facts=facts)
    return ends_at


async def end_round(conn: AsyncConnection, *, round_id: RoundId, at: datetime) -> bool:
    """Close a signed round whose time is over; what was on the table is off. False when it is not
    over, or not signed."""
    change = (
        update(partner_rounds)
        .where(partner_rounds.c.id == round_id, partner_rounds.c.ends_at <= at)
        .where(partner_rounds.c.state.in_(rounds_before(RoundState.ENDED)))
        .values(state=RoundState.ENDED, ended_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        return False
    live = await live_proposal(conn, round_id)
    if live is not None:
        await _move(conn, live, _STATE.EXPIRED, at=at)
        await drop_offer_deadline(conn, live.id, at=at, why="round_ended")
    await events.record(conn, "partners.round_ended", subject_id=round_id, at=at, facts={})
    return True
