"""A round ends by notice or when its time is over: its rules end at that instant, and what is owed
is stated and booked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, RoundId
from dougong.flows.count_round import count_round
from dougong.infra import clock
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved, platform
from dougong.partners.commands import expire_offer
from dougong.partners.delivery_commands import delivered_of, make_statement
from dougong.partners.progress_rules import Line, lines_of
from dougong.partners.rules import Side, Terms
from dougong.partners.sign_commands import end_round, give_notice
from dougong.policy.commands import end_rules_of_round
from dougong.reads.partner_rounds import round_names, signed_terms


async def notice(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    side: Side,
    reason: str,
    at: datetime,
) -> datetime:
    """Give notice; the round's rules end when it does, which everybody can read from now on.

    Raises RoundClosed, NotFound. Answers the instant.
    """
    ends = await give_notice(
        conn, round_id=round_id, partner_id=partner_id, side=side, reason=reason, at=at
    )
    await end_rules_of_round(conn, round_id=round_id, ends=ends, at=at)
    return ends


async def lapse(conn: AsyncConnection, *, proposal_id: UUID, at: datetime) -> str:
    """The deadline of an offer. Answers what came of it."""
    done = await expire_offer(conn, proposal_id=proposal_id, at=at)
    return "acted" if done else "not_needed"


async def finish(conn: AsyncConnection, *, round_id: RoundId, at: datetime) -> str:
    """The deadline of a round: count a last time, state what is owed, book it.

    The rules carry the same end since they were announced, or since notice was given.
    """
    terms = await signed_terms(conn, round_id=round_id)
    if terms is None or not await end_round(conn, round_id=round_id, at=at):
        return "not_needed"
    await count_round(conn, round_id=round_id, at=at)
    lines = lines_of(terms, await delivered_of(conn, round_id))
    await make_statement(conn, round_id=round_id, currency=terms.currency, lines=lines, at=at)
    await _book_shortfalls(conn, round_id, terms, lines, at=at)
    return "acted"


async def _book_shortfalls(
    conn: AsyncConnection, round_id: RoundId, terms: Terms, lines: list[Line], *, at: datetime
) -> None:
    """What is missing is paid for by who promised it; rebates were booked as they accrued."""
    names = await round_names(conn, round_id=round_id)
    if names is None:
        raise LookupError(round_id)
    shortfall = platform(Purpose.PARTNER_SHORTFALL)
    entries = []
    for line in lines:
        if line.what != "shortfall":
            continue
        if line.owed_by is Side.PARTNER:
            src, dst = AccountName(names.partner_id, Purpose.PARTNER_RECEIVABLE), shortfall
        else:
            src, dst = shortfall, AccountName(names.partner_id, Purpose.PARTNER_PAYABLE)
        entries.append(
            Entry(
                kind=EntryKind.PARTNER_TRUE_UP,
                key=f"true_up:{round_id}:{line.kind}",
                counts_at=at,
                transfers=tuple(moved(src, dst, line.amount_minor, Part.SHORTFALL)),
            )
        )
    await book(
        conn,
        store_id=PLATFORM_BOOK,
        currency=terms.currency,
        entries=entries,
        written_at=clock.wall_now(),
    )
